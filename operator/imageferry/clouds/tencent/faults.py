"""The table of errors: what a code means, what follows from it, and whether the task may have started all the same.

The rows are in `codes/`, a room for each kind of call, with their sources; docs/errors.md shows them all. A code that the
call's own table does not name is looked for in the common one and then in the others, and at last by its first word. What no
document names is an error of the cloud's own, which proves nothing: the status of the API's answers is 200, whatever they say.
"""

from typing import Final

from imageferry.clouds.faults import Refused
from imageferry.clouds.rows import SKEW, Row, Table
from imageferry.clouds.tencent.codes.common import CAM, COMMON, FAMILIES, UNCLEAR
from imageferry.clouds.tencent.codes.cos import COS
from imageferry.clouds.tencent.codes.exports import EXPORT
from imageferry.clouds.tencent.codes.images import IMAGES
from imageferry.clouds.tencent.codes.imports import IMPORT

_EXPIRED: Final = "has expired"
"""What COS says of a signature whose time is over, under the code of a missing right: only the text tells the two apart."""

TABLES: Final[tuple[Table, ...]] = (EXPORT, IMPORT, IMAGES, CAM, COS, COMMON)
"""Every documented code of the calls in use, by the calls that answer with it."""


def row(action: str, refused: Refused) -> Row:
    """The row of an answer to a call."""
    if refused.code == "AccessDenied" and _EXPIRED in refused.text:
        return SKEW
    return documented(action, refused.code) or FAMILIES.get(refused.code.partition(".")[0]) or UNCLEAR


def documented(action: str, code: str) -> Row | None:
    """The row of a code as an answer to a call, or None if no document names it."""
    own = [table for table in TABLES if action in table.calls]
    return next((table.rows[code] for table in (*own, COMMON, *TABLES) if code in table.rows), None)

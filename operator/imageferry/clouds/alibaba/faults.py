"""The table of errors: what a code means, what follows from it, and whether the task may have started all the same.

The rows are in `codes/`, a room for each kind of call, with their sources; docs/errors.md shows them all. A code that the
call's own table does not name is looked for in the common one and then in the others; what none names is an error of the
cloud's own. No SDK type and no request may enter here.
"""

from typing import Final

from imageferry.clouds.alibaba.codes.common import COMMON, RAM
from imageferry.clouds.alibaba.codes.exports import EXPORT
from imageferry.clouds.alibaba.codes.imports import IMPORT
from imageferry.clouds.alibaba.codes.oss import OSS, OTHER_REGION
from imageferry.clouds.alibaba.codes.tasks import IMAGES, SNAPSHOTS, TAGS, TASKS
from imageferry.clouds.faults import Refused
from imageferry.clouds.rows import UNAVAILABLE, Row, Table

TABLES: Final[tuple[Table, ...]] = (EXPORT, IMPORT, TASKS, IMAGES, SNAPSHOTS, TAGS, RAM, OSS, COMMON)
"""Every documented code of the calls in use, by the calls that answer with it."""

_WRONG_ENDPOINT: Final = "must be addressed using the specified endpoint"


def row(action: str, refused: Refused) -> Row:
    """The row of an answer to a call."""
    if refused.code == "AccessDenied" and _WRONG_ENDPOINT in refused.text:
        return OTHER_REGION
    return documented(action, refused.code, refused.status) or UNAVAILABLE


def documented(action: str, code: str, status: int = 0) -> Row | None:
    """The row of a code as an answer to a call, or None if no document names it."""
    own = [table for table in TABLES if action in table.calls]
    for table in (*own, COMMON, *TABLES):
        found = table.by_status.get((code, status)) or table.rows.get(code)
        if found:
            return found
    return None

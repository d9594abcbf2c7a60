"""Which systems can be imported: pure, from what DescribeImportImageOs lists.

https://www.tencentcloud.com/document/product/213/33271
"""

from collections.abc import Iterable

from imageferry.clouds.tencent.translate import System
from imageferry.core.errors import Rejected
from imageferry.core.job import ImageWish
from imageferry.core.reasons import Reason


def check(wish: ImageWish, listed: Iterable[System]) -> None:
    """Whether system, version and architecture are among those that the cloud imports. Raises Rejected naming what it has."""
    systems = {system.name: system for system in listed}
    if not systems:
        return  # nothing is listed, so nothing is held against the wish: ImportImage itself tells
    system = systems.get(wish.platform)
    if system is None:
        raise _refused("platform", wish.platform, sorted(systems))
    if system.versions and wish.os_version not in system.versions:
        raise _refused("osVersion", wish.os_version, system.versions)
    ours = [each.replace("arm_64", "arm64") for each in system.architectures]
    if ours and (wish.architecture or "x86_64") not in ours:
        raise _refused("architecture", wish.architecture or "x86_64", ours)


def _refused(field: str, value: str, known: Iterable[str]) -> Rejected:
    return Rejected(
        Reason.INVALID_SPEC, f"spec.image.{field} {value!r} is none that the cloud imports: {', '.join(known)}."
    )

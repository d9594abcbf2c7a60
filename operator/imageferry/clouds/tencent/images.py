"""What an image must be to be exported: pure, from what DescribeImages shows.

Limits: https://www.tencentcloud.com/document/product/213/45279 and the error table of ExportImages. Whether an image is encrypted
or comes from the marketplace is not shown; a dry run of the export tells.
"""

from collections.abc import Iterable
from typing import Final

from imageferry.clouds.selection import newest
from imageferry.clouds.tencent.translate import FAILED, NORMAL, SYSTEM_DISK, Disk, Image
from imageferry.core.errors import Blocked, Rejected
from imageferry.core.reasons import Reason

MOST_DATA_DISKS: Final = 5
MOST_GIB: Final = 500

_OWN: Final = ("PRIVATE_IMAGE", "")
"""ImageType of the account's own images; where it is not said, nothing is held against the image."""


def by_family(family: str, found: Iterable[Image]) -> Image:
    """The newest image of the family that is NORMAL and not deprecated. Raises Rejected, or Blocked while there is none."""
    members = [image for image in found if image.family == family and not image.deprecated]
    return newest(family, members, ready=lambda image: image.state == NORMAL, word=NORMAL)


def exported(image: Image, *, system_only: bool) -> tuple[Disk, ...]:
    """The disks that an export writes: one file each."""
    return tuple(disk for disk in image.disks if disk.usage == SYSTEM_DISK or not system_only)


def check(image: Image, *, system_only: bool) -> None:
    """What the image shows. Raises Rejected for what no wait can change, Blocked while it is not ready."""
    _check_kind(image)
    _check_disks(image, exported(image, system_only=system_only))
    if image.state in FAILED:
        raise Rejected(Reason.IMAGE_NOT_READY, f"Image {image.id} is {image.state}: its creation failed; use another.")
    if image.state != NORMAL:
        raise Blocked(Reason.IMAGE_NOT_READY, f"Image {image.id} is {image.state or 'in no known state'}, not NORMAL.")


def _check_kind(image: Image) -> None:
    if image.kind not in _OWN:
        raise Rejected(
            Reason.IMAGE_NOT_OWNED,
            f"Image {image.id} is public or shared with the account (ImageType {image.kind}), not its own.",
        )
    system = f"{image.platform} {image.os_name}".lower().replace(" ", "")
    licensed = next((name for name in ("Windows", "Red Hat") if name.lower().replace(" ", "") in system), None)
    if licensed:
        raise Rejected(
            Reason.LICENSE_NOT_EXPORTABLE, f"Image {image.id} holds {licensed}, whose licence forbids its export."
        )


def _check_disks(image: Image, disks: tuple[Disk, ...]) -> None:
    data = [disk for disk in disks if disk.usage != SYSTEM_DISK]
    if len(data) > MOST_DATA_DISKS:
        raise Rejected(
            Reason.TOO_MANY_DISKS,
            f"Image {image.id} holds {len(data)} data disks; {MOST_DATA_DISKS} can be exported (or spec.disks: SystemOnly).",
        )
    largest = max((disk.size_gib for disk in disks), default=0)
    if largest > MOST_GIB:
        raise Rejected(
            Reason.DISK_TOO_LARGE,
            f"Image {image.id} holds a disk of {largest} GiB; {MOST_GIB} GiB can be exported.",
        )

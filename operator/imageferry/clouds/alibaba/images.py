"""What an image must be to be exported, and which image a source means: pure, from what DescribeImages shows.

Limits: https://www.alibabacloud.com/help/en/ecs/user-guide/export-a-custom-image. An image family stands for its newest
available image: https://www.alibabacloud.com/help/en/ecs/user-guide/overview-of-image-families.
"""

from collections.abc import Iterable
from typing import Final

from imageferry.clouds.alibaba.translate import Image
from imageferry.clouds.selection import newest
from imageferry.core.errors import Blocked, Rejected
from imageferry.core.reasons import Reason

MOST_DATA_DISKS: Final = 4
MOST_GIB: Final = 500

_OWN: Final = ("self", "")
"""ImageOwnerAlias of the account's own images; where it is not said, nothing is held against the image."""

_FAILED: Final = ("CreateFailed", "UnAvailable")


def by_family(family: str, found: Iterable[Image]) -> Image:
    """The newest available image of the family. Raises Rejected, or Blocked while none of its images is available."""
    members = [image for image in found if image.status != "Deprecated"]
    return newest(family, members, ready=lambda image: image.status == "Available", word="Available")


def check(image: Image) -> None:
    """What the image shows. Raises Rejected for what no wait can change, Blocked while it is not ready."""
    _check_kind(image)
    _check_disks(image)
    if image.status in _FAILED:
        raise Rejected(Reason.IMAGE_NOT_READY, f"Image {image.id} is {image.status}: its creation failed; use another.")
    if image.status != "Available":
        raise Blocked(
            Reason.IMAGE_NOT_READY, f"Image {image.id} is {image.status or 'in no known state'}, not Available."
        )


def _check_kind(image: Image) -> None:
    if image.product_code or image.owner_alias == "marketplace":
        raise Rejected(
            Reason.IMAGE_NOT_SUPPORTED, f"Image {image.id} comes from the marketplace and cannot be exported."
        )
    if image.owner_alias not in _OWN:
        raise Rejected(
            Reason.IMAGE_NOT_OWNED,
            f"Image {image.id} is public or shared with the account (ImageOwnerAlias {image.owner_alias}), not its own.",
        )
    if image.platform.startswith("Windows") or image.os_type.lower() == "windows":
        raise Rejected(
            Reason.LICENSE_NOT_EXPORTABLE, f"Image {image.id} holds Windows, whose licence forbids its export."
        )


def _check_disks(image: Image) -> None:
    if image.encrypted:
        raise Rejected(
            Reason.ENCRYPTED_SNAPSHOT, f"Image {image.id} holds encrypted snapshots, which cannot be exported."
        )
    if len(image.data_disks_gib) > MOST_DATA_DISKS:
        raise Rejected(
            Reason.TOO_MANY_DISKS,
            f"Image {image.id} holds {len(image.data_disks_gib)} data disks; {MOST_DATA_DISKS} can be exported.",
        )
    if max(image.data_disks_gib, default=0) > MOST_GIB:
        raise Rejected(
            Reason.DISK_TOO_LARGE,
            f"Image {image.id} holds a data disk of {max(image.data_disks_gib)} GiB; {MOST_GIB} GiB can be exported.",
        )

"""Images and their disks as the compute service of Tencent Cloud knows them, apart from its tasks. No HTTP, no rules."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imageferry_emulator.cvm.shelf import Shelf
from imageferry_emulator.shapes import text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imageferry_emulator.clock import Clock
    from imageferry_emulator.state import Journal

SYSTEM, DATA = "SYSTEM_DISK", "DATA_DISK"
NORMAL, IMPORTING, IMPORT_FAILED = "NORMAL", "IMPORTING", "IMPORTFAILED"
PRIVATE, PUBLIC, SHARED = "PRIVATE_IMAGE", "PUBLIC_IMAGE", "SHARED_IMAGE"
DISK_BYTES = 3 * 1024 * 1024
"""The real size of a disk that the seed gives no size: enough for an upload in two parts."""
GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Disk:
    """A disk of an image. `size_gib` is what clients are told, `bytes` what the file behind it holds if the emulator makes it."""

    usage: str
    size_gib: int
    encrypted: bool
    snapshot_id: str
    file: str | None
    bytes: int


@dataclass(frozen=True, slots=True)
class Image:
    """An image. `accepted` is when its import was, in real seconds since 1970; 0 for an image of the seed.

    A `public` one is everybody's, one `of_market` was made of an image of the market, a `busy` one is never idle. The seconds
    override the settings.
    """

    id: str
    region: str
    account_id: str
    name: str
    description: str
    family: str
    deprecated: bool
    state: str
    accepted: float
    os_name: str
    platform: str
    architecture: str
    license_type: str
    source: str
    public: bool
    of_market: bool
    busy: bool
    shared_with: tuple[str, ...]
    created: str
    tags: tuple[tuple[str, str], ...]
    disks: tuple[Disk, ...]
    waiting_seconds: float | None
    seconds_per_disk: float | None

    def type_to(self, account_id: str) -> str:
        """The ImageType that an account sees, '' if it does not see the image at all."""
        if self.public:
            return PUBLIC
        if account_id == self.account_id:
            return PRIVATE
        return SHARED if account_id in self.shared_with else ""


class Compute:
    """All images, kept in the journal, and the bytes behind their disks."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self.shelf = Shelf(journal.root / "tencentDisks")

    def image(self, image_id: str) -> Image | None:
        """The image of that id, or None."""
        stored = self._journal.table("tencentImages").get(image_id)
        return _image(stored) if stored else None

    def images(self) -> Iterator[Image]:
        """All images, in the order in which they came."""
        return (_image(stored) for stored in self._journal.table("tencentImages").values())

    def custom(self, account_id: str, region: str) -> list[Image]:
        """An account's own images in a region, in whatever state."""
        own = (image for image in self.images() if image.account_id == account_id and not image.public)
        return [image for image in own if image.region == region]

    def put_image(self, image: dict[str, Any]) -> Image:
        """Add or replace an image of the shape that the README gives. Raises ValueError if it is not of that shape."""
        stored = {"created": self._clock.real_now().strftime("%Y-%m-%dT%H:%M:%SZ"), **image}
        parsed = _image(stored)
        self._journal.put("tencentImages", parsed.id, stored)
        return parsed

    def change_image(self, image_id: str, **changes: Any) -> None:  # noqa: ANN401 (any JSON value)
        """Change an image that there is, by the names that the README gives."""
        self._journal.put("tencentImages", image_id, {**self._journal.table("tencentImages")[image_id], **changes})

    def finish_import(self, image_id: str, disk_count: int) -> None:
        """Let an image be NORMAL whose disks are all there; they are as large as what was read."""
        stored = self._journal.table("tencentImages")[image_id]
        sizes = [-(-self.shelf.path(image_id, index).stat().st_size // GIB) for index in range(disk_count)]
        tags = {**stored.get("tags", {}), **stored.get("tagsOnceNormal", {})}
        self.change_image(image_id, state=NORMAL, disks=[{"sizeGiB": size} for size in sizes], tags=tags)

    def delete_image(self, image: Image, *, with_snapshots: bool) -> None:
        """Forget an image; the snapshots behind it outlive it unless they are to go with it."""
        self._journal.drop("tencentImages", image.id)
        for index, disk in enumerate(image.disks):
            if with_snapshots:
                self.shelf.drop(image.id, index)
            else:
                kept = {"region": image.region, "account": image.account_id, "sizeGiB": disk.size_gib}
                self._journal.put("tencentSnapshots", disk.snapshot_id, kept)

    def shown(self) -> dict[str, Any]:
        """Images as they are stored, and the snapshots that outlived theirs."""
        kept = self._journal.table("tencentSnapshots")
        return {
            "images": list(self._journal.table("tencentImages").values()),
            "keptSnapshots": [{"id": snapshot_id, **stored} for snapshot_id, stored in kept.items()],
        }

    def disk_file(self, image_id: str, index: int) -> Path:
        """The file behind a disk of an image that there is; made on first use if the emulator makes disks up. Blocks."""
        disk = _image(self._journal.table("tencentImages")[image_id]).disks[index]
        return Path(disk.file) if disk.file else self.shelf.made_up(image_id, index, disk.bytes)


def _image(stored: dict[str, Any]) -> Image:
    image_id = text(stored, "id")
    return Image(
        id=image_id,
        region=text(stored, "region"),
        account_id=text(stored, "account"),
        name=stored.get("name", image_id),
        description=stored.get("description", ""),
        family=stored.get("family", ""),
        deprecated=stored.get("deprecated", False),
        state=stored.get("state", NORMAL),
        accepted=stored.get("accepted", 0.0),
        os_name=stored.get("osName", "Ubuntu Server 22.04 LTS 64bit"),
        platform=stored.get("platform", "Ubuntu"),
        architecture=stored.get("architecture", "x86_64"),
        license_type=stored.get("licenseType", "TencentCloud"),
        source=stored.get("source", "CREATE_IMAGE"),
        public=stored.get("public", False),
        of_market=stored.get("ofMarket", False),
        busy=stored.get("busy", False),
        shared_with=tuple(stored.get("sharedWith", [])),
        created=stored.get("created", ""),
        tags=tuple(stored.get("tags", {}).items()),
        disks=tuple(_disk(disk, image_id, index) for index, disk in enumerate(stored.get("disks", [{}]))),
        waiting_seconds=stored.get("waitingSeconds"),
        seconds_per_disk=stored.get("secondsPerDisk"),
    )


def _disk(stored: dict[str, Any], image_id: str, index: int) -> Disk:
    return Disk(
        usage=DATA if index else SYSTEM,
        size_gib=stored.get("sizeGiB", 50),
        encrypted=stored.get("encrypted", False),
        snapshot_id=f"snap-{zlib.crc32(f'{image_id}/{index}'.encode()):08x}",
        file=stored.get("file"),
        bytes=stored.get("bytes", DISK_BYTES),
    )

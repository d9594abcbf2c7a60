"""Regions, images and their disks: what the compute service knows, apart from its tasks. No HTTP, no export rules."""

from __future__ import annotations

import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imageferry_emulator import disks
from imageferry_emulator.shapes import text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imageferry_emulator.clock import Clock
    from imageferry_emulator.state import Journal

DISK_BYTES = 3 * 1024 * 1024
"""The real size of a disk that the seed gives no size: small, so that exports are quick."""
GIB = 1 << 30


class ImageGoneError(LookupError):
    """The image was deleted while it was being read."""


@dataclass(frozen=True, slots=True)
class Region:
    """A region: whether it exports and imports images at all, into which formats and from which."""

    id: str
    name: str
    export_supported: bool
    formats: tuple[str, ...]
    import_supported: bool
    import_formats: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Disk:
    """A disk of an image. `size_gib` is what clients are told, `bytes` what the file behind it holds if the emulator makes it.

    Of a disk that was imported `import_bucket`, `import_object` and `format` tell from where and what.
    """

    device: str
    kind: str
    size_gib: int
    encrypted: bool
    snapshot_id: str
    file: str | None
    bytes: int
    import_bucket: str
    import_object: str
    format: str

    @property
    def short_device(self) -> str:
        """`xvdb` of `/dev/xvdb`: how exported files name a data disk."""
        return self.device.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Image:
    """An image. `available_at` on the task clock turns Creating into Available; the seconds override the settings.

    `accepted` is when its import was, in real seconds since 1970; 0 for an image of the seed.
    """

    id: str
    region: str
    account_id: str
    name: str
    description: str
    family: str
    status: str
    available_at: float | None
    accepted: float
    os_type: str
    platform: str
    architecture: str
    boot_mode: str
    owner_alias: str
    product_code: str
    created: str
    tags: tuple[tuple[str, str], ...]
    disks: tuple[Disk, ...]
    waiting_seconds: float | None
    seconds_per_disk: float | None
    used_by_instances: bool
    shared_with: tuple[str, ...]
    license_type: str
    nvme: str
    imds: str
    resource_group: str

    def alias_to(self, account_id: str) -> str:
        """The ImageOwnerAlias that an account sees, '' if it does not see the image at all."""
        if account_id == self.account_id or self.owner_alias in ("system", "marketplace"):
            return self.owner_alias
        return "others" if account_id in self.shared_with else ""

    def status_at(self, now: float) -> str:
        """The status when the task clock shows `now`."""
        return "Available" if self.available_at is not None and now >= self.available_at else self.status

    @property
    def data_disks(self) -> tuple[Disk, ...]:
        """The disks besides the system disk."""
        return tuple(disk for disk in self.disks if disk.kind == "data")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The snapshot behind a disk of an image; `kept` if the image has been deleted."""

    image: Image
    disk: Disk
    kept: bool
    tags: tuple[tuple[str, str], ...] = ()

    @property
    def id(self) -> str:
        """The snapshot's id."""
        return self.disk.snapshot_id

    @property
    def region(self) -> str:
        """Where it is: where its image is, or was."""
        return self.image.region

    @property
    def account_id(self) -> str:
        """Whose it is."""
        return self.image.account_id


class Compute:
    """All regions and images, kept in the journal."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock

    def region(self, region_id: str) -> Region | None:
        """The region of that id, or None."""
        stored = self._journal.table("regions").get(region_id)
        return _region(stored) if stored else None

    def regions(self) -> Iterator[Region]:
        """All regions."""
        return (_region(stored) for stored in self._journal.table("regions").values())

    def image(self, image_id: str) -> Image | None:
        """The image of that id, or None."""
        stored = self._journal.table("images").get(image_id)
        return _image(stored) if stored else None

    def images(self) -> Iterator[Image]:
        """All images, in the order in which they came."""
        return (_image(stored) for stored in self._journal.table("images").values())

    def put_region(self, region: dict[str, Any]) -> None:
        """Add or replace a region: {id, name?, exportSupported?, formats?}. Raises ValueError if it is not of that shape."""
        self._journal.put("regions", _region(region).id, region)

    def put_image(self, image: dict[str, Any]) -> Image:
        """Add or replace an image of the shape that the README gives. Raises ValueError if it is not of that shape."""
        stored = dict(image)
        delay = stored.pop("availableAfterSeconds", None)
        if delay is not None:
            stored["availableAt"] = self._clock.task_seconds() + float(delay)
        stored.setdefault("created", self._clock.real_now().strftime("%Y-%m-%dT%H:%M:%SZ"))
        parsed = _image(stored)
        self._journal.put("images", parsed.id, stored)
        return parsed

    def drop_image(self, image_id: str) -> None:
        """Forget an image."""
        self._journal.drop("images", image_id)

    def delete_image(self, image_id: str) -> None:
        """Forget an image, but not its snapshots."""
        self._journal.put("deletedImages", image_id, self._journal.table("images")[image_id])
        self._journal.drop("images", image_id)

    def tag_image(self, image_id: str, tags: dict[str, str]) -> None:
        """Let an image have these tags and no others."""
        self.change_image(image_id, tags=tags)

    def tag_snapshot(self, snapshot_id: str, tags: dict[str, str]) -> None:
        """Let a snapshot have these tags and no others."""
        self._journal.put("snapshotTags", snapshot_id, tags)

    def change_image(self, image_id: str, **changes: Any) -> None:  # noqa: ANN401 (any JSON value)
        """Change an image that there is, by the names that the README gives."""
        self._journal.put("images", image_id, {**self._journal.table("images")[image_id], **changes})

    def finish_import(self, image_id: str) -> None:
        """Let an image be Available whose disks are all there: those for which no size was asked have their own."""
        stored = self._journal.table("images")[image_id]
        disks_now = [
            disk if disk["sizeAsked"] else {**disk, "sizeGiB": -(-self.own_file(image_id, index).stat().st_size // GIB)}
            for index, disk in enumerate(stored["disks"])
        ]
        tags = {**stored.get("tags", {}), **stored.get("tagsOnceAvailable", {})}
        self.change_image(image_id, status="Available", disks=disks_now, tags=tags)

    def snapshots(self) -> Iterator[Snapshot]:
        """The snapshots of all images, and of those that were deleted."""
        gone, tags = self._journal.table("deletedSnapshots"), self._journal.table("snapshotTags")
        for table in ("images", "deletedImages"):
            for image in map(_image, self._journal.table(table).values()):
                kept = (disk for disk in image.disks if disk.snapshot_id not in gone)
                for disk in kept:
                    own_tags = tuple(tags.get(disk.snapshot_id, {}).items())
                    yield Snapshot(image, disk, kept=table != "images", tags=own_tags)

    def delete_snapshot(self, snapshot: Snapshot) -> None:
        """Forget a snapshot, and the bytes behind it if they are the emulator's own."""
        self._journal.put("deletedSnapshots", snapshot.disk.snapshot_id, {})
        self.own_file(snapshot.image.id, snapshot.image.disks.index(snapshot.disk)).unlink(missing_ok=True)

    def shown(self) -> dict[str, Any]:
        """Regions and images as they are stored, and the snapshots that there are."""
        return {
            "regions": list(self._journal.table("regions").values()),
            "images": list(self._journal.table("images").values()),
            "snapshots": [
                {"id": each.id, "imageID": each.image.id, "tags": dict(each.tags)} for each in self.snapshots()
            ],
        }

    def disk_file(self, image_id: str, index: int) -> Path:
        """The file behind a disk; made on first use if the emulator makes disks up. Blocks. Raises ImageGoneError."""
        image = self.image(image_id)
        if image is None:
            raise ImageGoneError(image_id)
        disk = image.disks[index]
        if disk.file is not None:
            return Path(disk.file)
        path = self.own_file(image_id, index)
        if not path.exists():
            if disk.import_object:
                raise ImageGoneError(image_id)
            with self.writing(image_id, index) as fresh:
                disks.make_disk(fresh, disk.bytes, zlib.crc32(f"{image_id}/{index}".encode()))
        return path

    def own_file(self, image_id: str, index: int) -> Path:
        """Where the bytes of a disk are that the emulator keeps itself, if they are there."""
        return self._journal.root / "disks" / f"{image_id}_{index}"

    @contextmanager
    def writing(self, image_id: str, index: int) -> Iterator[Path]:
        """A path to write the bytes of such a disk to; what is written there counts only once all of it is."""
        path = self.own_file(image_id, index)
        path.parent.mkdir(exist_ok=True)
        fresh = path.with_name(path.name + ".new")
        yield fresh
        fresh.replace(path)


def _region(stored: dict[str, Any]) -> Region:
    return Region(
        id=text(stored, "id"),
        name=stored.get("name", stored["id"]),
        export_supported=stored.get("exportSupported", True),
        formats=tuple(stored.get("formats", ["raw"])),
        import_supported=stored.get("importSupported", True),
        import_formats=tuple(stored.get("importFormats", ["raw", "vhd", "qcow2", "vmdk"])),
    )


def _image(stored: dict[str, Any]) -> Image:
    image_id = text(stored, "id")
    return Image(
        id=image_id,
        region=text(stored, "region"),
        account_id=text(stored, "account"),
        name=stored.get("name", image_id),
        description=stored.get("description", ""),
        family=stored.get("family", ""),
        status=stored.get("status", "Available"),
        available_at=stored.get("availableAt"),
        accepted=stored.get("accepted", 0.0),
        os_type=stored.get("osType", "linux"),
        platform=stored.get("platform", "Ubuntu"),
        architecture=stored.get("architecture", "x86_64"),
        boot_mode=stored.get("bootMode", "BIOS"),
        owner_alias=stored.get("ownerAlias", "self"),
        product_code=stored.get("productCode", ""),
        created=stored.get("created", ""),
        tags=tuple(stored.get("tags", {}).items()),
        disks=tuple(_disk(disk, image_id, index) for index, disk in enumerate(stored.get("disks", [{}]))),
        waiting_seconds=stored.get("waitingSeconds"),
        seconds_per_disk=stored.get("secondsPerDisk"),
        used_by_instances=stored.get("usedByInstances", False),
        shared_with=tuple(stored.get("sharedWith", [])),
        license_type=stored.get("licenseType", "Auto"),
        nvme=stored.get("nvmeSupport", "unsupported"),
        imds=stored.get("imdsSupport", "v1"),
        resource_group=stored.get("resourceGroup", ""),
    )


def _disk(stored: dict[str, Any], image_id: str, index: int) -> Disk:
    return Disk(
        device=stored.get("device", f"/dev/xvd{chr(ord('a') + index)}"),
        kind=stored.get("type", "data" if index else "system"),
        size_gib=stored.get("sizeGiB", 40),
        encrypted=stored.get("encrypted", False),
        snapshot_id=f"s-{image_id.removeprefix('m-')}{index}",
        file=stored.get("file"),
        bytes=stored.get("bytes", DISK_BYTES),
        import_bucket=stored.get("importBucket", ""),
        import_object=stored.get("importObject", ""),
        format=stored.get("format", ""),
    )

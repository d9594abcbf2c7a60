"""What a job means in the cloud: every request parameter as a frozen value, and as it stands in `status.resolved`.

It is pinned while an attempt has a key: a repeated request is built from it alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from imageferry.core.artifacts import Artifact
from imageferry.core.errors import Refusal
from imageferry.core.hints import Hints
from imageferry.core.job import AlibabaOptions, ImageWish, Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedExport:
    """An image, and the bucket that its files go to. Sizes are in GiB."""

    region: str
    image_id: str
    image_name: str = ""
    image_family: str = ""
    """The family that the spec names, as whose newest image this one was chosen; empty if it names none."""
    platform: str = ""
    architecture: str = ""
    size_gib: int = 0
    data_disks: int = 0
    bucket: str = ""
    format: str = ""
    role_name: str = ""

    @property
    def mutex(self) -> str:
        """What only one task at a time may work on: the image."""
        return self.image_id


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """A disk file as it was found: `etag` and `size_bytes` tell whether it is changed under way. `size_gib` 0: as the file says."""

    bucket: str
    key: str
    format: str
    size_gib: int = 0
    etag: str = ""
    size_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedImport:
    """Disk files, the system disk's first, and the image that is made of them."""

    region: str
    disks: tuple[SourceFile, ...]
    image: ImageWish
    role_name: str = ""
    alibaba: AlibabaOptions = field(default_factory=AlibabaOptions)
    force: bool = False

    @property
    def mutex(self) -> str:
        """What only one task at a time may work on: the image's name, which is unique in a region."""
        return self.image.name

    @property
    def bucket(self) -> str:
        """The bucket of the system disk's file."""
        return self.disks[0].bucket if self.disks else ""


Resolved = ResolvedExport | ResolvedImport


@dataclass(frozen=True, slots=True)
class Obstructed:
    """The job could begin, were it not for what an earlier attempt of its own left in the way."""

    items: tuple[Artifact, ...]


Checked = Resolved | Obstructed | Refusal
"""What preflight found."""


def read(hints: Hints, kind: Kind) -> Resolved | None:
    """What the status of an object of this kind says was pinned; None where what it cannot do without is missing."""
    region, image_id, image_name = hints.text("region"), hints.text("imageID"), hints.text("imageName")
    match kind:
        case Kind.IMPORT:
            return _read_import(hints, region) if region and image_name else None
        case Kind.EXPORT:
            return _read_export(hints, region) if region and image_id else None


def _read_export(hints: Hints, region: str) -> ResolvedExport:
    return ResolvedExport(
        region=region,
        image_id=hints.text("imageID"),
        image_name=hints.text("imageName"),
        image_family=hints.text("imageFamily"),
        platform=hints.text("platform"),
        architecture=hints.text("architecture"),
        size_gib=hints.count("sizeGiB"),
        data_disks=hints.count("dataDisks"),
        bucket=hints.text("bucket"),
        format=hints.text("format"),
        role_name=hints.text("roleName"),
    )


def _read_import(hints: Hints, region: str) -> ResolvedImport:
    return ResolvedImport(
        region=region,
        disks=tuple(_read_file(part) for part in hints.parts("disks")),
        image=ImageWish(
            name=hints.text("imageName"),
            description=hints.text("description"),
            family=hints.text("family"),
            architecture=hints.text("architecture"),
            os_type=hints.text("osType"),
            platform=hints.text("platform"),
            os_version=hints.text("osVersion"),
            boot_mode=hints.text("bootMode"),
            license_type=hints.text("licenseType"),
            tags=hints.texts("tags"),
        ),
        role_name=hints.text("roleName"),
        alibaba=AlibabaOptions(
            resource_group_id=hints.text("resourceGroupID"),
            detection_strategy=hints.text("detectionStrategy"),
            nvme_support=hints.text("nvmeSupport"),
            imds_support=hints.text("imdsSupport"),
        ),
        force=bool(hints.flag("force")),
    )


def _read_file(hints: Hints) -> SourceFile:
    return SourceFile(
        bucket=hints.text("bucket"),
        key=hints.text("key"),
        format=hints.text("format"),
        size_gib=hints.count("sizeGiB"),
        etag=hints.text("etag"),
        size_bytes=hints.count("sizeBytes"),
    )


def write(resolved: Resolved) -> dict[str, Any]:
    """The fields of `status.resolved`; texts without words are left out by whoever writes the status."""
    match resolved:
        case ResolvedExport():
            return _write_export(resolved)
        case ResolvedImport():
            return _write_import(resolved)


def _write_export(resolved: ResolvedExport) -> dict[str, Any]:
    """A cloud's words are cut to what the schema holds: a status that the API server refuses would remember nothing."""
    return {
        "region": resolved.region,
        "imageID": resolved.image_id,
        "imageName": resolved.image_name[:256],
        "imageFamily": resolved.image_family,
        "platform": resolved.platform[:128],
        "architecture": resolved.architecture[:32],
        "sizeGiB": resolved.size_gib,
        "dataDisks": resolved.data_disks,
        "bucket": resolved.bucket,
        "format": resolved.format,
        "roleName": resolved.role_name,
    }


def _write_import(resolved: ResolvedImport) -> dict[str, Any]:
    image, options = resolved.image, resolved.alibaba
    return {
        "region": resolved.region,
        "imageName": image.name,
        "description": image.description,
        "family": image.family,
        "architecture": image.architecture,
        "osType": image.os_type,
        "platform": image.platform,
        "osVersion": image.os_version,
        "bootMode": image.boot_mode,
        "licenseType": image.license_type,
        "tags": dict(image.tags),
        "roleName": resolved.role_name,
        "resourceGroupID": options.resource_group_id,
        "detectionStrategy": options.detection_strategy,
        "nvmeSupport": options.nvme_support,
        "imdsSupport": options.imds_support,
        "force": resolved.force or None,
        "disks": [_write_file(disk) for disk in resolved.disks],
    }


def _write_file(file: SourceFile) -> Mapping[str, Any]:
    fields = {
        "bucket": file.bucket,
        "key": file.key,
        "format": file.format,
        "sizeGiB": file.size_gib,
        "etag": file.etag,
        "sizeBytes": file.size_bytes,
    }
    return {name: value for name, value in fields.items() if value}

"""The parsed wish: what an object asks for, as a frozen value. How it is read from a manifest is in core/manifest.py."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum, unique
from typing import Final

TASK_FINALIZER: Final = "imageferry.dev/task"
"""Held only while a cloud task may exist, or while the deletion policy still has work to do."""

RETRY_ANNOTATION: Final = "imageferry.dev/retry-requested-at"
CANCEL_ANNOTATION: Final = "imageferry.dev/cancel-requested-at"


@unique
class Kind(StrEnum):
    """Which way the image goes."""

    EXPORT = "ImageExport"
    IMPORT = "ImageImport"


@unique
class DeletionPolicy(StrEnum):
    """What deleting the object does in the cloud."""

    RETAIN = "Retain"
    DELETE = "Delete"
    ORPHAN = "Orphan"


@unique
class UnknownOutcome(StrEnum):
    """What to do when a cloud cannot tell whether a lost submission ran."""

    FAIL = "Fail"
    RETRY = "Retry"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPolicy:
    """The fields that may change while the job runs. Times are in seconds."""

    suspend: bool = False
    priority: int = 0
    backoff_limit: int = 3
    active_deadline_seconds: int | None = None
    deletion_policy: DeletionPolicy = DeletionPolicy.RETAIN
    unknown_outcome: UnknownOutcome = UnknownOutcome.FAIL
    unknown_outcome_seconds: int = 21600


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shared:
    """What every job has, whichever way the image goes."""

    kind: Kind
    namespace: str
    name: str
    uid: str
    generation: int
    created_at: datetime
    deleting: bool
    guarded: bool
    """Our finalizer is on the object."""
    retry_request: str
    """The value of the retry annotation; empty if there is none. The same for cancel."""
    cancel_request: str
    account: str
    region: str
    """As the spec names it; empty means the account's own region."""
    role_name: str
    """Empty means the cloud's default role."""
    policy: RunPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSource:
    """As the spec names it, by exactly one of the three; with the id beside it once name or family were resolved."""

    image_id: str = ""
    image_name: str = ""
    image_family: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportJob(_Shared):
    """One custom image, written to one bucket, once."""

    source: ImageSource
    bucket: str
    prefix: str
    """Empty if the spec names none: the file names begin with the attempt's key then."""
    format: str
    disks: str

    @property
    def places(self) -> tuple[tuple[str, str], ...]:
        """The buckets that are used, each with how the keys in it are or begin."""
        return ((self.bucket, self.prefix),)


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskFile:
    """The file of one disk. `format` is empty where the cloud is to find it out, `size_gib` 0 where the file says it."""

    bucket: str
    key: str
    format: str = ""
    size_gib: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageWish:
    """The image to be made; an empty text leaves it to the cloud."""

    name: str
    description: str = ""
    family: str = ""
    architecture: str = ""
    os_type: str = ""
    platform: str = ""
    os_version: str = ""
    boot_mode: str = ""
    license_type: str = ""
    tags: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AlibabaOptions:
    """spec.alibaba of an import."""

    resource_group_id: str = ""
    detection_strategy: str = ""
    nvme_support: str = ""
    imds_support: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TencentOptions:
    """spec.tencent of an import. `force`: import what the cloud's own checks would refuse."""

    force: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportJob(_Shared):
    """Disk files in a bucket, made into one custom image, once. The first disk is the system disk's."""

    disks: tuple[DiskFile, ...]
    """Empty while they are those of an export that is not done."""
    export_name: str
    """The export of the same namespace whose files are imported; empty if the spec names the files."""
    image: ImageWish
    alibaba: AlibabaOptions | None
    tencent: TencentOptions | None

    @property
    def prefix(self) -> str:
        """An import's marks are no file names and need none."""
        return ""

    @property
    def bucket(self) -> str:
        """The bucket of the system disk's file; empty while that is not known."""
        return self.disks[0].bucket if self.disks else ""

    @property
    def places(self) -> tuple[tuple[str, str], ...]:
        """As of an export."""
        return tuple((disk.bucket, disk.key) for disk in self.disks)


Job = ExportJob | ImportJob


def parse_time(text: str) -> datetime:
    """A Kubernetes time (RFC 3339) as an aware UTC value."""
    return datetime.fromisoformat(text).astimezone(UTC)


def format_time(moment: datetime) -> str:
    """An aware time as Kubernetes writes it, in whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

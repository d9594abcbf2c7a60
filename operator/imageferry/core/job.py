"""The parsed wish: what a manifest asks for, as a frozen value.

The API server has checked the schema before (crds/); what is read here is therefore read plainly, and anything that still
does not fit is Rejected with the field's name, never a traceback.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum, unique
from typing import Any, Final, TypeVar

from imageferry.core.errors import Rejected
from imageferry.core.reasons import Reason

TASK_FINALIZER: Final = "imageferry.dev/task"
"""Held only while a cloud task may exist, or while the deletion policy still has work to do."""

RETRY_ANNOTATION: Final = "imageferry.dev/retry-requested-at"
CANCEL_ANNOTATION: Final = "imageferry.dev/cancel-requested-at"

_REQUEST_LENGTH: Final = 1024
"""Characters of a request that count: as many as the status can remember as handled (crds/)."""


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
class Job:
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
    """Exactly one of the three is not empty."""

    image_id: str = ""
    image_name: str = ""
    image_family: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportJob(Job):
    """One custom image, written to one bucket, once."""

    source: ImageSource
    bucket: str
    prefix: str
    """Empty if the spec names none: the file names begin with the attempt's key then."""
    format: str
    disks: str


def parse_export(manifest: Mapping[str, Any]) -> ExportJob:
    """The job of an ImageExport object as the API server returns it. Raises Rejected(InvalidSpec) naming the field."""
    spec = _Fields(manifest.get("spec"), "spec")
    source, destination = spec.part("source"), spec.part("destination")
    return ExportJob(
        kind=Kind.EXPORT,
        **_shared(manifest, spec),
        source=ImageSource(
            image_id=source.text("imageID", default=""),
            image_name=source.text("imageName", default=""),
            image_family=source.text("imageFamily", default=""),
        ),
        bucket=destination.text("bucket"),
        prefix=destination.text("prefix", default=""),
        format=spec.text("format", default="RAW"),
        disks=spec.text("disks", default="All"),
    )


def _shared(manifest: Mapping[str, Any], spec: "_Fields") -> dict[str, Any]:
    metadata = manifest["metadata"]
    annotations = metadata.get("annotations") or {}
    return {
        "namespace": metadata["namespace"],
        "name": metadata["name"],
        "uid": metadata["uid"],
        "generation": metadata.get("generation", 0),
        "created_at": parse_time(metadata["creationTimestamp"]),
        "deleting": "deletionTimestamp" in metadata,
        "guarded": TASK_FINALIZER in metadata.get("finalizers", ()),
        "retry_request": annotations.get(RETRY_ANNOTATION, "")[:_REQUEST_LENGTH],
        "cancel_request": annotations.get(CANCEL_ANNOTATION, "")[:_REQUEST_LENGTH],
        "account": spec.part("accountRef").text("name"),
        "region": spec.text("region", default=""),
        "role_name": spec.text("roleName", default=""),
        "policy": _policy(spec),
    }


def _policy(spec: "_Fields") -> RunPolicy:
    usual = RunPolicy()
    return RunPolicy(
        suspend=spec.flag("suspend", default=usual.suspend),
        priority=spec.number("priority", default=usual.priority),
        backoff_limit=spec.number("backoffLimit", default=usual.backoff_limit),
        active_deadline_seconds=spec.number("activeDeadlineSeconds", default=0) or None,
        deletion_policy=spec.choice("deletionPolicy", usual.deletion_policy),
        unknown_outcome=spec.choice("unknownOutcome", usual.unknown_outcome),
        unknown_outcome_seconds=spec.number("unknownOutcomeSeconds", default=usual.unknown_outcome_seconds),
    )


_Choice = TypeVar("_Choice", bound=StrEnum)


class _Fields:
    """The fields below one path of a manifest, read with their names so that a refusal can say which it is."""

    def __init__(self, value: object, path: str) -> None:
        if not isinstance(value, Mapping):
            raise _wrong(path, "an object")
        self._value, self._path = value, path

    def part(self, name: str) -> "_Fields":
        return _Fields(self._value.get(name), f"{self._path}.{name}")

    def text(self, name: str, *, default: str | None = None) -> str:
        value = self._value.get(name, default)
        if not isinstance(value, str):
            raise _wrong(f"{self._path}.{name}", "a string")
        return value

    def number(self, name: str, *, default: int) -> int:
        value = self._value.get(name, default)
        if not isinstance(value, int) or isinstance(value, bool):
            raise _wrong(f"{self._path}.{name}", "an integer")
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        value = self._value.get(name, default)
        if not isinstance(value, bool):
            raise _wrong(f"{self._path}.{name}", "true or false")
        return value

    def choice(self, name: str, default: _Choice) -> _Choice:
        value = self._value.get(name, default)
        try:
            return type(default)(value)
        except ValueError:
            raise _wrong(f"{self._path}.{name}", "one of " + ", ".join(type(default))) from None


def _wrong(path: str, wanted: str) -> Rejected:
    return Rejected(Reason.INVALID_SPEC, f"{path} must be {wanted}.")


def parse_time(text: str) -> datetime:
    """A Kubernetes time (RFC 3339) as an aware UTC value."""
    return datetime.fromisoformat(text).astimezone(UTC)


def format_time(moment: datetime) -> str:
    """An aware time as Kubernetes writes it, in whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

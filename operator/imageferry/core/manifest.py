"""A manifest, as the API server returns it -> the job.

The API server has checked the schema before (crds/); what is read here is therefore read plainly, and anything that still
does not fit is Rejected with the field's name, never a traceback.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final, TypeVar

from imageferry.core.errors import Rejected
from imageferry.core.job import (
    CANCEL_ANNOTATION,
    RETRY_ANNOTATION,
    TASK_FINALIZER,
    AlibabaOptions,
    DiskFile,
    ExportJob,
    ImageSource,
    ImageWish,
    ImportJob,
    Kind,
    RunPolicy,
    TencentOptions,
    parse_time,
)
from imageferry.core.reasons import Reason

_REQUEST_LENGTH: Final = 1024
"""Characters of a request that count: as many as the status can remember as handled (crds/)."""


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


def parse_import(manifest: Mapping[str, Any]) -> ImportJob:
    """The job of an ImageImport object, as parse_export."""
    spec = _Fields(manifest.get("spec"), "spec")
    source = spec.part("source")
    export = source.optional("exportRef")
    alibaba, tencent = spec.optional("alibaba"), spec.optional("tencent")
    return ImportJob(
        kind=Kind.IMPORT,
        **_shared(manifest, spec),
        disks=tuple(_disk(disk) for disk in source.parts("disks")),
        export_name=export.text("name") if export else "",
        image=_image(spec.part("image")),
        alibaba=_alibaba(alibaba) if alibaba else None,
        tencent=TencentOptions(force=tencent.flag("force", default=False)) if tencent else None,
    )


def _disk(disk: "_Fields") -> DiskFile:
    return DiskFile(
        bucket=disk.text("bucket"),
        key=disk.text("key"),
        format=disk.text("format", default=""),
        size_gib=disk.number("sizeGiB", default=0),
    )


def _image(image: "_Fields") -> ImageWish:
    return ImageWish(
        name=image.text("name"),
        description=image.text("description", default=""),
        family=image.text("family", default=""),
        architecture=image.text("architecture", default=""),
        os_type=image.text("osType", default=""),
        platform=image.text("platform", default=""),
        os_version=image.text("osVersion", default=""),
        boot_mode=image.text("bootMode", default=""),
        license_type=image.text("licenseType", default=""),
        tags=image.texts("tags"),
    )


def _alibaba(options: "_Fields") -> AlibabaOptions:
    return AlibabaOptions(
        resource_group_id=options.text("resourceGroupID", default=""),
        detection_strategy=options.text("detectionStrategy", default=""),
        nvme_support=options.text("nvmeSupport", default=""),
        imds_support=options.text("imdsSupport", default=""),
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

    def optional(self, name: str) -> "_Fields | None":
        return self.part(name) if name in self._value else None

    def parts(self, name: str) -> "list[_Fields]":
        values = self._value.get(name, [])
        if not isinstance(values, list):
            raise _wrong(f"{self._path}.{name}", "a list")
        return [_Fields(value, f"{self._path}.{name}[{index}]") for index, value in enumerate(values)]

    def texts(self, name: str) -> tuple[tuple[str, str], ...]:
        """A map of texts, in the order of its keys."""
        part = self.optional(name)
        return tuple((key, part.text(key)) for key in sorted(part._value)) if part else ()  # noqa: SLF001 -- its own kind

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

"""Which way the image goes, as far as the matrix can see it: the kind, its submission, and what an attempt leaves in the cloud.

Values only. Whatever asks which direction it is belongs in here; life cycles, runs and the judge read a direction's fields.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

Fields = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Direction:
    """One kind of job. `action` is the cloud's name of its submission, `about` the parameter that names what a run works on.

    `mark` is the parameter that tells one attempt from another, `owned` the field of `status.attempt` that holds the same.
    """

    kind: str
    plural: str
    noun: str
    output: str
    """What it makes, in words."""
    done: str
    """The reason that a job shows which succeeded."""
    action: str
    about: str
    mark: str
    owned: str
    needs_tale: bool
    """A task whose answer was lost is known as ours only by the files that it tells, not by a mark of its own."""
    source: Callable[[Fields, str, int], Fields]
    """Of the spec: what to do with the thing of that name and so many disks, from what the emulator told of itself."""
    listed: Callable[[Fields], list[str]]
    """What a status says was made."""
    shape: Callable[[Fields], list[Any]]
    """The same without what no two runs share."""
    left: Callable[[Fields, Sequence[Fields]], list[str]]
    """Of the cloud's state: everything that these accepted submissions have left, sorted."""
    removed: Callable[[Sequence[Fields], Sequence[Fields]], list[str]]
    """Of a run's part of the ledger: what was deleted of that."""

    @property
    def request(self) -> str:
        """The name of the submission among the requests (names.py)."""
        return f"ecs/{self.action}"


PREFIX: Final = "web"
DISKS: Final = ("disk-0.raw", "disk-1.raw")
"""The files that imports are made of, the system disk's first."""

_KEY: Final = re.compile(r"^web[a-z2-7]{13}_m-[a-z0-9]+_")


def _export_of(info: Fields, image_id: str, _: int) -> Fields:
    return {"source": {"imageID": image_id}, "destination": {"bucket": info["buckets"]["good"], "prefix": PREFIX}}


def _files_listed(status: Fields) -> list[str]:
    return sorted(item["key"] for item in status.get("artifacts", ()))


def _files_shape(status: Fields) -> list[Any]:
    return [
        {"name": _KEY.sub("KEY_", item["key"]), "role": item["role"], "format": item["format"]}
        for item in status.get("artifacts", ())
    ]


def _beginnings(accepted: Sequence[Fields]) -> tuple[str, ...]:
    return tuple(f"{each['params']['OSSPrefix']}_" for each in accepted)


def _files_left(state: Fields, accepted: Sequence[Fields]) -> list[str]:
    files = [file["key"] for bucket in state["buckets"] for file in bucket["objects"]]
    return sorted(key for key in files if key.startswith(_beginnings(accepted)))


def _files_removed(ledger: Sequence[Fields], accepted: Sequence[Fields]) -> list[str]:
    keys = [each["params"]["key"] for each in ledger if each["action"] == "DeleteObject"]
    return [key for key in keys if key.startswith(_beginnings(accepted))]


def _import_into(info: Fields, name: str, disks: int) -> Fields:
    bucket = info["buckets"]["good"]
    files = [{"bucket": bucket, "key": key, "format": "RAW"} for key in DISKS[:disks]]
    return {"source": {"disks": files}, "image": {"name": name}}


def _image_listed(status: Fields) -> list[str]:
    image = status.get("imageID")
    return sorted([*([image] if image else ()), *(each["id"] for each in status.get("snapshots", ()))])


def _image_shape(status: Fields) -> list[Any]:
    return [*(["image"] if status.get("imageID") else ()), *(each["device"] for each in status.get("snapshots", ()))]


def _images_left(state: Fields, accepted: Sequence[Fields]) -> list[str]:
    """An image that is not whole is told with its status: no job lists such a one as made."""
    own = {each["result"]["ImageId"] for each in accepted}
    images = [(each["id"], each["status"]) for each in state["images"] if each["id"] in own]
    snapshots = [each["id"] for each in state["snapshots"] if each["imageID"] in own]
    return sorted([*(name if status == "Available" else f"{name} {status}" for name, status in images), *snapshots])


def _images_removed(ledger: Sequence[Fields], _: Sequence[Fields]) -> list[str]:
    what = {"DeleteImage": "ImageId", "DeleteSnapshot": "SnapshotId"}
    return [each["params"][what[each["action"]]] for each in ledger if each["action"] in what]


EXPORT: Final = Direction(
    kind="ImageExport",
    plural="imageexports",
    noun="export",
    output="files",
    done="Exported",
    action="ExportImage",
    about="ImageId",
    mark="OSSPrefix",
    owned="objectPrefix",
    needs_tale=True,
    source=_export_of,
    listed=_files_listed,
    shape=_files_shape,
    left=_files_left,
    removed=_files_removed,
)
IMPORT: Final = Direction(
    kind="ImageImport",
    plural="imageimports",
    noun="import",
    output="image and snapshots",
    done="Imported",
    action="ImportImage",
    about="ImageName",
    mark="ClientToken",
    owned="key",
    needs_tale=False,
    source=_import_into,
    listed=_image_listed,
    shape=_image_shape,
    left=_images_left,
    removed=_images_removed,
)
ALL: Final = (EXPORT, IMPORT)


def everything(state: Fields) -> dict[str, Any]:
    """Every image, snapshot and file in the cloud, by name."""
    files = {f"{bucket['name']}/{file['key']}": file for bucket in state["buckets"] for file in bucket["objects"]}
    return files | {each["id"]: each for kind in ("images", "snapshots") for each in state[kind]}

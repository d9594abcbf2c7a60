"""What the tests of imports share: files put into buckets, imports started by hand-signed requests, and looks at what they made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.emulator import bucket_clients
from tests.emulator.cloud import Answer, Signer, ledger, signer, until

if TYPE_CHECKING:
    from tests.emulator_process import EmulatorProcess

REGION = {"RegionId": "cn-hangzhou"}
DISK = bytes(range(256)) * 4096
"""A disk of one MiB that bears the mark of no format."""
KEY = "disk.raw"


def put(
    emulator: EmulatorProcess,
    key: str = KEY,
    body: bytes = DISK,
    bucket: str = "good",
    *,
    key_pair: tuple[str, str] | None = None,
    **headers: str,
) -> str:
    """Put an object into a bucket of the seed; its key. Headers are named with underscores."""
    name = emulator.info["buckets"][bucket]
    given = {header.replace("_", "-"): value for header, value in headers.items()}
    by = bucket_clients.Signer(*key_pair) if key_pair else bucket_clients.signer(emulator)
    answer = bucket_clients.call(emulator, by, "PUT", f"/{name}/{key}", headers=given, body=body)
    assert answer.status == 200, answer.body
    return key


def params(emulator: EmulatorProcess, *keys: str, bucket: str = "good", **changes: str) -> dict[str, str]:
    """The parameters of an import of these files, with changes; an empty value takes a parameter away.

    `Disk2_Format` stands for `DiskDeviceMapping.2.Format`, `Tag1_Key` for `Tag.1.Key`, `Features_ImdsSupport` for a dot.
    """
    name = emulator.info["buckets"][bucket]
    wish = {**REGION}
    for number, key in enumerate(keys or (KEY,), start=1):
        wish |= {f"DiskDeviceMapping.{number}.OSSBucket": name, f"DiskDeviceMapping.{number}.OSSObject": key}
    return {name: value for name, value in {**wish, **spelled(changes)}.items() if value}


def spelled(changes: dict[str, str]) -> dict[str, str]:
    """Parameters under the names that the service gives them."""
    return {_spelled(name): value for name, value in changes.items()}


def _spelled(name: str) -> str:
    for short, long in (("Disk", "DiskDeviceMapping"), ("Tag", "Tag")):
        number = name.partition("_")[0].removeprefix(short)
        if name.startswith(short) and number.isdecimal():
            return f"{long}.{number}.{name.partition('_')[2]}"
    return name.replace("_", ".")


def call(emulator: EmulatorProcess, *keys: str, **changes: str) -> Answer:
    """Ask for an import."""
    return call_as(signer(emulator), emulator, *keys, **changes)


def call_as(by: Signer, emulator: EmulatorProcess, *keys: str, **changes: str) -> Answer:
    """Ask for an import with another key, or in another manner."""
    return by.call(emulator, "ImportImage", params(emulator, *keys, **changes))


def start(emulator: EmulatorProcess, *keys: str, **changes: str) -> tuple[str, str]:
    """Start an import that is accepted: the ids of its image and its task."""
    answer = call(emulator, *keys, **changes)
    assert (answer.status, answer.code) == (200, ""), answer.body
    return str(answer.body["ImageId"]), str(answer.body["TaskId"])


def accepted(emulator: EmulatorProcess, action: str = "ImportImage") -> list[dict[str, Any]]:
    """What the ledger says was accepted of the account."""
    return [entry for entry in ledger(emulator, action) if entry["accountID"] == emulator.info["accountID"]]


def ask(emulator: EmulatorProcess, action: str, **wish: str) -> Answer:
    """Any other call in the same region."""
    return signer(emulator).call(emulator, action, {**REGION, **spelled(wish)})


def images(emulator: EmulatorProcess, **filters: str) -> list[dict[str, Any]]:
    """The images that filters find, whatever their status unless one is asked for."""
    answer = ask(emulator, "DescribeImages", **{"Status": "ALL", "PageSize": "100", **filters})
    assert answer.code == "", answer.body
    return list(answer.body["Images"]["Image"])


def image(emulator: EmulatorProcess, image_id: str) -> dict[str, Any]:
    """One image that is there."""
    (found,) = images(emulator, ImageId=image_id)
    return found


def snapshots(emulator: EmulatorProcess, image_id: str, disks: int = 1) -> dict[str, str]:
    """The status of those snapshots of an imported image that there are, by id."""
    ids = [f"s-{image_id.removeprefix('m-')}{index}" for index in range(disks)]
    body = ask(emulator, "DescribeSnapshots", SnapshotIds=str(ids).replace("'", '"')).body
    return {found["SnapshotId"]: found["Status"] for found in body["Snapshots"]["Snapshot"]}


def available(emulator: EmulatorProcess, image_id: str) -> dict[str, Any]:
    """Wait until an import has ended well; its image."""
    return until(lambda: image(emulator, image_id), lambda found: found["Status"] == "Available")

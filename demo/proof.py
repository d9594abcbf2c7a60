"""Whether an exported file is the disk: summed, unpacked and compared by means that are not the operator's."""

import json
import tarfile
import urllib.request
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from pathlib import Path
from typing import IO

from alibabacloud_oss_v2.crc import Crc64

from demo.cloud import Access, Cloud
from demo.failure import DemoError
from demo.watch import Artifact

PIECE = 1 << 20
PACKED = ".tar.gz"


def check_sum(file: Path, artifact: Artifact) -> None:
    """See that a file has the size and the CRC-64 that the status tells.

    Raises:
        DemoError: it has not.
    """
    size, crc = file.stat().st_size, Crc64(0)
    if size != artifact.size_bytes:
        raise DemoError(f"{artifact.uri} has {size} bytes; its status says {artifact.size_bytes}")
    with file.open("rb") as content:
        while piece := content.read(PIECE):
            crc.update(piece)
    if crc.sum64() != artifact.crc64:
        raise DemoError(f"{artifact.uri} has the crc64 {crc.sum64()}; its status says {artifact.crc64}")


def compare(file: Path, disk: Path) -> int:
    """Compare a .raw, or the one disk in a .raw.tar.gz, with a disk, byte for byte; return how many bytes are equal.

    Raises:
        DemoError: they differ, or the file is no archive of one disk.
    """
    with disk.open("rb") as original:
        if not file.name.endswith(PACKED):
            with file.open("rb") as plain:
                return _compare(plain, original)
        try:
            with tarfile.open(file, "r:gz") as packed:
                return _compare(_unpacked(packed, file.name), original)
        except (tarfile.TarError, EOFError, OSError) as error:
            raise DemoError(f"{file.name} cannot be unpacked: {error}") from error


def _unpacked(packed: tarfile.TarFile, name: str) -> IO[bytes]:
    members = packed.getmembers()
    unpacked = packed.extractfile(members[0]) if len(members) == 1 else None
    if unpacked is None:
        raise DemoError(f"{name} holds {[member.name for member in members]} and not one disk")
    return unpacked


def _compare(exported: IO[bytes], original: IO[bytes]) -> int:
    position = 0
    for ours, theirs in zip_longest(_pieces(exported), _pieces(original), fillvalue=b""):
        if ours != theirs:
            same = next((at for at, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), None)
            at = position + (min(len(ours), len(theirs)) if same is None else same)
            raise DemoError(f"the exported disk differs from the original at byte {at}")
        position += len(ours)
    return position


def check_ledger(cloud: Cloud, access: Access, succeeded: Mapping[str, int]) -> None:
    """See that the cloud, by its own ledger, has accepted as many tasks of each kind as there are jobs that succeeded.

    Raises:
        DemoError: it has accepted more of them, or fewer.
    """
    with urllib.request.urlopen(f"{access.endpoint}/_emulator/ledger", timeout=30) as answer:  # noqa: S310 -- the emulator's own address on loopback
        entries = json.load(answer)["entries"]
    asked = [(entry["service"], entry["action"]) for entry in entries]
    for kind, accepting in cloud.accepting.items():
        if (accepted := asked.count(accepting)) != succeeded[kind]:
            raise DemoError(f"the cloud's ledger has {accepted} {kind} accepted, though {succeeded[kind]} succeeded")


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    while piece := file.read(PIECE):
        yield piece

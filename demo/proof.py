"""Whether the exported file is the disk: fetched, summed and compared by means that are not the operator's."""

import json
import tarfile
import urllib.request
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import IO

import alibabacloud_oss_v2 as oss
from alibabacloud_oss_v2.crc import Crc64

from demo.failure import DemoError
from demo.stage import Cloud
from demo.watch import Artifact

PIECE = 1 << 20


def download(cloud: Cloud, artifact: Artifact, to: Path) -> None:
    """Fetch a file from the bucket with the vendor's SDK.

    Raises:
        DemoError: the bucket does not hand it out.
    """
    config = oss.config.load_default()
    config.credentials_provider = oss.credentials.StaticCredentialsProvider(cloud.key_id, cloud.key_secret)
    config.region, config.endpoint = cloud.region, cloud.endpoint
    request = oss.GetObjectRequest(bucket=artifact.bucket, key=artifact.key)
    try:
        oss.Client(config).get_object_to_file(request, str(to))
    except oss.exceptions.BaseError as error:
        raise DemoError(f"{artifact.uri} cannot be downloaded: {error}") from error


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


def compare(archive: Path, disk: Path) -> int:
    """Unpack the one disk in a .raw.tar.gz and compare it with a disk, byte for byte; return how many bytes are equal.

    Raises:
        DemoError: they differ, or the file is no archive of one disk.
    """
    try:
        with tarfile.open(archive, "r:gz") as packed, disk.open("rb") as original:
            members = packed.getmembers()
            unpacked = packed.extractfile(members[0]) if len(members) == 1 else None
            if unpacked is None:
                raise DemoError(f"{archive.name} holds {[member.name for member in members]} and not one disk")
            return _compare(unpacked, original)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise DemoError(f"{archive.name} cannot be unpacked: {error}") from error


def _compare(unpacked: IO[bytes], original: IO[bytes]) -> int:
    position = 0
    for ours, theirs in zip_longest(_pieces(unpacked), _pieces(original), fillvalue=b""):
        if ours != theirs:
            same = next((at for at, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), None)
            at = position + (min(len(ours), len(theirs)) if same is None else same)
            raise DemoError(f"the exported disk differs from the original at byte {at}")
        position += len(ours)
    return position


def submissions(cloud: Cloud) -> int:
    """Return how many exports the cloud has accepted, by its own ledger."""
    with urllib.request.urlopen(f"{cloud.endpoint}/_emulator/ledger", timeout=30) as answer:  # noqa: S310 -- the emulator's own address on loopback
        entries = json.load(answer)["entries"]
    return sum(entry["action"] == "ExportImage" for entry in entries)


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    while piece := file.read(PIECE):
        yield piece

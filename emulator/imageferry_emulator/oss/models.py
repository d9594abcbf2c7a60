"""Buckets and objects, kept on disk so that a SIGKILL at any moment leaves each object either old or new, never torn.

An object is two files named after the SHA-256 of its key (a key may be 1023 bytes of anything, a file name may not): the bytes,
under a name of their own for each version, and a JSON file that says which bytes count. Renaming the JSON file into place is
the moment of change. No HTTP here, no account rules; a bucket only remembers whose it is.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
from bisect import bisect_left, insort
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING
from uuid import uuid4

from imageferry_emulator.oss.crc64 import crc64

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHUNK = 1 << 20


class BucketMissingError(LookupError):
    """No bucket of that name."""


class BucketTakenError(ValueError):
    """A bucket of that name exists already, whoever owns it."""


class BucketFullError(ValueError):
    """The bucket still holds objects."""


class ObjectMissingError(LookupError):
    """No object under that key."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket: `region` as in `cn-hangzhou`, `owner` an account id, `sse` the default encryption: None, KMS or AES256 as text."""

    name: str
    region: str
    owner: str
    sse: str
    created: datetime


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object: `size` in bytes, `etag` the MD5 in upper-case hex without quotes, `crc64` its CRC-64, `modified` in UTC.

    `path` holds the bytes as long as the object is neither replaced nor deleted; `headers` are given back with them.
    """

    bucket: str
    key: str
    size: int
    etag: str
    crc64: int
    modified: datetime
    path: Path
    headers: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """A page: objects and common prefixes, together at most the limit; `last` is the name to go on after, None at the end."""

    objects: tuple[StoredObject, ...]
    prefixes: tuple[str, ...]
    last: str | None


class ObjectStore:
    """All buckets under one folder. Every method may be called from any thread; those that copy bytes block while they do."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = threading.RLock()
        self._buckets: dict[str, Bucket] = {}
        self._objects: dict[str, dict[str, StoredObject]] = {}
        self._keys: dict[str, list[str]] = {}
        self._incoming = root / "incoming"
        # Whatever is in there was being written when the process died.
        shutil.rmtree(self._incoming, ignore_errors=True)
        self._incoming.mkdir(parents=True)
        for folder in sorted(path for path in (root / "buckets").glob("*") if (path / "bucket.json").exists()):
            self._load(folder)

    def buckets(self) -> tuple[Bucket, ...]:
        """All buckets, by name."""
        with self._lock:
            return tuple(self._buckets[name] for name in sorted(self._buckets))

    def bucket(self, name: str) -> Bucket:
        """The bucket. Raises BucketMissingError."""
        with self._lock:
            try:
                return self._buckets[name]
            except KeyError:
                raise BucketMissingError(name) from None

    def create_bucket(self, name: str, *, region: str, owner: str, sse: str) -> Bucket:
        """Make an empty bucket. Raises BucketTakenError."""
        with self._lock:
            if name in self._buckets:
                raise BucketTakenError(name)
            bucket = Bucket(name=name, region=region, owner=owner, sse=sse, created=_now())
            self._folder(name).mkdir(parents=True, exist_ok=True)
            self._write_json(self._folder(name) / "bucket.json", asdict(bucket))
            self._buckets[name], self._objects[name], self._keys[name] = bucket, {}, []
            return bucket

    def delete_bucket(self, name: str) -> None:
        """Delete an empty bucket. Raises BucketMissingError, BucketFullError."""
        with self._lock:
            self.bucket(name)
            if self._keys[name]:
                raise BucketFullError(name)
            # Without this file the rest of the folder is no bucket, whenever it goes.
            (self._folder(name) / "bucket.json").unlink()
            shutil.rmtree(self._folder(name), ignore_errors=True)
            del self._buckets[name], self._objects[name], self._keys[name]

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """A path within the store to write bytes to before they are an object; gone afterwards unless `adopt` took it."""
        path = self._incoming / uuid4().hex
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)

    def put(
        self, bucket: str, key: str, source: Path | bytes, *, headers: tuple[tuple[str, str], ...] = ()
    ) -> StoredObject:
        """Store a copy of `source` under `key`, replacing what was there. Raises BucketMissingError."""
        with self.staging() as staged:
            if isinstance(source, Path):
                shutil.copyfile(source, staged)
            else:
                staged.write_bytes(source)
            return self.adopt(bucket, key, staged, headers=headers)

    def adopt(self, bucket: str, key: str, staged: Path, *, headers: tuple[tuple[str, str], ...] = ()) -> StoredObject:
        """Make a file written under `staging` the object, without another copy. Raises BucketMissingError."""
        size, etag, crc = _digests(staged)
        with self._lock:
            self.bucket(bucket)
            folder, stem = self._folder(bucket), _stem(key)
            path = folder / f"{stem}.{uuid4().hex}.data"
            staged.replace(path)
            stored = StoredObject(bucket, key, size, etag, crc, _now(), path, headers)
            self._write_json(folder / f"{stem}.json", asdict(stored) | {"path": path.name})
            replaced = self._objects[bucket].get(key)
            self._objects[bucket][key] = stored
            if replaced is None:
                insort(self._keys[bucket], key)
            else:
                replaced.path.unlink(missing_ok=True)
            return stored

    def head(self, bucket: str, key: str) -> StoredObject:
        """The object. Raises BucketMissingError, ObjectMissingError."""
        with self._lock:
            self.bucket(bucket)
            try:
                return self._objects[bucket][key]
            except KeyError:
                raise ObjectMissingError(key) from None

    def open(self, bucket: str, key: str) -> tuple[StoredObject, IO[bytes]]:
        """The object and its bytes, which stay readable though it be replaced or deleted. Raises as `head` does."""
        with self._lock:
            stored = self.head(bucket, key)
            return stored, stored.path.open("rb")

    def delete(self, bucket: str, key: str) -> None:
        """Delete the object; no error if there is none. Raises BucketMissingError."""
        with self._lock:
            self.bucket(bucket)
            stored = self._objects[bucket].pop(key, None)
            if stored is None:
                return
            (self._folder(bucket) / f"{_stem(key)}.json").unlink()
            stored.path.unlink(missing_ok=True)
            del self._keys[bucket][bisect_left(self._keys[bucket], key)]

    def list(
        self, bucket: str, *, prefix: str = "", after: str = "", delimiter: str = "", limit: int = 1000
    ) -> Listing:
        """Names that begin with `prefix` and sort behind `after`, by code point. Raises BucketMissingError.

        Names that share what lies between `prefix` and the first `delimiter` behind it count as one common prefix.
        """
        with self._lock:
            self.bucket(bucket)
            keys, found = self._keys[bucket], self._objects[bucket]
            objects: list[StoredObject] = []
            prefixes: list[str] = []
            last = None
            for key in keys[bisect_left(keys, max(prefix, after)) :]:
                if not key.startswith(prefix):
                    break
                group = _group(key, prefix, delimiter)
                if key == after or (group and (group == after or group in prefixes[-1:])):
                    continue
                if len(objects) + len(prefixes) == limit:
                    return Listing(tuple(objects), tuple(prefixes), last)
                last = group or key
                if group:
                    prefixes.append(group)
                else:
                    objects.append(found[key])
            return Listing(tuple(objects), tuple(prefixes), None)

    def _folder(self, bucket: str) -> Path:
        return self._root / "buckets" / bucket

    def _write_json(self, path: Path, value: dict[str, object]) -> None:
        # No fsync: what a process handed to the kernel outlives that process, and a power cut is not promised against.
        fresh = self._incoming / uuid4().hex
        fresh.write_text(json.dumps(value, default=str), encoding="utf-8")
        fresh.replace(path)

    def _load(self, folder: Path) -> None:
        stored = json.loads((folder / "bucket.json").read_text(encoding="utf-8"))
        bucket = Bucket(**{**stored, "created": datetime.fromisoformat(stored["created"])})
        objects = [_read(path) for path in folder.glob("*.json") if path.name != "bucket.json"]
        kept = {stored.path for stored in objects}
        for path in folder.glob("*.data"):
            if path not in kept:
                path.unlink()
        self._buckets[bucket.name] = bucket
        self._objects[bucket.name] = {stored.key: stored for stored in objects}
        self._keys[bucket.name] = sorted(self._objects[bucket.name])


def _read(path: Path) -> StoredObject:
    stored = json.loads(path.read_text(encoding="utf-8"))
    changed = {
        "modified": datetime.fromisoformat(stored["modified"]),
        "path": path.parent / stored["path"],
        "headers": tuple((name, value) for name, value in stored["headers"]),
    }
    return StoredObject(**{**stored, **changed})


def _digests(path: Path) -> tuple[int, str, int]:
    size, crc = 0, 0
    md5 = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as source:
        while chunk := source.read(_CHUNK):
            size += len(chunk)
            md5.update(chunk)
            crc = crc64(chunk, crc)
    return size, md5.hexdigest().upper(), crc


def _group(key: str, prefix: str, delimiter: str) -> str:
    if not delimiter:
        return ""
    end = key.find(delimiter, len(prefix))
    return key[: end + len(delimiter)] if end >= 0 else ""


def _stem(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def _now() -> datetime:
    return datetime.fromtimestamp(int(datetime.now(tz=UTC).timestamp()), tz=UTC)

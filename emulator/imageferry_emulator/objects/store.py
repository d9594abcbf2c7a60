"""Buckets and objects, kept on disk so that a SIGKILL at any moment leaves each object either old or new, never torn.

An object is two files named after the SHA-256 of its key: the bytes, under a name of their own for each version, and a JSON
file that says which bytes count, and how many. Renaming the JSON file into place is the moment of change. No HTTP here, no
account rules; a bucket only remembers whose it is.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
from bisect import bisect_left, insort
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from uuid import uuid4

from imageferry_emulator.objects import crc64, files
from imageferry_emulator.objects.models import (
    APPENDABLE,
    NORMAL,
    PLAIN,
    Bucket,
    BucketFullError,
    BucketMissingError,
    BucketTakenError,
    Listing,
    NotAppendableError,
    ObjectMissingError,
    ObjectTakenError,
    PositionError,
    StoredObject,
    Traits,
    object_of,
)
from imageferry_emulator.objects.uploads import Uploads

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from imageferry_emulator.objects.files import Sums


class ObjectStore:
    """All buckets under one folder. Every method may be called from any thread; those that copy bytes block while they do."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.incoming = files.Incoming(root / "incoming")
        self._lock = threading.RLock()
        self._buckets: dict[str, Bucket] = {}
        self._objects: dict[str, dict[str, StoredObject]] = {}
        self._keys: dict[str, list[str]] = {}
        self.uploads = Uploads(root / "uploads", self.incoming)
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

    def create_bucket(
        self, name: str, *, region: str, owner: str, sse: str, acl: str = "private", storage_class: str = "Standard"
    ) -> Bucket:
        """Make an empty bucket. Raises BucketTakenError."""
        with self._lock:
            if name in self._buckets:
                raise BucketTakenError(name)
            self._folder(name).mkdir(parents=True, exist_ok=True)
            self._objects[name], self._keys[name] = {}, []
            return self._keep_bucket(Bucket(name, region, owner, sse, files.now(), acl, storage_class))

    def change_bucket(self, name: str, *, sse: str | None = None, acl: str | None = None) -> Bucket:
        """Change what is given. Raises BucketMissingError."""
        with self._lock:
            bucket = self.bucket(name)
            return self._keep_bucket(replace(bucket, sse=sse or bucket.sse, acl=acl or bucket.acl))

    def delete_bucket(self, name: str) -> None:
        """Delete a bucket without objects and uploads. Raises BucketMissingError, BucketFullError."""
        with self._lock:
            self.bucket(name)
            if self._keys[name] or self.uploads.of_bucket(name):
                raise BucketFullError(name)
            # Without this file the rest of the folder is no bucket, whenever it goes.
            (self._folder(name) / "bucket.json").unlink()
            shutil.rmtree(self._folder(name), ignore_errors=True)
            del self._buckets[name], self._objects[name], self._keys[name]

    def staging(self) -> AbstractContextManager[Path]:
        """A path within the store to write bytes to before they are an object; gone afterwards unless `adopt` took it."""
        return self.incoming.staging()

    def put(self, bucket: str, key: str, source: Path | bytes, *, traits: Traits = PLAIN) -> StoredObject:
        """Store a copy of `source` under `key`, replacing what was there. Raises BucketMissingError."""
        with self.staging() as staged:
            if isinstance(source, Path):
                shutil.copyfile(source, staged)
            else:
                staged.write_bytes(source)
            return self.adopt(bucket, key, staged, traits=traits)

    def adopt(
        self,
        bucket: str,
        key: str,
        staged: Path,
        *,
        traits: Traits = PLAIN,
        sums: Sums | None = None,
        kind: str = NORMAL,
        fresh: bool = False,
    ) -> StoredObject:
        """Make a file written under `staging` the object, without another copy; `sums` where they are known already.

        Raises BucketMissingError, and ObjectTakenError if the object is to be `fresh` and is not.
        """
        sums = sums or files.sums(staged)
        with self._lock:
            self.bucket(bucket)
            if fresh and key in self._objects[bucket]:
                raise ObjectTakenError(key)
            path = self._folder(bucket) / f"{files.stem(key)}.{uuid4().hex}.data"
            staged.replace(path)
            return self._keep(
                StoredObject(bucket, key, sums.size, sums.md5, sums.crc64, files.now(), path, traits, kind)
            )

    def append(self, bucket: str, key: str, staged: Path, position: int, *, traits: Traits) -> StoredObject:
        """Put the bytes of `staged` behind an appendable object that ends at `position`, or begin one.

        Raises BucketMissingError, NotAppendableError, PositionError.
        """
        sums = files.sums(staged)
        with self._lock:
            self.bucket(bucket)
            found = self._objects[bucket].get(key)
            if found is not None and found.kind != APPENDABLE:
                raise NotAppendableError(key)
            if position != (found.size if found else 0):
                raise PositionError(found.size if found else 0)
            if found is None:
                return self.adopt(bucket, key, staged, traits=traits, sums=_appended(None, sums), kind=APPENDABLE)
            with found.path.open("r+b") as out, staged.open("rb") as source:
                out.truncate(found.size)  # of what a process that died had begun to append
                out.seek(found.size)
                shutil.copyfileobj(source, out)
            whole = _appended(found, sums)
            return self._keep(replace(found, size=whole.size, etag=whole.md5, crc64=whole.crc64, modified=files.now()))

    def change(self, bucket: str, key: str, **changes: Any) -> StoredObject:  # noqa: ANN401 (a value for any field)
        """Change what is known about an object but not its bytes. Raises as `head` does."""
        with self._lock:
            return self._keep(replace(self.head(bucket, key), **changes))

    def head(self, bucket: str, key: str) -> StoredObject:
        """The object. Raises BucketMissingError, ObjectMissingError."""
        with self._lock:
            self.bucket(bucket)
            try:
                return self._objects[bucket][key]
            except KeyError:
                raise ObjectMissingError(key) from None

    def holds(self, bucket: str, key: str) -> bool:
        """Whether there is such an object. Raises BucketMissingError."""
        with self._lock:
            self.bucket(bucket)
            return key in self._objects[bucket]

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
            (self._folder(bucket) / f"{files.stem(key)}.json").unlink()
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
                group = grouped(key, prefix, delimiter)
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
        return self.root / "buckets" / bucket

    def _keep_bucket(self, bucket: Bucket) -> Bucket:
        self.incoming.write_json(self._folder(bucket.name) / "bucket.json", asdict(bucket))
        self._buckets[bucket.name] = bucket
        return bucket

    def _keep(self, stored: StoredObject) -> StoredObject:
        path = self._folder(stored.bucket) / f"{files.stem(stored.key)}.json"
        self.incoming.write_json(path, asdict(stored) | {"path": stored.path.name})
        replaced = self._objects[stored.bucket].get(stored.key)
        self._objects[stored.bucket][stored.key] = stored
        if replaced is None:
            insort(self._keys[stored.bucket], stored.key)
        elif replaced.path != stored.path:
            replaced.path.unlink(missing_ok=True)
        return stored

    def _load(self, folder: Path) -> None:
        stored = json.loads((folder / "bucket.json").read_text(encoding="utf-8"))
        bucket = Bucket(**{**stored, "created": datetime.fromisoformat(stored["created"])})
        objects = [
            object_of(json.loads(path.read_text(encoding="utf-8")), folder)
            for path in folder.glob("*.json")
            if path.name != "bucket.json"
        ]
        kept = {stored.path for stored in objects}
        for path in folder.glob("*.data"):
            if path not in kept:
                path.unlink()
        self._buckets[bucket.name] = bucket
        self._objects[bucket.name] = {stored.key: stored for stored in objects}
        self._keys[bucket.name] = sorted(self._objects[bucket.name])


def grouped(key: str, prefix: str, delimiter: str) -> str:
    """The common prefix that a key counts under, '' if it counts by itself."""
    if not delimiter:
        return ""
    end = key.find(delimiter, len(prefix))
    return key[: end + len(delimiter)] if end >= 0 else ""


def _appended(found: StoredObject | None, sums: Sums) -> Sums:
    """The sums of an appendable object that has grown; its ETag is unique and no MD5, and ends in zeros as the service's do."""
    size = (found.size if found else 0) + sums.size
    crc = crc64.joined(found.crc64, sums.crc64, sums.size) if found else sums.crc64
    unique = hashlib.md5(f"{size} {crc} {sums.md5}".encode(), usedforsecurity=False).hexdigest().upper()
    return files.Sums(size, unique[:24] + "00000000", crc)

"""Multipart uploads on disk: a folder per upload, two files per part, swept away with it. Objects are the store's affair.

As with objects, renaming a JSON file into place is the moment of change, so that a SIGKILL leaves each part old or new.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from imageferry_emulator.objects import crc64, files
from imageferry_emulator.objects.models import Traits, traits_of

if TYPE_CHECKING:
    from imageferry_emulator.objects.files import Incoming, Sums


class UploadMissingError(LookupError):
    """No upload of that id for that key: never begun, completed or aborted."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part as it was received last under its number; `path` are its bytes."""

    number: int
    size: int
    etag: str
    crc64: int
    modified: datetime
    path: Path


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload that was begun and is neither completed nor aborted."""

    id: str
    bucket: str
    key: str
    initiated: datetime
    traits: Traits


class Uploads:
    """All uploads under one folder. Every method may be called from any thread; those that copy bytes block while they do."""

    def __init__(self, root: Path, incoming: Incoming) -> None:
        self._root = root
        self._incoming = incoming
        self._lock = threading.RLock()
        self._uploads: dict[str, Upload] = {}
        self._parts: dict[str, dict[int, Part]] = {}
        root.mkdir(parents=True, exist_ok=True)
        for folder in root.iterdir():
            self._load(folder)

    def begin(self, bucket: str, key: str, traits: Traits, *, upload_id: str | None = None) -> Upload:
        """A new upload, with an id of its own unless one is given."""
        upload = Upload(upload_id or uuid4().hex.upper(), bucket, key, files.now(), traits)
        with self._lock:
            folder = self._root / upload.id
            folder.mkdir()
            self._incoming.write_json(folder / "upload.json", asdict(upload))
            self._uploads[upload.id], self._parts[upload.id] = upload, {}
        return upload

    def upload(self, bucket: str, key: str, upload_id: str) -> Upload:
        """The upload of that id for that key. Raises UploadMissingError."""
        with self._lock:
            found = self._uploads.get(upload_id)
            if found is None or (found.bucket, found.key) != (bucket, key):
                raise UploadMissingError(upload_id)
            return found

    def of_bucket(self, bucket: str) -> list[Upload]:
        """The uploads into a bucket, by key and then by id."""
        with self._lock:
            found = [upload for upload in self._uploads.values() if upload.bucket == bucket]
        return sorted(found, key=lambda upload: (upload.key, upload.id))

    def put(self, upload: Upload, number: int, staged: Path) -> Part:
        """Make a staged file the part of that number, replacing what was there. Raises UploadMissingError."""
        sums = files.sums(staged)
        with self._lock:
            self.upload(upload.bucket, upload.key, upload.id)
            folder = self._root / upload.id
            path = folder / f"{number}.{uuid4().hex}.data"
            staged.replace(path)
            part = Part(number, sums.size, sums.md5, sums.crc64, files.now(), path)
            self._incoming.write_json(folder / f"{number}.json", asdict(part) | {"path": path.name})
            replaced = self._parts[upload.id].get(number)
            self._parts[upload.id][number] = part
            if replaced is not None:
                replaced.path.unlink()
            return part

    def parts(self, upload: Upload) -> list[Part]:
        """The parts received so far, by number. Raises UploadMissingError."""
        with self._lock:
            self.upload(upload.bucket, upload.key, upload.id)
            return [part for _, part in sorted(self._parts[upload.id].items())]

    def drop(self, upload: Upload) -> None:
        """Forget an upload with all its parts. Raises UploadMissingError."""
        with self._lock:
            self.upload(upload.bucket, upload.key, upload.id)
            # Without this file the rest of the folder is no upload, whenever it goes.
            (self._root / upload.id / "upload.json").unlink()
            shutil.rmtree(self._root / upload.id, ignore_errors=True)
            del self._uploads[upload.id], self._parts[upload.id]

    def _load(self, folder: Path) -> None:
        if not (folder / "upload.json").exists():
            shutil.rmtree(folder)
            return
        stored = json.loads((folder / "upload.json").read_text(encoding="utf-8"))
        initiated, traits = datetime.fromisoformat(stored["initiated"]), traits_of(stored["traits"])
        self._uploads[folder.name] = Upload(**{**stored, "initiated": initiated, "traits": traits})
        parts = [_read(path) for path in folder.glob("*.json") if path.name != "upload.json"]
        self._parts[folder.name] = {part.number: part for part in parts}
        kept = {part.path for part in parts}
        for path in folder.glob("*.data"):
            if path not in kept:
                path.unlink()


def join(parts: list[Part], destination: Path) -> Sums:
    """Write the parts one behind the other; the sums of the whole, whose ETag is the parts' MD5s summed and counted."""
    etags, size, crc = hashlib.md5(usedforsecurity=False), 0, 0
    with destination.open("wb") as out:
        for part in parts:
            with part.path.open("rb") as source:
                shutil.copyfileobj(source, out, 1 << 20)
            etags.update(bytes.fromhex(part.etag))
            size, crc = size + part.size, crc64.joined(crc, part.crc64, part.size)
    return files.Sums(size, f"{etags.hexdigest().upper()}-{len(parts)}", crc)


def _read(path: Path) -> Part:
    stored = json.loads(path.read_text(encoding="utf-8"))
    found = {"modified": datetime.fromisoformat(stored["modified"]), "path": path.parent / stored["path"]}
    return Part(**{**stored, **found})

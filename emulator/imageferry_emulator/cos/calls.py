"""A request to COS whose sender is known, and what its sender may do with which bucket. What is then done is not decided here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from imageferry_emulator.cos import errors
from imageferry_emulator.cos.errors import CosError
from imageferry_emulator.cos.models import ARCHIVED, STANDARD, STORAGE_CLASSES
from imageferry_emulator.objects.models import ObjectMissingError, Traits

if TYPE_CHECKING:
    from aiohttp import web

    from imageferry_emulator.accounts import Account
    from imageferry_emulator.cos.signature import Caller
    from imageferry_emulator.cos.wire import Target
    from imageferry_emulator.objects.models import Bucket, StoredObject
    from imageferry_emulator.objects.store import ObjectStore
    from imageferry_emulator.world import World

_KEPT = frozenset(
    {"content-type", "cache-control", "content-disposition", "content-encoding", "content-language", "expires"}
)
ENCRYPTION = "x-cos-server-side-encryption"
ENCRYPTIONS = ("AES256", "cos/kms", "KMS", "SM4")
ACLS = ("private", "public-read", "public-read-write")
OBJECT_ACLS = ("default", "private", "public-read")


class Need(StrEnum):
    """What a caller wants with a bucket: to manage it, or what is in it read or written."""

    OWN = "own"
    READ = "read"
    WRITE = "write"


_GRANTS = {
    "private": frozenset[Need](),
    "public-read": frozenset({Need.READ}),
    "public-read-write": frozenset({Need.READ, Need.WRITE}),
}


@dataclass(frozen=True, slots=True)
class Sender:
    """Who asks for what: all that decides what one may do. `caller` is None for an anonymous one."""

    world: World
    target: Target
    caller: Caller | None

    @property
    def store(self) -> ObjectStore:
        """All buckets."""
        return self.world.tencent.objects

    def bucket(self, need: Need) -> Bucket:
        """The bucket asked for, if the sender may. Raises BucketMissingError, CosError."""
        found = self._bucket()
        self._check_grant(found, found.acl, need)
        return found

    def readable(self, key: str) -> StoredObject:
        """The object of that bucket, if the sender may read it. Raises BucketMissingError, ObjectMissingError, CosError."""
        found = self._bucket()
        try:
            stored = self.store.head(found.name, key)
        except ObjectMissingError:
            # Whether there is such an object is for those to know who may read it.
            self._check_grant(found, found.acl, Need.READ)
            raise
        self._check_grant(found, found.acl if stored.traits.acl == "default" else stored.traits.acl, Need.READ)
        return stored

    def _bucket(self) -> Bucket:
        found = self.store.bucket(self.target.bucket)
        # A bucket is unknown to the endpoints of other regions.
        if self.target.region and self.target.region != found.region:
            raise CosError(errors.BUCKET_MISSING)
        return found

    def _check_grant(self, found: Bucket, acl: str, need: Need) -> None:
        owner = self.caller is not None and self.caller.account.id == found.owner
        if not owner and need not in _GRANTS[acl]:
            raise CosError(errors.DENIED)


@dataclass(frozen=True, slots=True)
class Call(Sender):
    """A request over HTTP whose sender is known."""

    request: web.Request
    identity: str

    @property
    def account(self) -> Account:
        """The account of the caller. Raises CosError if there is none."""
        if self.caller is None:
            raise CosError(errors.DENIED)
        return self.caller.account

    @property
    def encoding(self) -> str:
        """How names in the answer are to be written: `url`, or ''. Raises CosError for anything else."""
        found = self.target.parameter("encoding-type") or ""
        if found not in {"", "url"}:
            raise CosError(errors.ARGUMENT)
        return found

    def number(self, name: str, *, default: int, most: int, least: int = 0) -> int:
        """A query parameter that is a number; more than `most` counts as that. Raises CosError if it is none."""
        given = self.target.parameter(name) or str(default)
        if not given.isascii() or not given.isdigit() or int(given) < least:
            raise CosError(errors.ARGUMENT)
        return min(int(given), most)

    def record(self, action: str, **result: str) -> None:
        """Book what was changed."""
        names = (("bucket", self.target.bucket), ("key", self.target.key))
        self.world.ledger.record(
            service="cos",
            action=action,
            account_id=self.caller.account.id if self.caller else "",
            access_key_id=self.caller.key.id if self.caller else "",
            params={name: value for name, value in names if value},
            request_id=self.identity,
            result=dict(result),
        )


def traits(call: Call, into: Bucket) -> Traits:
    """What the headers of an upload say about its object. Raises CosError for a value that is not documented."""
    headers = call.request.headers
    storage_class = headers.get("x-cos-storage-class", STANDARD).upper()
    acl = headers.get("x-cos-acl", "default")
    encryption = headers.get(ENCRYPTION, "" if into.sse == "None" else into.sse)
    if storage_class not in STORAGE_CLASSES:
        raise CosError(errors.STORAGE_CLASS)
    if acl not in OBJECT_ACLS or encryption not in {"", *ENCRYPTIONS}:
        raise CosError(errors.ARGUMENT)
    kept = [(name, value) for name, value in headers.items() if _is_kept(name.lower())]
    if encryption:
        kept.append((ENCRYPTION, encryption))
    return Traits(tuple(kept), storage_class, (), acl)


def check_thawed(sender: Sender, stored: StoredObject) -> None:
    """Refuse to read an archived object that is not restored. Raises CosError."""
    if stored.traits.storage_class not in ARCHIVED:
        return
    now = sender.world.clock.task_seconds()
    if stored.thaw is None or not stored.thaw.ready <= now < stored.thaw.over:
        raise CosError(errors.OBJECT_FROZEN)


def chosen(value: str, known: tuple[str, ...]) -> str:
    """The value, if it is one of those. Raises CosError."""
    if value not in known:
        raise CosError(errors.ARGUMENT)
    return value


def _is_kept(name: str) -> bool:
    """Whether a header of an upload is given back with its object."""
    return name in _KEPT or name.startswith("x-cos-meta-")

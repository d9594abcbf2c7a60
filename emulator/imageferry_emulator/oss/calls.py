"""A request to OSS whose sender is known, and what its sender may do with which bucket. What is then done is not decided here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from imageferry_emulator.objects.models import ObjectMissingError, Traits
from imageferry_emulator.oss import errors, rights
from imageferry_emulator.oss.errors import OssError
from imageferry_emulator.oss.models import STORAGE_CLASSES, is_frozen

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aiohttp import web

    from imageferry_emulator.objects.models import Bucket, StoredObject
    from imageferry_emulator.objects.store import ObjectStore
    from imageferry_emulator.oss.signature import Caller
    from imageferry_emulator.oss.wire import Target
    from imageferry_emulator.world import World

_KEPT = frozenset(
    {"content-type", "cache-control", "content-disposition", "content-encoding", "content-language", "expires"}
)
_ACLS = ("private", "public-read", "public-read-write")
_ENCRYPTIONS = ("AES256", "KMS", "SM4")
_MOST_TAGS = 10
_TAG = re.compile(r"[\w +\-=._:/@]*")


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
class Call:
    """A request whose sender is known; `caller` is None for an anonymous one, `right` the action that policies must allow."""

    request: web.Request
    world: World
    target: Target
    caller: Caller | None
    identity: str
    right: str

    @property
    def store(self) -> ObjectStore:
        """All buckets."""
        return self.world.objects

    @property
    def account(self) -> str:
        """The account id of the caller. Raises OssError if there is none."""
        if self.caller is None:
            raise OssError(errors.ANONYMOUS)
        return self.caller.key.account_id

    @property
    def encoding(self) -> str:
        """How names in the answer are to be written: `url`, or ''. Raises OssError for anything else."""
        found = self.target.parameter("encoding-type") or ""
        if found not in {"", "url"}:
            raise invalid("encoding-type", found)
        return found

    def number(self, name: str, *, default: int, most: int, least: int = 1) -> int:
        """A query parameter that is a number. Raises OssError if it is out of bounds."""
        given = self.target.parameter(name) or str(default)
        if not given.isascii() or not given.isdigit() or not least <= int(given) <= most:
            raise invalid(name, given)
        return int(given)

    def record(self, action: str, **result: str) -> None:
        """Book what was changed."""
        names = (("bucket", self.target.bucket), ("key", self.target.key))
        self.world.ledger.record(
            service="oss",
            action=action,
            account_id=self.caller.key.account_id if self.caller else "",
            access_key_id=self.caller.key.id if self.caller else "",
            params={name: value for name, value in names if value},
            request_id=self.identity,
            result=dict(result),
        )


def invalid(name: str, value: str) -> OssError:
    """InvalidArgument, saying which."""
    return OssError(errors.ARGUMENT, ("ArgumentName", name), ("ArgumentValue", value))


def bucket(call: Call, need: Need) -> Bucket:
    """The bucket of the call, if its caller may. Raises BucketMissingError, OssError."""
    return bucket_of(call, need, [call.target.key])


def bucket_of(call: Call, need: Need, keys: Iterable[str]) -> Bucket:
    """The bucket of the call, if its caller may for each of these objects. Raises BucketMissingError, OssError."""
    found = call.store.bucket(call.target.bucket)
    _check_endpoint(call, found)
    for key in keys:
        _check_grant(call, found, found.acl, need, key)
    return found


def check_account(call: Call) -> None:
    """Refuse a caller who lacks the right on the account's buckets, or on one still to be made. Raises OssError."""
    if not _is_allowed(call, rights.unmade(call.account, call.target.bucket)):
        raise _not_allowed(call)


def readable(call: Call, key: str) -> StoredObject:
    """The object of the call's bucket, if its caller may read it. Raises BucketMissingError, ObjectMissingError, OssError."""
    found = call.store.bucket(call.target.bucket)
    _check_endpoint(call, found)
    try:
        stored = call.store.head(found.name, key)
    except ObjectMissingError:
        # Whether there is such an object is for those to know who may read it.
        _check_grant(call, found, found.acl, Need.READ, key)
        raise
    _check_grant(call, found, found.acl if stored.traits.acl == "default" else stored.traits.acl, Need.READ, key)
    return stored


def traits(call: Call, into: Bucket) -> Traits:
    """What the headers of an upload say about its object. Raises OssError for a value that is not documented."""
    headers = call.request.headers
    storage_class = headers.get("x-oss-storage-class", into.storage_class)
    acl = headers.get("x-oss-object-acl", "default")
    encryption = headers.get("x-oss-server-side-encryption", "" if into.sse == "None" else into.sse)
    known = (
        ("x-oss-storage-class", storage_class, STORAGE_CLASSES),
        ("x-oss-object-acl", acl, {"default", *_ACLS}),
        ("x-oss-server-side-encryption", encryption, {"", *_ENCRYPTIONS}),
    )
    for name, value, values in known:
        if value not in values:
            raise invalid(name, value)
    kept = [(name, value) for name, value in headers.items() if _is_kept(name.lower())]
    if encryption:
        kept.append(("x-oss-server-side-encryption", encryption))
    tags = parse_qsl(headers.get("x-oss-tagging", ""), keep_blank_values=True)
    return Traits(tuple(kept), storage_class, checked_tags(tags), acl)


def checked_tags(tags: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """The tags of an object, in order. Raises OssError if they are too many, repeated or of forbidden characters."""
    names = [name for name, _ in tags]
    if len(tags) > _MOST_TAGS or len(set(names)) < len(names) or not all(names):
        raise OssError(errors.TAGS_INVALID)
    if not all(_TAG.fullmatch(text) for pair in tags for text in pair):
        raise OssError(errors.TAGS_INVALID)
    return tuple(tags)


def bucket_acl(given: str) -> str:
    """A bucket's ACL. Raises OssError for a value that is not documented."""
    if given not in _ACLS:
        raise invalid("x-oss-acl", given)
    return given


def object_acl(given: str) -> str:
    """An object's ACL. Raises OssError for a value that is not documented."""
    if given not in {"default", *_ACLS}:
        raise invalid("x-oss-object-acl", given)
    return given


def encryption(given: str) -> str:
    """A bucket's default encryption. Raises OssError for a value that is not documented."""
    if given not in _ENCRYPTIONS:
        raise invalid("SSEAlgorithm", given)
    return given


def check_thawed(call: Call, stored: StoredObject) -> None:
    """Refuse to read an archived object that is not restored. Raises OssError."""
    if is_frozen(stored, call.world.clock.task_seconds()):
        raise OssError(errors.OBJECT_FROZEN, ("ObjectName", stored.key))


def _check_endpoint(call: Call, found: Bucket) -> None:
    target = call.target
    if target.region and target.region != found.region:
        raise OssError(
            errors.BUCKET_ELSEWHERE, ("Bucket", found.name), ("Endpoint", f"oss-{found.region}.aliyuncs.com")
        )
    checked = call.world.settings.values.signing_region_checked
    if checked and call.caller is not None and call.caller.region not in {"", found.region}:
        raise OssError(errors.REGION_IN_HEADER, ("Region", call.caller.region))


def _check_grant(call: Call, found: Bucket, acl: str, need: Need, key: str) -> None:
    own = call.caller is not None and call.caller.key.account_id == found.owner
    if need in _GRANTS[acl] or (own and _is_allowed(call, rights.resource(found, key))):
        return
    if own:
        raise _not_allowed(call)
    raise OssError(errors.ANONYMOUS if call.caller is None else errors.NOT_YOURS)


def _is_allowed(call: Call, resource: str) -> bool:
    return call.caller is not None and call.world.access.allows(call.caller.key, call.right, resource)


def _not_allowed(call: Call) -> OssError:
    session = call.caller is not None and call.caller.key.session is not None
    return OssError(errors.SESSION_NOT_ALLOWED if session else errors.NOT_ALLOWED)


def _is_kept(name: str) -> bool:
    """Whether a header of an upload is given back with its object."""
    return name in _KEPT or name.startswith("x-oss-meta-")

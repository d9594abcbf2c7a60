"""Retention policies (WORM): what is in a bucket that has one can be read and added to, and neither changed nor deleted.

https://www.alibabacloud.com/help/en/oss/user-guide/oss-retention-policies. Kept in the journal, by bucket. Days are real ones.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

from aiohttp import web

from imageferry_emulator.objects.models import ObjectMissingError
from imageferry_emulator.objects.xml import iso
from imageferry_emulator.oss import bodies, calls, errors, wire
from imageferry_emulator.oss.calls import Call, Need
from imageferry_emulator.oss.errors import OssError

if TYPE_CHECKING:
    from collections.abc import Iterable

_MOST_DAYS = 70 * 365
_UNLOCKED_LIFE = timedelta(days=1)
"""A policy that nobody locks is over after this."""
_TABLE = "worm"


@dataclass(frozen=True, slots=True)
class _Policy:
    id: str
    days: int
    created: str
    locked: bool

    @property
    def since(self) -> datetime:
        return datetime.fromisoformat(self.created)


async def initiate(call: Call) -> web.Response:
    """InitiateBucketWorm."""
    bucket = calls.bucket(call, Need.OWN)
    document = await bodies.xml(call.request, "InitiateWormConfiguration")
    given = document.findtext("RetentionPeriodInDays") or ""
    if not given.isascii() or not given.isdigit() or not 1 <= int(given) <= _MOST_DAYS:
        raise calls.invalid("RetentionPeriodInDays", given)
    if _policy(call, bucket.name) is not None:
        raise OssError(errors.WORM_TAKEN, ("BucketName", bucket.name))
    policy = _Policy(uuid4().hex.upper(), int(given), call.world.clock.real_now().isoformat(), locked=False)
    _keep(call, bucket.name, policy)
    call.record("InitiateBucketWorm", wormId=policy.id, days=given)
    return web.Response(headers={"x-oss-worm-id": policy.id})


async def complete(call: Call) -> web.Response:
    """CompleteBucketWorm: from now on nobody takes it back."""
    bucket = calls.bucket(call, Need.OWN)
    policy = _needed(call, bucket.name)
    if policy.id != call.target.parameter("wormId"):
        raise OssError(errors.WORM_MISSING, ("BucketName", bucket.name))
    _keep(call, bucket.name, _Policy(policy.id, policy.days, policy.created, locked=True))
    call.record("CompleteBucketWorm", wormId=policy.id)
    return web.Response()


async def abort(call: Call) -> web.Response:
    """AbortBucketWorm, of a policy that is not locked yet."""
    bucket = calls.bucket(call, Need.OWN)
    if _needed(call, bucket.name).locked:
        raise OssError(errors.WORM_LOCKED, ("BucketName", bucket.name))
    call.world.journal.drop(_TABLE, bucket.name)
    call.record("AbortBucketWorm")
    return web.Response(status=204)


async def get(call: Call) -> web.Response:
    """GetBucketWorm."""
    bucket = calls.bucket(call, Need.OWN)
    policy = _needed(call, bucket.name)
    return wire.xml_answer(
        (
            "WormConfiguration",
            [
                ("WormId", policy.id),
                ("State", "Locked" if policy.locked else "InProgress"),
                ("RetentionPeriodInDays", str(policy.days)),
                ("CreationDate", iso(policy.since)),
            ],
        )
    )


def check_mutable(call: Call, bucket: str, keys: Iterable[str]) -> None:
    """Refuse to change or delete what a policy protects. A key under which there is nothing is free. Raises OssError."""
    policy = _policy(call, bucket)
    if policy is None:
        return
    for key in keys:
        try:
            stored = call.store.head(bucket, key)
        except ObjectMissingError:
            continue
        if call.world.clock.real_now() < stored.modified.astimezone(UTC) + timedelta(days=policy.days):
            raise OssError(errors.OBJECT_IMMUTABLE, ("ObjectName", key))


def forget(call: Call, bucket: str) -> None:
    """The bucket is no more: one of the same name begins without a policy."""
    call.world.journal.drop(_TABLE, bucket)


def _policy(call: Call, bucket: str) -> _Policy | None:
    stored = call.world.journal.table(_TABLE).get(bucket)
    found = _Policy(**stored) if stored else None
    over = found is not None and not found.locked and call.world.clock.real_now() >= found.since + _UNLOCKED_LIFE
    return None if over else found


def _needed(call: Call, bucket: str) -> _Policy:
    found = _policy(call, bucket)
    if found is None:
        raise OssError(errors.WORM_MISSING, ("BucketName", bucket))
    return found


def _keep(call: Call, bucket: str, policy: _Policy) -> None:
    call.world.journal.put(_TABLE, bucket, asdict(policy))

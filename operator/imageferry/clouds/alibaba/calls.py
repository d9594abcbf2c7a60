"""The calls as coroutines: each waits for its turn, runs in the pool on a deadline, and fails only with a Failure.

Every request is told to the metrics by action, region and code. What an answer means may not enter here.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from imageferry.clouds.alibaba import client, verdicts
from imageferry.clouds.alibaba.client import Action, Answer, Bucket, Client, Head, Page
from imageferry.clouds.alibaba.faults import Fault, Refused, Unreachable, Unreadable
from imageferry.clouds.provider import Access
from imageferry.clouds.ratelimit import RateLimits
from imageferry.clouds.threads import NeverBegunError, OverdueError, Threads
from imageferry.core.errors import Failure, Throttled
from imageferry.core.reasons import Reason

T = TypeVar("T")
Judge = Callable[[str, Fault], Failure]


class Calls:
    """The calls of one account in one region; `limits` are the account's."""

    def __init__(self, access: Access, limits: RateLimits, region: str) -> None:
        self.region = region
        self.task_retention_seconds = access.timings.task_retention_seconds
        self.busy_seconds = access.timings.busy_seconds
        self._timings, self._report, self._doubt = access.timings, access.report, access.doubt
        self._limits, self._threads = limits, Threads(access.pool)
        self._client = Client(access.keys, access.endpoints, region)

    async def ecs(self, action: Action, parameters: Mapping[str, Any]) -> Answer:
        """An ECS call that is safe to repeat; `parameters` have the documented names, RegionId is added."""
        sent = {"RegionId": self.region, **parameters}
        return await self._ask(action, lambda left: self._client.ecs(action, sent, left))

    async def submit(self, parameters: Mapping[str, Any], *, signed_at: datetime, nonce: str) -> Answer:
        """ExportImage: at most one request on the wire, signed with the given time (whole seconds) and nonce.

        Raises Unsent only if it provably never left, Unconfirmed whenever the task may have started.
        """
        action, sent = Action.EXPORT_IMAGE, {"RegionId": self.region, **parameters}
        # However long this process is held up, the cloud refuses the request once the life of a signature has passed since
        # the claim; and it takes a nonce only once.
        signed = signed_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        headers = {"x-acs-date": signed, "x-acs-signature-nonce": nonce}
        ends = time.monotonic() + self._timings.submit_deadline_seconds
        try:
            await self._turn(action, self._timings.submit_deadline_seconds)
        except (Throttled, asyncio.CancelledError):
            raise verdicts.submitting(action, Unreachable()) from None
        call = self._threads.send(
            lambda left: self._client.ecs(action, sent, left, headers), seconds=ends - time.monotonic()
        )
        return await self._told(action, call, verdicts.submitting)

    async def caller(self) -> Answer:
        """STS GetCallerIdentity: who owns the key."""
        return await self._ask(Action.GET_CALLER_IDENTITY, self._client.caller)

    async def ram(self, action: Action, parameters: Mapping[str, str]) -> Answer:
        """A RAM call; `parameters` have the documented names."""
        return await self._ask(action, lambda left: self._client.ram(action, parameters, left))

    async def bucket(self, name: str) -> Bucket:
        """What OSS says about a bucket."""
        return await self._ask(Action.GET_BUCKET_INFO, lambda left: self._client.bucket(name, left))

    async def page(self, bucket: str, prefix: str, token: str) -> Page:
        """One page of the files whose names begin with `prefix`."""
        return await self._ask(Action.LIST_OBJECTS, lambda left: self._client.page(bucket, prefix, token, left))

    async def head(self, bucket: str, key: str) -> Head:
        """What OSS says about a file. The failure's code is NoSuchKey if there is none."""
        return await self._ask(Action.HEAD_OBJECT, lambda left: self._client.head(bucket, key, left))

    async def read(self, bucket: str, key: str, span: tuple[int, int]) -> bytes:
        """The bytes of a file from the first to the last of `span`, both included."""
        return await self._ask(Action.GET_OBJECT, lambda left: self._client.read(bucket, key, span, left))

    async def delete(self, bucket: str, key: str) -> str:
        """Delete one file; returns the request's id."""
        return await self._ask(Action.DELETE_OBJECT, lambda left: self._client.delete(bucket, key, left))

    def close(self) -> None:
        """Let go of the sockets."""
        self._client.close()

    async def _ask(self, action: Action, call: Callable[[float], T]) -> T:
        seconds = self._timings.read_deadline_seconds
        await self._turn(action, seconds)
        return await self._told(action, self._threads.ask(call, seconds=seconds), verdicts.reading)

    async def _turn(self, action: Action, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._limits.acquire(self.region, action)
        except TimeoutError:
            raise Throttled(f"The operator holds {action} requests back, as the cloud asked for fewer.") from None

    async def _told(self, action: Action, outcome: Awaitable[T], judge: Judge) -> T:
        try:
            result = await outcome
        except Failure:
            raise
        except NeverBegunError:
            fault: Fault = Unreachable()
        except OverdueError:
            fault = Unreadable()
        except Exception as error:  # noqa: BLE001 -- an SDK raises what it likes, and most of it says nothing about the request
            fault = client.fault(error)
        else:
            self._report(action, self.region, "OK")
            return result
        self._report(action, self.region, fault.code if isinstance(fault, Refused) else "Unreachable")
        failure = judge(action, fault)
        if isinstance(failure, Throttled):
            self._limits.throttled(self.region, action, failure.retry_after_seconds)
        if failure.reason is Reason.CREDENTIALS_REJECTED:
            self._doubt()
        raise failure

"""The calls as coroutines: each waits for its turn, runs in the pool on a deadline, and fails only with a Failure.

What an answer means may not enter here.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from imageferry.clouds.alibaba import client, verdicts
from imageferry.clouds.alibaba.answers import Bucket, Page
from imageferry.clouds.alibaba.client import Action, Client
from imageferry.clouds.answers import Answer, Head
from imageferry.clouds.asking import Asking
from imageferry.clouds.provider import Access
from imageferry.clouds.ratelimit import RateLimits


class Calls:
    """The calls of one account in one region; `limits` are the account's."""

    def __init__(self, access: Access, limits: RateLimits, region: str) -> None:
        self.region = region
        self.task_retention_seconds = access.timings.task_retention_seconds
        self.busy_seconds = access.timings.busy_seconds
        self._client = Client(access.keys, access.endpoints, region)
        self._asking = Asking(access, limits, region, fault=client.fault, verdicts=verdicts.VERDICTS)

    async def ecs(self, action: Action, parameters: Mapping[str, Any]) -> Answer:
        """An ECS call that is safe to repeat; `parameters` have the documented names, RegionId is added."""
        sent = {"RegionId": self.region, **parameters}
        return await self._asking.ask(action, lambda left: self._client.ecs(action, sent, left))

    async def submit(self, action: Action, parameters: Mapping[str, Any], *, signed_at: datetime, nonce: str) -> Answer:
        """ExportImage or ImportImage: at most one request on the wire, signed with the given time (whole seconds) and nonce.

        Raises Unsent only if it provably never left, Unconfirmed whenever the task may have started.
        """
        sent = {"RegionId": self.region, **parameters}
        # However long this process is held up, the cloud refuses the request once the life of a signature has passed since
        # the claim; and it takes a nonce only once.
        signed = signed_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        headers = {"x-acs-date": signed, "x-acs-signature-nonce": nonce}
        return await self._asking.submit(action, lambda left: self._client.ecs(action, sent, left, headers))

    async def caller(self) -> Answer:
        """STS GetCallerIdentity: who owns the key."""
        return await self._asking.ask(Action.GET_CALLER_IDENTITY, self._client.caller)

    async def ram(self, action: Action, parameters: Mapping[str, str]) -> Answer:
        """A RAM call; `parameters` have the documented names."""
        return await self._asking.ask(action, lambda left: self._client.ram(action, parameters, left))

    async def bucket(self, name: str) -> Bucket:
        """What OSS says about a bucket."""
        return await self._asking.ask(Action.GET_BUCKET_INFO, lambda left: self._client.bucket(name, left))

    async def page(self, bucket: str, prefix: str, token: str) -> Page:
        """One page of the files whose names begin with `prefix`."""
        return await self._asking.ask(Action.LIST_OBJECTS, lambda left: self._client.page(bucket, prefix, token, left))

    async def head(self, bucket: str, key: str) -> Head:
        """What OSS says about a file. The failure's code is NoSuchKey if there is none."""
        return await self._asking.ask(Action.HEAD_OBJECT, lambda left: self._client.head(bucket, key, left))

    async def read(self, bucket: str, key: str, span: tuple[int, int]) -> bytes:
        """The bytes of a file from the first to the last of `span`, both included."""
        return await self._asking.ask(Action.GET_OBJECT, lambda left: self._client.read(bucket, key, span, left))

    async def delete(self, bucket: str, key: str) -> str:
        """Delete one file; returns the request's id."""
        return await self._asking.ask(Action.DELETE_OBJECT, lambda left: self._client.delete(bucket, key, left))

    def close(self) -> None:
        """Let go of the sockets."""
        self._client.close()

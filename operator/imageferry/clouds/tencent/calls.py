"""The calls as coroutines: each waits for its turn, runs in the pool on a deadline, and fails only with a Failure.

What an answer means may not enter here.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from imageferry.clouds.answers import Answer, Head
from imageferry.clouds.asking import Asking
from imageferry.clouds.provider import Access
from imageferry.clouds.ratelimit import RateLimits
from imageferry.clouds.tencent import exceptions, verdicts
from imageferry.clouds.tencent.answers import Page, Uploads
from imageferry.clouds.tencent.client import Action, Client

SIGNED_LATE: Final = timedelta(seconds=60)
"""How long after its claim a submission may still be signed. The SDK signs with the time of sending, and the cloud takes a
signature for five minutes (`AuthFailure.SignatureExpire`): six minutes after the claim no copy of it is taken any more."""


class Calls:
    """The calls of one account in one region; `limits` are the account's."""

    def __init__(self, access: Access, limits: RateLimits, region: str) -> None:
        self.region = region
        self.busy_seconds = access.timings.busy_seconds
        self._client = Client(access.keys, access.endpoints, region)
        self._asking = Asking(access, limits, region, fault=exceptions.fault, verdicts=verdicts.VERDICTS)

    async def cvm(self, action: Action, parameters: Mapping[str, Any]) -> Answer:
        """A CVM call that is safe to repeat; `parameters` have the documented names."""
        return await self._asking.ask(action, lambda left: self._client.cvm(action, parameters, left))

    async def submit(self, action: Action, parameters: Mapping[str, Any], *, claimed_at: datetime) -> Answer:
        """ExportImages or ImportImage: at most one request on the wire, and none that is signed long after its claim.

        Raises Unsent only if it provably never left, Unconfirmed whenever the task may have started.
        """
        # However long this process is held up, the cloud refuses the request once the life of its signature is over.
        signed_by = claimed_at + SIGNED_LATE
        return await self._asking.submit(action, lambda left: self._client.cvm(action, parameters, left, signed_by))

    async def caller(self) -> Answer:
        """STS GetCallerIdentity: who owns the key."""
        action = Action.GET_CALLER_IDENTITY
        return await self._asking.ask(action, lambda left: self._client.sts(action, {}, left))

    async def cam(self, action: Action, parameters: Mapping[str, Any]) -> Answer:
        """A CAM call; `parameters` have the documented names."""
        return await self._asking.ask(action, lambda left: self._client.cam(action, parameters, left))

    async def bucket(self, name: str) -> str:
        """The region of a bucket. The failure's code is NoSuchResource if this region has none of that name."""
        return await self._asking.ask(Action.HEAD_BUCKET, lambda left: self._client.bucket(name, left))

    async def buckets(self) -> Mapping[str, str]:
        """The regions of all buckets of the account, by name."""
        return await self._asking.ask(Action.GET_SERVICE, self._client.buckets)

    async def page(self, bucket: str, prefix: str, marker: str) -> Page:
        """One page of the files whose names begin with `prefix`."""
        return await self._asking.ask(Action.GET_BUCKET, lambda left: self._client.page(bucket, prefix, marker, left))

    async def uploads(self, bucket: str, prefix: str, marker: tuple[str, str]) -> Uploads:
        """One page of the files that are being written in parts, whose names begin with `prefix`."""
        return await self._asking.ask(
            Action.LIST_MULTIPART_UPLOADS, lambda left: self._client.uploads(bucket, prefix, marker, left)
        )

    async def head(self, bucket: str, key: str) -> Head:
        """What COS says about a file. The failure's code is NoSuchResource if there is none."""
        return await self._asking.ask(Action.HEAD_OBJECT, lambda left: self._client.head(bucket, key, left))

    async def read(self, bucket: str, key: str, span: tuple[int, int]) -> bytes:
        """The bytes of a file from the first to the last of `span`, both included."""
        return await self._asking.ask(Action.GET_OBJECT, lambda left: self._client.read(bucket, key, span, left))

    async def delete(self, bucket: str, key: str) -> str:
        """Delete one file; returns the request's id."""
        return await self._asking.ask(Action.DELETE_OBJECT, lambda left: self._client.delete(bucket, key, left))

    def link(self, bucket: str, key: str, seconds: int) -> str:
        """An address under which whoever has it may read a file for so many seconds. Nothing is asked."""
        return self._client.link(bucket, key, seconds)

    def close(self) -> None:
        """Let go of the sockets."""
        self._client.close()

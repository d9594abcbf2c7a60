"""Which service a request is for, and what it is called there: the seam between HTTP and the services.

A request is told apart by its headers, query, form, Authorization scheme and path alone; what a service does is its own.
Never `request.url`: clients were seen to send a Host header with a scheme in it, which that cannot parse.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol

from aiohttp import web

from imageferry_emulator.metadata import routes as metadata
from imageferry_emulator.oss import errors as oss_errors
from imageferry_emulator.oss import routes as oss
from imageferry_emulator.oss import wire as oss_wire
from imageferry_emulator.rpc import routes as rpc
from imageferry_emulator.rpc import wire as rpc_wire

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imageferry_emulator.world import World

CODE = re.compile(rb"<Code>([^<]*)</Code>")
OSS_SCHEMES = ("OSS ", "OSS2 ", "OSS4-HMAC-SHA256 ")
OSS_QUERY = ("x-oss-signature", "x-oss-signature-version", "OSSAccessKeyId")
OSS_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/|OSS ([^:\s]+):|AccessKeyId:([^,\s]+)")


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer and its error code, '' for success."""

    response: web.StreamResponse
    code: str


class Incoming(Protocol):
    """A request on its way to its service; `action` is what faults and gates call it."""

    @property
    def service(self) -> str:
        """`ecs`, `sts`, `ram`, `oss`, `metadata`, or `rpc` where the version is unknown."""

    @property
    def action(self) -> str:
        """`ExportImage`, `OSS:HeadObject`, ..."""

    @property
    def params(self) -> Mapping[str, str]:
        """The parameters, or bucket and key."""

    @property
    def sender(self) -> dict[str, str]:
        """What the request claims about itself, unverified: accessKeyID, requestID, nonce, date."""

    async def answer(self, world: World, effects: Mapping[str, dict[str, Any]]) -> Reply:
        """Hand it to its service."""

    def refuse(self, trouble: Trouble) -> Reply:
        """Answer it with an error of its service's form."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """An error that the frame itself answers with, on behalf of a scripted fault."""

    status: int
    code: str
    message: str
    headers: Mapping[str, str]


async def identify(request: web.Request) -> Incoming:
    """Find the service of a request; reads the body of RPC calls, never that of OSS requests."""
    scheme = request.headers.get("Authorization", "")
    if scheme.startswith(OSS_SCHEMES) or any(name in request.rel_url.query for name in OSS_QUERY):
        return OssIncoming(request)
    if metadata.is_metadata(request):
        return MetadataIncoming(request)
    if oss_wire.hosted_bucket(request.headers.get("Host", "")):
        return OssIncoming(request)
    path = request.raw_path.partition("?")[0]
    if path in ("", "/") or rpc_wire.is_rpc(request):
        return RpcIncoming(await rpc_wire.read(request))
    return OssIncoming(request)


@dataclass(frozen=True, slots=True)
class RpcIncoming:
    """A call of an RPC service."""

    call: rpc_wire.Call

    @property
    def service(self) -> str:
        """As `Incoming` says."""
        return rpc.service_name(self.call)

    @property
    def action(self) -> str:
        """As `Incoming` says."""
        return self.call.action

    @property
    def params(self) -> Mapping[str, str]:
        """As `Incoming` says."""
        return self.call.params

    @property
    def sender(self) -> dict[str, str]:
        """As `Incoming` says."""
        return {
            "accessKeyID": self.call.access_key_id,
            "requestID": self.call.request_id,
            "nonce": self.call.nonce,
            "date": self.call.headers.get("x-acs-date", "") or self.call.params.get("Timestamp", ""),
        }

    async def answer(self, world: World, effects: Mapping[str, dict[str, Any]]) -> Reply:
        """As `Incoming` says."""
        outcome = rpc.handle(self.call, world, effects)
        return Reply(outcome.response, outcome.code)

    def refuse(self, trouble: Trouble) -> Reply:
        """As `Incoming` says."""
        outcome = rpc.refuse(
            self.call, status=trouble.status, code=trouble.code, message=trouble.message, headers=trouble.headers
        )
        return Reply(outcome.response, outcome.code)


@dataclass(frozen=True, slots=True)
class MetadataIncoming:
    """A request to the metadata service of the instance."""

    request: web.Request

    @property
    def service(self) -> str:
        """As `Incoming` says."""
        return "metadata"

    @property
    def action(self) -> str:
        """As `Incoming` says."""
        return f"Metadata:{self.request.method}"

    @property
    def params(self) -> Mapping[str, str]:
        """As `Incoming` says."""
        return {"path": self.request.raw_path}

    @property
    def sender(self) -> dict[str, str]:
        """As `Incoming` says."""
        return {}

    async def answer(self, world: World, effects: Mapping[str, dict[str, Any]]) -> Reply:
        """As `Incoming` says."""
        del effects  # nothing here outlives its request
        response = metadata.handle(self.request, world)
        return Reply(response, "" if response.status < HTTPStatus.BAD_REQUEST else str(response.status))

    def refuse(self, trouble: Trouble) -> Reply:
        """As `Incoming` says."""
        return Reply(metadata.plain(trouble.status, trouble.message), trouble.code)


@dataclass(frozen=True, slots=True)
class OssIncoming:
    """A request to the object store; its body is still unread."""

    request: web.Request

    @property
    def service(self) -> str:
        """As `Incoming` says."""
        return "oss"

    @property
    def action(self) -> str:
        """As `Incoming` says."""
        return f"OSS:{oss.name(self.request)}"

    @property
    def params(self) -> Mapping[str, str]:
        """As `Incoming` says."""
        try:
            target = oss_wire.target(self.request.raw_path, self.request.headers.get("Host", ""))
        except oss_errors.OssError:
            return {}
        return {"bucket": target.bucket, "key": target.key, **dict(target.query)}

    @property
    def sender(self) -> dict[str, str]:
        """As `Incoming` says."""
        shown = OSS_CREDENTIAL.search(self.request.headers.get("Authorization", ""))
        query = self.request.rel_url.query
        key = next(filter(None, shown.groups()), "") if shown else query.get("OSSAccessKeyId", "")
        key = key or query.get("x-oss-access-key-id", "")
        return {"accessKeyID": key or query.get("x-oss-credential", "").partition("/")[0]}

    async def answer(self, world: World, effects: Mapping[str, dict[str, Any]]) -> Reply:
        """As `Incoming` says."""
        del effects  # nothing in the object store outlives its request
        response = await oss.handle(self.request, world)
        return Reply(response, _oss_code(response))

    def refuse(self, trouble: Trouble) -> Reply:
        """As `Incoming` says."""
        fault = oss_errors.Fault(trouble.status, trouble.code, trouble.message, "0000-00000000")
        response = oss_wire.error_answer(
            oss_errors.OssError(fault),
            method=self.request.method,
            host=self.request.headers.get("Host", ""),
            identity=oss_wire.request_id(),
        )
        response.headers.extend(trouble.headers)
        return Reply(response, trouble.code)


def _oss_code(response: web.StreamResponse) -> str:
    if response.status < 400:  # noqa: PLR2004 (HTTP: from here on errors)
        return ""
    body = response.body if isinstance(response, web.Response) else None
    shown = CODE.search(body) if isinstance(body, bytes) else None
    return shown[1].decode() if shown else str(response.status)

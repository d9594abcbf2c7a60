"""Which service a request is for, and what it is called there: the seam between HTTP and the services.

A request is told apart by its headers, query, form, Authorization scheme and path alone; what a service does is its own.
Never `request.url`: clients were seen to send a Host header with a scheme in it, which that cannot parse.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from aiohttp import web

from imageferry_emulator.cos import incoming as cos
from imageferry_emulator.cos import wire as cos_wire
from imageferry_emulator.cos.incoming import CosIncoming
from imageferry_emulator.incoming import Dialect, Reply
from imageferry_emulator.metadata import routes as metadata
from imageferry_emulator.metadata import tencent as tencent_metadata
from imageferry_emulator.oss import errors as oss_errors
from imageferry_emulator.oss import routes as oss
from imageferry_emulator.oss import wire as oss_wire
from imageferry_emulator.rpc import routes as rpc
from imageferry_emulator.rpc import wire as rpc_wire
from imageferry_emulator.tencent import wire as tencent_wire
from imageferry_emulator.tencent.incoming import CallIncoming

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from imageferry_emulator.incoming import Incoming, Trouble
    from imageferry_emulator.world import World

CODE = re.compile(rb"<Code>([^<]*)</Code>")
OSS_SCHEMES = ("OSS ", "OSS2 ", "OSS4-HMAC-SHA256 ")
OSS_QUERY = ("x-oss-signature", "x-oss-signature-version", "OSSAccessKeyId")
OSS_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/|OSS ([^:\s]+):|AccessKeyId:([^,\s]+)")


async def identify(request: web.Request) -> Incoming:
    """Find the service of a request; reads the body of calls, never that of requests to an object store."""
    scheme = request.headers.get("Authorization", "")
    if scheme.startswith(OSS_SCHEMES) or any(name in request.rel_url.query for name in OSS_QUERY):
        return OssIncoming(request)
    if cos.is_signed(request):
        return CosIncoming(request)
    if tencent_wire.is_call(request.headers, request.rel_url.query):
        return CallIncoming(await tencent_wire.read(request))
    if tencent_metadata.is_metadata(request):
        return MetadataIncoming(request, tencent_metadata.handle)
    if metadata.is_metadata(request):
        return MetadataIncoming(request, metadata.handle)
    if cos_wire.place(request.headers.get("Host", "")).known:
        return CosIncoming(request)
    if oss_wire.hosted_bucket(request.headers.get("Host", "")):
        return OssIncoming(request)
    path = request.raw_path.partition("?")[0]
    if path in ("", "/") or rpc_wire.is_rpc(request):
        call = await rpc_wire.read(request)
        if tencent_wire.is_call(request.headers, call.params):
            return CallIncoming(await tencent_wire.read(request))
        return RpcIncoming(call)
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
    def dialect(self) -> Dialect:
        """As `Incoming` says."""
        return Dialect.RPC

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
    handle: Callable[[web.Request, World], web.Response]

    @property
    def service(self) -> str:
        """As `Incoming` says."""
        return "metadata"

    @property
    def dialect(self) -> Dialect:
        """As `Incoming` says."""
        return Dialect.RPC

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
        response = self.handle(self.request, world)
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
    def dialect(self) -> Dialect:
        """As `Incoming` says."""
        return Dialect.OSS

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

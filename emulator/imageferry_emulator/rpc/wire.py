"""RPC requests and answers as they are on the wire. No rule about who may do what."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote

from aiohttp import web

from imageferry_emulator.rpc import xml

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imageferry_emulator.rpc.models import Caller

FORM = "application/x-www-form-urlencoded"
JSON_TYPE = "application/json;charset=utf-8"
ACS3 = "ACS3-HMAC-SHA256"


def authorization(header: str) -> dict[str, str]:
    """The parts of an ACS3 Authorization header; empty if it is none."""
    scheme, _, rest = header.partition(" ")
    if scheme != ACS3:
        return {}
    return {name: value for name, _, value in (part.strip().partition("=") for part in rest.split(","))}


@dataclass(frozen=True, slots=True)
class Call:
    """One RPC request, complete with its body; header names in lower case, `params` from query and form."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: bytes
    params: Mapping[str, str]
    action: str
    version: str
    request_id: str

    @property
    def access_key_id(self) -> str:
        """The key that the request claims to be signed with, or ''."""
        return authorization(self.headers.get("authorization", "")).get("Credential", "") or self.params.get(
            "AccessKeyId", ""
        )

    @property
    def wants_xml(self) -> bool:
        """Whether the answer is to be XML.

        That is the default of calls with an Action parameter (parameter Format); a header x-acs-action is answered in JSON.
        https://www.alibabacloud.com/help/en/sdk/product-overview/rpc-mechanism
        """
        wanted = self.params.get("Format", "").lower() or self.headers.get("accept", "").lower()
        if "json" in wanted or "xml" in wanted:
            return "json" not in wanted
        return "x-acs-action" not in self.headers

    @property
    def nonce(self) -> str:
        """The signature nonce, or ''."""
        return self.headers.get("x-acs-signature-nonce", "") or self.params.get("SignatureNonce", "")


def is_rpc(request: web.Request) -> bool:
    """Whether the head of a request already says that it is an RPC call; one with its action in a form does not."""
    return "x-acs-action" in request.headers or "Action" in request.rel_url.query


def is_form(request: web.Request) -> bool:
    """Whether the body may hold the parameters."""
    return request.content_type == FORM


async def read(request: web.Request) -> Call:
    """Read a whole request."""
    body = await request.read()
    path, _, query = request.raw_path.partition("?")
    pairs = tuple(parse_qsl(query, keep_blank_values=True))
    form = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True) if is_form(request) else []
    params = dict([*pairs, *form])
    headers = {name.lower(): value.strip() for name, value in request.headers.items()}
    return Call(
        method=request.method,
        path=path or "/",
        query=pairs,
        headers=headers,
        body=body,
        params=params,
        action=headers.get("x-acs-action", "") or params.get("Action", ""),
        version=headers.get("x-acs-version", "") or params.get("Version", ""),
        request_id=new_request_id(),
    )


def new_request_id() -> str:
    """A request id as the vendor writes them."""
    return str(uuid.uuid4()).upper()


def answer(
    call: Call, body: Mapping[str, Any], *, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """An answer in the form that the call asks for, with the request id in head and body."""
    whole = {"RequestId": call.request_id, **body}
    if call.wants_xml:
        text = xml.written(f"{call.action}Response" if status < HTTPStatus.BAD_REQUEST else "Error", whole)
    else:
        text = json.dumps(whole, ensure_ascii=False).encode()
    kind = xml.CONTENT_TYPE if call.wants_xml else JSON_TYPE
    head = {"Content-Type": kind, "x-acs-request-id": call.request_id, **(headers or {})}
    return web.Response(status=status, body=text, headers=head)


def error(
    call: Call,
    *,
    status: int,
    code: str,
    message: str,
    headers: Mapping[str, str] | None = None,
    more: Mapping[str, Any] | None = None,
) -> web.Response:
    """An error answer as the vendor writes them; `more` are further fields."""
    body = {
        "HostId": call.headers.get("host", "").rpartition("//")[2],
        "Code": code,
        "Message": message,
        "Recommend": f"https://api.aliyun.com/troubleshoot?q={quote(code)}&requestId={call.request_id}",
        **(more or {}),
    }
    return answer(call, body, status=status, headers=headers)


def denial(right: str, caller: Caller) -> dict[str, Any]:
    """The field of an error answer that tells which right was lacking: who asked, and for what."""
    session, key = caller.key.session, caller.key
    return {
        "AccessDeniedDetail": {
            "AuthAction": right,
            "AuthPrincipalType": "AssumedRoleUser" if session else "SubUser",
            "AuthPrincipalOwnerId": caller.account.id,
            "AuthPrincipalDisplayName": f"{session.role}:{session.name}" if session else key.user,
            "NoPermissionType": "ImplicitDeny",
            "PolicyType": "AccountLevelIdentityBasedPolicy",
        }
    }

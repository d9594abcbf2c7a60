"""Requests and answers of the API 3.0 as they are on the wire. No rule about who may do what.

https://www.tencentcloud.com/document/product/1080/38763 (common parameters)
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Mapping

FORM = "application/x-www-form-urlencoded"
JSON_TYPE = "application/json"
"""Exactly so: the vendor's SDKs read an error as a success if anything follows."""
TC3 = "TC3-HMAC-SHA256"
ACTION = "x-tc-action"
UNSIGNED_VERSIONS = ("2018-08-13",)
"""STS, whose AssumeRoleWithWebIdentity comes with neither headers nor a key if it is sent as signature version 1 is."""
COMMON = frozenset(
    {
        "Action",
        "Version",
        "Region",
        "Timestamp",
        "Nonce",
        "SecretId",
        "Signature",
        "SignatureMethod",
        "Token",
        "Language",
        "RequestClient",
    }
)
"""Parameters of the request and not of its action, where they are not in headers."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request, complete with its body; header names in lower case.

    `flat` are all parameters of query and form as they came, `params` those of the action in their structure. `broken` says
    what keeps them from being read, '' if nothing does. With `headed` the common parameters are in headers: signature TC3.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    flat: Mapping[str, str]
    params: Mapping[str, Any]
    broken: str
    headed: bool
    request_id: str

    def common(self, header: str, parameter: str) -> str:
        """A common parameter, from its header or from the parameters, '' if it is not given."""
        return self.headers.get(header, "") if self.headed else self.flat.get(parameter, "")

    @property
    def action(self) -> str:
        """The action asked for."""
        return self.common(ACTION, "Action")

    @property
    def version(self) -> str:
        """The version of the service's API, which tells the services apart."""
        return self.common("x-tc-version", "Version")

    @property
    def region(self) -> str:
        """The region meant."""
        return self.common("x-tc-region", "Region")

    @property
    def timestamp(self) -> str:
        """When the request was signed, in seconds since 1970."""
        return self.common("x-tc-timestamp", "Timestamp")

    @property
    def token(self) -> str:
        """The token of a temporary key."""
        return self.common("x-tc-token", "Token")

    @property
    def secret_id(self) -> str:
        """The key that the request claims to be signed with."""
        credential = authorization(self.headers.get("authorization", "")).get("Credential", "")
        return credential.partition("/")[0] if self.headed else self.flat.get("SecretId", "")

    @property
    def booked(self) -> dict[str, str]:
        """The action's parameters as texts by their flat names (`ImageIds.0`), whichever way they were sent."""
        return dict(_flattened("", self.params))


def authorization(header: str) -> dict[str, str]:
    """The parts of a TC3 Authorization header; empty if it is none."""
    scheme, _, rest = header.partition(" ")
    if scheme != TC3:
        return {}
    return {name: value for name, _, value in (part.strip().partition("=") for part in rest.split(","))}


def is_call(headers: Mapping[str, str], given: Mapping[str, str]) -> bool:
    """Whether headers and parameters (of query or form) are those of a call of the API 3.0."""
    if ACTION in headers:
        return True
    return "Action" in given and ("SecretId" in given or given.get("Version") in UNSIGNED_VERSIONS)


async def read(request: web.Request) -> Call:
    """Read a whole request."""
    body = await request.read()
    path, _, query = request.raw_path.partition("?")
    headers = {name.lower(): value.strip() for name, value in request.headers.items()}
    headed = ACTION in headers
    in_form = request.content_type == FORM and not headed
    pairs = [*parse_qsl(query, keep_blank_values=True)]
    pairs += parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True) if in_form else []
    flat = dict(pairs)
    params, broken = _params(body, flat) if headed and request.method == "POST" else (_structured(flat), "")
    return Call(
        method=request.method,
        path=path or "/",
        query=query,
        headers=headers,
        body=body,
        flat=flat,
        params=params if headed else {name: value for name, value in params.items() if name not in COMMON},
        broken=broken,
        headed=headed,
        request_id=str(uuid.uuid4()),
    )


def answer(call: Call, body: Mapping[str, Any], *, status: int = 200) -> web.Response:
    """An answer: everything within `Response`, the request id last."""
    text = json.dumps({"Response": {**body, "RequestId": call.request_id}}, ensure_ascii=False).encode()
    return web.Response(status=status, body=text, headers={"Content-Type": JSON_TYPE})


def error(call: Call, code: str, message: str, *, status: int = 200) -> web.Response:
    """An error answer, which has the status of a success unless a gateway in front makes it."""
    return answer(call, {"Error": {"Code": code, "Message": message}}, status=status)


def _params(body: bytes, flat: Mapping[str, str]) -> tuple[dict[str, Any], str]:
    if not body:
        return _structured(flat), ""
    try:
        found = json.loads(body)
    except ValueError as wrong:
        return {}, f"the body is not JSON ({wrong})"
    return (found, "") if isinstance(found, dict) else ({}, "the body is not a JSON object")


def _structured(flat: Mapping[str, str]) -> dict[str, Any]:
    """`Filters.0.Values.1` and its like as the structures that they stand for."""
    tree: dict[str, Any] = {}
    for name, value in flat.items():
        *way, last = name.split(".")
        place = tree
        for step in way:
            below = place.setdefault(step, {})
            place = below if isinstance(below, dict) else {}
        place[last] = value
    return {name: _listed(value) for name, value in tree.items()}


def _listed(value: Any) -> Any:  # noqa: ANN401 (any JSON value)
    if not isinstance(value, dict):
        return value
    inside = {name: _listed(part) for name, part in value.items()}
    if all(name.isdigit() for name in inside):
        return [inside[name] for name in sorted(inside, key=int)]
    return inside


def _flattened(name: str, value: Any) -> list[tuple[str, str]]:  # noqa: ANN401 (any JSON value)
    if isinstance(value, (dict, list)):
        parts = value.items() if isinstance(value, dict) else enumerate(value)
        below = f"{name}." if name else ""
        return [pair for key, part in parts for pair in _flattened(f"{below}{key}", part)]
    if isinstance(value, bool):
        return [(name, str(value).lower())]
    return [] if value is None else [(name, str(value))]

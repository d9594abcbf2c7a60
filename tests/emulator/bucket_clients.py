"""Two clients of the emulated object store: the vendor's SDK, and requests signed by hand as clients of other languages sign them.

Nothing here is taken from the emulator: the signature is written from the vendor's description of version 4.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

import alibabacloud_oss_v2 as oss

if TYPE_CHECKING:
    from tests.emulator_process import EmulatorProcess

REGION = "cn-hangzhou"


def sdk(
    emulator: EmulatorProcess,
    *,
    token: str | None = None,
    key: tuple[str, str] | None = None,
    signature_version: str = "v4",
) -> oss.Client:
    """The vendor's synchronous client, with the first account's key unless told otherwise."""
    key_id, secret = key or (emulator.info["accessKeyID"], emulator.info["accessKeySecret"])
    config = oss.config.load_default()
    config.credentials_provider = oss.credentials.StaticCredentialsProvider(key_id, secret, token)
    config.region = REGION
    config.endpoint = emulator.endpoint
    config.retry_max_attempts = 1
    config.signature_version = signature_version
    return oss.Client(config)


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def xml(self) -> ET.Element:
        """The body as XML."""
        return ET.fromstring(self.body)  # noqa: S314 (the emulator's own answer)

    @property
    def code(self) -> str:
        """The error code, '' for success."""
        return (self.xml.findtext("Code") or "") if self.status >= http.client.BAD_REQUEST else ""


@dataclass(frozen=True)
class Signer:
    """A key and a manner of signing; every part can be made wrong on purpose.

    `signed_path` and `signed_query` are canonical forms to sign instead of the documented ones; `date_header` sends the time
    in `Date` alone, as RFC 1123 text; `sent` are headers as they go out, whatever was signed.
    """

    key_id: str
    secret: str
    token: str | None = None
    region: str = REGION
    age_seconds: float = 0.0
    scope_date: str | None = None
    comma: str = ","
    additional: tuple[str, ...] = ()
    date_header: bool = False
    empty_equals: bool = False
    signed_path: str | None = None
    sent: dict[str, str] = field(default_factory=dict)

    def headers(self, method: str, resource: str, query: dict[str, str], given: dict[str, str]) -> dict[str, str]:
        """All headers of a signed request; `resource` is `/bucket/key`, not encoded."""
        moment = datetime.now(tz=UTC) - timedelta(seconds=self.age_seconds)
        headers = {name.lower(): value for name, value in given.items()}
        headers["x-oss-content-sha256"] = "UNSIGNED-PAYLOAD"
        stamp = format_datetime(moment, usegmt=True) if self.date_header else moment.strftime("%Y%m%dT%H%M%SZ")
        headers["date" if self.date_header else "x-oss-date"] = stamp
        if self.token is not None:
            headers["x-oss-security-token"] = self.token
        scope = f"{self.scope_date or moment.strftime('%Y%m%d')}/{self.region}/oss/aliyun_v4_request"
        text = f"OSS4-HMAC-SHA256\n{stamp}\n{scope}\n" + self._digest(method, resource, query, headers)
        key = f"aliyun_v4{self.secret}".encode()
        for part in [*scope.split("/"), text]:
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        parts = [f"Credential={self.key_id}/{scope}", f"Signature={key.hex()}"]
        if self.additional:
            parts.insert(1, f"AdditionalHeaders={';'.join(self.additional)}")
        return {**headers, "authorization": f"OSS4-HMAC-SHA256 {self.comma.join(parts)}", **self.sent}

    def _digest(self, method: str, resource: str, query: dict[str, str], headers: dict[str, str]) -> str:
        pairs = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in query.items())
        canonical = "\n".join(
            [
                method,
                self.signed_path or quote(resource, safe="/-_.~"),
                "&".join(f"{name}={value}" if value or self.empty_equals else name for name, value in pairs),
                "".join(f"{name}:{headers[name]}\n" for name in sorted(headers) if self._covers(name)),
                ";".join(self.additional),
                "UNSIGNED-PAYLOAD",
            ]
        )
        return hashlib.sha256(canonical.encode()).hexdigest()

    def _covers(self, name: str) -> bool:
        return name.startswith("x-oss-") or name in {"content-type", "content-md5", *self.additional}


def signer(emulator: EmulatorProcess) -> Signer:
    """A signer with the first account's key."""
    return Signer(emulator.info["accessKeyID"], emulator.info["accessKeySecret"])


def call(
    emulator: EmulatorProcess,
    by: Signer,
    method: str,
    resource: str,
    *,
    query: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
    body: bytes = b"",
    target: str | None = None,
) -> Answer:
    """Send a signed request about `/bucket/key`; `target` is what stands in the request line, if not that, encoded."""
    shown = quote(resource, safe="/") + ("?" + "&".join(f"{n}={quote(v, safe='')}" for n, v in (query or {}).items()))
    given = {"host": emulator.address, **(headers or {})}
    signed = by.headers(method, resource, query or {}, given)
    return send(emulator, method, target or shown.rstrip("?"), signed, body)


def send(emulator: EmulatorProcess, method: str, target: str, headers: dict[str, str], body: bytes = b"") -> Answer:
    """Send one request exactly as given, on a connection of its own."""
    connection = http.client.HTTPConnection(emulator.address, timeout=60)
    try:
        connection.putrequest(method, target, skip_host="host" in headers, skip_accept_encoding=True)
        for name, value in {"content-length": str(len(body)), **headers}.items():
            if value:
                connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
    finally:
        connection.close()

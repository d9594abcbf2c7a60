"""Signatures of the object store other than version 4 in a header, made by hand as clients of other languages make them.

Written from the vendor's descriptions; nothing here is taken from the emulator.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tests.emulator.bucket_clients import send

if TYPE_CHECKING:
    from tests.emulator.bucket_clients import Answer
    from tests.emulator_process import EmulatorProcess

SIGNED_BY_VERSION_1 = (
    "uploads",
    "uploadId",
    "partNumber",
    "acl",
    "append",
    "position",
    "response-content-type",
    "security-token",
)


@dataclass(frozen=True)
class Request:
    """What is to be sent, and how it is signed; every part can be made wrong on purpose.

    `manner` is one of v1, v1-url, v2, v2-url and v4-url; `resource` is `/bucket/key`, not encoded; `late` are query parameters
    and `sent` headers that are changed after signing, an empty value taking them away; `seconds` is how long a URL lives.
    """

    manner: str
    key_id: str
    secret: str
    resource: str
    method: str = "GET"
    token: str | None = None
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    age_seconds: float = 0.0
    seconds: int = 60
    additional: str = ""
    region: str = "cn-hangzhou"
    late: dict[str, str] = field(default_factory=dict)
    sent: dict[str, str] = field(default_factory=dict)
    target: str | None = None

    def but(self, **changes: Any) -> Request:  # noqa: ANN401 (a value for any field)
        """The same request with some parts changed."""
        return replace(self, **changes)

    def call(self, emulator: EmulatorProcess) -> Answer:
        """Sign it and send it."""
        headers = {"host": emulator.address, **self.headers}
        query = dict(self.query)
        {"v1": self._v1, "v1-url": self._v1_url, "v2": self._v2, "v2-url": self._v2_url, "v4-url": self._v4_url}[
            self.manner
        ](headers, query)
        query = {name: value for name, value in {**query, **self.late}.items() if value or name not in self.late}
        shown = "&".join(f"{_encode(n)}={_encode(v)}" if v else _encode(n) for n, v in query.items())
        target = (self.target or quote(self.resource, safe="/")) + (f"?{shown}" if shown else "")
        return send(emulator, self.method, target, {**headers, **self.sent}, self.body)

    def _v1(self, headers: dict[str, str], query: dict[str, str]) -> None:
        headers["date"] = format_datetime(self._moment(), usegmt=True)
        if self.token is not None:
            headers["x-oss-security-token"] = self.token
        headers["authorization"] = f"OSS {self.key_id}:{self._v1_signature(headers, query, headers['date'])}"

    def _v1_url(self, headers: dict[str, str], query: dict[str, str]) -> None:
        expires = str(int(time.time() - self.age_seconds) + self.seconds)
        if self.token is not None:
            query["security-token"] = self.token
        signature = self._v1_signature(headers, query, expires)
        query |= {"OSSAccessKeyId": self.key_id, "Expires": expires, "Signature": signature}

    def _v1_signature(self, headers: dict[str, str], query: dict[str, str], date: str) -> str:
        own = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers) if name.startswith("x-oss-"))
        pairs = sorted((name, value) for name, value in query.items() if name in SIGNED_BY_VERSION_1)
        shown = "&".join(f"{name}={value}" if value else name for name, value in pairs)
        content = f"{headers.get('content-md5', '')}\n{headers.get('content-type', '')}"
        text = f"{self.method}\n{content}\n{date}\n{own}{self.resource}" + (f"?{shown}" if shown else "")
        return _base64(hmac.new(self.secret.encode(), text.encode(), hashlib.sha1).digest())

    def _v2(self, headers: dict[str, str], query: dict[str, str]) -> None:
        headers["date"] = format_datetime(self._moment(), usegmt=True)
        if self.token is not None:
            headers["x-oss-security-token"] = self.token
        signature = self._v2_signature(headers, query, headers["date"])
        additional = f"AdditionalHeaders:{self.additional}," if self.additional else ""
        headers["authorization"] = f"OSS2 AccessKeyId:{self.key_id},{additional}Signature:{signature}"

    def _v2_url(self, headers: dict[str, str], query: dict[str, str]) -> None:
        expires = str(int(time.time() - self.age_seconds) + self.seconds)
        query |= {"x-oss-signature-version": "OSS2", "x-oss-expires": expires, "x-oss-access-key-id": self.key_id}
        if self.additional:
            query["x-oss-additional-headers"] = self.additional
        if self.token is not None:
            query["security-token"] = self.token
        query["x-oss-signature"] = self._v2_signature(headers, query, expires)

    def _v2_signature(self, headers: dict[str, str], query: dict[str, str], date: str) -> str:
        names = self.additional.split(";")
        covered = "".join(f"{n}:{headers[n]}\n" for n in sorted(headers) if n.startswith("x-oss-") or n in names)
        content = f"{headers.get('content-md5', '')}\n{headers.get('content-type', '')}"
        shown = _canonical_query(query)
        resource = _encode(self.resource) + (f"?{shown}" if shown else "")
        text = f"{self.method}\n{content}\n{date}\n{covered}{self.additional}\n{resource}"
        return _base64(hmac.new(self.secret.encode(), text.encode(), hashlib.sha256).digest())

    def _v4_url(self, headers: dict[str, str], query: dict[str, str]) -> None:
        stamp = self._moment().strftime("%Y%m%dT%H%M%SZ")
        scope = f"{stamp[:8]}/{self.region}/oss/aliyun_v4_request"
        query |= {
            "x-oss-signature-version": "OSS4-HMAC-SHA256",
            "x-oss-credential": f"{self.key_id}/{scope}",
            "x-oss-date": stamp,
            "x-oss-expires": str(self.seconds),
        }
        if self.additional:
            query["x-oss-additional-headers"] = self.additional
        if self.token is not None:
            query["x-oss-security-token"] = self.token
        names = ["content-type", "content-md5", *self.additional.split(";")]
        covered = "".join(f"{n}:{headers[n]}\n" for n in sorted(headers) if n.startswith("x-oss-") or n in names)
        path = quote(self.resource, safe="/-_.~")
        canonical = f"{self.method}\n{path}\n{_canonical_query(query)}\n{covered}\n{self.additional}\nUNSIGNED-PAYLOAD"
        text = f"OSS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        key = f"aliyun_v4{self.secret}".encode()
        for part in [*scope.split("/"), text]:
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        query["x-oss-signature"] = key.hex()

    def _moment(self) -> datetime:
        return datetime.now(tz=UTC) - timedelta(seconds=self.age_seconds)


def _canonical_query(query: dict[str, str]) -> str:
    pairs = sorted((_encode(name), _encode(value)) for name, value in query.items())
    return "&".join(f"{name}={value}" if value else name for name, value in pairs)


def _encode(text: str) -> str:
    return quote(text, safe="-_.~")


def _base64(digest: bytes) -> str:
    return base64.b64encode(digest).decode()

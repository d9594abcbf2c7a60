"""Requests to Tencent Cloud's services in the emulator, signed by hand as clients of other languages sign them.

Nothing here is taken from the emulator or from an SDK: the signatures are written from the vendor's description of them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import time
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

if TYPE_CHECKING:
    from tests.emulator_process import EmulatorProcess

DEADLINE_SECONDS = 60.0
REGION = "ap-guangzhou"
STS, CAM = "2018-08-13", "2019-01-16"


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; header names are in lower case."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def body(self) -> dict[str, Any]:
        """What the API 3.0 answers, within `Response`."""
        return dict(json.loads(self.content)["Response"])

    @property
    def code(self) -> str:
        """The error code of the API 3.0, '' for success."""
        return str(self.body.get("Error", {}).get("Code", ""))

    @property
    def xml(self) -> ET.Element:
        """What COS answers."""
        return ET.fromstring(self.content)  # noqa: S314 (the emulator's own answer)

    @property
    def fault(self) -> tuple[int, str]:
        """Status and error code of COS, '' where the answer has no body."""
        return self.status, (self.xml.findtext("Code") or "") if self.content else ""


def send(
    emulator: EmulatorProcess, method: str, target: str, headers: dict[str, str], body: bytes | None = b""
) -> Answer:
    """Send one request, exactly as given, on a connection of its own; without a body no length is told."""
    connection = http.client.HTTPConnection(emulator.address, timeout=DEADLINE_SECONDS)
    try:
        connection.putrequest(method, target, skip_host="host" in headers, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        if body is not None:
            connection.putheader("content-length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
    finally:
        connection.close()


@dataclass(frozen=True)
class Api:
    """A key and how it signs calls of the API 3.0; every part can be made wrong on purpose.

    `manner` is TC3, or HmacSHA1 or HmacSHA256 for version 1. `sent` are headers (TC3) or parameters (version 1) that are changed
    after signing, an empty value taking them away; `signed` are further headers that TC3 covers.
    """

    key_id: str
    secret: str
    token: str | None = None
    version: str = STS
    method: str = "POST"
    manner: str = "TC3"
    region: str = REGION
    age_seconds: float = 0.0
    unsigned_payload: bool = False
    host: str | None = None
    date: str | None = None
    signed: tuple[str, ...] = ("content-type", "host")
    lower: bool = False
    sent: dict[str, str] = field(default_factory=dict)

    def but(self, **changes: Any) -> Api:  # noqa: ANN401 (a value for any field)
        """The same signer with some parts changed."""
        return replace(self, **changes)

    def call(self, emulator: EmulatorProcess, action: str, params: dict[str, Any] | None = None) -> Answer:
        """Sign a call and send it; with GET and version 1 the parameters must be flat."""
        build = self._tc3 if self.manner == "TC3" else self._v1
        target, headers, body = build(self.host or emulator.address, action, params or {})
        return send(emulator, self.method, target, headers, body)

    def _tc3(self, host: str, action: str, params: dict[str, Any]) -> tuple[str, dict[str, str], bytes]:
        query = urlencode(params, quote_via=quote) if self.method == "GET" else ""
        body = b"" if self.method == "GET" else json.dumps(params).encode()
        moment = int(time.time() - self.age_seconds)
        date = self.date or datetime.fromtimestamp(moment, tz=UTC).strftime("%Y-%m-%d")
        service = {STS: "sts", CAM: "cam"}.get(self.version, "cvm")
        headers = {
            "host": host,
            "content-type": "application/json" if self.method == "POST" else "application/x-www-form-urlencoded",
            "x-tc-action": action,
            "x-tc-version": self.version,
            "x-tc-timestamp": str(moment),
            "x-tc-region": self.region,
        }
        if self.token is not None:
            headers["x-tc-token"] = self.token
        if self.unsigned_payload:
            headers["x-tc-content-sha256"] = "UNSIGNED-PAYLOAD"
        payload = b"UNSIGNED-PAYLOAD" if self.unsigned_payload else body
        shown = {name: headers[name].lower() if self.lower else headers[name] for name in self.signed}
        covered = "".join(f"{name}:{shown[name]}\n" for name in self.signed)
        hashed = hashlib.sha256(payload).hexdigest()
        canonical = f"{self.method}\n/\n{query}\n{covered}\n{';'.join(self.signed)}\n{hashed}"
        scope = f"{date}/{service}/tc3_request"
        text = f"TC3-HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        key = f"TC3{self.secret}".encode()
        for part in (*scope.split("/"), text):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        headers["authorization"] = (
            f"TC3-HMAC-SHA256 Credential={self.key_id}/{scope}, SignedHeaders={';'.join(self.signed)}, "
            f"Signature={key.hex()}"
        )
        return f"/?{query}" if query else "/", _changed(headers, self.sent), body

    def _v1(self, host: str, action: str, params: dict[str, Any]) -> tuple[str, dict[str, str], bytes]:
        whole = {
            "Action": action,
            "Version": self.version,
            "Region": self.region,
            "Timestamp": str(int(time.time() - self.age_seconds)),
            "Nonce": "11886",
            "SecretId": self.key_id,
            "SignatureMethod": self.manner,
            **({"Token": self.token} if self.token is not None else {}),
            **params,
        }
        text = f"{self.method}{host}/?" + "&".join(f"{name}={whole[name]}" for name in sorted(whole))
        digest = hmac.new(self.secret.encode(), text.encode(), self.manner.removeprefix("Hmac").lower()).digest()
        shown = urlencode(_changed({**whole, "Signature": base64.b64encode(digest).decode()}, self.sent))
        if self.method == "GET":
            return f"/?{shown}", {"host": host}, b""
        return "/", {"host": host, "content-type": "application/x-www-form-urlencoded"}, shown.encode()


@dataclass(frozen=True)
class Cos:
    """A key and how it signs requests to COS; every part can be made wrong on purpose.

    `at` is the host, in which the bucket stands; None means the bucket's own host in its region. `starts` and `ends` are seconds
    from now between which the signature is good. `sent` are headers that are changed after signing.
    """

    key_id: str
    secret: str
    bucket: str
    token: str | None = None
    region: str = REGION
    in_url: bool = False
    at: str | None = None
    starts: int = -60
    ends: int = 600
    path: str | None = None
    sent: dict[str, str] = field(default_factory=dict)

    def but(self, **changes: Any) -> Cos:  # noqa: ANN401 (a value for any field)
        """The same signer with some parts changed."""
        return replace(self, **changes)

    @property
    def host(self) -> str:
        """The host that requests are sent to."""
        return self.at or f"{self.bucket}.cos.{self.region}.myqcloud.com"

    def call(
        self,
        emulator: EmulatorProcess,
        method: str,
        key: str = "",
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        body: bytes = b"",
    ) -> Answer:
        """Sign a request for a key ('' for the bucket itself) and send it."""
        target, whole = self.request(method, key, query or {}, headers or {})
        return send(emulator, method, target, whole, body)

    def request(
        self, method: str, key: str, query: dict[str, str], given: dict[str, str]
    ) -> tuple[str, dict[str, str]]:
        """Request target and headers."""
        headers = {"host": self.host, **given}
        if self.token is not None:
            headers |= {} if self.in_url else {"x-cos-security-token": self.token}
        path = self.path or f"/{key}"
        extra = {"x-cos-security-token": self.token} if self.in_url and self.token is not None else {}
        query = {**query, **extra}
        claim = self._claim(method, path, query, headers)
        if self.in_url:
            query = {**query, **claim}
        else:
            headers["authorization"] = "&".join(f"{name}={value}" for name, value in claim.items())
        shown = urlencode(query, quote_via=quote)
        return quote(path, safe="/") + (f"?{shown}" if shown else ""), _changed(headers, self.sent)

    def url(self, key: str, method: str = "GET") -> str:
        """A presigned URL at the bucket's own host."""
        target, _ = self.but(in_url=True).request(method, key, {}, {})
        return f"https://{self.host}{target}"

    def _claim(self, method: str, path: str, query: dict[str, str], headers: dict[str, str]) -> dict[str, str]:
        span = f"{int(time.time()) + self.starts};{int(time.time()) + self.ends}"
        texts, names = [], []
        for given in (query, headers):
            pairs = sorted((quote(n.lower(), safe="-_.~"), quote(v, safe="-_.~")) for n, v in given.items())
            names.append(";".join(name for name, _ in pairs))
            texts.append("&".join(f"{name}={value}" for name, value in pairs))
        signed = "\n".join([method.lower(), path, *texts, ""])
        digest = hashlib.sha1(signed.encode(), usedforsecurity=False).hexdigest()
        sign_key = hmac.new(self.secret.encode(), span.encode(), hashlib.sha1).hexdigest()
        signature = hmac.new(sign_key.encode(), f"sha1\n{span}\n{digest}\n".encode(), hashlib.sha1).hexdigest()
        return {
            "q-sign-algorithm": "sha1",
            "q-ak": self.key_id,
            "q-sign-time": span,
            "q-key-time": span,
            "q-header-list": names[1],
            "q-url-param-list": names[0],
            "q-signature": signature,
        }


def api(emulator: EmulatorProcess) -> Api:
    """A signer with the first account's key."""
    return Api(emulator.info["tencent"]["secretID"], emulator.info["tencent"]["secretKey"])


def cos(emulator: EmulatorProcess, bucket: str = "good") -> Cos:
    """A signer with the first account's key for one of the seed's buckets, or any other."""
    known = emulator.info["tencent"]
    return Cos(known["secretID"], known["secretKey"], known["buckets"].get(bucket, bucket))


def assume(emulator: EmulatorProcess, role: str = "operator", **changes: Any) -> Answer:  # noqa: ANN401 (JSON)
    """AssumeRole with the first account's key."""
    arn = emulator.info["tencent"]["roles"].get(role, role)
    return api(emulator).call(emulator, "AssumeRole", {"RoleArn": arn, "RoleSessionName": "session", **changes})


def assumed(answer: Answer) -> dict[str, str]:
    """What a signer is changed by (`but`) to use the key that an answer gives."""
    assert answer.code == ""
    given = answer.body["Credentials"]
    return {"key_id": given["TmpSecretId"], "secret": given["TmpSecretKey"], "token": given["Token"]}


def web_identity(emulator: EmulatorProcess, token: str, **changes: Any) -> Answer:  # noqa: ANN401 (JSON)
    """AssumeRoleWithWebIdentity as SDKs send it: with the header `Authorization: SKIP`. None takes a parameter away."""
    known = emulator.info["tencent"]
    params = {
        "ProviderId": known["oidcProviderID"],
        "WebIdentityToken": token,
        "RoleArn": known["roles"]["operator"],
        "RoleSessionName": "session",
        **changes,
    }
    body = json.dumps({name: value for name, value in params.items() if value is not None}).encode()
    headers = {
        "content-type": "application/json",
        "x-tc-action": "AssumeRoleWithWebIdentity",
        "x-tc-version": STS,
        "x-tc-timestamp": str(int(time.time())),
        "x-tc-region": REGION,
        "authorization": "SKIP",
    }
    return send(emulator, "POST", "/", headers, body)


def cluster_token(emulator: EmulatorProcess, **wish: Any) -> str:  # noqa: ANN401 (JSON)
    """A token of the seed's identity provider, for a service account of its cluster unless told otherwise."""
    known = emulator.info["tencent"]
    asked = {
        "sub": "system:serviceaccount:imageferry:imageferry",
        "iss": known["oidcIssuer"],
        "aud": known["oidcAudience"],
        **wish,
    }
    return str(emulator.admin("POST", "/oidc-token", asked)["token"])


def _changed(given: dict[str, str], changes: dict[str, str]) -> dict[str, str]:
    whole = {**given, **changes}
    return {name: value for name, value in whole.items() if value or name not in changes}

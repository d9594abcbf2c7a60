"""Two clients of the emulator: the vendor's SDK, and requests signed by hand as clients of other languages sign them.

Nothing here is taken from the emulator: the signature is written from the vendor's description of it.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import secrets
import time
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlencode

from alibabacloud_ecs20140526.client import Client
from alibabacloud_tea_openapi.models import Config

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator_process import EmulatorProcess

T = TypeVar("T")
DEADLINE_SECONDS = 60.0
ENDED = ("Finished", "Failed", "Deleted")


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; `body` is the parsed JSON, or the texts of an XML document's topmost elements by name."""

    status: int
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def code(self) -> str:
        """The error code, '' for success."""
        return str(self.body.get("Code", ""))


@dataclass(frozen=True)
class Signer:
    """A key and how it signs; every part can be made wrong on purpose."""

    key_id: str
    secret: str
    token: str | None = None
    method: str = "POST"
    form: bool = False
    age_seconds: float = 0.0
    nonce: str | None = None
    version: str = "2014-05-26"
    unsigned: tuple[str, ...] = ()
    changed: dict[str, str] = field(default_factory=dict)

    def but(self, **changes: Any) -> Signer:  # noqa: ANN401 (a value for any field)
        """The same signer with some parts changed."""
        return replace(self, **changes)

    def request(self, host: str, action: str, params: dict[str, str]) -> tuple[str, bytes, dict[str, str]]:
        """Request target, body and headers of a signed call."""
        body = urlencode(params).encode() if self.form else b""
        query = {} if self.form else params
        headers = {
            "host": host,
            "x-acs-action": action,
            "x-acs-version": self.version,
            "x-acs-date": (datetime.now(tz=UTC) - timedelta(seconds=self.age_seconds)).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "x-acs-signature-nonce": self.nonce or secrets.token_hex(16),
            "x-acs-content-sha256": hashlib.sha256(body).hexdigest(),
        }
        if self.token is not None:
            headers["x-acs-security-token"] = self.token
        signed = sorted(name for name in headers if name not in self.unsigned)
        encoded = "&".join(f"{quote(name, safe='-_.~')}={quote(query[name], safe='-_.~')}" for name in sorted(query))
        canonical = "\n".join(
            [
                self.method,
                "/",
                encoded,
                "".join(f"{name}:{headers[name]}\n" for name in signed),
                ";".join(signed),
                headers["x-acs-content-sha256"],
            ]
        )
        text = "ACS3-HMAC-SHA256\n" + hashlib.sha256(canonical.encode()).hexdigest()
        signature = hmac.new(self.secret.encode(), text.encode(), hashlib.sha256).hexdigest()
        headers["Authorization"] = (
            f"ACS3-HMAC-SHA256 Credential={self.key_id},SignedHeaders={';'.join(signed)},Signature={signature}"
        )
        if self.form:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        headers |= self.changed
        return "/?" + urlencode(query) if query else "/", body, headers

    def call(self, emulator: EmulatorProcess, action: str, params: dict[str, str]) -> Answer:
        """Send a signed call. Raises http.client.HTTPException or OSError where no whole answer comes."""
        return send(emulator, self.method, *self.request(emulator.address, action, params))


def send(emulator: EmulatorProcess, method: str, target: str, body: bytes, headers: dict[str, str]) -> Answer:
    """Send one request, exactly as given, on a connection of its own."""
    connection = http.client.HTTPConnection(emulator.address, timeout=DEADLINE_SECONDS)
    try:
        connection.putrequest(method, target, skip_host="host" in headers, skip_accept_encoding=True)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        content = answer.read()
        return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, _parsed(answer, content))
    finally:
        connection.close()


def _parsed(answer: http.client.HTTPResponse, content: bytes) -> dict[str, Any]:
    if answer.getheader("Content-Type") != "text/xml;charset=utf-8":
        return dict(json.loads(content))
    root = ET.fromstring(content)  # noqa: S314 (the emulator's own answer)
    return {"": root.tag, **{part.tag: part.text for part in root}}


def signer(emulator: EmulatorProcess) -> Signer:
    """A signer with the first account's key."""
    return Signer(emulator.info["accessKeyID"], emulator.info["accessKeySecret"])


def sdk(emulator: EmulatorProcess, *, algorithm: str = "ACS3-HMAC-SHA256") -> Client:
    """The vendor's ECS client with the first account's key."""
    return Client(
        Config(
            access_key_id=emulator.info["accessKeyID"],
            access_key_secret=emulator.info["accessKeySecret"],
            endpoint=emulator.address,
            protocol="http",
            region_id="cn-hangzhou",
            signature_algorithm=algorithm,
            connect_timeout=5_000,
            read_timeout=30_000,
        )
    )


def export_params(emulator: EmulatorProcess, image: str = "plain", **changes: str) -> dict[str, str]:
    """The parameters of an export that would be accepted, with changes; an empty value takes a parameter away."""
    params = {
        "RegionId": "cn-hangzhou",
        "ImageId": emulator.info["images"].get(image, image),
        "OSSBucket": emulator.info["buckets"]["good"],
        **changes,
    }
    return {name: value for name, value in params.items() if value}


def export(emulator: EmulatorProcess, image: str = "plain", **changes: str) -> str:
    """Start an export that is accepted; its task id."""
    answer = signer(emulator).call(emulator, "ExportImage", export_params(emulator, image, **changes))
    assert (answer.status, answer.code) == (200, "")
    return str(answer.body["TaskId"])


def attribute(emulator: EmulatorProcess, task_id: str, region: str = "cn-hangzhou") -> Answer:
    """DescribeTaskAttribute."""
    return signer(emulator).call(emulator, "DescribeTaskAttribute", {"RegionId": region, "TaskId": task_id})


def ended(emulator: EmulatorProcess, task_id: str, region: str = "cn-hangzhou") -> dict[str, Any]:
    """Wait until a task has ended; its last DescribeTaskAttribute."""
    return until(lambda: attribute(emulator, task_id, region).body, lambda body: body.get("TaskStatus") in ENDED)


def until(look: Callable[[], T], met: Callable[[T], bool]) -> T:
    """Look again and again until the deadline; what was seen when the condition was met."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not met(seen := look()):
        assert time.monotonic() < deadline, f"not met within {DEADLINE_SECONDS} s; last seen: {seen}"
        time.sleep(0.02)
    return seen


def objects(emulator: EmulatorProcess, bucket: str = "good") -> dict[str, int]:
    """Sizes of the objects in a bucket by key."""
    name = emulator.info["buckets"][bucket]
    buckets = emulator.admin("GET", "/state")["buckets"]
    return {entry["key"]: entry["size"] for found in buckets if found["name"] == name for entry in found["objects"]}


def ledger(emulator: EmulatorProcess, action: str = "ExportImage") -> list[dict[str, Any]]:
    """The accepted mutating requests of an action."""
    entries: list[dict[str, Any]] = emulator.admin("GET", "/ledger")["entries"]
    return [entry for entry in entries if entry["action"] == action]


def sts(emulator: EmulatorProcess, action: str, by: Signer | None = None, **params: str) -> Answer:
    """A signed call of the token service, with the first account's key unless told otherwise."""
    return (by or signer(emulator)).but(version="2015-04-01").call(emulator, action, params)


def ram(emulator: EmulatorProcess, action: str, **params: str) -> Answer:
    """A signed call of the access service, with the first account's key."""
    return signer(emulator).but(version="2015-05-01").call(emulator, action, params)


def assumed(answer: Answer) -> Signer:
    """The signer that an answer to AssumeRole makes of its reader."""
    assert (answer.status, answer.code) == (200, "")
    given = answer.body["Credentials"]
    return Signer(given["AccessKeyId"], given["AccessKeySecret"], token=given["SecurityToken"])


def oidc_token(emulator: EmulatorProcess, **wish: Any) -> str:  # noqa: ANN401 (JSON)
    """A token of the seed's identity provider, for a service account of its cluster unless told otherwise."""
    asked = {"sub": "system:serviceaccount:imageferry:imageferry", **wish}
    return str(emulator.admin("POST", "/oidc-token", asked)["token"])


def assume_with_token(emulator: EmulatorProcess, token: str, **changes: str) -> Answer:
    """AssumeRoleWithOIDC as SDKs send it: unsigned, in the query of a GET. An empty value takes a parameter away."""
    params = {
        "Action": "AssumeRoleWithOIDC",
        "Version": "2015-04-01",
        "Format": "JSON",
        "RoleArn": emulator.info["roles"]["operator"],
        "OIDCProviderArn": emulator.info["oidcProviderARN"],
        "OIDCToken": token,
        "RoleSessionName": "session",
        **changes,
    }
    query = urlencode({name: value for name, value in params.items() if value})
    return send(emulator, "GET", f"/?{query}", b"", {})

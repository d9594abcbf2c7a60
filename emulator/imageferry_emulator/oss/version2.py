"""Signatures of version 2 (`OSS2`, HMAC-SHA256), in the Authorization header or in the query.

Superseded by version 4 and still sent by older clients; the rules are those of the pages per error number, such as
https://www.alibabacloud.com/help/en/oss/support/0002-00000107.
"""

from __future__ import annotations

from imageferry_emulator.oss import claims, errors
from imageferry_emulator.oss.claims import Claim, Now, Signed, Wording
from imageferry_emulator.oss.errors import OssError

SCHEME = "OSS2"


def in_header(signed: Signed, now: Now) -> Claim:
    """The claim of `Authorization: OSS2 AccessKeyId:KEY[,AdditionalHeaders:a;b],Signature:SIGNATURE`. Raises OssError."""
    rest = signed.headers["authorization"].partition(" ")[2]
    fields = dict(part.strip().partition(":")[::2] for part in rest.split(","))
    key_id, signature = fields.get("AccessKeyId"), fields.get("Signature")
    if not (key_id and signature):
        raise OssError(errors.AUTHORIZATION_MALFORMED)
    stamp, moment = claims.sent(signed.headers)
    claims.check_sent(stamp, moment, now)
    wording = _wording(signed, signed.headers.get("date", ""), fields.get("AdditionalHeaders", ""))
    token = signed.headers.get("x-oss-security-token")
    return Claim(key_id, "", token, signature, (wording,), claims.base64_hmac("sha256"))


def in_query(signed: Signed, now: Now) -> Claim:
    """The claim of a presigned URL. Raises OssError unless all its parts are there and its time is not over."""
    names = ("x-oss-access-key-id", "x-oss-expires", "x-oss-signature")
    key_id, expires, signature = (signed.target.parameter(name) for name in names)
    if not (key_id and signature and expires is not None):
        raise OssError(errors.QUERY_INCOMPLETE)
    claims.check_expiry(claims.expiry(expires), now)
    wording = _wording(signed, expires, signed.target.parameter("x-oss-additional-headers") or "")
    token = signed.target.parameter("security-token")
    return Claim(key_id, "", token, signature, (wording,), claims.base64_hmac("sha256"))


def _wording(signed: Signed, date: str, additional: str) -> Wording:
    headers, target = signed.headers, signed.target
    names = sorted(name for name in additional.split(";") if name)
    covered = "".join(
        f"{name}:{headers[name]}\n" for name in sorted(headers) if name.startswith("x-oss-") or name in names
    )
    pairs = sorted((claims.encode(n), claims.encode(v)) for n, v in target.query if n != "x-oss-signature")
    query = "&".join(f"{name}={value}" if value else name for name, value in pairs)
    resource = claims.encode(f"/{target.bucket}/{target.key}" if target.bucket else "/") + (
        f"?{query}" if query else ""
    )
    content = (headers.get("content-md5", ""), headers.get("content-type", ""))
    string = "\n".join([signed.method, *content, date, f"{covered}{';'.join(names)}", resource])
    return Wording(string, "")

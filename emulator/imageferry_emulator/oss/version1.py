"""Signatures of version 1 (HMAC-SHA1), in the Authorization header or in the query.

https://www.alibabacloud.com/help/en/oss/developer-reference/include-signatures-in-the-authorization-header and
.../ddd-signatures-to-urls
"""

from __future__ import annotations

from imageferry_emulator.oss import claims, errors
from imageferry_emulator.oss.claims import Claim, Now, Signed, Wording
from imageferry_emulator.oss.errors import OssError

SCHEME = "OSS"
QUERY = ("OSSAccessKeyId", "Expires", "Signature")

# The query parameters that are part of the signed resource. All clients sign those of the first list; of the second, and of
# parameters that begin with x-oss-, each signs the ones it knows, so both readings are tried.
_ALWAYS_TEXT = """
    acl append bucketInfo callback callback-var cloudboxes continuation-token delete location objectMeta partNumber position
    regionList response-cache-control response-content-disposition response-content-encoding response-content-language
    response-content-type response-expires restore security-token sequential stat symlink tagging uploadId uploads versionId
    versioning versions
"""
_ALWAYS = frozenset(_ALWAYS_TEXT.split())
_BY_SOME_TEXT = """
    accessPoint accessPointPolicy accessmonitor asyncFetch bucketArchiveDirectRead cname comp cors encryption endTime group
    httpsConfig img inventory inventoryId lifecycle link live logging metaQuery objectInfo policy publicAccessBlock qos qosInfo
    redundancyTransition referer replication replicationLocation replicationProgress requestPayment requesterQosInfo
    resourceGroup resourcePool resourcePoolInfo startTime status style styleName transferAcceleration vod website worm
    wormExtend wormId
"""
_BY_SOME = frozenset(_BY_SOME_TEXT.split())


def in_header(signed: Signed, now: Now) -> Claim:
    """The claim of `Authorization: OSS KEY:SIGNATURE`. Raises OssError."""
    key_id, colon, signature = signed.headers["authorization"].partition(" ")[2].strip().rpartition(":")
    if not (key_id and colon and signature):
        raise OssError(errors.AUTHORIZATION_MALFORMED)
    stamp, moment = claims.sent(signed.headers)
    claims.check_sent(stamp, moment, now)
    # x-oss-date is signed among the headers of that prefix; what stands in the place of Date is then up to the client.
    dates = (stamp, signed.headers.get("date", ""), "") if "x-oss-date" in signed.headers else (stamp,)
    return _claim(signed, key_id, signature, dates, signed.headers.get("x-oss-security-token"))


def in_query(signed: Signed, now: Now) -> Claim:
    """The claim of a presigned URL. Raises OssError unless all its parts are there and its time is not over."""
    key_id, expires, signature = (signed.target.parameter(name) for name in QUERY)
    if not (key_id and signature and expires is not None):
        raise OssError(errors.QUERY_INCOMPLETE)
    claims.check_expiry(claims.expiry(expires), now)
    return _claim(signed, key_id, signature, (expires,), signed.target.parameter("security-token"))


def _claim(signed: Signed, key_id: str, signature: str, dates: tuple[str, ...], token: str | None) -> Claim:
    strings = (_string(signed, date, resource) for date in dates for resource in _resources(signed))
    wordings = tuple(Wording(string, "") for string in dict.fromkeys(strings))
    return Claim(key_id, "", token, signature, wordings, claims.base64_hmac("sha1"))


def _string(signed: Signed, date: str, resource: str) -> str:
    headers = signed.headers
    own = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers) if name.startswith("x-oss-"))
    content = (headers.get("content-md5", ""), headers.get("content-type", ""))
    return "\n".join([signed.method, *content, date, own + resource])


def _resources(signed: Signed) -> tuple[str, ...]:
    target = signed.target
    named = f"/{target.bucket}/{target.key}" if target.bucket else "/"
    pairs = sorted(target.query)
    wide = [pair for pair in pairs if pair[0] in _ALWAYS | _BY_SOME or pair[0].startswith("x-oss-")]
    narrow = [pair for pair in pairs if pair[0] in _ALWAYS]
    return tuple(dict.fromkeys(named + _query(chosen) for chosen in (wide, narrow)))


def _query(pairs: list[tuple[str, str]]) -> str:
    shown = "&".join(f"{name}={value}" if value else name for name, value in pairs)
    return f"?{shown}" if shown else ""

"""The thinnest face over the official SDKs: the calls in use, blocking, one request each, as plain values.

No SDK retries anything: what may be sent again is the caller's decision, and the retryer of the API's SDK goes on sending after
a success (tencentcloud-sdk-python-common 3.1.195, `StandardRetryer`). The SDKs are imported on first use. What an answer means
may not enter here; `calls.py` runs these in the pool.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum, unique
from functools import cache, cached_property
from importlib import import_module
from typing import Any, Final

from imageferry.clouds.answers import Answer, Head
from imageferry.clouds.faults import Refused
from imageferry.clouds.tencent import addresses, credentials
from imageferry.clouds.tencent.addresses import Address
from imageferry.clouds.tencent.answers import Entry, Page, Upload, Uploads
from imageferry.clouds.tencent.exceptions import AnsweredError, bare, unread
from imageferry.clouds.values import parse_time
from imageferry.core.account import Endpoints
from imageferry.core.errors import Blocked
from imageferry.core.reasons import Reason
from imageferry.core.secret import Keys
from imageferry.logs import tame


@unique
class Action(StrEnum):
    """The calls in use, by the cloud's own names: what CAM must allow is these and no others."""

    EXPORT_IMAGES = "ExportImages"
    IMPORT_IMAGE = "ImportImage"
    DESCRIBE_REGIONS = "DescribeRegions"
    DESCRIBE_IMAGES = "DescribeImages"
    DESCRIBE_IMAGE_QUOTA = "DescribeImageQuota"
    DESCRIBE_IMPORT_IMAGE_OS = "DescribeImportImageOs"
    DELETE_IMAGES = "DeleteImages"
    GET_CALLER_IDENTITY = "GetCallerIdentity"
    ASSUME_ROLE = "AssumeRole"
    ASSUME_ROLE_WITH_WEB_IDENTITY = "AssumeRoleWithWebIdentity"
    GET_ROLE = "GetRole"
    LIST_ATTACHED_ROLE_POLICIES = "ListAttachedRolePolicies"
    GET_POLICY = "GetPolicy"
    GET_SERVICE = "GetService"
    HEAD_BUCKET = "HeadBucket"
    GET_BUCKET = "GetBucket"
    LIST_MULTIPART_UPLOADS = "ListMultipartUploads"
    HEAD_OBJECT = "HeadObject"
    GET_OBJECT = "GetObject"
    DELETE_OBJECT = "DeleteObject"


CENTRAL_REGION: Final = "ap-guangzhou"
"""Where regions are listed from, and who signs is asked: both are the same everywhere."""

_CVM, _STS, _CAM = ("cvm", "2017-03-12"), ("sts", "2018-08-13"), ("cam", "2019-01-16")
_PAGE_SIZE: Final = 1000
_USER_AGENT: Final = "imageferry"
_LOGGERS: Final = ("tencentcloud_sdk_common", "qcloud_cos", "urllib3")
_TALKATIVE: Final = "qcloud_cos"
"""Writes a line, often with a traceback, for each refusal and failure that it raises: whoever called it judges these."""

_OK, _REDIRECT = 200, 300
_ARCHIVES: Final = ("ARCHIVE", "DEEP_ARCHIVE", "MAZ_ARCHIVE", "MAZ_DEEP_ARCHIVE")

Sdk = Any  # the SDKs ship no type information


class Client:
    """The calls of one key in one region. Each takes the seconds left to it, and raises what the SDK raises."""

    def __init__(self, keys: Keys | None, endpoints: Endpoints, region: str) -> None:
        self._keys, self._endpoints, self._region = keys, endpoints, region

    def cvm(
        self, action: Action, parameters: Mapping[str, Any], left: float, signed_by: datetime | None = None
    ) -> Answer:
        """A CVM call; `parameters` have the documented names. It is not sent if it would be signed after `signed_by`."""
        return self._call(self._cvm, action, parameters, left, signed_by=signed_by)

    def sts(self, action: Action, parameters: Mapping[str, Any], left: float) -> Answer:
        """An STS call, signed with the keys."""
        return self._call(self._sts, action, parameters, left)

    def assume_role_with_web_identity(self, parameters: Mapping[str, Any], left: float) -> Answer:
        """STS AssumeRoleWithWebIdentity, which nothing signs: the token is the proof."""
        action = Action.ASSUME_ROLE_WITH_WEB_IDENTITY
        return self._call(self._sts, action, parameters, left, options={"SkipSign": True})

    def cam(self, action: Action, parameters: Mapping[str, Any], left: float) -> Answer:
        """A CAM call."""
        return self._call(self._cam, action, parameters, left)

    def bucket(self, name: str, left: float) -> str:
        """COS HeadBucket: the region that a bucket of this region says it is in."""
        with self._asked(left):
            found = self._cos.head_bucket(Bucket=name)
        return str(_lowered(found).get("x-cos-bucket-region", ""))

    def buckets(self, left: float) -> dict[str, str]:
        """COS GetService: the regions of all buckets of the account."""
        with self._asked(left):
            found = self._central.list_buckets()
        rows = (found["Buckets"] or {}).get("Bucket") or []
        return {row["Name"]: row["Location"] for row in rows}

    def page(self, bucket: str, prefix: str, marker: str, left: float) -> Page:
        """COS GetBucket: up to 1,000 files whose names begin with `prefix`, behind `marker`."""
        try:
            with self._asked(left) as seen:
                found = self._cos.list_objects(Bucket=bucket, Prefix=prefix, Marker=marker, MaxKeys=_PAGE_SIZE)
        except _sdk("qcloud_cos").CosServiceError as error:
            if error.get_error_code() != "NoSuchBucket":
                raise
            return Page((), "", seen.date, bucket_exists=False)
        entries = tuple(
            Entry(row["Key"], int(row["Size"]), _unquoted(row["ETag"])) for row in found.get("Contents", ())
        )
        more = found["IsTruncated"] == "true"
        return Page(entries, (found.get("NextMarker") or entries[-1].name) if more else "", seen.date)

    def uploads(self, bucket: str, prefix: str, marker: tuple[str, str], left: float) -> Uploads:
        """COS ListMultipartUploads: up to 1,000 files that are being written, as `page`."""
        with self._asked(left) as seen:
            found = self._cos.list_multipart_uploads(
                Bucket=bucket, Prefix=prefix, KeyMarker=marker[0], UploadIdMarker=marker[1], MaxUploads=_PAGE_SIZE
            )
        under_way = tuple(Upload(row["Key"], parse_time(row.get("Initiated"))) for row in found.get("Upload", ()))
        more = found["IsTruncated"] == "true"
        return Uploads(
            under_way, (found["NextKeyMarker"], found["NextUploadIdMarker"] or "") if more else None, seen.date
        )

    def head(self, bucket: str, key: str, left: float) -> Head:
        """COS HeadObject."""
        with self._asked(left):
            found = _lowered(self._cos.head_object(Bucket=bucket, Key=key))
        restored = 'ongoing-request="false"' in found.get("x-cos-restore", "")
        return Head(
            size=int(found["content-length"]),
            crc64=found.get("x-cos-hash-crc64ecma", ""),
            etag=_unquoted(found.get("etag", "")),
            archived=found.get("x-cos-storage-class", "") in _ARCHIVES and not restored,
        )

    def read(self, bucket: str, key: str, span: tuple[int, int], left: float) -> bytes:
        """COS GetObject: the bytes from the first to the last of `span`, both included."""
        with self._asked(left):
            found = self._cos.get_object(Bucket=bucket, Key=key, Range=f"bytes={span[0]}-{span[1]}")
            wanted = span[1] - span[0] + 1
            content = bytes(found["Body"].get_raw_stream().read(wanted))
            if len(content) < wanted:
                raise ValueError("the answer was cut")
            return content

    def delete(self, bucket: str, key: str, left: float) -> str:
        """COS DeleteObject; a key that is not there is answered as if it had been. Returns the request's id."""
        with self._asked(left):
            done = _lowered(self._cos.delete_object(Bucket=bucket, Key=key))
        return str(done.get("x-cos-request-id", ""))

    def link(self, bucket: str, key: str, seconds: int) -> str:
        """An address under which whoever has it may read a file for so many seconds. Nothing is sent."""
        sdk, keys = _sdk("qcloud_cos"), self._known
        config = sdk.CosConfig(Region=self._region, Scheme="https", **credentials.for_object_store(keys))
        token = {"x-cos-security-token": keys.token} if keys.token else {}
        signer = sdk.CosS3Client(config, retry=0, session=self._wire)
        return str(signer.get_presigned_url(Bucket=bucket, Key=key, Method="GET", Expired=seconds, Params=token))

    def close(self) -> None:
        """Close the sockets."""
        self._wire.close()

    @cached_property
    def _wire(self) -> Sdk:
        return _sdk("imageferry.clouds.tencent.transport").Wire()

    @cached_property
    def _cvm(self) -> Sdk:
        return self._api(_CVM, addresses.compute(self._endpoints))

    @cached_property
    def _sts(self) -> Sdk:
        return self._api(_STS, addresses.sts(self._endpoints))

    @cached_property
    def _cam(self) -> Sdk:
        return self._api(_CAM, addresses.cam(self._endpoints))

    def _api(self, service: tuple[str, str], address: Address) -> Sdk:
        http = _sdk("tencentcloud.common.profile.http_profile").HttpProfile(
            protocol=address.protocol, endpoint=address.host or None
        )
        profile = _sdk("tencentcloud.common.profile.client_profile").ClientProfile(
            httpProfile=http, language="en-US", request_client=_USER_AGENT
        )
        keys = credentials.for_api(self._keys, _sdk("tencentcloud.common.credential"))
        api = _sdk("tencentcloud.common.common_client").CommonClient(*service, keys, self._region, profile)
        api.request.conn = _sdk("imageferry.clouds.tencent.transport").Line(self._wire)
        return api

    def _call(
        self,
        api: Sdk,
        action: Action,
        parameters: Mapping[str, Any],
        left: float,
        *,
        signed_by: datetime | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> Answer:
        with self._asked(left, signed_by) as seen:
            answer = api.call_json(action, dict(parameters), options=dict(options or {}))
        body = answer["Response"]
        # The SDK looks for an error only where the content type is bare: with a charset behind it, it reads a success.
        if error := body.get("Error"):
            raise AnsweredError(
                Refused(status=_OK, code=error["Code"], text=error["Message"], request_id=body.get("RequestId", ""))
            )
        return Answer(body, seen.date)

    @contextmanager
    def _asked(self, left: float, signed_by: datetime | None = None) -> Iterator[Sdk]:
        """One call; an answer that is neither a success nor an error which the SDK understands is raised as it is."""
        with self._wire.call(left, signed_by=signed_by) as seen:
            try:
                yield seen
            except Exception as error:
                if seen.status and unread(error):
                    raise AnsweredError(bare(seen.status)) from error
                raise
            if seen.status >= _REDIRECT:  # COS's SDK takes a redirect for a success
                raise AnsweredError(bare(seen.status))

    @cached_property
    def _cos(self) -> Sdk:
        return self._store(addresses.object_store(self._endpoints))

    @cached_property
    def _central(self) -> Sdk:
        place = addresses.object_store(self._endpoints)
        host = f"{place['IP']}:{place['Port']}" if "IP" in place else None
        return self._store({"Scheme": place["Scheme"], "ServiceDomain": host})

    def _store(self, place: Mapping[str, Any]) -> Sdk:
        sdk = _sdk("qcloud_cos")
        config = sdk.CosConfig(
            Region=self._region, UA=_USER_AGENT, **credentials.for_object_store(self._known), **place
        )
        return sdk.CosS3Client(config, retry=0, session=self._wire)

    @property
    def _known(self) -> Keys:
        if self._keys is None:
            raise AssertionError("the object store is asked with keys alone")
        return self._keys


def _lowered(headers: Mapping[str, Any]) -> dict[str, Any]:
    return {name.lower(): value for name, value in headers.items()}


def _unquoted(etag: str) -> str:
    return etag.strip('"')


@cache
def _sdk(module: str) -> Sdk:
    """A module of an SDK, or one that imports what only they need. On first use it takes some 15 MiB.

    The SDKs are an extra of their own: an installation for Alibaba Cloud alone has none of them. Raises Blocked without them.
    """
    try:
        found = import_module(module)
    except ModuleNotFoundError:
        raise Blocked(
            Reason.NOT_YET_SUPPORTED,
            "This installation has no SDK of Tencent Cloud: install imageferry[tencent], or run the image that has it.",
        ) from None
    tame(*_LOGGERS)
    logging.getLogger(_TALKATIVE).setLevel(logging.CRITICAL)
    return found

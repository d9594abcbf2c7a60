"""The thinnest face over the official SDKs: the calls in use, blocking, one request each, as plain values.

No SDK retries anything: what may be sent again is the caller's decision. The SDKs are imported on first use. What an answer
means may not enter here; `calls.py` runs these in the pool.
"""

import re
from collections.abc import Mapping
from enum import StrEnum, unique
from functools import cache, cached_property
from importlib import import_module
from typing import Any, Final, cast

from imageferry.clouds.addresses import direct, loopback
from imageferry.clouds.alibaba import addresses, credentials
from imageferry.clouds.alibaba.answers import Bucket, Page
from imageferry.clouds.answers import Answer, Head
from imageferry.clouds.faults import Fault, Refused, Unreachable, Unreadable
from imageferry.clouds.network import moment, never_connected
from imageferry.core.account import Endpoints
from imageferry.core.secret import Keys
from imageferry.logs import tame


@unique
class Action(StrEnum):
    """The calls in use, by the cloud's own names: what RAM must allow is these and no others."""

    EXPORT_IMAGE = "ExportImage"
    IMPORT_IMAGE = "ImportImage"
    DESCRIBE_REGIONS = "DescribeRegions"
    DESCRIBE_IMAGES = "DescribeImages"
    DESCRIBE_TASKS = "DescribeTasks"
    DESCRIBE_TASK = "DescribeTaskAttribute"
    CANCEL_TASK = "CancelTask"
    DESCRIBE_SNAPSHOTS = "DescribeSnapshots"
    TAG_RESOURCES = "TagResources"
    DELETE_IMAGE = "DeleteImage"
    DELETE_SNAPSHOT = "DeleteSnapshot"
    GET_CALLER_IDENTITY = "GetCallerIdentity"
    ASSUME_ROLE = "AssumeRole"
    ASSUME_ROLE_WITH_OIDC = "AssumeRoleWithOIDC"
    GET_ROLE = "GetRole"
    LIST_POLICIES_FOR_ROLE = "ListPoliciesForRole"
    GET_POLICY_VERSION = "GetPolicyVersion"
    GET_BUCKET_INFO = "GetBucketInfo"
    LIST_OBJECTS = "ListObjects"
    HEAD_OBJECT = "HeadObject"
    GET_OBJECT = "GetObject"
    DELETE_OBJECT = "DeleteObject"


CENTRAL_REGION: Final = "cn-hangzhou"
"""Where regions are listed from: the address of an unknown region does not resolve."""

_CONNECT_SECONDS: Final = 5.0
"""The longest wait for a connection; a cloud that takes longer is not there."""

_PAGE_SIZE: Final = 1000
_RAM_VERSION: Final = "2015-05-01"
_RPC: Final = {"protocol": "HTTPS", "pathname": "/", "method": "POST", "auth_type": "AK", "style": "RPC"}
_USER_AGENT: Final = "imageferry"
_LOGGERS: Final = ("darabonba-core", "alibabacloud-tea", "credentials", "alibabacloud_oss_v2", "urllib3")
_NOT_FOUND: Final = 404
_ARCHIVES: Final = ("Archive", "ColdArchive", "DeepColdArchive")

Sdk = Any  # the SDKs ship no type information


class Client:
    """The calls of one key in one region. Each takes the seconds left to it, and raises what the SDK raises."""

    def __init__(self, keys: Keys | None, endpoints: Endpoints, region: str) -> None:
        self._keys, self._endpoints, self._region = keys, endpoints, region
        self._http: list[Sdk] = []

    def ecs(
        self, action: Action, parameters: Mapping[str, Any], left: float, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """An ECS call; `parameters` have the documented names. `headers` are signed and replace the SDK's own."""
        request = getattr(_sdk("alibabacloud_ecs20140526.models"), f"{action}Request")().from_map(dict(parameters))
        method = re.sub(r"(?<!^)(?=[A-Z])", "_", action).lower()
        return _answer(getattr(self._ecs, f"{method}_with_options")(request, _options(left, headers or {})))

    def caller(self, left: float) -> Answer:
        """STS GetCallerIdentity."""
        return _answer(self._sts.get_caller_identity_with_options(_options(left, {})))

    def assume_role(self, parameters: Mapping[str, Any], left: float) -> Answer:
        """STS AssumeRole, signed with the keys."""
        request = _sdk("alibabacloud_sts20150401.models").AssumeRoleRequest().from_map(dict(parameters))
        return _answer(self._sts.assume_role_with_options(request, _options(left, {})))

    def assume_role_with_oidc(self, parameters: Mapping[str, Any], left: float) -> Answer:
        """STS AssumeRoleWithOIDC, which nothing signs: the token is the proof."""
        request = _sdk("alibabacloud_sts20150401.models").AssumeRoleWithOIDCRequest().from_map(dict(parameters))
        return _answer(self._sts.assume_role_with_oidcwith_options(request, _options(left, {})))

    def ram(self, action: Action, parameters: Mapping[str, str], left: float) -> Answer:
        """A RAM call, in the generic form of the SDK's core: RAM's own package would add models for three answers."""
        core = _sdk("alibabacloud_tea_openapi.utils_models")
        form = core.Params(action=action, version=_RAM_VERSION, req_body_type="formData", body_type="json", **_RPC)
        found = self._ram.call_api(form, core.OpenApiRequest(query=dict(parameters)), _options(left, {}))
        return Answer(found["body"], moment(found["headers"]))

    def bucket(self, name: str, left: float) -> Bucket:
        """OSS GetBucketInfo."""
        request = _oss().GetBucketInfoRequest(bucket=name)
        found = self._oss.get_bucket_info(request, readwrite_timeout=left).bucket_info
        rule = found.sse_rule.sse_algorithm if found.sse_rule else None
        return Bucket(
            region=(found.location or "").removeprefix("oss-"),
            owner=(found.owner.id or "") if found.owner else "",
            encrypted=(rule or "None") != "None",
        )

    def page(self, bucket: str, prefix: str, token: str, left: float) -> Page:
        """OSS ListObjectsV2: up to 1,000 names that begin with `prefix`, from `token` on."""
        request = _oss().ListObjectsV2Request(
            bucket=bucket, prefix=prefix, max_keys=_PAGE_SIZE, continuation_token=token or None
        )
        found = self._oss.list_objects_v2(request, readwrite_timeout=left)
        names = tuple(item.key for item in found.contents or ())
        return Page(names, (found.next_continuation_token or "") if found.is_truncated else "", moment(found.headers))

    def head(self, bucket: str, key: str, left: float) -> Head:
        """OSS HeadObject."""
        found = self._oss.head_object(_oss().HeadObjectRequest(bucket=bucket, key=key), readwrite_timeout=left)
        return Head(
            size=found.content_length or 0,
            crc64=str(found.hash_crc64 or ""),
            etag=(found.etag or "").strip('"'),
            archived=found.storage_class in _ARCHIVES and 'ongoing-request="false"' not in (found.restore or ""),
        )

    def read(self, bucket: str, key: str, span: tuple[int, int], left: float) -> bytes:
        """OSS GetObject: the bytes from the first to the last of `span`, both included."""
        request = _oss().GetObjectRequest(bucket=bucket, key=key, range_header=f"bytes={span[0]}-{span[1]}")
        with self._oss.get_object(request, readwrite_timeout=left).body as body:
            return cast("bytes", body.read())

    def delete(self, bucket: str, key: str, left: float) -> str:
        """OSS DeleteObject; a key that is not there is answered as if it had been. Returns the request's id."""
        done = self._oss.delete_object(_oss().DeleteObjectRequest(bucket=bucket, key=key), readwrite_timeout=left)
        return str(done.request_id)

    def close(self) -> None:
        """Close the sockets of OSS. Those of ECS and STS are one pool per address that the SDK keeps for the process."""
        while self._http:
            self._http.pop().close()

    @cached_property
    def _ecs(self) -> Sdk:
        return self._api("alibabacloud_ecs20140526", self._endpoints.compute)

    @cached_property
    def _sts(self) -> Sdk:
        return self._api("alibabacloud_sts20150401", addresses.sts(self._endpoints))

    @cached_property
    def _ram(self) -> Sdk:
        return self._api("alibabacloud_tea_openapi", addresses.ram(self._endpoints))

    def _api(self, package: str, endpoint: str) -> Sdk:
        address = direct(endpoint)
        config = _sdk("alibabacloud_tea_openapi.utils_models").Config(
            **credentials.for_api(self._keys),
            region_id=self._region,
            endpoint=address.netloc or None,
            protocol=address.scheme or "https",
            user_agent=_USER_AGENT,
        )
        return _sdk(f"{package}.client").Client(config)

    @cached_property
    def _oss(self) -> Sdk:
        address, sdk = direct(self._endpoints.object_store), _oss()
        http = sdk.transport.RequestsHttpClient(connect_timeout=_CONNECT_SECONDS)
        self._http.append(http)
        return sdk.Client(
            sdk.Config(
                region=self._region,
                endpoint=address.geturl() or None,
                credentials_provider=credentials.for_object_store(self._keys, sdk),
                retry_max_attempts=1,
                http_client=http,
                use_path_style=loopback(address),
                user_agent=_USER_AGENT,
            )
        )


def fault(error: Exception) -> Fault:
    """What an exception of an SDK says about its request; what proves nothing is Unreadable."""
    inner = error.unwrap() if hasattr(error, "unwrap") else error  # OSS wraps each error in an OperationError
    status, code = getattr(inner, "status_code", None), getattr(inner, "code", None)
    if not isinstance(status, int) or not isinstance(code, str):
        return Unreachable() if never_connected(inner) else Unreadable()
    if code == "BadErrorResponse" and status == _NOT_FOUND:
        code = "NoSuchKey"  # the answer to HEAD has no body, and only a header that may be missing names the code
    body = getattr(inner, "data", None)
    text = body.get("Message") if isinstance(body, Mapping) else getattr(inner, "message", "")
    milliseconds = getattr(inner, "retry_after", None)
    return Refused(
        status=status,
        code="" if code == "None" else code,
        text=str(text or ""),
        request_id=str(getattr(inner, "request_id", "") or ""),
        retry_after_seconds=milliseconds / 1000 if milliseconds else None,
    )


def _answer(response: Sdk) -> Answer:
    # A body that the SDK cannot place into its model is dropped by it without a word.
    if response.body is None:
        raise ValueError("the answer has no body that fits the model")
    return Answer(response.body.to_map(), moment(response.headers))


def _options(left: float, headers: Mapping[str, str]) -> Sdk:
    runtime = _sdk("darabonba.runtime")
    return runtime.RuntimeOptions(
        connect_timeout=max(1, int(min(left, _CONNECT_SECONDS) * 1000)),
        read_timeout=max(1, int(left * 1000)),
        extends_parameters=runtime.ExtendsParameters(headers=dict(headers)),
    )


def _oss() -> Sdk:
    return _sdk("alibabacloud_oss_v2")


@cache
def _sdk(module: str) -> Sdk:
    """An SDK's module. On first use it takes 20 to 30 MiB and attaches handlers that would go around the log's masking."""
    found = import_module(module)
    tame(*_LOGGERS)
    return found

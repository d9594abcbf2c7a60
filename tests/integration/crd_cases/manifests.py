"""Manifests that the schema admits, from the smallest to the one with every field, and the way to change one."""

import copy
from collections.abc import Mapping
from typing import Any

Manifest = dict[str, Any]
# Values by dotted path.
Changes = Mapping[str, Any]

# What to write into a change to say that a field is not there at all; None is JSON's null.
ABSENT = object()


def an_export(name: str = "web-2026-11") -> Manifest:
    """The smallest ImageExport."""
    return {
        "apiVersion": "imageferry.dev/v1alpha1",
        "kind": "ImageExport",
        "metadata": {"name": name},
        "spec": {
            "accountRef": {"name": "alibaba-prod"},
            "source": {"imageID": "m-bp67acfmxazb4p0a"},
            "destination": {"bucket": "team-images"},
        },
    }


def an_import(name: str = "web-restored") -> Manifest:
    """The smallest ImageImport."""
    return {
        "apiVersion": "imageferry.dev/v1alpha1",
        "kind": "ImageImport",
        "metadata": {"name": name},
        "spec": {
            "accountRef": {"name": "alibaba-prod"},
            "source": {"disks": [{"bucket": "team-images", "key": "golden/web.raw"}]},
            "image": {"name": "web-restored"},
        },
    }


def an_account(name: str = "alibaba-prod") -> Manifest:
    """The smallest CloudAccount."""
    return {
        "apiVersion": "imageferry.dev/v1alpha1",
        "kind": "CloudAccount",
        "metadata": {"name": name},
        "spec": {
            "provider": "Alibaba",
            "region": "cn-hangzhou",
            "credentials": {"secretRef": {"name": "alibaba-prod"}},
        },
    }


SMALLEST = {"ImageExport": an_export, "ImageImport": an_import, "CloudAccount": an_account}


def changed(manifest: Manifest, changes: Changes) -> Manifest:
    """A copy with other values at dotted paths; ABSENT removes, and what leads to a path is made on the way."""
    result = copy.deepcopy(manifest)
    for path, value in changes.items():
        *parents, last = path.split(".")
        place = result
        for parent in parents:
            place = place.setdefault(parent, {})
        if value is ABSENT:
            place.pop(last, None)
        else:
            place[last] = value
    return result


def with_leaf(manifest: Manifest, steps: tuple[str | int, ...], value: object) -> Manifest:
    """A copy with another value at the end of these steps, each a key or an index."""
    result = copy.deepcopy(manifest)
    place: Any = result
    for step in steps[:-1]:
        place = place[step]
    place[steps[-1]] = value
    return result


_EVERY_RUN_POLICY = {
    "spec.suspend": False,
    "spec.priority": 10,
    "spec.backoffLimit": 3,
    "spec.activeDeadlineSeconds": 21600,
    "spec.deletionPolicy": "Delete",
    "spec.unknownOutcome": "Retry",
    "spec.unknownOutcomeSeconds": 3600,
}
_EVERY_EXPORT_WISH = {
    "spec.region": "cn-hangzhou",
    "spec.destination.prefix": "web",
    "spec.format": "RAW",
    "spec.disks": "All",
    "spec.roleName": "AliyunECSImageExportDefaultRole",
    **_EVERY_RUN_POLICY,
}
_EVERY_IMPORT_WISH = {
    "spec.region": "cn-hangzhou",
    "spec.image": {
        "name": "web-restored",
        "description": "Web server of November 2026",
        "family": "web-family",
        "architecture": "x86_64",
        "osType": "Windows",
        "platform": "Windows Server 2022",
        "osVersion": "2022",
        "bootMode": "UEFI",
        "licenseType": "BYOL",
        "tags": {"team": "images"},
    },
    "spec.roleName": "AliyunECSImageImportDefaultRole",
    **_EVERY_RUN_POLICY,
}
_A_FILE = {"bucket": "team-images", "key": "golden/web.raw", "format": "RAW", "sizeGiB": 40}
_ALIBABA = {
    "resourceGroupID": "rg-bp67acfmxazb4ph",
    "detectionStrategy": "Standard",
    "nvmeSupport": "Supported",
    "imdsSupport": "V2",
}
_EVERY_ACCOUNT_FIELD = {
    "spec.assumeRole": {
        "roleARN": "acs:ram::1234567890123456:role/image-exports",
        "externalID": "platform-team",
        "sessionName": "imageferry",
    },
    "spec.allow": {
        "regions": ["cn-hangzhou"],
        "buckets": ["team-images"],
        "imageIDs": ["m-bp1*", "m-bp67acfmxazb4p0a"],
        "objectPrefixes": ["web"],
        "roleNames": ["AliyunECSImageExportDefaultRole"],
    },
    "spec.limits": {"concurrentExports": 5, "concurrentImports": 5, "requestsPerSecond": 5},
    "spec.endpoints": {
        "compute": "https://ecs-vpc.cn-hangzhou.aliyuncs.com",
        "objectStore": "https://oss-cn-hangzhou-internal.aliyuncs.com",
        "sts": "http://127.0.0.1:8787",
    },
}
_BY_SELECTOR = {
    "from": "Selector",
    "selector": {
        "matchLabels": {"team": "images"},
        "matchExpressions": [{"key": "tier", "operator": "In", "values": ["golden"]}],
    },
}
_WORKLOAD_IDENTITY = {
    "roleARN": "acs:ram::1234567890123456:role/imageferry",
    "providerARN": "acs:ram::1234567890123456:oidc-provider/ack-rrsa-c1a2b3",
}

# Together they fill in every field of spec; where fields exclude each other, there is one for each.
FULL: dict[str, list[Manifest]] = {
    "ImageExport": [
        changed(an_export(), {**_EVERY_EXPORT_WISH, "spec.source": source})
        for source in ({"imageID": "m-bp67acfmxazb4p0a"}, {"imageName": "web"}, {"imageFamily": "web-family"})
    ],
    "ImageImport": [
        changed(an_import(), {**_EVERY_IMPORT_WISH, "spec.source": source, f"spec.{provider}": options})
        for source, provider, options in (
            ({"disks": [_A_FILE, {**_A_FILE, "key": "golden/web-data.raw"}]}, "alibaba", _ALIBABA),
            ({"exportRef": {"name": "web-2026-11"}}, "tencent", {"force": True}),
        )
    ],
    "CloudAccount": [
        changed(
            an_account(),
            {**_EVERY_ACCOUNT_FIELD, "spec.credentials": credentials, "spec.allowedNamespaces": namespaces},
        )
        for credentials, namespaces in (
            ({"secretRef": {"name": "alibaba-prod"}}, {"from": "Names", "names": ["images"]}),
            ({"workloadIdentity": _WORKLOAD_IDENTITY}, _BY_SELECTOR),
            ({"instanceRole": {"name": "imageferry-node"}}, {"from": "All"}),
        )
    ],
}

_CONDITION = {
    "type": "Ready",
    "status": "False",
    "reason": "Running",
    "message": "the cloud says 62 %",
    "lastTransitionTime": "2026-11-21T13:00:00Z",
    "observedGeneration": 1,
}
_ATTEMPT_KEY = "k3v6qzd2x7m4a"
_FILE = f"web{_ATTEMPT_KEY}_m-bp67acfmxazb4p0a_system.raw.tar.gz"

_STATUS_OF_BOTH_WAYS = {
    "observedGeneration": 1,
    "conditions": [_CONDITION],
    "attempt": {
        "number": 2,
        "failures": 1,
        "key": _ATTEMPT_KEY,
        "objectPrefix": f"web{_ATTEMPT_KEY}",
        "accountID": "1234567890123456",
        "claimedAt": "2026-11-21T13:00:00Z",
        "claimedBy": "imageferry-7d4b9-x2k4q-9f3b2d6a",
    },
    "lastRefusal": {
        "reason": "NotWhitelisted",
        "class": "Blocked",
        "generation": 1,
        "nextTryTime": "2026-11-21T13:15:00Z",
    },
    "handledRetryRequest": "2026-11-21T12:59:00Z",
    "handledCancelRequest": "please",
    "task": {
        "id": "t-bp67acfmxazb4p0a",
        "key": _ATTEMPT_KEY,
        "state": "Processing",
        "cancellable": True,
        "startedAt": "2026-11-21T13:00:02Z",
        "finishedAt": "2026-11-21T13:48:10Z",
    },
    "progress": {
        "percent": 62,
        "estimatedFinishTime": "2026-11-21T13:50:00Z",
        "updatedAt": "2026-11-21T13:30:00Z",
    },
    "queue": {"since": "2026-11-21T12:00:00Z", "nextTryTime": "2026-11-21T13:00:00Z"},
    "startTime": "2026-11-21T13:00:01Z",
    "completionTime": "2026-11-21T13:48:30Z",
    "lastError": {
        "reason": "Throttled",
        "code": "Throttling.User",
        "message": "Request was denied due to user flow control.",
        "requestID": "473469C7-AA6F-4DC5-B3DB-A3DC0DE3C83E",
        "time": "2026-11-21T13:10:00Z",
    },
}

# A status with every field that the operator writes.
FULL_STATUS: dict[str, dict[str, Any]] = {
    "ImageExport": {
        **_STATUS_OF_BOTH_WAYS,
        "resolved": {
            "region": "cn-hangzhou",
            "imageID": "m-bp67acfmxazb4p0a",
            "imageName": "web",
            "imageFamily": "web-family",
            "platform": "Ubuntu",
            "architecture": "x86_64",
            "sizeGiB": 40,
            "dataDisks": 1,
            "devices": ["/dev/xvdb"],
            "bucket": "team-images",
            "prefix": "web",
            "format": "RAW",
            "disks": "All",
            "roleName": "AliyunECSImageExportDefaultRole",
        },
        "artifacts": [
            {
                "role": "System",
                "device": "",
                "bucket": "team-images",
                "key": _FILE,
                "uri": f"oss://team-images/{_FILE}",
                "format": "RAW",
                "sizeBytes": 1288490188,
                "crc64": "12345678901234567890",
                "etag": "5B3C1A2E053D763E1B002CC607C5A0FE",
            }
        ],
    },
    "ImageImport": {
        **_STATUS_OF_BOTH_WAYS,
        "resolved": {
            "region": "cn-hangzhou",
            "imageName": "web-restored",
            "family": "web-family",
            "description": "Web server of November 2026",
            "architecture": "x86_64",
            "osType": "Windows",
            "platform": "Windows Server 2022",
            "osVersion": "2022",
            "bootMode": "UEFI",
            "licenseType": "BYOL",
            "roleName": "AliyunECSImageImportDefaultRole",
            "tags": {"team": "images"},
            "resourceGroupID": "rg-bp67acfmxazb4ph",
            "detectionStrategy": "Standard",
            "nvmeSupport": "Supported",
            "imdsSupport": "V2",
            "force": True,
            "disks": [{**_A_FILE, "etag": "5B3C1A2E053D763E1B002CC607C5A0FE", "sizeBytes": 42949672960}],
        },
        "imageID": "m-bp1ae72sinlrmd5mf6nd",
        "snapshots": [{"id": "s-bp17441ohwka0yuhx8x5", "device": "/dev/xvda"}],
        "disks": [{"device": "/dev/xvda", "percent": 62}],
    },
    "CloudAccount": {
        "observedGeneration": 1,
        "conditions": [_CONDITION],
        "accountID": "1234567890123456",
        "lanes": [
            {
                "region": "cn-hangzhou",
                "operation": "Export",
                "limit": 5,
                "learnedLimit": 3,
                "running": 3,
                "queued": 12,
                "closedUntil": "2026-11-22T00:00:00Z",
                "closedReason": "WeeklyQuotaExceeded",
            }
        ],
        "orphans": [
            {
                "operation": "Export",
                "taskID": "t-bp67acfmxazb4p0a",
                "key": _ATTEMPT_KEY,
                "objectPrefix": f"web{_ATTEMPT_KEY}",
                "imageID": "m-bp67acfmxazb4p0a",
                "imageName": "web",
                "bucket": "team-images",
                "region": "cn-hangzhou",
                "accountID": "1234567890123456",
                "namespace": "images",
                "name": "web-2026-11",
                "uid": "5f0c6f0e-6a7e-4d41-9f3b-2d6a0c1b7e11",
                "deletionPolicy": "Retain",
                "claimedAt": "2026-11-21T13:00:00Z",
                "since": "2026-11-21T15:30:00Z",
            }
        ],
    },
}

"""What users and attackers write into a field: the values that are refused there, and those that only look wrong.

Each entry is a field, then the values. A refused value must be refused *at that field*; an admitted one as it stands.
"""

from typing import Any

from tests.integration.crd_cases.manifests import ABSENT

_MIB = "a" * 2**20
_LOOK_ALIKE = "alib\u0430ba-prod"  # a Cyrillic letter

_REGIONS = ["", "cn", "CN-Hangzhou", "cn_hangzhou", "cn-hangzhou/../x", "cn-hangzhou.evil.example", "cn-" + "a" * 30, 7]
_BUCKETS = [
    *("", "a", "ab", "A", "Team-Images", "team_images", "1.2.3.4", "team.images", "-team", "team-", "a" * 64),
    *("oss://team-images", "team-images/web", "team-images.evil.example", "té-images", _MIB, 7, ["team-images"]),
]
_ROLES = ["", "-role", "acs:ram::1234567890123456:role/x", "role/x", "a b", "../x", "r" * 65]
_NAMES = ["", "a/b", "other/alibaba-prod", "Alibaba", "-a", "a..b", "a" * 254, _LOOK_ALIKE, _MIB]
_ARNS = ["", "imageferry", "acs:ram::x:role/imageferry", "acs:ram::1:user/x", "https://evil.example", "a" * 257]
_PRIORITIES = [-1001, 1001, "0", 0.5, 2**31, 2**63]
_RUN_POLICY: dict[str, list[Any]] = {
    "spec.suspend": ["false", 0, "yes"],
    "spec.priority": _PRIORITIES,
    "spec.backoffLimit": [-1, 101, "3", 1.5, 2**63],
    "spec.activeDeadlineSeconds": [-1, 0, 59, 31536001, "6h", 2**63],
    "spec.deletionPolicy": ["", "retain", "Keep"],
    "spec.unknownOutcome": ["", "retry", "Ignore"],
    "spec.unknownOutcomeSeconds": [-1, 0, 59, 2592001, 2**63],
}
_IMAGE_NAMES = [
    *("", "a", "a" * 129, "1web", "-web", "_web", "we b", "web/1", "web@1", "we\u200bb", "\u202eweb", "http://x"),
    *(_MIB, 7),
]
_KEYS = [
    *("", "/web.raw", "golden/", "golden\\web.raw", 'web".raw', "a" * 1024, "网" * 1024),
    *("we\u200bb.raw", "\u202eweb.raw", "a\u2028b", ".", "..", "../web.raw", "golden/./web.raw", "golden/.."),
    *("https://evil.example/web.raw", "oss://team-images/web.raw", "http://user@evil.example:8080/web.raw"),
    *(_MIB, 7),
]
_ENDPOINTS = [
    *(
        "",
        "ecs.aliyuncs.com",
        "//ecs.aliyuncs.com",
        "ftp://ecs.aliyuncs.com",
        "file:///etc/passwd",
        "HTTPS://ecs.aliyuncs.com",
    ),
    *("https://user@ecs.aliyuncs.com", "https://user:pw@ecs.aliyuncs.com", "https://ecs.aliyuncs.com@evil.example"),
    *(
        "https://ecs.aliyuncs.com/",
        "https://ecs.aliyuncs.com/x",
        "https://ecs.aliyuncs.com?x",
        "https://ecs.aliyuncs.com#x",
    ),
    *("https://", "https://:443", "https://a..b", "https://a.", "https://a:0", "https://a:123456", "https://a:b"),
    *(
        "https://[::1",
        "https://[evil]",
        "https://a b",
        "https://a\\b",
        "https://ec\u0455.example",
        "https://" + "a" * 280,
    ),
]

_SELECTORS: list[dict[str, Any]] = [
    {},
    {"matchLabels": {}},
    {"matchLabels": {"team": "a b"}},
    {"matchLabels": {"team": "a" * 64}},
    {"matchLabels": {"a/b/c": "x"}},
    {"matchLabels": {"": "x"}},
    {"matchLabels": {"a" * 64: "x"}},
    {"matchLabels": {f"k{n}": "x" for n in range(17)}},
    {"matchExpressions": []},
    {"matchExpressions": [{"key": "team", "operator": "Gt", "values": ["1"]}]},
    {"matchExpressions": [{"key": "team", "operator": "Exists", "values": ["x"]}]},
    {"matchExpressions": [{"key": "team", "operator": "In", "values": []}]},
    {"matchExpressions": [{"key": "team", "operator": "In", "values": [f"v{n}" for n in range(17)]}]},
    {"matchExpressions": [{"key": "(a+)+$", "operator": "Exists"}]},
    {"matchExpressions": [{"key": "team", "operator": "Exists"}] * 9},
]

REFUSED: dict[str, dict[str, list[Any]]] = {
    "ImageExport": {
        "spec.destination.prefix": [
            *("", "a" * 18, "a" * 31, "wéb", "we\u200bb", "\u202eweb", "web\uff11", "a-b", "a_b", "a.b"),
            *("../x", "/x", "%2e%2e", "we b", _MIB, 5),
        ],
        "spec.destination.bucket": [*_BUCKETS, None, ABSENT],
        "spec.region": _REGIONS,
        "spec.source": [
            ABSENT,
            {},
            {"imageID": "m-1", "imageName": "web"},
            {"imageName": "web", "imageFamily": "web"},
            [],
            "m-1",
        ],
        "spec.source.imageID": [
            *("", "m-", "img-", "i-bp67acfmxazb4p0a", "ami-0123", "M-BP67", "m-bp1*", "m-bp1,m-bp2", "img_1", " m-1"),
            *("m-" + "a" * 63, _MIB, 1, {"$ne": ""}),
        ],
        "spec.accountRef": [ABSENT, None, "alibaba-prod"],
        "spec.accountRef.name": [*_NAMES, None, ABSENT, 5, ["alibaba-prod"]],
        "spec.format": ["", "raw", "ISO", "RAW ", 1],
        "spec.disks": ["", "all", "DataOnly", ["All"]],
        "spec.roleName": _ROLES,
        **_RUN_POLICY,
        "spec": [ABSENT, None, [], "x"],
    },
    "ImageImport": {
        "spec.source": [
            ABSENT,
            {},
            {"exportRef": {}},
            {"exportRef": {"name": "web"}, "disks": [{"bucket": "team-images", "key": "web.raw"}]},
            [],
            "web.raw",
        ],
        "spec.source.disks": [
            *([], {}, [{}], [{"bucket": "team-images"}], [{"key": "web.raw"}], ["web.raw"]),
            [{"bucket": "team-images", "key": f"web-{n}.raw"} for n in range(18)],
        ],
        "spec.image": [ABSENT, None, {}, "web", []],
        "spec.image.name": _IMAGE_NAMES,
        "spec.image.description": ["", "a", "a" * 257, "http://x", "two\nlines", "we\u200bb", _MIB],
        "spec.image.family": ["", "a", "a" * 129, "1web", "we b", "we\u200bb"],
        "spec.image.architecture": ["", "amd64", "aarch64", "ARM64", 64],
        "spec.image.osType": ["", "linux", "BSD"],
        "spec.image.platform": ["", " Ubuntu", "Ubuntu/24", "Übuntu", "a" * 65],
        "spec.image.osVersion": ["", ".5", "24/04", "a" * 65, 24.04],
        "spec.image.bootMode": ["", "uefi", "Legacy BIOS"],
        "spec.image.licenseType": ["", "byol", "Aliyun"],
        "spec.image.tags": [
            {"": "x"},
            {"k" * 129: "x"},
            {"team": "v" * 256},
            {"team": 7},
            {"aliyun-x": "x"},
            {"acs:x": "x"},
            {"imageferry.dev": "x"},
            {"http://x": "x"},
            {"te\u200bam": "x"},
            {f"k{n}": "x" for n in range(17)},
            ["team"],
        ],
        "spec.alibaba": ["rg-1", []],
        "spec.alibaba.resourceGroupID": ["", "rg-", "rg_1", "bp67acfmxazb4ph", "rg-" + "a" * 62],
        "spec.alibaba.detectionStrategy": ["", "standard", "None"],
        "spec.alibaba.nvmeSupport": ["", "supported", True],
        "spec.alibaba.imdsSupport": ["", "v2", "V3"],
        "spec.tencent.force": ["true", 1],
        "spec.region": _REGIONS,
        "spec.accountRef": [ABSENT, None, "alibaba-prod"],
        "spec.roleName": ["", "acs:ram::1234567890123456:role/x"],
        "spec.priority": _PRIORITIES,
        "spec": [ABSENT, None],
    },
    "CloudAccount": {
        "spec.provider": ["", "alibaba", "AWS", ABSENT],
        "spec.region": [*_REGIONS, ABSENT],
        "spec.credentials": [ABSENT, {}, {"instanceRole": {"name": "a"}, "secretRef": {"name": "a"}}, []],
        "spec.credentials.secretRef.name": [*_NAMES, ABSENT],
        "spec.assumeRole": [{}],
        "spec.assumeRole.roleARN": _ARNS,
        "spec.allowedNamespaces": [{}, {"names": ["images"]}, {"from": "Names"}, {"from": "Selector"}, ["images"]],
        "spec.allowedNamespaces.from": ["", "Same", "all"],
        "spec.allow.regions": [[], ["cn-hangzhou"] * 2, [f"cn-{n}" for n in range(65)], "cn-hangzhou"],
        "spec.allow.buckets": [[], ["team-images"] * 2, [f"team-{n}" for n in range(129)]],
        "spec.allow.imageIDs": [[], [f"m-{n}" for n in range(129)]],
        "spec.allow.objectPrefixes": [[], [f"web{n}" for n in range(65)]],
        "spec.allow.roleNames": [[], [f"role{n}" for n in range(65)]],
        "spec.limits.concurrentExports": [0, -1, 1001, 1.5, "5"],
        "spec.limits.concurrentImports": [0, -1, 1001],
        "spec.limits.requestsPerSecond": [0, -1, 101, 0.5],
        "spec.endpoints.compute": _ENDPOINTS,
        "spec.endpoints.objectStore": _ENDPOINTS,
        "spec.endpoints.sts": _ENDPOINTS,
    },
}
# The same for what stands in lists and needs something beside it.
REFUSED_WITHIN: list[tuple[str, str, dict[str, Any], str]] = [
    *(("CloudAccount", repr(v), {"spec.allow.buckets": [v]}, "spec.allow.buckets[0]") for v in ("A", "1.2.3.4", "a*")),
    *(("CloudAccount", v, {"spec.allow.regions": [v]}, "spec.allow.regions[0]") for v in ("CN-Hangzhou", "cn-*")),
    *(
        ("CloudAccount", v, {"spec.allow.imageIDs": [v]}, "spec.allow.imageIDs[0]")
        for v in ("*", "m-*bp", "m-**", "m-(a+)+", "^m-.*$", "i-1", "m-")
    ),
    *(
        ("CloudAccount", v, {"spec.allow.objectPrefixes": [v]}, "spec.allow.objectPrefixes[0]")
        for v in ("/x", "../x", "w*")
    ),
    *(
        ("CloudAccount", v, {"spec.allow.roleNames": [v]}, "spec.allow.roleNames[0]")
        for v in ("*", "acs:ram::1:role/x")
    ),
    *(
        (
            "CloudAccount",
            f"namespace {names!r:.40}",
            {"spec.allowedNamespaces": {"from": "Names", "names": names}},
            "spec.allowedNamespaces.names",
        )
        for names in ([], [""], ["*"], ["Images"], ["a/b"], ["a" * 64], ["images"] * 2, [f"n{n}" for n in range(129)])
    ),
    *(
        (
            "CloudAccount",
            f"selector {selector!r:.40}",
            {"spec.allowedNamespaces": {"from": "Selector", "selector": selector}},
            "spec.allowedNamespaces.selector",
        )
        for selector in _SELECTORS
    ),
    *(
        ("ImageExport", f"name {name!r:.40}", {"spec.source": {"imageName": name}}, "spec.source.imageName")
        for name in (
            "",
            "a",
            "a" * 129,
            "acs:x",
            "aliyunx",
            "http://x",
            "see https://x",
            "we\u200bb",
            "\u202eweb",
            "a\u2028b",
            _MIB,
        )
    ),
    *(
        ("ImageExport", f"family {name!r:.40}", {"spec.source": {"imageFamily": name}}, "spec.source.imageFamily")
        for name in ("", "a", "a" * 129, "acs:x", "aliyunx", "http://x", "we\u200bb", _MIB)
    ),
    *(
        (
            "ImageImport",
            f"{field} {value!r:.40}",
            {"spec.source": {"disks": [{"bucket": "team-images", "key": "web.raw"} | {field: value}]}},
            f"spec.source.disks[0].{field}",
        )
        for field, values in {
            "bucket": ("", "ab", "Team-Images", "1.2.3.4", "a" * 64, "oss://team-images", "evil.example/x"),
            "key": _KEYS,
            "format": ("", "raw", "ISO", "VDI"),
            "sizeGiB": (0, -1, 2049, "40", 0.5, 2**63),
        }.items()
        for value in values
    ),
    *(
        (
            "ImageImport",
            f"export {name!r:.40}",
            {"spec.source": {"exportRef": {"name": name}}},
            "spec.source.exportRef.name",
        )
        for name in ("", "other/web", "Web", "a" * 254, _LOOK_ALIKE)
    ),
    *(
        (
            "CloudAccount",
            f"provider {arn!r:.40}",
            {"spec.credentials": {"workloadIdentity": {"roleARN": "acs:ram::1:role/x", "providerARN": arn}}},
            "spec.credentials.workloadIdentity.providerARN",
        )
        for arn in ("", "https://evil.example", "acs:ram::1:role/x", "a" * 257)
    ),
    *(
        (
            "CloudAccount",
            f"role {arn!r:.40}",
            {"spec.credentials": {"workloadIdentity": {"roleARN": arn, "providerARN": "ack-rrsa-c1"}}},
            "spec.credentials.workloadIdentity.roleARN",
        )
        for arn in _ARNS
    ),
    *(
        (
            "CloudAccount",
            f"role {name!r:.40}",
            {"spec.credentials": {"instanceRole": {"name": name}}},
            "spec.credentials.instanceRole.name",
        )
        for name in _ROLES
    ),
    *(
        (
            "CloudAccount",
            f"{field} {value!r:.40}",
            {"spec.assumeRole": {"roleARN": "acs:ram::1:role/x", field: value}},
            f"spec.assumeRole.{field}",
        )
        for field, value in (
            ("externalID", "x"),
            ("externalID", "a" * 1225),
            ("externalID", "a b"),
            ("sessionName", "a b"),
        )
    ),
]

ADMITTED: dict[str, dict[str, list[Any]]] = {
    "ImageExport": {
        "spec.destination.prefix": ["a", "0", "A" * 17, ABSENT],
        "spec.destination.bucket": ["abc", "1-2-3-4", "a" * 63, "team-images-1250000000"],
        "spec.region": [
            "us-west-1",
            "na-siliconvalley",
            "cn-shanghai-finance-1",
            "ap-shanghai-fsi",
            "cn-north-2-gov-1",
        ],
        "spec.source": [
            {"imageName": "网站 2026"},
            {"imageName": "w" * 128},
            {"imageFamily": "web"},
            {"imageID": "img-pq5pau1w"},
        ],
        "spec.format": ["VHD", "QCOW2", "VMDK", "VDI"],
        "spec.disks": ["SystemOnly"],
        "spec.roleName": ["CVM_QcsRole", "AliyunECSImageExportDefaultRole"],
        "spec.priority": [-1000, 1000],
        "spec.backoffLimit": [0, 100],
        "spec.activeDeadlineSeconds": [60, 31536000],
        "spec.deletionPolicy": ["Delete", "Orphan"],
        "spec.unknownOutcomeSeconds": [60, 2592000],
        # Labels and annotations belong to the user; the API server itself bounds them.
        "metadata.labels": [{f"label-{n}": "x" for n in range(10_000)}],
    },
    "ImageImport": {
        "spec.source": [
            {"exportRef": {"name": "web-2026-11"}},
            {"disks": [{"bucket": "team-images-1250000000", "key": "镜像/网站 (2026)?#@%2e.raw", "format": "VMDK"}]},
            {"disks": [{"bucket": "abc", "key": "a" * 1023, "sizeGiB": 1}]},
            {"disks": [{"bucket": "abc", "key": "...", "sizeGiB": 2048}]},
            {"disks": [{"bucket": "abc", "key": f"web-{n}.qcow2", "format": "QCOW2"} for n in range(17)]},
        ],
        "spec.image.name": ["网站-2026.11:a_b", "wé", "w" * 128],
        "spec.image.description": ['网站, 2026: "web" <a&b>', "d" * 256],
        "spec.image": [
            {"name": "web", "architecture": "arm64"},
            {"name": "web", "architecture": "i386", "bootMode": "BIOS"},
            {"name": "web", "osType": "Windows", "licenseType": "Auto", "platform": "Windows Server 2022"},
            {"name": "web", "osType": "Linux", "platform": "Others Linux", "osVersion": "-"},
        ],
        "spec.image.tags": [{}, {f"k{n}": "v" * 255 for n in range(16)}, {"qcs:x": "acs:x", "billing/team": "a=b; c"}],
        "spec.alibaba": [{}, {"nvmeSupport": "Unsupported", "imdsSupport": "V1"}],
        "spec.tencent": [{}, {"force": False}],
        "spec.roleName": ["CVM_QcsRole"],
    },
    "CloudAccount": {
        "spec.provider": ["Tencent"],
        "spec.credentials": [
            {
                "workloadIdentity": {
                    "roleARN": "qcs::cam::uin/100000000001:roleName/imageferry",
                    "providerARN": "cls-a1b2c3d4",
                }
            },
        ],
        "spec.allowedNamespaces": [{"from": "All"}, ABSENT],
        "spec.allow": [
            {},
            {"imageIDs": ["m-*", "img-*", "m-bp1*", "img-pq5pau1w"]},
            {"objectPrefixes": ["golden/web-", "0"]},
        ],
        "spec.endpoints.compute": [
            *("http://127.0.0.1:8787", "http://localhost:8787", "http://[::1]:8787", "http://127.0.0.1"),
            *(
                "https://ecs.cn-hangzhou.aliyuncs.com",
                "https://cvm.internal.tencentcloudapi.com:443",
                "https://10.0.0.7:65535",
            ),
            # Whether plain http may go further than loopback is a flag of the operator, which no schema can know.
            "http://emulator.imageferry-system.svc:8787",
        ],
    },
}

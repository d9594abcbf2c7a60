"""For each CEL rule one example that it admits and one that it, and it alone, refuses."""

from dataclasses import dataclass, field

from tests.integration.crd_cases.manifests import ABSENT, Changes


@dataclass(frozen=True, slots=True)
class RuleCase:
    """The rule that stands at `path` of `kind` and whose message begins with `begins`, and what it says.

    `given` are changes to the smallest manifest, `admitted` and `refused` further changes. A rule about a transition has
    `of_change`: the given object then exists, and the changes are an edit; edits below `status` go to its subresource.
    """

    kind: str
    path: str
    begins: str
    admitted: Changes
    refused: Changes
    given: Changes = field(default_factory=dict)
    of_change: bool = False


_DISKS = "spec.source.disks"
_SELECTOR = "spec.allowedNamespaces.selector"
_WITH_SELECTOR = {"spec.allowedNamespaces.from": "Selector", f"{_SELECTOR}.matchLabels": {"team": "images"}}

CASES = (
    RuleCase(
        "ImageExport",
        "",
        "spec is locked",
        given={"status.attempt": {"number": 1, "key": "k3v6qzd2x7m4a"}},
        of_change=True,
        admitted={"spec.suspend": True},
        refused={"spec.destination.bucket": "other-images"},
    ),
    RuleCase(
        "ImageExport",
        "",
        "status.attempt.number never goes down",
        given={"status.attempt": {"number": 2}},
        of_change=True,
        admitted={"status.attempt.number": 3},
        refused={"status.attempt.number": 1},
    ),
    RuleCase(
        "ImageExport",
        "spec.source",
        "spec.source takes exactly one",
        admitted={"spec.source": {"imageFamily": "web-family"}},
        refused={"spec.source.imageName": "web"},
    ),
    RuleCase(
        "ImageExport",
        "spec.source.imageName",
        "spec.source.imageName names no custom image",
        given={"spec.source": {"imageName": "web"}},
        admitted={"spec.source.imageName": "web.aliyun"},
        refused={"spec.source.imageName": "aliyun_3_x64_20G"},
    ),
    RuleCase(
        "ImageExport",
        "spec.source.imageFamily",
        "spec.source.imageFamily names no custom images",
        given={"spec.source": {"imageFamily": "web-family"}},
        admitted={"spec.source.imageFamily": "web.acs:family"},
        refused={"spec.source.imageFamily": "acs:alibaba_cloud_linux_3"},
    ),
    RuleCase(
        "ImageImport",
        "",
        "spec is locked",
        given={"status.attempt": {"number": 1, "key": "k3v6qzd2x7m4a"}},
        of_change=True,
        admitted={"spec.suspend": True},
        refused={"spec.image.name": "another"},
    ),
    RuleCase(
        "ImageImport",
        "",
        "status.attempt.number never goes down",
        given={"status.attempt": {"number": 2}},
        of_change=True,
        admitted={"status.attempt.number": 3},
        refused={"status.attempt.number": 1},
    ),
    RuleCase(
        "ImageImport",
        "spec",
        "spec takes at most one of alibaba and tencent",
        given={"spec.alibaba": {"imdsSupport": "V2"}},
        admitted={"spec.alibaba": ABSENT, "spec.tencent": {"force": True}},
        refused={"spec.tencent": {"force": True}},
    ),
    RuleCase(
        "ImageImport",
        "spec.source",
        "spec.source takes exactly one",
        admitted={"spec.source": {"exportRef": {"name": "web-2026-11"}}},
        refused={"spec.source.exportRef": {"name": "web-2026-11"}},
    ),
    RuleCase(
        "ImageImport",
        f"{_DISKS}[].key",
        "a key is at most 1023 bytes",
        admitted={_DISKS: [{"bucket": "team-images", "key": "网" * 341}]},
        refused={_DISKS: [{"bucket": "team-images", "key": "网" * 342}]},
    ),
    RuleCase(
        "ImageImport",
        f"{_DISKS}[].key",
        "a key is a file's name",
        admitted={_DISKS: [{"bucket": "team-images", "key": "oss:/team-images/web.raw"}]},
        refused={_DISKS: [{"bucket": "team-images", "key": "oss://team-images/web.raw"}]},
    ),
    RuleCase(
        "ImageImport",
        f"{_DISKS}[].key",
        "a key has no part that is . or ..",
        admitted={_DISKS: [{"bucket": "team-images", "key": "golden/..web.raw"}]},
        refused={_DISKS: [{"bucket": "team-images", "key": "golden/../web.raw"}]},
    ),
    RuleCase(
        "ImageImport",
        "spec.image",
        "spec.image.bootMode of an arm64 image",
        given={"spec.image.architecture": "arm64"},
        admitted={"spec.image.bootMode": "UEFI"},
        refused={"spec.image.bootMode": "BIOS"},
    ),
    RuleCase(
        "ImageImport",
        "spec.image",
        "spec.image.licenseType is required",
        given={"spec.image.licenseType": "BYOL"},
        admitted={"spec.image.osType": "Windows"},
        refused={"spec.image.osType": "Windows", "spec.image.licenseType": ABSENT},
    ),
    RuleCase(
        "ImageImport",
        "spec.image.name",
        "spec.image.name cannot begin",
        admitted={"spec.image.name": "web.aliyun"},
        refused={"spec.image.name": "aliyun_3_x64_20G"},
    ),
    RuleCase(
        "ImageImport",
        "spec.image.description",
        "spec.image.description cannot begin",
        admitted={"spec.image.description": "see https://wiki.example.com/web"},
        refused={"spec.image.description": "https://wiki.example.com/web"},
    ),
    RuleCase(
        "ImageImport",
        "spec.image.family",
        "spec.image.family cannot begin",
        admitted={"spec.image.family": "web.acs:family"},
        refused={"spec.image.family": "acs:alibaba_cloud_linux_3"},
    ),
    RuleCase(
        "ImageImport",
        "spec.image.tags",
        "a key of tags has 1 to 128 characters",
        admitted={"spec.image.tags": {"网站": "", "k" * 128: "v"}},
        refused={"spec.image.tags": {"team\x1b[31m": "images"}},
    ),
    RuleCase(
        "ImageImport",
        "spec.image.tags",
        "a key of tags cannot begin",
        admitted={"spec.image.tags": {"our.imageferry.dev": "x"}},
        refused={"spec.image.tags": {"imageferry.dev/attempt": "k3v6qzd2x7m4a"}},
    ),
    RuleCase(
        "ImageImport",
        "spec.image.tags",
        "neither a key nor a value of tags",
        admitted={"spec.image.tags": {"wiki": "wiki.example.com/web"}},
        refused={"spec.image.tags": {"wiki": "https://wiki.example.com/web"}},
    ),
    RuleCase(
        "CloudAccount",
        "spec.provider",
        "spec.provider is fixed",
        of_change=True,
        admitted={"spec.provider": "Alibaba", "spec.region": "cn-shanghai"},
        refused={"spec.provider": "Tencent"},
    ),
    RuleCase(
        "CloudAccount",
        "spec.credentials",
        "spec.credentials takes exactly one",
        admitted={"spec.credentials": {"instanceRole": {"name": "imageferry-node"}}},
        refused={"spec.credentials.instanceRole": {"name": "imageferry-node"}},
    ),
    RuleCase(
        "CloudAccount",
        "spec.allowedNamespaces",
        "spec.allowedNamespaces.names belongs",
        given={"spec.allowedNamespaces.from": "Names"},
        admitted={"spec.allowedNamespaces.names": ["images"]},
        refused={"spec.allowedNamespaces.names": ABSENT},
    ),
    RuleCase(
        "CloudAccount",
        "spec.allowedNamespaces",
        "spec.allowedNamespaces.selector belongs",
        given={"spec.allowedNamespaces.from": "All"},
        admitted={"spec.allowedNamespaces.selector": ABSENT},
        refused={"spec.allowedNamespaces.selector": {"matchLabels": {"team": "images"}}},
    ),
    RuleCase(
        "CloudAccount",
        _SELECTOR,
        "an empty selector would match every namespace",
        given=_WITH_SELECTOR,
        admitted={_SELECTOR: {"matchExpressions": [{"key": "team", "operator": "Exists"}]}},
        refused={_SELECTOR: {"matchLabels": {}}},
    ),
    RuleCase(
        "CloudAccount",
        f"{_SELECTOR}.matchLabels",
        "a key of matchLabels is a label key",
        given=_WITH_SELECTOR,
        admitted={f"{_SELECTOR}.matchLabels": {"kubernetes.io/metadata.name": "images"}},
        refused={f"{_SELECTOR}.matchLabels": {"team\x1b[31m": "images"}},
    ),
    RuleCase(
        "CloudAccount",
        f"{_SELECTOR}.matchExpressions[]",
        "values belongs to the operators In and NotIn",
        given=_WITH_SELECTOR,
        admitted={f"{_SELECTOR}.matchExpressions": [{"key": "team", "operator": "NotIn", "values": ["guests"]}]},
        refused={f"{_SELECTOR}.matchExpressions": [{"key": "team", "operator": "In"}]},
    ),
    RuleCase(
        "CloudAccount",
        "spec.endpoints.compute",
        "spec.endpoints.compute is https://host",
        admitted={"spec.endpoints.compute": "https://ecs-vpc.cn-hangzhou.aliyuncs.com"},
        refused={"spec.endpoints.compute": "https://root@ecs-vpc.cn-hangzhou.aliyuncs.com"},
    ),
    RuleCase(
        "CloudAccount",
        "spec.endpoints.objectStore",
        "spec.endpoints.objectStore is https://host",
        admitted={"spec.endpoints.objectStore": "http://127.0.0.1:8787"},
        refused={"spec.endpoints.objectStore": "http://127.0.0.1:8787/team-images"},
    ),
    RuleCase(
        "CloudAccount",
        "spec.endpoints.sts",
        "spec.endpoints.sts is https://host",
        admitted={"spec.endpoints.sts": "http://[::1]:8787"},
        refused={"spec.endpoints.sts": "ftp://[::1]:8787"},
    ),
)

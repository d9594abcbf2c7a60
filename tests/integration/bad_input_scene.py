"""Everything that may be wrong with an image, a bucket, a key or a grant, put on one stage."""

import base64
import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import alibabacloud_oss_v2 as oss

from controlplane import ControlPlane
from controlplane.plane import KubectlError
from tests.integration.scene import HANGZHOU, Scene, scene
from tests.stage import ACCOUNT, OPERATOR_NAMESPACE, Manifest, Stage

LOOK_AGAIN_SECONDS: Final = 0.5
DELETE_BOUND_SECONDS: Final = 4.0
"""How long a deletion waits for what the cloud refuses."""
QUIET: Final = "cn-quiet"
GIB_TOO_MANY: Final = 501
_RIGHT: Final = "bad-inputs"
_KEY, _SECRET = "LTAI-FAKE-EMULATOR-KEY", "fake-secret-of-the-emulator"


def _plain(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


SECRETS: Final[dict[str, dict[str, str]]] = {
    "keyless": {"accessKeyID": _plain(_KEY)},
    "marked": {"accessKeyID": _plain(f"\ufeff{_KEY}"), "accessKeySecret": _plain(_SECRET)},
    "doubled": {"accessKeyID": _plain(_plain(_KEY)), "accessKeySecret": _plain(_plain(_SECRET))},
    "bloated": {"accessKeyID": _plain(_KEY), "accessKeySecret": _plain("s" * 700_000)},
    "newline": {"accessKeyID": _plain(f"{_KEY}\n"), "accessKeySecret": _plain(f"{_SECRET}\n")},
    "wrong-key": {"accessKeyID": _plain(f"{_KEY}-WRONG"), "accessKeySecret": _plain("wrong")},
    "disabled-key": {"accessKeyID": _plain("LTAI-FAKE-DISABLED"), "accessKeySecret": _plain("disabled")},
    "expired-token": {
        "accessKeyID": _plain("STS.FAKE-EXPIRED"),
        "accessKeySecret": _plain("expired"),
        "securityToken": _plain("a-token-of-the-past"),
    },
}
"""The data of Secrets, each named by the one account and the one export that need it."""

_KEYS: Final = [
    {"id": "LTAI-FAKE-DISABLED", "secret": "disabled", "enabled": False},
    {
        "id": "STS.FAKE-EXPIRED",
        "secret": "expired",
        "token": "a-token-of-the-past",
        "expires": "2026-01-01T00:00:00+00:00",
    },
]

_IMAGES: Final[dict[str, Manifest]] = {
    "public": {"ownerAlias": "system"},
    "market": {"productCode": "cmjj00000001"},
    "encrypted": {"disks": [{"encrypted": True}]},
    "many-disks": {"disks": [{}, *({"device": f"/dev/xvd{letter}"} for letter in "bcdef")]},
    "large-disk": {"disks": [{}, {"sizeGiB": GIB_TOO_MANY}]},
    "windows": {"osType": "windows", "platform": "Windows Server 2022"},
    "broken-image": {"status": "CreateFailed"},
    "unborn": {"status": "Creating"},
    "newborn": {"status": "Creating", "availableAfterSeconds": 300},
}
"""What is unusual about images, each named by the one export that asks for it."""

_REFUSALS: Final[dict[str, tuple[int, str]]] = {
    "licence": (403, "InvalidImageLicense.NotSupported"),
    "barred": (403, "UserNotInTheWhiteList"),
    "denied-bucket": (403, "InvalidOSS.NotAuthorized"),
    "frozen-bucket": (400, "InvalidOSSObject.NeedRestore"),
    "odd-code": (400, "Never.HeardOf"),
}
"""What the cloud answers to the submission of these exports, once."""

_NARROW: Final = {
    "regions": [HANGZHOU],
    "buckets": ["ferry-good"],
    "imageIDs": ["m-grantbucket", "m-grantprefix", "m-grantrole"],
    "objectPrefixes": ["grantimage", "grantbucket", "grantrole"],
    "roleNames": ["AliyunECSImageExportDefaultRole"],
}


class BadInputs(Scene):
    """A scene with every bad input, and how the world comes right."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self._exports: list[Manifest] = []

    def row(
        self,
        name: str,
        *,
        image: str = "",
        bucket: str = "ferry-good",
        **spec: Any,  # noqa: ANN401 -- fields of the spec
    ) -> None:
        """One export more, with an image and a prefix of its own: those that nobody made are good ones."""
        image = image or (f"m-{name.replace('-', '')}" if name in self._made else self.image(name))
        usual = {
            "accountRef": {"name": ACCOUNT},
            "source": {"imageID": image},
            "destination": {"bucket": bucket, "prefix": name.replace("-", "")},
        }
        kind = {"apiVersion": "imageferry.dev/v1alpha1", "kind": "ImageExport"}
        metadata = {"name": name, "namespace": self.stage.namespace}
        self._exports.append(kind | {"metadata": metadata, "spec": usual | spec})

    @property
    def _made(self) -> set[str]:
        return _IMAGES.keys() | _REFUSALS.keys() | {"odd-state", "cut", "no-exports", "foreign"}

    def apply_all(self) -> None:
        """All rows, before any operator."""
        self._world()
        self._accounts()
        buckets = self.emulator.info["buckets"]
        self.row("other-cloud", image="img-pq5pau1w")
        self.row("nowhere", region="cn-nowhere")
        self.row("no-exports", region=QUIET, bucket="ferry-quiet")
        self.row("no-format", format="QCOW2")
        self.row("no-image", image="m-noimage")
        self.row("foreign")
        for name in _IMAGES.keys() | _REFUSALS.keys() | {"odd-state", "cut"}:
            self.row(name)
        self.row("roleless", roleName="NoSuchRole")
        self.row("no-bucket", bucket="ferry-nowhere")
        self.row("far-bucket", bucket=buckets["otherRegion"])
        self.row("their-bucket", bucket=buckets["foreign"])
        self.row("sealed-bucket", bucket=buckets["encrypted"])
        for name in SECRETS:
            self.row(name, accountRef={"name": name})
        self.row("no-secret", accountRef={"name": "no-secret"})
        self.row("no-account", accountRef={"name": "nobody"})
        self._granted()
        # As `kubectl create`: so many labels find no second room in the annotation of `kubectl apply`.
        self.row("labelled")
        self._exports[-1]["metadata"]["labels"] = {f"label-{number}": "x" for number in range(10_000)}
        self._create(*self._exports)

    def _create(self, *manifests: Manifest) -> None:
        items = {"apiVersion": "v1", "kind": "List", "items": manifests}
        self.stage.plane.kubectl_run("create", "-f", "-", input=json.dumps(items))

    def _world(self) -> None:
        owner = self.emulator.info["accountID"]
        self.emulator.admin("POST", "/accounts", {"id": owner, "keys": _KEYS})
        self.emulator.admin("POST", "/regions", {"id": QUIET, "formats": ["raw"], "exportSupported": False})
        self.emulator.admin("POST", "/buckets", {"name": "ferry-quiet", "region": QUIET, "account": owner})
        self.image("no-exports", region=QUIET)
        for name, odd in _IMAGES.items():
            self.odd_image(name, **odd)
        self.odd_image("foreign", account=self.emulator.info["otherAccount"]["accountID"])
        for name, (status, code) in _REFUSALS.items():
            self.image(name)
            self.fault(name, "unknownCode", status=status, code=code)
        self.image("odd-state", seconds=1)
        self.fault("odd-state", "unknownState")
        self.image("cut", seconds=4)

    def odd_image(self, name: str, **odd: Any) -> None:  # noqa: ANN401 -- fields of an image
        """An image that is not as it should be."""
        usual = {"region": HANGZHOU, "account": self.emulator.info["accountID"], "name": f"{name}-image"}
        quick = {"id": f"m-{name.replace('-', '')}", "waitingSeconds": 12, "secondsPerDisk": 30}
        self.emulator.admin("POST", "/images", quick | usual | odd)

    def _accounts(self) -> None:
        names = {"resourceNames": [*SECRETS, "later"], "apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}
        self._rbac("Role", rules=[names])
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": _RIGHT}
        subject = {"kind": "ServiceAccount", "name": "imageferry", "namespace": OPERATOR_NAMESPACE}
        self._rbac("RoleBinding", roleRef=role, subjects=[subject])
        self._create(*(_secret(name, data) for name, data in SECRETS.items()))
        specs: dict[str, Manifest] = {name: {"credentials": {"secretRef": {"name": name}}} for name in SECRETS}
        specs["no-secret"] = {"credentials": {"secretRef": {"name": "later"}}}
        specs["closed"] = {"allowedNamespaces": {"from": "Names", "names": ["elsewhere"]}}
        specs["narrow"] = {"allow": _NARROW}
        self.other_accounts(specs)

    def _rbac(self, kind: str, **body: Any) -> None:  # noqa: ANN401 -- fields of the kind
        metadata = {"name": _RIGHT, "namespace": OPERATOR_NAMESPACE}
        self.stage.apply({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": metadata} | body)

    def _granted(self) -> None:
        narrow = {"name": "narrow"}
        self.row("not-admitted", accountRef={"name": "closed"})
        self.row("grant-region", region="eu-central-1", accountRef=narrow)
        self.row("grant-bucket", bucket="ferry-foreign", accountRef=narrow)
        self.row("grant-image", accountRef=narrow)
        self.row("grant-prefix", accountRef=narrow)
        self.row("grant-role", roleName="AnotherRole", accountRef=narrow)

    def come_right(self) -> None:
        """The image is made, the Secrets and accounts are there and right, the grants are given."""
        self.odd_image("unborn")
        right = {"accessKeyID": _plain(_KEY), "accessKeySecret": _plain(_SECRET)}
        for name in ("keyless", "wrong-key", "later"):
            self.stage.apply(_secret(name, right))
        self.other_accounts({"nobody": {}, "closed": {}, "narrow": {"allow": _NARROW | {"imageIDs": ["m-*"]}}})

    def doomed_bucket(self, name: str) -> None:
        """An export whose bucket is deleted while the task has written nothing yet."""
        bucket = self.bucket(name)
        self.export(name, seconds=5, destination={"bucket": bucket, "prefix": name.replace("-", "")})
        self.stage.until(name, lambda each: "task" in each["status"])
        self._as_owner().delete_bucket(oss.DeleteBucketRequest(bucket=bucket))

    def bucket(self, name: str) -> str:
        """A new bucket; what it is called."""
        called = f"ferry-{name}"
        owner = self.emulator.info["accountID"]
        self.emulator.admin("POST", "/buckets", {"name": called, "region": HANGZHOU, "account": owner})
        return called

    def retaining_bucket(self, name: str) -> str:
        """A new bucket whose owner has given it a retention policy of a day."""
        bucket = self.bucket(name)
        wish = oss.InitiateWormConfiguration(retention_period_in_days=1)
        self._as_owner().initiate_bucket_worm(
            oss.InitiateBucketWormRequest(bucket=bucket, initiate_worm_configuration=wish)
        )
        return bucket

    @contextlib.contextmanager
    def frozen(self, name: str) -> Iterator[str]:
        """A new bucket in which nothing can be read before it was restored, which is the case afterwards."""
        bucket = self.bucket(name)
        refusal = {"fault": "unknownCode", "status": 403, "code": "InvalidObjectState", "times": 1000}
        wish = refusal | {"action": "OSS:GetObject", "params": {"bucket": bucket}}
        fault = self.emulator.admin("POST", "/faults", wish)["id"]
        yield bucket
        self.emulator.admin("DELETE", f"/faults/{fault}")

    def _as_owner(self) -> oss.Client:
        """The vendor's SDK with the account's own key."""
        config = oss.config.load_default()
        config.credentials_provider = oss.credentials.StaticCredentialsProvider(_KEY, _SECRET)
        config.region, config.endpoint, config.use_path_style = HANGZHOU, self.emulator.endpoint, True
        return oss.Client(config)

    def clear(self) -> None:
        """Take back what lies outside the scene's namespace."""
        kubectl = self.stage.plane.kubectl_run
        # All in one go: object by object takes a minute on a busy machine.
        namespaced = ("-n", self.stage.namespace)
        no_finalizers = '{"metadata":{"finalizers":null}}'
        kubectl("delete", "imageexport", "--all", "--wait=false", *namespaced)
        left = kubectl("get", "imageexport", "-o", "name", *namespaced).split()
        with contextlib.suppress(KubectlError):  # what went meanwhile is not found
            kubectl("patch", *left, "--type=merge", "-p", no_finalizers, *namespaced)
        kubectl("delete", "role,rolebinding", _RIGHT, "-n", OPERATOR_NAMESPACE)
        kubectl("delete", "secret", *SECRETS, "later", "-n", OPERATOR_NAMESPACE, "--ignore-not-found")


def _secret(name: str, data: dict[str, str]) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": OPERATOR_NAMESPACE},
        "data": data,
    }


@contextlib.contextmanager
def bad_inputs(plane: ControlPlane, folder: Path) -> Iterator[BadInputs]:
    """The scene with all of them, without an operator yet."""
    # A crowd at once on a busy machine: the Lease is given the time that it has by default.
    patient = {"lease_duration_seconds": "15", "lease_give_up_seconds": "10"}
    bounds = {"look_again_seconds": str(LOOK_AGAIN_SECONDS), "delete_away_bound_seconds": str(DELETE_BOUND_SECONDS)}
    with scene(plane, folder, 50, **bounds, **patient) as plain:
        shown = BadInputs(plain.stage)
        try:
            shown.apply_all()
            yield shown
        finally:
            shown.clear()

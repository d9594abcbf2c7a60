"""`imageferry check`: what is missing is told with what mends it, what is mended is told no more, and nothing is changed."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from controlplane import ControlPlane
from tests.emulator.cloud import export, until
from tests.emulator_process import EmulatorProcess, environment_without_proxy
from tests.stage import OPERATOR_NAMESPACE, Stage

TENANT = "1000000000000003"
CANARY = "canary-Secret-0123456789"
STYLES = {
    "taskActionStyle": ("ExportImage", "EXPORT_IMAGE"),
    "taskTimeStyle": ("seconds", "minutes"),
    "supportCancelStyle": ("string", "boolean"),
    "waitingTasksListed": (True, False),
    "relatedItemsWhileRunning": (False, True),
    "dryRunCode": ("DryRunOperation", "DRYRUN.SUCCESS"),
    "dryRunSeesBusyImage": (False, True),
}
"""Both values of every assumption that a check can see."""

Manifest = dict[str, Any]


@dataclass(frozen=True)
class Told:
    """What one check said: its exit status, its findings, and all it wrote."""

    status: int
    findings: list[dict[str, str]]
    written: str

    def about(self, title: str, subject: str) -> dict[str, str]:
        """The one finding about a subject."""
        (found,) = [each for each in self.findings if each["object"] == title and each["subject"] == subject]
        return found

    def missing(self) -> set[tuple[str, str]]:
        """Object and subject of what is missing."""
        return {(each["object"], each["subject"]) for each in self.findings if each["verdict"] == "missing"}


def check(*args: str, input_text: str = "") -> subprocess.CompletedProcess[str]:
    """The command, as a process of its own."""
    command = [sys.executable, "-m", "imageferry", "check", *args]
    environment = {name: value for name, value in environment_without_proxy().items() if name != "KUBECONFIG"}
    return subprocess.run(
        command, env=environment, input=input_text, capture_output=True, text=True, timeout=120, check=False
    )


def told(*args: str, documents: list[Manifest]) -> Told:
    """A check of objects that stand in a file (here the standard input), its findings as JSON lines."""
    done = check("-f", "-", "--output", "json", *args, input_text=json.dumps({"kind": "List", "items": documents}))
    findings = [json.loads(line) for line in done.stdout.splitlines()]
    assert findings, done.stderr
    return Told(done.returncode, findings, done.stdout + done.stderr)


def objects(emulator: EmulatorProcess, key_id: str, *exports: Manifest) -> list[Manifest]:
    """A CloudAccount with its Secret, and exports; each is a name and what its spec has of its own."""
    endpoints = dict.fromkeys(("compute", "objectStore", "sts"), emulator.endpoint)
    account = {
        "kind": "CloudAccount",
        "metadata": {"name": "prod"},
        "spec": {
            "provider": "Alibaba",
            "region": "cn-hangzhou",
            "credentials": {"secretRef": {"name": "key"}},
            "allowedNamespaces": {"from": "All"},
            "endpoints": endpoints,
        },
    }
    key = {"accessKeyID": key_id, "accessKeySecret": CANARY}
    return [account, {"kind": "Secret", "metadata": {"name": "key"}, "stringData": key}, *exports]


def wish(name: str, image: str, bucket: str, **spec: Any) -> Manifest:  # noqa: ANN401 -- fields of the spec
    """An ImageExport in the namespace `images`."""
    usual = {
        "accountRef": {"name": "prod"},
        "source": {"imageID": image},
        "destination": {"bucket": bucket, "prefix": "web"},
    }
    return {"kind": "ImageExport", "metadata": {"name": name, "namespace": "images"}, "spec": usual | spec}


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    """A cloud whose first account has a key with the canary."""
    running = EmulatorProcess(tmp_path_factory.mktemp("check") / "state", "--speed", "1")
    try:
        running.start()
        owner = running.info["accountID"]
        running.admin("POST", "/accounts", {"id": owner, "keys": [{"id": "LTAI-CHECK", "secret": CANARY}]})
        yield running
    finally:
        running.stop()


def everything_left_as_it_was(emulator: EmulatorProcess, before: list[Manifest]) -> bool:
    """The ledger has not grown, and every export that was asked for was a dry run."""
    asked = [each for each in emulator.admin("GET", "/requests")["requests"] if each["accessKeyID"] == "LTAI-CHECK"]
    tries = [each["params"] for each in asked if each["action"] == "ExportImage"]
    same: bool = emulator.admin("GET", "/ledger")["entries"] == before
    return same and all(each.get("DryRun") == "true" for each in tries)


def test_where_nothing_is_missing_the_check_says_so_and_changes_nothing(emulator: EmulatorProcess) -> None:
    """Exit status 0, an answer of the cloud to a dry run, no entry in its ledger, and no word of the key's secret."""
    info = emulator.info
    good = wish("web", info["images"]["plain"], info["buckets"]["good"])
    before = emulator.admin("GET", "/ledger")["entries"]
    seen = told(documents=objects(emulator, "LTAI-CHECK", good))
    assert (seen.status, seen.missing()) == (0, set())
    assert seen.about("ImageExport images/web", "dry run")["verdict"] == "ok"
    assert seen.about("ImageExport images/web", "role")["verdict"] == "ok"
    assert info["accountID"] in seen.about("CloudAccount prod", "credentials")["text"]
    assert CANARY not in seen.written
    assert everything_left_as_it_was(emulator, before)


def test_a_check_without_dry_runs_asks_for_no_export_at_all(emulator: EmulatorProcess) -> None:
    """--no-dry-run: nothing but reads; the lines for eyes name every object and end in the sum."""
    info = emulator.info
    heard = len(emulator.admin("GET", "/requests")["requests"])
    documents = objects(emulator, "LTAI-CHECK", wish("web", info["images"]["plain"], info["buckets"]["good"]))
    done = check("-f", "-", "--no-dry-run", input_text=json.dumps({"items": documents}))
    actions = {each["action"] for each in emulator.admin("GET", "/requests")["requests"][heard:]}
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ExportImage" not in actions
    assert {"DescribeTasks", "OSS:GetBucketInfo"} <= actions
    lines = done.stdout.splitlines()
    assert [line for line in lines if line and line[0] != " "] == [
        "CloudAccount prod",
        "ImageExport images/web",
        "nothing is missing",
    ]


def test_the_policy_that_a_check_prints_is_all_that_its_key_lacked(emulator: EmulatorProcess) -> None:
    """A key with two rights: what it lacks is named, and once the policy is attached nothing is missing any more."""
    image, bucket = "m-bp1tenant0000000001", "ferry-tenant"
    emulator.admin("POST", "/images", {"id": image, "region": "cn-hangzhou", "account": TENANT, "name": "tenant"})
    attach(emulator, {"Version": "1", "Statement": [allow("ecs:DescribeImages"), allow("ecs:DescribeRegions")]})
    emulator.admin("POST", "/buckets", {"name": bucket, "region": "cn-hangzhou", "account": TENANT})
    denied = {"fault": "unknownCode", "status": 403, "code": "AccessDenied", "action": "OSS:ListObjects"}
    emulator.admin("POST", "/faults", denied)
    documents = objects(emulator, "LTAI-LIMITED", wish("web", image, bucket))
    lacking = told(documents=documents)
    policy = lacking.about("CloudAccount prod", "policy")
    rights = {"ecs:DescribeTaskAttribute", "ecs:DescribeTasks", "ecs:ExportImage", "oss:ListObjects"}
    assert lacking.status == 1
    assert {subject for title, subject in lacking.missing() if title == "CloudAccount prod"} == rights | {"policy"}
    assert all(right in policy["text"] for right in rights)
    assert lacking.about("ImageExport images/web", "role")["verdict"] == "unknown"
    statements = json.loads(policy["remedy"])["Statement"]
    resources = {text for each in statements for text in each["Resource"] if any("oss:" in a for a in each["Action"])}
    assert resources == {f"acs:oss:*:*:{bucket}", f"acs:oss:*:*:{bucket}/*"}
    attach(emulator, json.loads(policy["remedy"]))
    mended = told(documents=documents)
    assert (mended.status, mended.missing()) == (0, set())
    assert mended.about("ImageExport images/web", "role")["verdict"] == "ok"
    assert CANARY not in lacking.written + mended.written


def allow(action: str) -> Manifest:
    """A statement that allows one action."""
    return {"Effect": "Allow", "Action": action, "Resource": "*"}


def attach(emulator: EmulatorProcess, document: Manifest) -> None:
    """Give the tenant's limited key a policy in place of the one before."""
    key = {"id": "LTAI-LIMITED", "secret": CANARY, "user": "ferry", "policies": ["ferry"]}
    emulator.admin(
        "POST", "/accounts", {"id": TENANT, "keys": [key], "policies": [{"name": "ferry", "document": document}]}
    )


def test_each_thing_that_is_wrong_is_told_with_what_mends_it(emulator: EmulatorProcess) -> None:
    """Image, bucket and role of one export at once; grants, regions and accounts of others."""
    info = emulator.info
    market, good, plain = info["images"]["marketplace"], info["buckets"]["good"], info["images"]["plain"]
    documents = objects(
        emulator,
        "LTAI-CHECK",
        wish("all", market, info["buckets"]["encrypted"], roleName="my-role"),
        wish("deaf", plain, good, roleName="export-untrusted"),
        wish("nowhere", plain, good, region="cn-atlantis"),
        wish("unpaid", plain, good, accountRef={"name": "other"}),
        wish("full", plain, "ferry-nobody", prefix="x"),
    )
    documents[0]["spec"]["allow"] = {"buckets": [good, info["buckets"]["encrypted"]]}
    seen = told(documents=documents)
    assert seen.status == 1

    def remedy(name: str, subject: str) -> str:
        return seen.about(f"ImageExport images/{name}", subject)["remedy"]

    assert "marketplace" in remedy("all", "image")
    assert f"ossutil api delete-bucket-encryption --bucket {info['buckets']['encrypted']}" in remedy("all", "bucket")
    assert "aliyun ram CreateRole --RoleName my-role --AssumeRolePolicyDocument" in remedy("all", "role")
    assert "AttachPolicyToRole --PolicyType System --PolicyName AliyunECSImageExportRolePolicy" in remedy("all", "role")
    assert "UpdateRole --RoleName export-untrusted" in remedy("deaf", "role")
    assert remedy("nowhere", "region") == "Correct spec.region."
    assert remedy("full", "grant") == "Extend allow.buckets."
    assert "ossutil mb oss://ferry-nobody" in remedy("full", "bucket")
    assert ("CloudAccount other", "credentials") in seen.missing()
    assert seen.about("ImageExport images/unpaid", "account")["verdict"] == "unknown"


@pytest.fixture(scope="module")
def busy(emulator: EmulatorProcess) -> EmulatorProcess:
    """The cloud with one export at work and one that waits, both for longer than the tests take."""
    usual = {"region": "cn-hangzhou", "account": emulator.info["accountID"], "name": "n", "secondsPerDisk": 9000}
    emulator.admin("POST", "/images", usual | {"id": "m-bp1working000000001", "waitingSeconds": 0})
    emulator.admin("POST", "/images", usual | {"id": "m-bp1waiting000000001", "waitingSeconds": 9000})
    for image in ("m-bp1working000000001", "m-bp1waiting000000001"):
        export(emulator, image)
    states = lambda: {task["status"] for task in emulator.admin("GET", "/tasks")["tasks"]}  # noqa: E731 -- a look
    until(states, lambda seen: seen == {"Processing", "Waiting"})
    return emulator


@pytest.mark.parametrize("which", [0, 1], ids=["the defaults", "the other values"])
def test_what_the_documents_leave_open_is_told_as_the_cloud_shows_it(busy: EmulatorProcess, which: int) -> None:
    """Every assumption that a check can see, with both of its values; and how many exports run."""
    wanted = {name: values[which] for name, values in STYLES.items()}
    good = busy.info["buckets"]["good"]
    images = ["m-bp1working000000001", "m-bp1waiting000000001", busy.info["images"]["plain"]]
    exports = [wish(f"web-{n}", image, good) for n, image in enumerate(images)]
    before = busy.admin("GET", "/ledger")["entries"]
    busy.admin("POST", "/settings", wanted)
    seen = told(documents=objects(busy, "LTAI-CHECK", *exports))
    busy.admin("POST", "/settings", {name: values[0] for name, values in STYLES.items()})
    shown = {name: seen.about("CloudAccount prod", name)["text"].split(" ", 1)[0] for name in STYLES}
    assert shown == {name: value if isinstance(value, str) else str(value).lower() for name, value in wanted.items()}
    running = "2 run now" if wanted["waitingTasksListed"] else "1 run now"
    assert seen.about("CloudAccount prod", "exports in cn-hangzhou")["text"].startswith(running)
    assert "waits until it ends" in seen.about("ImageExport images/web-0", "running tasks")["text"]
    assert (seen.status, seen.missing()) == (0, set())
    assert everything_left_as_it_was(busy, before)


@pytest.mark.parametrize(
    ("args", "text", "complaint"),
    [
        (["--export", "web"], "", "web is not NAMESPACE/NAME"),
        (["--acount", "prod"], "", "unrecognized argument: --acount"),
        (["-f", "/nowhere.yaml"], "", "/nowhere.yaml: No such file"),
        (["-f", "-"], f"a: [{CANARY}", "-: no YAML"),
        (["-f", "-"], "kind: CloudAccount\nmetadata: {name: a}\nspec: {}", "CloudAccount a: provider is missing"),
        (["-f", "-"], f"kind: Secret\nmetadata: {{name: a}}\ndata: {{k: [{CANARY}]}}", "must hold strings"),
        (["-f", "-"], "", "no CloudAccount to look at"),
        (["--kubeconfig", "/nowhere"], "", "kubeconfig /nowhere"),
    ],
    ids=["no name", "no flag", "no file", "no YAML", "no account", "no Secret", "nothing", "no cluster"],
)
def test_a_wrong_use_is_told_in_one_line_and_by_exit_status_2(args: list[str], text: str, complaint: str) -> None:
    """Neither a traceback nor anything of a broken file, which may hold a key."""
    done = check(*args, input_text=text)
    assert (done.returncode, done.stdout) == (2, "")
    assert complaint in done.stderr
    assert CANARY not in done.stderr
    assert "Traceback" not in done.stderr


def test_a_cloud_that_is_away_is_something_missing(emulator: EmulatorProcess) -> None:
    """An account that could not be looked at is not in order: a pipeline must not go on."""
    documents = objects(emulator, "LTAI-CHECK", wish("web", "m-1", "b"))
    documents[0]["spec"]["endpoints"] = dict.fromkeys(("compute", "objectStore", "sts"), "http://127.0.0.1:9")
    seen = told(documents=documents)
    assert seen.status == 1
    assert seen.missing() == {("CloudAccount prod", "credentials")}


def test_a_check_of_the_cluster_reads_what_the_operator_reads(plane: ControlPlane, tmp_path: Path) -> None:
    """With the operator's own rights: the account, its Secret and the export come from the API server."""
    with Stage(plane, tmp_path) as stage:
        stage.export("web")
        stage.export("bad", "marketplace")
        kubeconfig = str(plane.kubeconfig_for(OPERATOR_NAMESPACE, "imageferry", tmp_path / "kubeconfig"))
        usual = ("--kubeconfig", kubeconfig, "--namespace", OPERATOR_NAMESPACE)
        accounts = check(*usual)
        one = check(*usual, "--output", "json", "--export", f"{stage.namespace}/bad")
        none = check(*usual, "--export", f"{stage.namespace}/none")
    assert (accounts.returncode, accounts.stdout.splitlines()[0]) == (0, "CloudAccount stage"), accounts.stderr
    missing = [json.loads(line) for line in one.stdout.splitlines() if '"verdict": "missing"' in line]
    assert (one.returncode, [each["object"] for each in missing]) == (1, [f"ImageExport {stage.namespace}/bad"])
    assert none.returncode == 1
    assert "ExportNotFound" in none.stdout

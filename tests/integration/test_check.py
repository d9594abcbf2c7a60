"""`imageferry check`: what is missing is told with what mends it, what is mended is told no more, and nothing is changed."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from controlplane import ControlPlane
from tests.emulator.cloud import export, until
from tests.emulator_process import EmulatorProcess
from tests.integration.checking import (
    CANARY,
    KEY,
    LIMITED_KEY,
    TENANT,
    Told,
    allow,
    attach,
    check,
    cloud,
    everything_left_as_it_was,
    import_wish,
    objects,
    told,
    wish,
)
from tests.stage import OPERATOR_NAMESPACE, Stage

STYLES = {
    "taskActionStyle": ("ExportImage", "EXPORT_IMAGE"),
    "taskTimeStyle": ("seconds", "minutes"),
    "supportCancelStyle": ("string", "boolean"),
    "waitingTasksListed": (True, False),
    "relatedItemsWhileRunning": (False, True),
    "dryRunCode": ("DryRunOperation", "DRYRUN.SUCCESS"),
    "dryRunSeesBusyImage": (False, True),
}
"""Both values of every assumption that a check can see with exports."""


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    """A cloud that is asked by all tests here."""
    with cloud(tmp_path_factory.mktemp("check")) as running:
        yield running


def test_where_nothing_is_missing_the_check_says_so_and_changes_nothing(emulator: EmulatorProcess) -> None:
    """Exit status 0, an answer of the cloud to a dry run, no entry in its ledger, and no word of the key's secret."""
    info = emulator.info
    good = wish("web", info["images"]["plain"], info["buckets"]["good"])
    before = emulator.admin("GET", "/ledger")["entries"]
    seen = told(documents=objects(emulator, KEY, good))
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
    documents = objects(emulator, KEY, wish("web", info["images"]["plain"], info["buckets"]["good"]))
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
    documents = objects(emulator, LIMITED_KEY, wish("web", image, bucket))
    lacking = told(documents=documents)
    policy = lacking.about("CloudAccount prod", "policy")
    on_bucket = {"oss:GetBucketInfo", "oss:ListObjects", "oss:GetObject"}
    rights = on_bucket | {"ecs:DescribeTaskAttribute", "ecs:DescribeTasks", "ecs:ExportImage"}
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


def test_each_thing_that_is_wrong_is_told_with_what_mends_it(emulator: EmulatorProcess) -> None:
    """Image, bucket and role of one export at once; grants, regions and accounts of others."""
    info = emulator.info
    market, good, plain = info["images"]["marketplace"], info["buckets"]["good"], info["images"]["plain"]
    documents = objects(
        emulator,
        KEY,
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
    seen = told(documents=objects(busy, KEY, *exports))
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
        (["--import", "web"], "", "--import: web is not NAMESPACE/NAME"),
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
    documents = objects(emulator, KEY, wish("web", "m-1", "b"))
    documents[0]["spec"]["endpoints"] = dict.fromkeys(("compute", "objectStore", "sts"), "http://127.0.0.1:9")
    seen = told(documents=documents)
    assert seen.status == 1
    assert seen.missing() == {("CloudAccount prod", "credentials")}


def test_of_each_cloud_it_is_said_what_was_looked_at(emulator: EmulatorProcess) -> None:
    """Where a cloud is looked at less closely, silence is not taken for good order; its jobs are told all the same."""
    other = emulator.info["tencent"]
    export = wish("web", other["images"]["plain"], other["buckets"]["good"])
    documents = objects(emulator, other["secretID"], export, import_wish("back", other["buckets"]["good"], "none.raw"))
    documents[0]["spec"] |= {"provider": "Tencent", "region": other["regions"][0]}
    documents[1]["stringData"]["accessKeySecret"] = other["secretKey"]
    seen = told(documents=documents)
    ours = told("--no-dry-run", documents=objects(emulator, KEY))
    for each in (seen, ours):
        assert "looked at" in each.about("CloudAccount prod", "inspection")["text"]
    assert {title for title, _ in seen.missing()} == {"ImageImport images/back"}
    assert [each["verdict"] for each in seen.findings if each["object"] == "ImageExport images/web"].count("ok") > 1


def test_a_check_of_the_cluster_reads_what_the_operator_reads(plane: ControlPlane, tmp_path: Path) -> None:
    """With the operator's own rights: account, Secret, exports and imports come from the API server.

    An import takes the files of the export that it names once that has finished; what has not is said.
    """
    with Stage(plane, tmp_path) as stage:
        operator = stage.start_operator()
        stage.export("web")
        stage.until_succeeded("web")
        operator.stop()
        stage.export("bad", "marketplace")
        for name, export_name in (("of-web", "web"), ("of-bad", "bad"), ("of-none", "none")):
            stage.import_(name, source={"exportRef": {"name": export_name}})
        kubeconfig = str(plane.kubeconfig_for(OPERATOR_NAMESPACE, "imageferry", tmp_path / "kubeconfig"))
        usual = ("--kubeconfig", kubeconfig, "--namespace", OPERATOR_NAMESPACE)
        accounts = check(*usual)
        named = [("--export", "web"), ("--export", "bad")]
        named += [("--import", name) for name in ("of-web", "of-bad", "of-none", "none")]
        words = [word for flag, name in named for word in (flag, f"{stage.namespace}/{name}")]
        jobs = Told.of(check(*usual, "--output", "json", *words))
    assert (accounts.returncode, accounts.stdout.splitlines()[0]) == (0, "CloudAccount stage"), accounts.stderr

    def title(name: str) -> str:
        return f"ImageImport {stage.namespace}/{name}"

    assert jobs.missing() == {
        (f"ImageExport {stage.namespace}/bad", "image"),
        (title("of-none"), "source"),
        (title("none"), "object"),
    }
    of_web = {each["subject"]: each["verdict"] for each in jobs.findings if each["object"] == title("of-web")}
    subjects = ("grant", "source", "spec", "name", "bucket", "disk 1", "role", "dry run", "preflight")
    assert of_web == dict.fromkeys(subjects, "ok")
    waiting = jobs.about(title("of-bad"), "source")
    assert (waiting["verdict"], "has not finished yet" in waiting["text"]) == ("unknown", True)
    assert "ExportNotFound" in jobs.about(title("of-none"), "source")["text"]
    assert "it has ended" in jobs.about(f"ImageExport {stage.namespace}/web", "object")["text"]

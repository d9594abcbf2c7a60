"""`imageferry check` of imports: as of exports, and what only imports have."""

import json
from collections.abc import Iterator

import pytest

from imageferry.core.keys import attempt_key
from tests.emulator import importing
from tests.emulator.cloud import until
from tests.emulator_process import EmulatorProcess
from tests.integration.checking import (
    CANARY,
    KEY,
    LIMITED_KEY,
    TENANT,
    allow,
    attach,
    cloud,
    everything_left_as_it_was,
    import_wish,
    objects,
    told,
)

VDI = bytes(64) + b"\x7f\x10\xda\xbe" + bytes(444)


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    """A cloud that is asked by all tests here."""
    with cloud(tmp_path_factory.mktemp("check-imports")) as running:
        yield running


def test_where_no_import_lacks_anything_the_check_says_so_and_changes_nothing(emulator: EmulatorProcess) -> None:
    """Every part is told; the dry run bears no client token, which could collide with that of another check."""
    good = emulator.info["buckets"]["good"]
    importing.put(emulator, "system.raw")
    importing.put(emulator, "data.raw")
    before = emulator.admin("GET", "/ledger")["entries"]
    seen = told(documents=objects(emulator, KEY, import_wish("web", good, "system.raw", "data.raw")))
    assert (seen.status, seen.missing()) == (0, set())
    about = {each["subject"]: each["verdict"] for each in seen.findings if each["object"] == "ImageImport images/web"}
    subjects = ("grant", "spec", "name", "bucket", "disk 1", "disk 2", "role", "dry run", "preflight")
    assert about == dict.fromkeys(subjects, "ok")
    account = {each["subject"] for each in seen.findings if each["object"] == "CloudAccount prod"}
    assert {"imports in cn-hangzhou", "images in cn-hangzhou", "ecs:ImportImage", "ecs:DeleteSnapshot"} <= account
    assert not {each for each in account if "export" in each.lower() and each != "taskActionStyle"}
    assert everything_left_as_it_was(emulator, before)
    tries = [each for each in emulator.admin("GET", "/requests")["requests"] if each["action"] == "ImportImage"]
    assert [each["params"].get("ClientToken") for each in tries] == [None]


def test_an_image_that_an_import_made_itself_is_in_nobodys_way(emulator: EmulatorProcess) -> None:
    """A good one is told to be there, a failed one to be removed first; that the cloud would refuse the name is no news."""
    good, account = emulator.info["buckets"]["good"], emulator.info["accountID"]
    importing.put(emulator)
    wishes = []
    for name, status in (("done", "Available"), ("spoilt", "CreateFailed")):
        wishes.append(import_wish(name, good, importing.KEY))
        wishes[-1]["metadata"]["uid"] = f"uid-{name}"
        image = {"id": f"m-bp1{name:0<17}", "region": "cn-hangzhou", "account": account, "name": name, "status": status}
        image["tags"] = {"imageferry.dev/attempt": attempt_key(f"uid-{name}", 1)}
        emulator.admin("POST", "/images", image)
    seen = told(documents=objects(emulator, KEY, *wishes))
    assert (seen.status, seen.missing()) == (0, set())
    assert "this very object has made" in seen.about("ImageImport images/done", "name")["text"]
    assert "is removed first" in seen.about("ImageImport images/spoilt", "name")["text"]
    for name in ("done", "spoilt"):
        assert "InvalidImageName.Duplicated" in seen.about(f"ImageImport images/{name}", "dry run")["text"]


def test_the_policy_that_a_check_of_imports_prints_is_all_that_its_key_lacked(emulator: EmulatorProcess) -> None:
    """No right to export, to list a bucket or to delete files is asked for; alone, an account need not be good for imports."""
    bucket = "ferry-tenant"
    attach(
        emulator,
        {
            "Version": "1",
            "Statement": [allow("ecs:DescribeImages"), allow("ecs:DescribeRegions"), allow("oss:PutObject")],
        },
    )
    emulator.admin("POST", "/buckets", {"name": bucket, "region": "cn-hangzhou", "account": TENANT})
    emulator.info["buckets"]["tenant"] = bucket
    importing.put(emulator, bucket="tenant", key_pair=(LIMITED_KEY, CANARY))
    documents = objects(emulator, LIMITED_KEY, import_wish("web", bucket, importing.KEY))
    lacking = told(documents=documents)
    policy = lacking.about("CloudAccount prod", "policy")
    read = {
        "ecs:DescribeTasks",
        "ecs:DescribeTaskAttribute",
        "ecs:DescribeSnapshots",
        "oss:GetBucketInfo",
        "oss:GetObject",
    }
    rights = read | {"ecs:ImportImage"}
    assert lacking.status == 1
    assert {subject for title, subject in lacking.missing() if title == "CloudAccount prod"} == rights | {"policy"}
    document = json.loads(policy["remedy"])
    given = {action for each in document["Statement"] for action in each["Action"] if not action.startswith("ram:")}
    changes = {"ecs:CancelTask", "ecs:TagResources", "ecs:DeleteImage", "ecs:DeleteSnapshot"}
    assert given == rights | changes | {"ecs:DescribeImages", "ecs:DescribeRegions"}
    attach(emulator, document)
    mended = told(documents=documents)
    assert (mended.status, mended.missing()) == (0, set())
    everything_else = [each for each in sorted(given) if each != "ecs:DescribeSnapshots"]
    attach(emulator, {"Version": "1", "Statement": [allow(each) for each in everything_else]})
    alone = told(documents=documents[:2])
    assert (alone.status, alone.missing()) == (0, set())
    assert "only imports need it" in alone.about("CloudAccount prod", "ecs:DescribeSnapshots")["text"]
    assert CANARY not in lacking.written + mended.written + alone.written


def test_each_thing_that_is_wrong_with_an_import_is_told_with_what_mends_it(emulator: EmulatorProcess) -> None:
    """Files, buckets, role, name, spec and the export that is named; of one import all at once."""
    buckets, owner = emulator.info["buckets"], emulator.info["accountID"]
    good = buckets["good"]
    importing.put(emulator, "web.vdi", VDI)
    importing.put(emulator, "web.raw")
    importing.put(emulator, "old.raw", x_oss_storage_class="Archive")
    stranger = {"id": "m-bp1stranger00000001", "region": "cn-hangzhou", "account": owner, "name": "taken"}
    emulator.admin("POST", "/images", stranger)
    unfinished = {"kind": "ImageExport", "metadata": {"name": "later", "namespace": "images"}}
    unfinished["spec"] = {
        "accountRef": {"name": "other"},
        "source": {"imageID": "m-1"},
        "destination": {"bucket": good},
    }
    before = emulator.admin("GET", "/ledger")["entries"]
    documents = objects(
        emulator,
        KEY,
        import_wish("all", good, "none.raw", "web.vdi", "old.raw", roleName="my-role"),
        import_wish("taken", good, "web.raw", image={"name": "taken", "family": "web"}),
        import_wish("sealed", buckets["encrypted"], "web.raw", roleName="import-powerless"),
        import_wish("later", good, source={"exportRef": {"name": "later"}}),
        import_wish("never", good, source={"exportRef": {"name": "never"}}),
        unfinished,
    )
    documents[0]["spec"]["allow"] = {"buckets": [good]}
    seen = told("--account", "prod", documents=documents)

    def remedy(name: str, subject: str) -> str:
        return seen.about(f"ImageImport images/{name}", subject)["remedy"]

    assert f"ossutil cp FILE oss://{good}/none.raw --region cn-hangzhou" in remedy("all", "disk 1")
    assert "VDI" in seen.about("ImageImport images/all", "disk 2")["text"]
    assert remedy("all", "disk 3") == f"ossutil restore oss://{good}/old.raw --region cn-hangzhou"
    assert "aliyun ram CreateRole --RoleName my-role" in remedy("all", "role")
    assert "--PolicyName AliyunECSImageImportRolePolicy" in remedy("all", "role")
    assert "spec.image.family" in seen.about("ImageImport images/taken", "spec")["text"]
    assert "m-bp1stranger00000001" in seen.about("ImageImport images/taken", "name")["text"]
    assert "refused for the same reason" in seen.about("ImageImport images/taken", "dry run")["text"]
    assert f"delete-bucket-encryption --bucket {buckets['encrypted']}" in remedy("sealed", "bucket")
    assert "AliyunECSImageImportRolePolicy" in remedy("sealed", "role")
    assert remedy("sealed", "grant") == "Extend allow.buckets."
    assert {each["object"]: each["verdict"] for each in seen.findings if each["subject"] == "source"} == {
        "ImageImport images/later": "unknown",
        "ImageImport images/never": "missing",
    }
    assert seen.about("ImageImport images/later", "name")["verdict"] == "ok"
    assert everything_left_as_it_was(emulator, before)


@pytest.fixture(scope="module")
def busy(emulator: EmulatorProcess) -> EmulatorProcess:
    """The cloud with an import that waits, one that failed and one that was cancelled."""
    importing.put(emulator)
    usual = emulator.admin("GET", "/settings")
    slow = {"waitingSeconds": 9000, "secondsPerDisk": 9000, "cancelledImportLeaves": "CreateFailed"}
    emulator.admin("POST", "/settings", slow)
    importing.start(emulator, ImageName="waits", Tag1_Key="team", Tag1_Value="images")
    _, cancelled = importing.start(emulator, ImageName="cancelled")
    importing.ask(emulator, "CancelTask", TaskId=cancelled)
    emulator.admin("POST", "/settings", {"waitingSeconds": 0, "secondsPerDisk": 0.1})
    emulator.admin("POST", "/faults", {"fault": "taskFails", "action": "ImportImage", "atPercent": 1})
    importing.start(emulator, ImageName="fails")
    states = lambda: {task["status"] for task in emulator.admin("GET", "/tasks")["tasks"]}  # noqa: E731 -- a look
    until(states, lambda seen: seen == {"Waiting", "Deleted", "Failed"})
    emulator.admin("POST", "/settings", {name: usual[name] for name in slow})
    return emulator


SHOWN = {
    "importingNameCode": ("InvalidImageName.Duplicated", "ImageIsImporting"),
    "importSuffixChecked": (True, False),
    "importContentChecked": ("byTask", "atOnce"),
    "waitingImportStatus": ("Creating", "Waiting"),
    "taskActionStyle": ("ExportImage", "EXPORT_IMAGE"),
}
"""Both values of assumptions that a check can see with imports."""


@pytest.mark.parametrize("which", [0, 1], ids=["the defaults", "the other values"])
def test_what_the_documents_leave_open_of_imports_is_told_as_the_cloud_shows_it(
    busy: EmulatorProcess, which: int
) -> None:
    """Of what a dry run is refused for, and of the images that tasks are making or have spoilt; and how many there are."""
    good = busy.info["buckets"]["good"]
    importing.put(busy, "web.vdi.raw", VDI)
    importing.put(busy, "web.disk")
    importing.put(busy, "web.raw.tar.gz")
    wanted = {name: values[which] for name, values in SHOWN.items()}
    wishes = [
        import_wish("waits", good, importing.KEY),
        *(import_wish(f"web-{n}", good, key) for n, key in enumerate(("web.vdi.raw", "web.disk", "web.raw.tar.gz"))),
    ]
    before = busy.admin("GET", "/ledger")["entries"]
    busy.admin("POST", "/settings", wanted)
    seen = told(documents=objects(busy, KEY, *wishes))
    busy.admin("POST", "/settings", {name: values[0] for name, values in SHOWN.items()})
    expected = {name: value if isinstance(value, str) else str(value).lower() for name, value in wanted.items()}
    expected |= {"importTagsShown": "atOnce", "packedRawImports": "accepted"}
    expected |= {"failedImportLeaves": "CreateFailed", "cancelledImportLeaves": "CreateFailed"}
    shown = {name: seen.about("CloudAccount prod", name)["text"].split(" ", 1)[0] for name in expected}
    assert shown == expected
    assert seen.about("CloudAccount prod", "imports in cn-hangzhou")["text"].startswith("1 run now, 3 accepted")
    assert everything_left_as_it_was(busy, before)

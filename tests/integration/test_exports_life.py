"""The life of an export: what it becomes when all goes well, what it waits for, and how it ends when it cannot."""

from collections.abc import Iterator

import pytest

from controlplane import ControlPlane
from tests.integration.scene import FRANKFURT, Scene, one_submission, scene
from tests.stage import Manifest, condition, reason


@pytest.fixture(scope="module")
def shown(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A scene with an operator."""
    with scene(plane, tmp_path_factory.mktemp("life")) as ready:
        ready.stage.start_operator()
        yield ready


@pytest.fixture(scope="module", autouse=True)
def late(shown: Scene) -> None:
    """An export that ends by its deadline: that takes a minute, and begins before anything else."""
    shown.export("late", seconds=3600, activeDeadlineSeconds=60)


@pytest.fixture(scope="module", autouse=True)
def twins(shown: Scene) -> Manifest:
    """Two exports of one image, and the second as it was seen to wait; it does so for half a minute."""
    image = shown.image("shared", seconds=3)
    shown.export("twin-a", image=image)
    shown.stage.until("twin-a", lambda each: "task" in each["status"])
    shown.export("twin-b", image=image)
    return shown.until_reason(twin_b="ImageBusy")["twin-b"]


@pytest.fixture(scope="module")
def flawed(shown: Scene) -> None:
    """Exports whose tasks end in ways that are not well, all at once."""
    shown.image("retried", disks=3)
    shown.fault("retried", "taskFails", atPercent=50)
    shown.image("failing", disks=3)
    shown.fault("failing", "taskFails", atPercent=50, errorCode="DiskBroken", errorMessage="A disk broke.")
    shown.image("exhausted")
    shown.fault("exhausted", "taskFails", times=3)
    shown.image("missing", disks=2)
    shown.fault("missing", "objectMissing", disk=1)
    shown.image("empty", disks=2)
    shown.fault("empty", "objectEmpty", disk=1)
    shown.image("fallback", region=FRANKFURT)
    shown.fault("fallback", "silentRawFallback")
    specs: dict[str, Manifest] = {
        "retried": {"backoffLimit": 1},
        "failing": {"backoffLimit": 0},
        "exhausted": {"backoffLimit": 1},
        "missing": {},
        "empty": {},
        "fallback": {"region": FRANKFURT, "format": "QCOW2"},
    }
    for name, spec in specs.items():
        shown.export(name, image=f"m-{name}", **spec)


def _ended_badly(shown: Scene, name: str) -> Manifest:
    done = shown.stage.until(name, lambda each: condition(each, "Succeeded") == "False")
    assert condition(done, "Ready") == "False"
    assert condition(done, "Stalled") == "True"
    assert condition(done, "Reconciling") == ""
    assert done["status"]["completionTime"]
    return done


def test_a_plain_export_ends_ready_with_one_checked_file(shown: Scene) -> None:
    """Ready, Succeeded and Verified are true, and the one file is described as it lies in the bucket."""
    shown.export("plain")
    done = shown.stage.until_succeeded("plain")
    one_submission(shown, "plain", done)
    (file,) = done["status"]["artifacts"]
    assert (file["role"], file["format"], file["uri"]) == ("System", "RAW", f"oss://{file['bucket']}/{file['key']}")
    assert int(file["crc64"]) > 0
    shows = {kind: condition(done, kind) for kind in ("Ready", "Verified", "Submitted", "Validated", "Reconciling")}
    assert shows == {"Ready": "True", "Verified": "True", "Submitted": "True", "Validated": "True", "Reconciling": ""}
    assert reason(done) == "Exported"
    assert done["status"]["progress"]["percent"] == 100
    assert done["status"]["startTime"] <= done["status"]["completionTime"]
    assert "queue" not in done["status"]
    shown.stage.until("plain", lambda each: not each["metadata"].get("finalizers"))


def test_data_disks_are_listed_with_their_devices(shown: Scene) -> None:
    """An image with data disks gives one file for each disk, and each data disk's device is told."""
    shown.export("disks", disks=3)
    done = shown.stage.until_succeeded("disks")
    one_submission(shown, "disks", done)
    listed = [(file["role"], file.get("device", "")) for file in done["status"]["artifacts"]]
    assert listed == [("System", ""), ("Data", "xvdb"), ("Data", "xvdc")]


def test_another_format_is_told_by_its_bytes(shown: Scene) -> None:
    """Where the region offers QCOW2, the file that comes is QCOW2."""
    shown.export("qcow", region=FRANKFURT, format="QCOW2")
    done = shown.stage.until_succeeded("qcow")
    one_submission(shown, "qcow", done)
    assert [file["format"] for file in done["status"]["artifacts"]] == ["QCOW2"]


def test_an_encrypted_image_stalls_with_its_remedy_and_nothing_is_submitted(shown: Scene) -> None:
    """What can never work says so before anything reaches the cloud, and keeps no finalizer."""
    shown.export("sealed", image=shown.emulator.info["images"]["encrypted"])
    held = shown.until_reason(sealed="EncryptedSnapshot")["sealed"]
    assert condition(held, "Stalled") == "True"
    assert condition(held, "Validated") == "False"
    assert condition(held, "Succeeded") == "Unknown"
    words = next(each["message"] for each in held["status"]["conditions"] if each["type"] == "Stalled")
    assert "encrypted snapshots, which cannot be exported" in words
    assert shown.asked("sealed") == []
    assert held["metadata"].get("finalizers", []) == []


@pytest.mark.usefixtures("flawed")
def test_a_failed_task_is_tried_again_and_its_partial_files_are_discarded(shown: Scene) -> None:
    """Within backoffLimit another attempt follows; what the failed one left is removed, and its failure is counted."""
    done = shown.stage.until_succeeded("retried")
    first, second = shown.submissions("retried")
    assert first["params"]["OSSPrefix"] != second["params"]["OSSPrefix"] == done["status"]["attempt"]["objectPrefix"]
    assert (done["status"]["attempt"]["number"], done["status"]["attempt"]["failures"]) == (2, 1)
    assert set(shown.files("retried")) == {file["key"] for file in done["status"]["artifacts"]}


@pytest.mark.usefixtures("flawed")
def test_without_a_second_attempt_a_failed_task_ends_the_export(shown: Scene) -> None:
    """With backoffLimit 0 the cloud's words are the export's end, and what the task left is listed."""
    done = _ended_badly(shown, "failing")
    assert reason(done) == "TaskFailed"
    assert done["status"]["lastError"]["code"] == "DiskBroken"
    assert "A disk broke." in done["status"]["lastError"]["message"]
    assert len(shown.submissions("failing")) == 1
    assert {file["key"] for file in done["status"]["artifacts"]} == set(shown.files("failing")) != set()


@pytest.mark.usefixtures("flawed")
def test_no_attempt_follows_beyond_the_limit(shown: Scene) -> None:
    """A backoffLimit of 1 lets one failure be followed by another attempt, and no more."""
    done = _ended_badly(shown, "exhausted")
    assert reason(done) == "TaskFailed"
    assert len(shown.submissions("exhausted")) == 2


@pytest.mark.usefixtures("flawed")
@pytest.mark.parametrize(
    ("name", "said"),
    [("missing", "OutputMissing"), ("empty", "OutputEmpty"), ("fallback", "FormatMismatch")],
)
def test_a_task_that_ended_well_with_bad_files_is_no_success(shown: Scene, name: str, said: str) -> None:
    """A missing, an empty and a wrongly formatted file each end the export with its reason, after one submission."""
    done = _ended_badly(shown, name)
    assert reason(done) == said
    assert condition(done, "Verified") == "False"
    one_submission(shown, name, done)


def test_a_suspended_export_submits_nothing_until_it_is_resumed(shown: Scene) -> None:
    """spec.suspend holds back the first submission; without it the export goes on."""
    shown.export("paused", suspend=True)
    held = shown.until_reason(paused="Suspended")["paused"]
    assert condition(held, "Reconciling") == "True"
    assert "attempt" not in held["status"]
    assert shown.asked("paused") == []
    shown.stage.patch("paused", {"suspend": False})
    one_submission(shown, "paused", shown.stage.until_succeeded("paused"))


def test_suspending_a_running_export_does_not_stop_it(shown: Scene) -> None:
    """Suspended is what is new: a task that runs is followed to its end."""
    shown.export("halfway", seconds=2)
    shown.stage.until("halfway", lambda each: "task" in each["status"])
    shown.stage.patch("halfway", {"suspend": True})
    one_submission(shown, "halfway", shown.stage.until_succeeded("halfway"))


def test_two_exports_of_one_image_follow_each_other(shown: Scene, twins: Manifest) -> None:
    """The cloud exports an image once at a time: the second waits as ImageBusy and then succeeds."""
    assert condition(twins, "Reconciling") == "True"
    assert twins["status"]["queue"]["since"]
    for name in ("twin-a", "twin-b"):
        done = shown.stage.until_succeeded(name)
        one_submission(shown, name, done)
        assert "queue" not in done["status"]


def test_a_passed_deadline_cancels_the_task_and_ends_the_export(shown: Scene) -> None:
    """At activeDeadlineSeconds after the first submission the task is cancelled, and no other attempt follows."""
    done = shown.stage.until("late", lambda each: "completionTime" in each["status"], 100)
    assert reason(done) == "DeadlineExceeded"
    assert condition(done, "Succeeded") == "False"
    assert [task["status"] for task in shown.tasks("late")] == ["Deleted"]

"""The run policy: what may be edited at any time, and what each edit does in each state of an export."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from controlplane import ControlPlane
from imageferry.core.job import TASK_FINALIZER, format_time
from tests.apitap import Position, Request
from tests.integration.scene import Scene, one_submission, scene
from tests.stage import Manifest, condition, reason

FOR_EVER: Final = 100_000.0
LIFE: Final = "9"


@pytest.fixture(scope="module")
def shown(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A scene with an operator."""
    short = {"signature_life_seconds": LIFE, "window_seconds": "12"}
    with scene(plane, tmp_path_factory.mktemp("policy"), 50, **short) as ready:
        ready.stage.start_operator()
        yield ready


# Suspend and resume, in each state


SUSPENDED: Final = ("held", "queued", "unsent", "unheard", "failing")
"""States from which a suspended export comes to rest: nothing new is begun."""
FOLLOWED: Final = ("lost", "running", "exported")
"""States in which the cloud has a task, or had one: suspended or not, it is followed to its end."""


@pytest.fixture(scope="module")
def suspended(shown: Scene) -> dict[str, Manifest]:
    """Every state, suspended in it: each export as it stood when nothing more was to be expected of it."""
    shown.export("blocker", image=shown.image("shared", seconds=8))
    shown.stage.until("blocker", lambda each: "task" in each["status"])
    _begin(shown)
    for name in ("failing", "running"):
        shown.stage.until(name, lambda each: "task" in each["status"])
        shown.stage.patch(name, {"suspend": True})
    seen = shown.until_reason(
        held="EncryptedSnapshot", queued="ImageBusy", unheard="SubmissionUnknown", lost="SubmissionUnknown"
    )
    assert "task" not in seen["lost"]["status"]
    for name in ("held", "queued", "unheard", "lost"):
        shown.stage.patch(name, {"suspend": True})
    shown.stage.until_succeeded("exported")
    shown.stage.patch("exported", {"suspend": True})
    _suspend_before_it_is_sent(shown, "unsent")
    rest = dict.fromkeys(SUSPENDED, "Suspended") | dict.fromkeys(FOLLOWED, "Exported")
    return shown.until_reason(**rest)


def _begin(shown: Scene) -> None:
    shown.export("held", image=shown.emulator.info["images"]["encrypted"])
    shown.export("queued", image="m-shared")
    shown.image("unheard")
    shown.fault("unheard", "dropBeforeAccept")
    shown.image("lost", seconds=8)
    shown.fault("lost", "answerLost")
    shown.image("failing", disks=3, seconds=2)
    shown.fault("failing", "taskFails", atPercent=80)
    for name in ("unheard", "lost", "failing"):
        shown.export(name, image=f"m-{name}", backoffLimit=1)
    shown.export("running", seconds=5)
    shown.export("exported")


def _suspend_before_it_is_sent(shown: Scene, name: str) -> None:
    """Between the claim's write and the request."""

    def claims(request: Request) -> bool:
        return f"/{name}/" in request.path and "key" in request.written_status.get("attempt", {})

    claim = shown.stage.tap.hold(Position.APPLIED, claims)
    shown.export(name)
    shown.stage.until_true(claim.reached.is_set, "the claim's write")
    shown.stage.patch(name, {"suspend": True})
    shown.stage.tap.release(claim)


@pytest.fixture(scope="module")
def resumed(shown: Scene, suspended: dict[str, Manifest]) -> dict[str, int]:
    """How often the cloud had been asked by each export when it was resumed."""
    assert suspended
    asked = {name: len(shown.asked(name)) for name in SUSPENDED}
    for name in SUSPENDED:
        shown.stage.patch(name, {"suspend": False})
    return asked


@pytest.mark.parametrize("name", SUSPENDED)
def test_a_suspended_export_begins_nothing_and_goes_on_when_resumed(
    shown: Scene, suspended: dict[str, Manifest], resumed: dict[str, int], name: str
) -> None:
    """It waits without a claim and without a place in the queue, spends no attempt by it, and goes on where it stood."""
    waiting, before = suspended[name], resumed[name]
    assert (condition(waiting, "Reconciling"), condition(waiting, "Stalled")) == ("True", "")
    assert "key" not in waiting["status"].get("attempt", {})
    assert "queue" not in waiting["status"]
    assert before == (1 if name in ("unheard", "failing") else 0)
    if name == "held":
        shown.until_reason(held="EncryptedSnapshot")
        return
    done = shown.stage.until_succeeded(name)
    assert len(shown.asked(name)) == before + 1
    assert done["status"]["attempt"]["failures"] == (1 if name == "failing" else 0)
    assert done["status"]["attempt"]["number"] == (1 if name == "queued" else 2)


@pytest.mark.parametrize("name", FOLLOWED)
def test_a_suspended_export_with_a_task_is_followed_to_its_end(
    shown: Scene, suspended: dict[str, Manifest], name: str
) -> None:
    """Known, found again or ended: what the cloud was asked for before stays ours, and nothing is asked for twice."""
    one_submission(shown, name, suspended[name])
    assert len(shown.asked(name)) == 1


def test_a_changed_priority_changes_the_turn_of_those_who_wait(shown: Scene) -> None:
    """In a lane with one slot: the one that was last when it was applied is the first to go after its edit."""
    shown.stage.write_account(limits={"concurrentExports": 1})
    shown.export("turn-first", seconds=4)
    shown.stage.until("turn-first", lambda each: "task" in each["status"])
    for name, priority in {"turn-low": -5, "turn-usual": 0, "turn-urgent": 10}.items():
        shown.export(name, priority=priority)
    shown.until_reason(turn_low="Queued", turn_usual="Queued", turn_urgent="Queued")
    shown.stage.patch("turn-low", {"priority": 11})
    for name in ("turn-first", "turn-low", "turn-usual", "turn-urgent"):
        one_submission(shown, name, shown.stage.until_succeeded(name))
    shown.stage.write_account(limits={"concurrentExports": 50})
    order = [entry["params"]["OSSPrefix"][:-13] for entry in shown.stage.submissions()]
    assert [name for name in order if name.startswith("turn")] == ["turnfirst", "turnlow", "turnurgent", "turnusual"]


# Attempts


def test_a_backoff_limit_is_the_one_that_stands_when_a_task_fails(shown: Scene) -> None:
    """Raised while the task runs it lets another attempt follow; failures beyond it end the export with the last cause."""
    shown.image("raised", disks=3, seconds=1)
    shown.fault("raised", "taskFails", atPercent=60)
    shown.export("raised", image="m-raised", backoffLimit=0)
    shown.image("lowered", disks=3, seconds=1)
    shown.fault("lowered", "taskFails", atPercent=60, errorCode="DiskBroken", errorMessage="A disk broke.")
    shown.export("lowered", image="m-lowered", backoffLimit=5)
    for name in ("raised", "lowered"):
        shown.stage.until(name, lambda each: "task" in each["status"])
    shown.stage.patch("raised", {"backoffLimit": 1})
    shown.stage.patch("lowered", {"suspend": True})
    rests = shown.stage.until("lowered", lambda each: each["status"]["attempt"]["failures"] == 1)
    assert rests["status"]["lastError"]["reason"] == "TaskFailed"
    shown.stage.patch("lowered", {"backoffLimit": 0})
    ended = shown.stage.until("lowered", lambda each: "completionTime" in each["status"])
    assert (reason(ended), condition(ended, "Stalled")) == ("BackoffLimitExceeded", "True")
    assert "A disk broke." in ended["status"]["lastError"]["message"]
    assert len(shown.asked("lowered")) == 1
    done = shown.stage.until_succeeded("raised")
    assert (done["status"]["attempt"]["number"], done["status"]["attempt"]["failures"]) == (2, 1)


# The deadline


def _begun_ago(shown: Scene, name: str, seconds: float) -> None:
    """As if the first submission had been that long ago."""
    shown.stage.until(name, lambda each: "startTime" in each["status"])
    shown.write_status(name, "/startTime", format_time(datetime.now(UTC) - timedelta(seconds=seconds)))


def test_a_deadline_ends_what_stands_still(shown: Scene) -> None:
    """A task that makes no progress is cancelled when the deadline passes, and so is the wait for another attempt."""
    for name in ("stuck", "extended"):
        shown.export(name, seconds=FOR_EVER, activeDeadlineSeconds=60)
    shown.image("resting", disks=3)
    shown.fault("resting", "taskFails", atPercent=50)
    shown.export("resting", image="m-resting", activeDeadlineSeconds=60, backoffLimit=3)
    shown.stage.until("resting", lambda each: "task" in each["status"])
    shown.stage.patch("resting", {"suspend": True})
    shown.until_reason(resting="Suspended")
    shown.export("never-begun", suspend=True, activeDeadlineSeconds=60)
    shown.stage.patch("extended", {"activeDeadlineSeconds": 7200})
    for name in ("stuck", "extended", "resting"):
        _begun_ago(shown, name, 57)
    for name in ("stuck", "resting"):
        done = shown.stage.until(name, lambda each: "completionTime" in each["status"], 30)
        assert (reason(done), condition(done, "Stalled")) == ("DeadlineExceeded", "True")
        assert len(shown.asked(name)) == 1
    assert [task["status"] for task in shown.tasks("stuck")] == ["Deleted"]
    assert reason(shown.stage.get("never-begun")) == "Suspended"
    assert shown.runs("extended")


def test_a_deadline_waits_for_clocks_that_agree(shown: Scene) -> None:
    """While the cloud's clock is two minutes off nothing is ended by the local one; once it agrees the deadline is kept."""
    shown.emulator.admin("POST", "/settings", {"signatureLifeSeconds": 900, "clockOffsetSeconds": -120})
    shown.export("apart", seconds=FOR_EVER, activeDeadlineSeconds=60)
    shown.export("witness", seconds=3)
    _begun_ago(shown, "apart", 120)
    shown.stage.until_succeeded("witness")
    assert "completionTime" not in shown.stage.get("apart")["status"]
    assert shown.runs("apart")
    shown.emulator.admin("POST", "/settings", {"signatureLifeSeconds": float(LIFE), "clockOffsetSeconds": 0})
    done = shown.stage.until("apart", lambda each: "completionTime" in each["status"], 30)
    assert reason(done) == "DeadlineExceeded"


# The deletion policy


def _guarded(each: Manifest) -> bool:
    return TASK_FINALIZER in each["metadata"].get("finalizers", [])


def test_the_finalizer_follows_the_policy_of_a_finished_export(shown: Scene) -> None:
    """Delete needs it as long as there are files, Retain and Orphan do not; the last edit says what becomes of the files."""
    for name in ("edit-kept", "edit-gone", "edit-left"):
        shown.export(name)
    for name in ("edit-kept", "edit-gone", "edit-left"):
        shown.stage.until_succeeded(name)
        shown.stage.until(name, lambda each: not _guarded(each))
        shown.stage.patch(name, {"deletionPolicy": "Delete"})
        shown.stage.until(name, _guarded)
    shown.stage.patch("edit-kept", {"deletionPolicy": "Retain"})
    shown.stage.patch("edit-left", {"deletionPolicy": "Orphan"})
    for name in ("edit-kept", "edit-left"):
        shown.stage.until(name, lambda each: not _guarded(each))
    shown.delete("edit-kept", "edit-gone", "edit-left")
    shown.until_gone("edit-kept", "edit-gone", "edit-left")
    assert (len(shown.files("edit-kept")), shown.files("edit-gone"), len(shown.files("edit-left"))) == (1, {}, 1)


def test_a_policy_that_is_edited_while_the_task_runs_holds_at_the_deletion(shown: Scene) -> None:
    """Retain, then Delete, then Orphan: the last of them is kept; until then the finalizer stays through all edits."""
    shown.export("swayed", seconds=3)
    shown.stage.until("swayed", lambda each: "task" in each["status"])
    for policy in ("Delete", "Orphan"):
        shown.stage.patch("swayed", {"deletionPolicy": policy})
        generation = shown.stage.get("swayed")["metadata"]["generation"]
        seen = shown.stage.until("swayed", lambda each, wanted=generation: _generation(each) == wanted)  # type: ignore[misc]
        assert _guarded(seen)
    shown.delete("swayed")
    shown.until_gone("swayed")
    shown.stage.until_true(lambda: not shown.runs("swayed"), "the task's own end")
    assert [task["status"] for task in shown.tasks("swayed")] == ["Finished"]
    assert len(shown.files("swayed")) == 1


def _generation(each: Manifest) -> int:
    return int(each["status"]["observedGeneration"])


def test_a_deletion_that_waits_is_let_go_by_an_edit_to_orphan(shown: Scene) -> None:
    """A task that cannot be cancelled holds its object up for a while; Orphan ends the wait at once, with no record."""
    shown.image("hostage", seconds=FOR_EVER)
    shown.fault("hostage", "notCancellable")
    shown.export("hostage", image="m-hostage", deletionPolicy="Delete")
    shown.stage.until("hostage", lambda each: "task" in each["status"])
    shown.delete("hostage")
    shown.stage.until_true(lambda: "deletionTimestamp" in shown.stage.get("hostage")["metadata"], "the deletion")
    shown.stage.patch("hostage", {"deletionPolicy": "Orphan"})
    shown.until_gone("hostage")
    assert [row for row in shown.orphans() if row["name"] == "hostage"] == []
    assert shown.runs("hostage")

"""Requests by annotation: a cancel ends what is there and stays ended; a retry begins anew, once for each value."""

from collections.abc import Iterator

import pytest

from controlplane import ControlPlane
from tests.integration.scene import CANCEL, RETRY, Scene, one_submission, scene
from tests.stage import Manifest, condition, reason

NOON, ONE, TWO = "2026-01-01T12:00:00Z", "2026-01-01T13:00:00Z", "2026-01-01T14:00:00Z"


@pytest.fixture(scope="module")
def shown(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A scene with an operator and two slots."""
    with scene(plane, tmp_path_factory.mktemp("requests"), limit=2) as ready:
        ready.stage.start_operator()
        yield ready


def _ended(each: Manifest) -> bool:
    return "completionTime" in each["status"]


def _cancelled(shown: Scene, name: str) -> Manifest:
    done = shown.stage.until(name, _ended)
    assert (reason(done), condition(done, "Succeeded"), condition(done, "Stalled")) == ("Cancelled", "False", "True")
    assert done["status"]["handledCancelRequest"] == NOON
    assert "queue" not in done["status"]
    return done


def test_a_cancel_request_ends_a_running_task_and_nothing_follows_it(shown: Scene) -> None:
    """The task is cancelled once, its files are listed, no other attempt is made although the limit would allow it."""
    shown.export("running", disks=3, seconds=2, backoffLimit=3)
    shown.stage.until_true(lambda: bool(shown.files("running")), "the first disk's file")
    assert "handledCancelRequest" not in shown.stage.get("running")["status"]
    shown.request("running", CANCEL, NOON)
    done = _cancelled(shown, "running")
    one_submission(shown, "running", done)
    assert [task["status"] for task in shown.tasks("running")] == ["Deleted"]
    assert done["status"]["artifacts"]


def test_no_second_attempt_follows_a_task_that_failed_under_a_cancel_request(shown: Scene) -> None:
    """Where the cloud does not cancel and the task then fails, the export ends with that, whatever the limit allows."""
    shown.image("stubborn", disks=4, seconds=1)
    shown.fault("stubborn", "notCancellable")
    shown.fault("stubborn", "taskFails", atPercent=80)
    shown.export("stubborn", image="m-stubborn", backoffLimit=3)
    shown.stage.until_true(lambda: bool(shown.files("stubborn")), "the first disk's file")
    shown.request("stubborn", CANCEL, NOON)
    done = shown.stage.until("stubborn", _ended)
    assert (reason(done), done["status"]["handledCancelRequest"]) == ("TaskFailed", NOON)
    assert len(shown.asked("stubborn")) == 1


def test_a_cancel_request_is_heard_in_the_queue_and_before_it(shown: Scene) -> None:
    """Queued, suspended or held: a cancelled export ends without anything having been submitted."""
    for name in ("busy-a", "busy-b"):
        shown.export(name, seconds=4)
    for name in ("busy-a", "busy-b"):
        shown.stage.until(name, lambda each: "task" in each["status"])
    shown.export("queued")
    shown.export("asleep", suspend=True)
    shown.export("sealed", image=shown.emulator.info["images"]["encrypted"])
    shown.until_reason(queued="Queued", asleep="Suspended", sealed="EncryptedSnapshot")
    for name in ("queued", "asleep", "sealed"):
        shown.request(name, CANCEL, NOON)
    for name in ("queued", "asleep", "sealed"):
        done = _cancelled(shown, name)
        assert "task" not in done["status"]
        assert shown.asked(name) == []
    for name in ("busy-a", "busy-b"):
        one_submission(shown, name, shown.stage.until_succeeded(name))


def test_a_cancel_request_after_the_end_changes_nothing(shown: Scene) -> None:
    """What succeeded stays succeeded."""
    shown.export("complete")
    done = shown.stage.until_succeeded("complete")
    shown.request("complete", CANCEL, NOON)
    shown.stage.patch("complete", {"priority": 1})
    later = shown.stage.until("complete", lambda each: each["status"]["observedGeneration"] == 2)
    assert condition(later, "Succeeded") == "True"
    assert later["status"]["completionTime"] == done["status"]["completionTime"]


def test_a_retry_request_begins_anew_once_for_each_value(shown: Scene) -> None:
    """Failures begin at 0, the number goes on, files of the earlier attempt stay listed, and one value is handled once."""
    shown.image("again", disks=3)
    shown.fault("again", "taskFails", atPercent=50, times=2)
    shown.export("again", image="m-again", backoffLimit=0)
    first = shown.stage.until("again", _ended)
    assert reason(first) == "TaskFailed"
    shown.request("again", RETRY, ONE)
    second = shown.stage.until("again", lambda each: _ended(each) and each["status"]["attempt"]["number"] == 2)
    assert (reason(second), second["status"]["handledRetryRequest"]) == ("TaskFailed", ONE)
    assert second["status"]["startTime"] >= first["status"]["completionTime"]
    shown.stage.patch("again", {"priority": 1})
    shown.stage.until("again", lambda each: each["status"]["observedGeneration"] == 2)
    assert len(shown.submissions("again")) == 2
    shown.request("again", RETRY, TWO)
    done = shown.stage.until_succeeded("again")
    assert (done["status"]["attempt"]["number"], done["status"]["attempt"]["failures"]) == (3, 0)
    assert done["status"]["handledRetryRequest"] == TWO
    assert "lastError" not in done["status"]
    assert len(shown.submissions("again")) == 3
    assert {file["key"] for file in done["status"]["artifacts"]} == set(shown.files("again"))


def test_a_cancelled_export_may_be_retried(shown: Scene) -> None:
    """The cancel request that was handled does not end the new run."""
    shown.export("revived", seconds=2)
    shown.stage.until("revived", lambda each: "task" in each["status"])
    shown.request("revived", CANCEL, NOON)
    _cancelled(shown, "revived")
    shown.request("revived", RETRY, ONE)
    done = shown.stage.until_succeeded("revived")
    assert (done["status"]["attempt"]["number"], done["status"]["handledCancelRequest"]) == (2, NOON)
    assert len(shown.submissions("revived")) == 2


def test_a_retry_request_that_stands_at_the_end_counts_as_handled(shown: Scene) -> None:
    """An annotation that was there before the export failed does not start it again."""
    shown.image("early")
    shown.fault("early", "taskFails")
    shown.export("early", image="m-early", backoffLimit=0, suspend=True)
    shown.request("early", RETRY, NOON)
    shown.stage.patch("early", {"suspend": False})
    done = shown.stage.until("early", _ended)
    assert (reason(done), done["status"]["handledRetryRequest"]) == ("TaskFailed", NOON)
    shown.stage.patch("early", {"priority": 1})
    later = shown.stage.until("early", lambda each: each["status"]["observedGeneration"] == 3)
    assert later["status"]["completionTime"] == done["status"]["completionTime"]
    assert len(shown.asked("early")) == 1

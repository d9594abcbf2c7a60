"""Restarts, takeovers and a status that was tampered with: the task is followed, and there is one submission."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from controlplane import ControlPlane
from tests.apitap import Position, Request
from tests.emulator import cloud
from tests.integration.scene import CANCEL, Scene, one_submission, scene
from tests.operator_process import OperatorProcess
from tests.stage import OPERATOR_NAMESPACE, Manifest


@pytest.fixture
def shown(plane: ControlPlane, tmp_path: Path) -> Iterator[Scene]:
    """A scene without an operator yet."""
    with scene(plane, tmp_path) as ready:
        yield ready


def _has_task(each: Manifest) -> bool:
    return "task" in each["status"]


def test_tasks_that_run_at_a_restart_are_followed(shown: Scene) -> None:
    """Killed or ended in good order: the next process follows each task to its end under the same attempt."""
    first = shown.stage.start_operator()
    shown.export("killed", seconds=12)
    shown.stage.until("killed", _has_task)
    first.kill()
    second = shown.stage.start_operator()
    shown.export("ended", seconds=4)
    shown.stage.until("ended", _has_task)
    assert shown.runs("killed")
    assert second.stop() == 0
    assert shown.runs("ended")
    shown.stage.start_operator()
    for name in ("killed", "ended"):
        done = shown.stage.until_succeeded(name)
        one_submission(shown, name, done)
        assert done["status"]["attempt"]["number"] == 1
        assert len(shown.asked(name)) == 1


def test_an_orderly_end_leaves_no_unsent_claim(shown: Scene) -> None:
    """A claim whose request could not leave is withdrawn at SIGTERM; the next process waits for no window."""

    def claims(request: Request) -> bool:
        return "key" in request.written_status.get("attempt", {})

    shown.export("web")
    claim = shown.stage.tap.hold(Position.APPLIED, claims)
    first = shown.stage.start_operator()
    assert claim.reached.wait(60), first.log()[-4000:]
    shown.emulator.listen_on_same_port()
    shown.emulator.kill()
    shown.stage.tap.release(claim)
    shown.stage.until_true(lambda: '"Unsent"' in first.log(), "a request that could not leave")
    assert "key" in shown.stage.get("web")["status"]["attempt"]
    assert first.stop() == 0
    left = shown.stage.get("web")["status"]
    assert left["attempt"] == {"number": 1, "failures": 0}
    shown.emulator.start()
    shown.stage.start_operator()
    done = shown.stage.until_succeeded("web", seconds=float(shown.stage.settings["window_seconds"]) - 3)
    one_submission(shown, "web", done)
    assert done["status"]["attempt"]["number"] == 2


def test_of_two_replicas_one_acts_and_the_other_takes_over(shown: Scene) -> None:
    """The follower does nothing while the leader lives; after a SIGKILL it follows what runs and begins what is new."""
    replicas = {name: shown.stage.start_operator(identity=name) for name in ("left", "right")}
    leader, follower = _by_lease(shown, replicas)
    shown.export("before", seconds=8)
    shown.stage.until("before", _has_task)
    assert "imageferry_cloud_requests_total{" in leader.get("/metrics")
    assert "imageferry_cloud_requests_total{" not in follower.get("/metrics")
    leader.kill()
    shown.export("after")
    for name in ("before", "after"):
        one_submission(shown, name, shown.stage.until_succeeded(name))
    assert "imageferry_leader 1.0" in follower.get("/metrics")


def _by_lease(shown: Scene, replicas: dict[str, OperatorProcess]) -> tuple[OperatorProcess, OperatorProcess]:
    """Who holds the lease, and who does not."""
    get = ("get", "lease", "imageferry", "-n", OPERATOR_NAMESPACE, "-o", "jsonpath={.spec.holderIdentity}")
    shown.stage.until_true(lambda: shown.stage.plane.kubectl_run(*get) in replicas, "a leader")
    holder = shown.stage.plane.kubectl_run(*get)
    (other,) = (name for name in replicas if name != holder)
    return replicas[holder], replicas[other]


def test_a_wiped_status_is_filled_again_from_what_the_cloud_shows(shown: Scene) -> None:
    """With the journal lost while the task runs, the task is found by its mark, and nothing is submitted."""
    first = shown.stage.start_operator()
    shown.export("seen", seconds=3)
    shown.export("unseen", seconds=6)
    for name in ("seen", "unseen"):
        shown.stage.until(name, _has_task)
    shown.wipe("seen")
    first.kill()
    shown.wipe("unseen")
    shown.stage.start_operator()
    for name in ("seen", "unseen"):
        done = shown.stage.until_succeeded(name)
        one_submission(shown, name, done)
        assert done["status"]["attempt"]["number"] >= 1000
        assert len(shown.asked(name)) == 1


def test_a_forged_task_id_harms_no_foreign_task(shown: Scene) -> None:
    """Neither a cancel request nor a deletion ends a task that is not ours, and the object still goes within its bound."""
    first = shown.stage.start_operator()
    foreign = cloud.export(shown.emulator, shown.image("foreign", seconds=40), OSSPrefix="foreign")
    for name in ("forged", "cancelled"):
        shown.export(name, seconds=3, deletionPolicy="Delete")
        shown.stage.until(name, _has_task)
    first.kill()
    for name in ("forged", "cancelled"):
        shown.write_status(name, "/task/id", foreign)
    shown.request("cancelled", CANCEL)
    shown.delete("forged")
    shown.stage.start_operator()
    shown.until_gone("forged")
    shown.until_reason(cancelled="Cancelling")
    shown.delete("cancelled")
    shown.until_gone("cancelled")
    tasks = {task["id"]: task["status"] for task in shown.emulator.admin("GET", "/tasks")["tasks"]}
    assert tasks[foreign] in ("Waiting", "Processing")
    orders = [each for each in shown.emulator.admin("GET", "/requests")["requests"] if each["action"] == "CancelTask"]
    assert orders == []
    assert {row["name"] for row in shown.orphans()} == {"forged", "cancelled"}

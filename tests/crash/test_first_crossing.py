"""SIGKILL before, in and after each of the writes that carry the promise: one submission, and the export succeeds."""

from collections.abc import Callable
from pathlib import Path

import pytest

from controlplane import ControlPlane
from tests.apitap import Position, Request
from tests.stage import Manifest, Stage, condition


def _claim(request: Request) -> bool:
    status = request.written_status
    return "key" in status.get("attempt", {}) and "task" not in status


def _task(request: Request) -> bool:
    status = request.written_status
    return "task" in status and "completionTime" not in status


@pytest.mark.parametrize("position", list(Position))
@pytest.mark.parametrize("write", [pytest.param(_claim, id="claim"), pytest.param(_task, id="task")])
def test_a_leader_killed_around_a_write_never_doubles_the_task(
    plane: ControlPlane, tmp_path: Path, write: Callable[[Request], bool], position: Position
) -> None:
    """Whatever the API server holds when the leader dies, the cloud accepts one submission in all."""
    with Stage(plane, tmp_path) as stage:
        stage.export("web")
        hold = stage.tap.hold(position, write)
        first = stage.start_operator()
        assert hold.reached.wait(60), first.log()[-4000:]
        first.kill()
        stage.tap.release(hold)
        stage.start_operator()
        _succeeds_with_one_submission(stage, stage.until_succeeded("web"))


@pytest.mark.parametrize(
    ("position", "adopted"),
    [
        pytest.param("before", False, id="before the cloud has the submission"),
        pytest.param("after", True, id="after the cloud accepted it, its answer unheard"),
    ],
)
def test_a_leader_killed_around_the_submission_never_doubles_the_task(
    plane: ControlPlane, tmp_path: Path, position: str, *, adopted: bool
) -> None:
    """A task that was accepted is adopted under its key; one that never was is claimed anew after the window."""
    with Stage(plane, tmp_path) as stage:
        stage.export("web")
        gate = stage.emulator.admin("POST", "/gates", {"action": "ExportImage", "position": position})
        first = stage.start_operator()
        held = stage.emulator.admin("GET", f"/gates?wait=60&id={gate['id']}")
        assert held["gates"][0]["held"], first.log()[-4000:]
        first.kill()
        stage.emulator.admin("POST", "/gates/release", {"id": gate["id"], "outcome": "drop"})
        stage.start_operator()
        done = stage.until_succeeded("web")
        _succeeds_with_one_submission(stage, done)
        assert (done["status"]["attempt"]["number"] == 1) is adopted


def _succeeds_with_one_submission(stage: Stage, done: Manifest) -> None:
    """The ledger is the judge: one submission, whose files are the ones that the status lists."""
    accepted = stage.submissions()
    assert len(accepted) == 1
    assert accepted[0]["params"]["OSSPrefix"] == done["status"]["attempt"]["objectPrefix"]
    assert accepted[0]["result"]["TaskId"] == done["status"]["task"]["id"]
    assert sorted(item["key"] for item in done["status"]["artifacts"]) == sorted(stage.files())
    assert condition(done, "Ready") == "True"

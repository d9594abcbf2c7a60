"""Whatever becomes of the answer to a submission, the cloud accepts one, and the export succeeds."""

from collections.abc import Iterator
from typing import Final

import pytest

from controlplane import ControlPlane
from tests.emulator import cloud
from tests.integration.scene import Scene, one_submission, scene
from tests.stage import Manifest, condition, reason

ACCEPTED: Final[dict[str, tuple[Manifest, ...]]] = {
    "answer-lost": ({"fault": "answerLost"},),
    "error-500": ({"fault": "error500Accepted"},),
    "no-task-id": ({"fault": "successWithoutTaskID"},),
    "cut-body": ({"fault": "cutBody"},),
    "huge-body": ({"fault": "hugeBody"},),
    "accepted-late": ({"fault": "acceptedLate", "seconds": 4},),
    "lost-unseen": ({"fault": "answerLost"}, {"fault": "taskInvisible", "reads": 8}),
    "unseen": ({"fault": "taskInvisible", "reads": 4},),
}
"""Faults of a submission that the cloud accepts all the same, while its signature lives."""

REFUSED: Final[dict[str, tuple[Manifest, ...]]] = {
    "dropped": ({"fault": "dropBeforeAccept"},),
    "not-accepted": ({"fault": "error500NotAccepted"},),
    "gateway": ({"fault": "htmlBody"},),
    "after-its-life": ({"fault": "acceptedLate", "seconds": 16.5},),
}
"""Faults of a submission that the cloud never accepts, which its answer does not prove."""


@pytest.fixture(scope="module")
def shown(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """All exports at once; what takes the window of a claim takes it side by side."""
    with scene(plane, tmp_path_factory.mktemp("lost")) as ready:
        ready.stage.start_operator()
        for name, faults in (ACCEPTED | REFUSED).items():
            ready.image(name, seconds=1)
            for fault in faults:
                ready.fault(name, **fault)
        ready.image("lost-failing", disks=3)
        ready.fault("lost-failing", "answerLost")
        ready.fault("lost-failing", "taskFails", atPercent=50)
        ready.export("lost-failing", image="m-lostfailing", backoffLimit=1)
        for name in ACCEPTED | REFUSED:
            ready.export(name, image=f"m-{name.replace('-', '')}")
        yield ready


@pytest.fixture(scope="module", autouse=True)
def rival(shown: Scene) -> str:
    """A foreign export of an image, begun between our export's preflight and its submission; its task id."""
    image = shown.image("contested", seconds=3)
    gate = shown.emulator.admin("POST", "/gates", {"action": "ExportImage", "params": {"ImageId": image}})
    shown.export("contested", image=image)
    held = shown.emulator.admin("GET", f"/gates?wait=30&id={gate['id']}")
    assert held["gates"][0]["held"]
    task = cloud.export(shown.emulator, image, OSSPrefix="foreigner")
    shown.emulator.admin("POST", "/gates/release", {"id": gate["id"]})
    return task


@pytest.fixture(scope="module", autouse=True)
def stranger(shown: Scene) -> str:
    """A foreign export that runs on an image before ours is applied; its task id."""
    image = shown.image("taken", seconds=3)
    task = cloud.export(shown.emulator, image, OSSPrefix="stranger")
    shown.export("taken", image=image)
    waiting = shown.until_reason(taken="ImageBusy")["taken"]
    assert condition(waiting, "Reconciling") == "True"
    assert "attempt" not in waiting["status"]
    return task


@pytest.mark.parametrize("name", ACCEPTED)
def test_an_accepted_submission_is_followed_whatever_its_answer_was(shown: Scene, name: str) -> None:
    """Its task is found by its mark and followed under the first attempt: there is no second submission."""
    done = shown.stage.until_succeeded(name)
    one_submission(shown, name, done)
    assert (done["status"]["attempt"]["number"], done["status"]["attempt"]["failures"]) == (1, 0)
    assert len(shown.asked(name)) == 1


@pytest.mark.parametrize("name", REFUSED)
def test_a_submission_that_was_never_accepted_is_made_anew_after_its_window(shown: Scene, name: str) -> None:
    """Nothing is sent again until no copy can be accepted any more; that costs no attempt."""
    done = shown.stage.until_succeeded(name)
    one_submission(shown, name, done)
    assert (done["status"]["attempt"]["number"], done["status"]["attempt"]["failures"]) == (2, 0)
    first, *_, last = shown.asked(name)
    assert first["params"]["OSSPrefix"] != last["params"]["OSSPrefix"]


def test_a_lost_task_that_failed_costs_its_attempt_and_leaves_no_files(shown: Scene) -> None:
    """An unheard submission whose task then failed is recognised by its files; these are discarded before the next one."""
    done = shown.stage.until_succeeded("lost-failing")
    assert len(shown.submissions("lost-failing")) == 2
    assert (done["status"]["attempt"]["number"], done["status"]["attempt"]["failures"]) == (2, 1)
    assert {file["key"] for file in done["status"]["artifacts"]} == set(shown.files("lost-failing"))


def test_a_foreign_export_that_came_first_is_waited_for_and_left_alone(shown: Scene, rival: str) -> None:
    """ImageIsExporting proves nothing about our own submission: it is looked for, then made anew; the foreign task ends well."""
    done = shown.stage.until_succeeded("contested")
    one_submission(shown, "contested", done)
    assert [each["code"] for each in shown.asked("contested")][:1] == ["ImageIsExporting"]
    assert done["status"]["attempt"]["failures"] == 0
    assert _ended_well(shown, rival)


def test_an_image_that_a_foreign_export_holds_is_waited_for(shown: Scene, stranger: str) -> None:
    """ImageBusy is a wait before the claim, never a reason to touch the foreign task."""
    done = shown.stage.until_succeeded("taken")
    one_submission(shown, "taken", done)
    assert (done["status"]["attempt"]["number"], reason(done)) == (1, "Exported")
    assert len(shown.asked("taken")) == 1
    assert _ended_well(shown, stranger)


def _ended_well(shown: Scene, task_id: str) -> bool:
    tasks = shown.emulator.admin("GET", "/tasks")["tasks"]
    (task,) = (task for task in tasks if task["id"] == task_id)
    cancels = [each for each in shown.emulator.admin("GET", "/requests")["requests"] if each["action"] == "CancelTask"]
    named = task_id in {each["params"]["TaskId"] for each in cancels}
    return task["status"] == "Finished" and not named

"""Whose turn it is in a lane with one slot."""

from pathlib import Path

from controlplane import ControlPlane
from tests.integration.scene import one_submission, scene
from tests.stage import condition


def test_a_full_lane_queues_and_serves_by_priority(plane: ControlPlane, tmp_path: Path) -> None:
    """With one slot the others are Queued, the one of the highest priority goes first, and queue is gone at the end."""
    with scene(plane, tmp_path, limit=1) as narrow:
        narrow.stage.start_operator()
        narrow.export("first", seconds=4)
        narrow.stage.until("first", lambda each: "task" in each["status"])
        for name, priority in {"low": -5, "usual": 0, "urgent": 10}.items():
            narrow.export(name, priority=priority)
        waiting = narrow.until_reason(low="Queued", usual="Queued", urgent="Queued")
        assert all(waiting[name]["status"]["queue"]["since"] for name in ("low", "usual", "urgent"))
        assert all(condition(waiting[name], "Stalled") == "" for name in ("low", "usual", "urgent"))
        for name in ("first", "low", "usual", "urgent"):
            done = narrow.stage.until_succeeded(name)
            one_submission(narrow, name, done)
            assert "queue" not in done["status"]
        prefixes = [entry["params"]["OSSPrefix"][:-13] for entry in narrow.stage.submissions()]
        assert prefixes == ["first", "urgent", "usual", "low"]

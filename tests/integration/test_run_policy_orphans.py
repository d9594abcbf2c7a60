"""Orphans in number: dozens at once are recorded, followed and cleared, and a full list keeps an object from going."""

import json
from collections.abc import Iterator
from typing import Final

import pytest

from controlplane import ControlPlane
from imageferry.core.accountbook import MOST_ORPHANS
from tests.integration.scene import Scene, scene
from tests.stage import ACCOUNT, Manifest, condition

CROWD: Final = tuple(f"crowd-{number:02}" for number in range(36))
SECONDS: Final = 120.0


@pytest.fixture(scope="module")
def shown(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A scene with an operator and a slot for each of the crowd."""
    with scene(plane, tmp_path_factory.mktemp("orphans"), limit=60) as ready:
        ready.stage.start_operator()
        yield ready


def _export_all(shown: Scene) -> None:
    """Apply the crowd in one go, each of an image of its own; every other one is to leave no file."""
    items: list[Manifest] = []
    for number, name in enumerate(CROWD):
        spec = {
            "accountRef": {"name": ACCOUNT},
            "source": {"imageID": shown.image(name, disks=2, seconds=3600)},
            "destination": {"bucket": "ferry-good", "prefix": name.replace("-", "")},
            "deletionPolicy": "Delete" if number % 2 else "Retain",
        }
        metadata = {"name": name, "namespace": shown.stage.namespace}
        kind = {"apiVersion": "imageferry.dev/v1alpha1", "kind": "ImageExport"}
        items.append(kind | {"metadata": metadata, "spec": spec})
    shown.stage.apply({"apiVersion": "v1", "kind": "List", "items": items})


def test_dozens_of_orphans_are_recorded_at_once_and_all_of_them_settled(shown: Scene) -> None:
    """The cloud is away when all are deleted: each goes within its bound with a row; later none is left, and no task."""
    _export_all(shown)
    shown.until_all(lambda seen: all("task" in seen[name]["status"] for name in CROWD), "all tasks", SECONDS)
    shown.emulator.listen_on_same_port()
    shown.emulator.kill()
    shown.delete(*CROWD)
    shown.until_gone(*CROWD, seconds=SECONDS)
    rows = shown.orphans()
    assert sorted(row["name"] for row in rows) == sorted(CROWD)
    assert len({row["taskID"] for row in rows}) == len(CROWD)
    shown.emulator.start()
    shown.stage.until_true(lambda: not shown.orphans(), "no orphans", SECONDS)
    statuses = [task["status"] for task in shown.emulator.admin("GET", "/tasks")["tasks"]]
    assert statuses == ["Deleted"] * len(CROWD)
    assert len(shown.stage.submissions()) == len(CROWD)
    shown.stage.until_true(
        lambda: not shown.stage.account()["metadata"].get("finalizers"), "an account without orphans"
    )


def _fill(shown: Scene, count: int) -> None:
    """So many tasks of an account whose key is not at hand: nobody can follow them."""
    stranger = shown.emulator.info["otherAccount"]["accountID"]
    usual = {"operation": "Export", "region": "cn-hangzhou", "accountID": stranger, "deletionPolicy": "Retain"}
    when = {"claimedAt": "2026-01-01T00:00:00Z", "since": "2026-01-01T00:00:00Z"}
    keys = [f"a{number:012}" for number in range(count)]
    rows = [usual | when | {"uid": f"u-{key}", "key": key, "objectPrefix": f"old{key}"} for key in keys]
    shown.stage.plane.kubectl_run(
        *("patch", "cloudaccount", ACCOUNT, "--subresource=status", "--type=merge", "--patch-file=/dev/stdin"),
        input=json.dumps({"status": {"orphans": rows}}),
    )


def test_a_full_list_of_orphans_lets_no_object_go_until_there_is_room(shown: Scene) -> None:
    """Not one of five hundred is dropped for a newer one: the object stays, says why, and goes when a row is struck off."""
    shown.image("late-comer", seconds=3600)
    shown.fault("late-comer", "notCancellable")
    shown.export("late-comer", image="m-latecomer")
    shown.stage.until("late-comer", lambda each: "task" in each["status"])
    _fill(shown, MOST_ORPHANS)
    shown.delete("late-comer")
    held = shown.until_reason(late_comer="Orphaned")["late-comer"]
    assert condition(held, "Stalled") == "True"
    assert len(shown.orphans()) == MOST_ORPHANS
    assert shown.stage.exists("late-comer")
    _fill(shown, MOST_ORPHANS - 1)
    shown.until_gone("late-comer")
    assert [row["name"] for row in shown.orphans() if "name" in row] == ["late-comer"]
    assert len(shown.orphans()) == MOST_ORPHANS
    orphaned = [line for line in shown.log_lines() if line.get("event") == "task orphaned"]
    assert [line["name"] for line in orphaned].count("late-comer") == 1

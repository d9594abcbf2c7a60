"""Deletion in each state of the journal: the object goes in bounded time, and leaves behind what its policy says and no more."""

from collections.abc import Callable, Iterator
from typing import Final

import pytest

from controlplane import ControlPlane
from tests.apitap import Position, Request
from tests.integration.scene import CANCEL, Scene, one_submission, scene
from tests.stage import Manifest, condition, reason

POLICIES: Final = ("Retain", "Delete", "Orphan")
BOUND_SECONDS: Final = 60.0


@pytest.fixture(scope="module")
def shown(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A scene with an operator that waits long enough for a missing file to be seen so, and not long for anything else."""
    folder = tmp_path_factory.mktemp("deletion")
    life = {"signature_life_seconds": "9", "window_seconds": "20"}
    with scene(plane, folder, 50, **life, read_lag_seconds="12", delete_away_bound_seconds="8") as ready:
        ready.stage.start_operator()
        yield ready


# What brings an export into a state, and how it is seen to be there


def _held(shown: Scene, name: str, policy: str) -> None:
    shown.export(name, image=shown.emulator.info["images"]["encrypted"], deletionPolicy=policy)


def _queued(shown: Scene, name: str, policy: str) -> None:
    shown.export(name, image="m-blocker", deletionPolicy=policy)


def _claimed(shown: Scene, name: str, policy: str) -> None:
    shown.image(name, seconds=4)
    shown.fault(name, "answerLost")
    shown.export(name, image=f"m-{name.replace('-', '')}", deletionPolicy=policy)


def _unheard(shown: Scene, name: str, policy: str) -> None:
    shown.image(name)
    shown.fault(name, "dropBeforeAccept")
    shown.export(name, image=f"m-{name.replace('-', '')}", deletionPolicy=policy)


def _running(shown: Scene, name: str, policy: str) -> None:
    shown.export(name, disks=4, seconds=4, deletionPolicy=policy)


def _verifying(shown: Scene, name: str, policy: str) -> None:
    shown.image(name, disks=2)
    shown.fault(name, "objectMissing", disk=1)
    shown.export(name, image=f"m-{name.replace('-', '')}", deletionPolicy=policy)


def _exported(shown: Scene, name: str, policy: str) -> None:
    shown.export(name, disks=2, deletionPolicy=policy)


def _failed(shown: Scene, name: str, policy: str) -> None:
    shown.image(name, disks=4)
    shown.fault(name, "taskFails", atPercent=60)
    shown.export(name, image=f"m-{name.replace('-', '')}", backoffLimit=0, deletionPolicy=policy)


def _cancelled(shown: Scene, name: str, policy: str) -> None:
    shown.export(name, disks=4, seconds=2, deletionPolicy=policy)


class State:
    """A state of the journal: how to get there, the reason that shows it, and how many files `Retain` leaves at least."""

    def __init__(self, begin: Callable[[Scene, str, str], None], reason_shown: str, *, files: int) -> None:
        self.begin, self.reason_shown, self.files = begin, reason_shown, files


STATES: Final = {
    "held": State(_held, "EncryptedSnapshot", files=0),
    "queued": State(_queued, "ImageBusy", files=0),
    "claimed": State(_claimed, "SubmissionUnknown", files=1),
    "unheard": State(_unheard, "SubmissionUnknown", files=0),
    "running": State(_running, "Running", files=1),
    "verifying": State(_verifying, "Verifying", files=1),
    "exported": State(_exported, "Exported", files=2),
    "failed": State(_failed, "TaskFailed", files=2),
    "cancelled": State(_cancelled, "Cancelled", files=1),
}
UNSUBMITTED: Final = ("held", "queued", "unheard")
"""States in which the cloud has accepted nothing, and never will."""
PARTIAL: Final = ("running", "cancelled")
"""States for which a disk has to be done while others are not."""


@pytest.fixture(scope="module")
def deleted(shown: Scene) -> dict[str, Manifest]:
    """Every state under every policy: each export as it was when its deletion was asked for, in the state it names."""
    shown.export("blocker", seconds=3600)
    shown.stage.until("blocker", lambda each: "task" in each["status"])
    names = {f"{state}-{policy.lower()}": (STATES[state], policy) for state in STATES for policy in POLICIES}
    before: dict[str, Manifest] = {}

    def drive(seen: dict[str, Manifest]) -> bool:
        for name in (names.keys() & seen.keys()) - before.keys():
            kind = name.partition("-")[0]
            if kind == "cancelled" and "task" in seen[name]["status"] and shown.files(name):
                shown.request(name, CANCEL)
            there = reason(seen[name]) == names[name][0].reason_shown
            if there and (kind not in PARTIAL or shown.files(name)):
                before[name] = seen[name]
                shown.delete(name)
        return len(before) == len(names)

    for name, (state, policy) in names.items():
        state.begin(shown, name, policy)
        drive(shown.all())  # a state that passes must not have passed before the last export is begun
    shown.until_all(drive, "every state", 90)
    return before


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("state", STATES)
def test_a_deleted_export_goes_and_leaves_what_its_policy_says(
    shown: Scene, deleted: dict[str, Manifest], state: str, policy: str
) -> None:
    """No finalizer stays, no task of ours runs on (Orphan excepted), Delete leaves no file, Retain leaves whole ones."""
    name = f"{state}-{policy.lower()}"
    shown.until_gone(name, seconds=BOUND_SECONDS)
    _settled(shown, name)
    left = shown.files(name)
    assert len(shown.submissions(name)) == (0 if state in UNSUBMITTED else 1)
    if policy == "Orphan":
        assert _orders(shown, name) == (1 if state == "cancelled" else 0)
        listed = deleted[name]["status"].get("artifacts", [])
        assert {file["key"] for file in listed} <= set(left)
        return
    assert not shown.runs(name)
    if policy == "Delete":
        assert left == {}
    else:
        assert len(left) >= STATES[state].files
        assert all(left.values())


def _settled(shown: Scene, *names: str) -> None:
    """Wait until the account follows no orphan of these names: whatever was left to be done is done."""
    shown.stage.until_true(lambda: not {row["name"] for row in shown.orphans()} & set(names), "no orphans")


def _orders(shown: Scene, name: str) -> int:
    """How often the cloud was asked to end the export's task."""
    ids = {task["id"] for task in shown.tasks(name)}
    requests = shown.emulator.admin("GET", "/requests")["requests"]
    return sum(each["action"] == "CancelTask" and each["params"]["TaskId"] in ids for each in requests)


@pytest.mark.usefixtures("deleted")
def test_a_task_left_to_itself_runs_to_its_end(shown: Scene) -> None:
    """Under Orphan the running task and all its files are left alone."""
    shown.stage.until_true(lambda: not shown.runs("running-orphan"), "the task's end")
    assert [task["status"] for task in shown.tasks("running-orphan")] == ["Finished"]
    assert len(shown.files("running-orphan")) == 4


def test_a_deleted_export_whose_status_was_wiped_leaves_no_task_behind(shown: Scene) -> None:
    """The task is found again by its mark and dealt with before the object goes."""
    shown.export("wiped", disks=2, seconds=2, deletionPolicy="Delete")
    shown.stage.until("wiped", lambda each: "task" in each["status"])
    shown.wipe("wiped")
    shown.delete("wiped")
    shown.until_gone("wiped", seconds=BOUND_SECONDS)
    _settled(shown, "wiped")
    assert not shown.runs("wiped")
    assert (len(shown.submissions("wiped")), shown.files("wiped")) == (1, {})


def _events(shown: Scene, name: str) -> str:
    chosen = f"--field-selector=reason=Orphaned,regarding.name={name}"
    return shown.stage.plane.kubectl_run(
        "get", "events.v1.events.k8s.io", chosen, "-n", shown.stage.namespace, "-o", "name"
    )


def _orphaned(shown: Scene, *names: str) -> None:
    """The exports go within their bound, each with a row and an event."""
    shown.until_gone(*names, seconds=BOUND_SECONDS)
    assert {row["name"] for row in shown.orphans()} == set(names)
    shown.stage.until_true(lambda: all(_events(shown, name) for name in names), "an event for each")


def test_an_open_claim_whose_task_outlives_the_bound_is_orphaned_and_cleared_later(shown: Scene) -> None:
    """A task that cannot be told to be ours while it runs is followed after its object went, and its files are removed."""
    for name, policy in {"endless-a": "Delete", "endless-b": "Retain"}.items():
        shown.image(name, seconds=45)
        shown.fault(name, "answerLost")
        shown.export(name, image=f"m-{name.replace('-', '')}", deletionPolicy=policy)
    shown.until_reason(endless_a="SubmissionUnknown", endless_b="SubmissionUnknown")
    shown.delete("endless-a", "endless-b")
    _orphaned(shown, "endless-a", "endless-b")
    _settled(shown, "endless-a", "endless-b")
    assert not shown.runs("endless-a")
    assert not shown.runs("endless-b")
    assert (shown.files("endless-a"), len(shown.files("endless-b"))) == ({}, 1)


def _with_first_disk(shown: Scene, *names: str) -> None:
    for name, policy in zip(names, ("Delete", "Retain"), strict=True):
        shown.export(name, disks=5, seconds=5, deletionPolicy=policy)
    shown.stage.until_true(lambda: all(shown.files(name) for name in names), "the first disk's file of each")


def _ended_later(shown: Scene, *names: str) -> None:
    deleting, retaining = names
    for name in names:
        assert [task["status"] for task in shown.tasks(name)] == ["Deleted"]
        assert len(shown.submissions(name)) == 1
    assert shown.files(deleting) == {}
    assert all(shown.files(retaining).values())


def test_without_credentials_a_deletion_is_bounded_and_finished_when_they_return(shown: Scene) -> None:
    """The Secret goes first: the exports go within their bound; with the Secret back their tasks and files are dealt with."""
    _with_first_disk(shown, "keyless-a", "keyless-b")
    shown.take_credentials()
    shown.stage.until_true(lambda: reason(shown.stage.account()) == "CredentialsMissing", "the account's reason")
    shown.delete("keyless-a", "keyless-b")
    _orphaned(shown, "keyless-a", "keyless-b")
    assert shown.runs("keyless-a")
    shown.give_credentials()
    _settled(shown, "keyless-a", "keyless-b")
    _ended_later(shown, "keyless-a", "keyless-b")


def test_without_the_cloud_a_deletion_is_bounded_and_finished_when_it_returns(shown: Scene) -> None:
    """The same where the cloud is away."""
    _with_first_disk(shown, "adrift-a", "adrift-b")
    shown.emulator.listen_on_same_port()
    shown.emulator.kill()
    shown.delete("adrift-a", "adrift-b")
    _orphaned(shown, "adrift-a", "adrift-b")
    shown.emulator.start()
    _settled(shown, "adrift-a", "adrift-b")
    _ended_later(shown, "adrift-a", "adrift-b")


def test_a_deleted_namespace_goes_with_all_its_exports(shown: Scene) -> None:
    """What runs is cancelled, what is to be deleted is, and the namespace does not hang."""
    shown.export("room-running", disks=3, seconds=5, deletionPolicy="Delete")
    shown.export("room-done", deletionPolicy="Delete")
    shown.export("room-kept", deletionPolicy="Retain")
    for name in ("room-done", "room-kept"):
        shown.stage.until_succeeded(name)
    shown.stage.until_true(lambda: bool(shown.files("room-running")), "the first disk's file")
    kubectl, namespace = shown.stage.plane.kubectl_run, shown.stage.namespace
    kubectl("delete", "namespace", namespace, "--wait=false")
    shown.stage.until_true(lambda: namespace not in kubectl("get", "namespace", "-o", "name"), "the namespace gone")
    shown.stage.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    assert not shown.runs("room-running")
    assert (shown.files("room-running"), shown.files("room-done"), len(shown.files("room-kept"))) == ({}, {}, 1)


def test_an_account_is_guarded_while_a_claim_is_being_written(shown: Scene) -> None:
    """The account's finalizer is there before the claim is, and a look at the account meanwhile does not take it off."""

    def claims(request: Request) -> bool:
        return "key" in request.written_status.get("attempt", {})

    def looked_at(limit: int) -> None:
        shown.stage.write_account(limits={"concurrentExports": limit})
        wanted = shown.stage.account()["metadata"]["generation"]
        seen = "the account looked at"
        shown.stage.until_true(lambda: shown.stage.account()["status"]["observedGeneration"] == wanted, seen)

    claim = shown.stage.tap.hold(Position.BEFORE, claims)
    shown.export("guarded")
    shown.stage.until_true(claim.reached.is_set, "the claim's write")
    looked_at(51)
    looked_at(52)  # only now the first look is certainly over
    assert shown.stage.account()["metadata"]["finalizers"] == ["imageferry.dev/account"]
    assert "attempt" not in shown.stage.get("guarded")["status"]
    shown.stage.tap.release(claim)
    one_submission(shown, "guarded", shown.stage.until_succeeded("guarded"))
    shown.stage.until_true(lambda: not shown.stage.account()["metadata"].get("finalizers"), "an idle account")


def test_a_deleted_account_stays_until_no_task_needs_it(shown: Scene) -> None:
    """Its finalizer holds it until the running export has ended; then it goes."""
    shown.export("last", seconds=5)
    shown.stage.until("last", lambda each: "task" in each["status"])
    shown.delete_account()
    assert shown.stage.account()["metadata"]["deletionTimestamp"]
    done = shown.stage.until_succeeded("last")
    assert condition(done, "Ready") == "True"
    shown.stage.until_true(lambda: not shown.account_exists(), "the account gone")
    shown.stage.write_account()

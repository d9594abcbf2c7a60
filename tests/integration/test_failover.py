"""Two replicas, one acts: whoever dies, stops or loses its server, the cloud is asked once and nobody has to step in."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from controlplane import ControlPlane
from tests.apitap import Position, Request
from tests.integration.rights import Right, without
from tests.operator_process import OperatorProcess
from tests.stage import Stage, reason

RENEW = Right("coordination.k8s.io", "leases", "update")
TASK_SECONDS = 4.0
SPEED = 60


@pytest.fixture
def stage(plane: ControlPlane, tmp_path: Path) -> Iterator[Stage]:
    """A system whose tasks take long enough to be in the middle of one."""
    with Stage(plane, tmp_path) as stage:
        stage.emulator.admin("POST", "/settings", {"secondsPerDisk": TASK_SECONDS * SPEED})
        yield stage


def replicas(stage: Stage, **settings: str) -> tuple[OperatorProcess, OperatorProcess]:
    """The one that acts, and the one that waits."""
    leader = stage.start_operator(**settings)
    stage.until_true(lambda: acts(leader), "the first replica acts")
    return leader, stage.start_operator(**settings)


def acts(operator: OperatorProcess) -> bool:
    """It holds the Lease."""
    return "imageferry_leader 1.0" in operator.get("/metrics")


def took_over(operator: OperatorProcess) -> bool:
    """It has begun to act."""
    return "took over" in operator.log()


def runs(stage: Stage, name: str) -> None:
    """An export is in the middle of its task."""
    stage.export(name)
    stage.until(name, lambda found: reason(found) == "Running")


def ends_well_with_one_submission(stage: Stage, name: str) -> None:
    """The export succeeds, and the cloud's ledger has one task for it."""
    done = stage.until_succeeded(name)
    assert [entry["result"]["TaskId"] for entry in stage.submissions()] == [done["status"]["task"]["id"]]


def test_a_killed_leader_is_followed_by_the_other_replica(stage: Stage) -> None:
    """SIGKILL in the middle of a task: the standby follows that same task to its end."""
    leader, standby = replicas(stage)
    pid = standby.pid
    runs(stage, "web")
    leader.kill()
    ends_well_with_one_submission(stage, "web")
    assert took_over(standby)
    assert standby.pid == pid


def claims(request: Request) -> bool:
    """It writes a claim."""
    return "key" in request.written_status.get("attempt", {}) and "task" not in request.written_status


def stopped_at_the_claim(stage: Stage, stop: Callable[[], None]) -> Callable[[], None]:
    """The server has the claim, the leader has not heard so."""
    hold = stage.tap.hold(Position.APPLIED, claims)
    stage.export("web")
    assert hold.reached.wait(30)
    stop()
    return lambda: stage.tap.release(hold)


def stopped_past_the_fence(stage: Stage, stop: Callable[[], None]) -> Callable[[], None]:
    """The submission is on its way, the cloud has not accepted it yet."""
    gate = stage.emulator.admin("POST", "/gates", {"action": "ExportImage", "position": "before"})
    stage.export("web")
    assert stage.emulator.admin("GET", f"/gates?wait=30&id={gate['id']}")["gates"][0]["held"]
    stop()
    return lambda: stage.emulator.admin("POST", "/gates/release", {"id": gate["id"], "outcome": "continue"})


@pytest.mark.parametrize("stopped", [stopped_at_the_claim, stopped_past_the_fence])
def test_a_leader_stopped_for_longer_than_its_lease_sends_nothing_more(
    stage: Stage, stopped: Callable[[Stage, Callable[[], None]], Callable[[], None]]
) -> None:
    """Between claim and submission: once it goes on it ends itself, and the cloud has one task, which the other follows."""
    leader, standby = replicas(stage)
    go_on = stopped(stage, lambda: leader.signal(signal.SIGSTOP))
    stage.until_true(lambda: took_over(standby), "the standby has taken over")
    go_on()
    leader.signal(signal.SIGCONT)
    assert leader.wait() == 1
    assert "lease lost" in leader.log()
    ends_well_with_one_submission(stage, "web")
    assert standby.running


def test_a_leader_that_may_not_renew_ends_and_says_why(plane: ControlPlane, stage: Stage) -> None:
    """Without the right on the Lease nobody acts; with it the standby does."""
    leader, standby = replicas(stage)
    runs(stage, "web")
    with without(plane, RENEW):
        assert leader.wait() == 1
        assert RENEW.refusal in leader.log().replace('\\"', '"')
    ends_well_with_one_submission(stage, "web")
    assert took_over(standby)


def test_a_restart_of_the_api_server_disturbs_nothing(plane: ControlPlane, stage: Stage) -> None:
    """Both replicas wait for it; the leader ends only if it could not renew in time; what runs is followed to its end."""
    times = {"lease_duration_seconds": "25", "lease_give_up_seconds": "20"}
    leader, standby = replicas(stage, **times)
    pid = standby.pid
    runs(stage, "web")
    plane.restart_apiserver()
    ends_well_with_one_submission(stage, "web")
    stage.export("later", image="plain2")
    stage.until_succeeded("later")
    assert standby.running
    assert standby.pid == pid
    assert leader.running != ("lease lost" in leader.log())


def test_a_restart_of_the_cloud_disturbs_nothing(stage: Stage) -> None:
    """SIGKILL of the cloud in the middle of a task: it is said, waited for, and the task is followed on."""
    stage.emulator.listen_on_same_port()
    operator = stage.start_operator()
    pid = operator.pid
    runs(stage, "web")
    stage.emulator.kill()
    stage.until_true(lambda: '"event": "poll failed"' in operator.log(), "the cloud is missed")
    stage.emulator.start()
    ends_well_with_one_submission(stage, "web")
    assert operator.running
    assert operator.pid == pid

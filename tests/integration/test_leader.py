"""The election on a real Lease: never two leaders, a quick hand-over, and no one dies because the server is away."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from controlplane.plane import ControlPlane
from imageferry.engine.leader import Leader, LeaseLost
from imageferry.kube.objects import KubeClient
from imageferry.kube.session import open_session
from tests.integration.kube_cases import NAMESPACE, eventually, prepare, settings_for


@pytest.fixture(scope="module", autouse=True)
def prepared(plane: ControlPlane) -> None:
    """The namespace is there."""
    prepare(plane)


class HandClock:
    """A clock that goes only when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now


class Replica:
    """One replica's election, and why it lost if it did."""

    def __init__(self, client: KubeClient, plane: ControlPlane, identity: str, lease: str, **more: Any) -> None:  # noqa: ANN401
        self.lost: list[str] = []
        settings = settings_for(
            plane,
            identity=identity,
            lease_name=lease,
            lease_duration_seconds=3.0,
            lease_renew_seconds=0.1,
            lease_give_up_seconds=2.0,
        )
        self.leader = Leader(client, settings, on_lost=self.lost.append, **more)
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        with contextlib.suppress(LeaseLost):
            await self.leader.run()

    async def die(self) -> None:
        """End without a word, as a killed process does."""
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.task


Start = Callable[..., Replica]


@pytest.fixture
async def start(plane: ControlPlane, request: pytest.FixtureRequest) -> AsyncIterator[Start]:
    """Starts replicas that compete for this test's own Lease."""
    lease = f"lease-{abs(hash(request.node.name)) % 10**12}"
    started: list[Replica] = []
    async with await open_session(settings_for(plane)) as session:

        def make(identity: str, *, lease: str = lease, **more: Any) -> Replica:  # noqa: ANN401
            client = KubeClient(session, request_seconds=30)
            started.append(Replica(client, plane, identity, lease, **more))
            return started[-1]

        yield make
        for each in started:
            await each.die()


async def test_one_leads_and_the_other_follows(start: Start) -> None:
    """The second waits for as long as the first renews, longer than a Lease lasts."""
    first = start("a")
    await first.leader.acquired.wait()
    second = start("b")
    beat = second.leader.beat
    await eventually(lambda: second.leader.beat - beat > 4)
    assert first.leader.is_leader
    assert not second.leader.is_leader
    assert second.leader.lease_remaining() == 0
    assert 0 < first.leader.lease_remaining() <= 3


async def test_a_released_lease_is_taken_without_waiting_for_its_end(start: Start) -> None:
    """A rolling update hands over at once: the follower, whose clock stands still, would never see the Lease run out."""
    first = start("a")
    await first.leader.acquired.wait()
    second = start("b", clock=HandClock())
    await eventually(lambda: second.leader._seen is not None)
    assert not second.leader.is_leader
    await first.leader.release()
    assert not first.leader.is_leader
    await eventually(lambda: second.leader.is_leader)
    await eventually(first.task.done)
    assert first.lost == second.lost == []


async def test_a_dead_leaders_lease_is_taken_when_it_has_run_out_and_not_before(start: Start) -> None:
    """The follower begins only after the leader's own reckoning has ended."""
    first = start("a")
    await first.leader.acquired.wait()
    second = start("b")
    beat = second.leader.beat
    await eventually(lambda: second.leader.beat > beat)
    await first.die()
    await eventually(lambda: second.leader.is_leader or not first.leader.is_leader)
    assert not second.leader.is_leader
    await eventually(lambda: second.leader.is_leader)


async def test_of_many_that_start_together_exactly_one_leads(start: Start) -> None:
    """Twenty times four replicas in the same instant."""
    for number in range(20):
        replicas = [start(f"{name}{number}", lease=f"together-{number}") for name in "abcd"]
        await eventually(lambda replicas=replicas: any(each.leader.is_leader for each in replicas))  # type: ignore[misc]
        beats = [each.leader.beat for each in replicas]
        await eventually(
            lambda replicas=replicas, beats=beats: all(  # type: ignore[misc]
                each.leader.beat > beat for each, beat in zip(replicas, beats, strict=True)
            )
        )
        assert sum(each.leader.is_leader for each in replicas) == 1
        for each in replicas:
            await each.die()


async def test_a_leader_that_finds_anothers_name_is_lost(start: Start, plane: ControlPlane) -> None:
    """Somebody wrote a foreign holder: the leader ends, and nobody acts until the foreigner's time is over."""
    first = start("a", lease="edited")
    await first.leader.acquired.wait()
    patch = '{"spec": {"holderIdentity": "stranger", "renewTime": "2030-01-01T00:00:00.000000Z"}}'
    edit = ("patch", "lease", "edited", f"--namespace={NAMESPACE}", "--type=merge", "--patch", patch)
    await asyncio.to_thread(plane.kubectl_run, *edit)
    await eventually(first.task.done)
    assert first.lost == ["the lease is held by stranger"]
    assert not first.leader.is_leader
    second = start("b", lease="edited")
    await eventually(lambda: second.leader.is_leader)


async def test_a_deleted_lease_is_made_anew_by_its_leader_and_taken_by_nobody(
    start: Start, plane: ControlPlane
) -> None:
    """A follower that had seen the Lease waits as if it were still there."""
    first = start("a", lease="deleted")
    await first.leader.acquired.wait()
    second = start("b", lease="deleted")
    beat = second.leader.beat
    await eventually(lambda: second.leader.beat > beat)
    await asyncio.to_thread(plane.kubectl_run, "delete", "lease", "deleted", f"--namespace={NAMESPACE}")
    before = second.leader.beat
    await eventually(lambda: second.leader.beat - before > 4)
    assert first.leader.is_leader
    assert not second.leader.is_leader
    assert first.lost == []


async def test_a_lease_deleted_after_its_leader_died_is_made_anew(start: Start, plane: ControlPlane) -> None:
    """Waiting for what is not there has an end."""
    first = start("a", lease="abandoned")
    await first.leader.acquired.wait()
    second = start("b", lease="abandoned")
    beat = second.leader.beat
    await eventually(lambda: second.leader.beat > beat)
    await first.die()
    await asyncio.to_thread(plane.kubectl_run, "delete", "lease", "abandoned", f"--namespace={NAMESPACE}")
    await eventually(lambda: second.leader.is_leader)


async def test_when_the_server_is_away_a_leader_ends_and_a_follower_stays(start: Start, plane: ControlPlane) -> None:
    """The leader gives up before its Lease has run out; the follower takes over when the server is back."""
    first = start("a")
    await first.leader.acquired.wait()
    second = start("b")
    beat = second.leader.beat
    await eventually(lambda: second.leader.beat > beat)
    await asyncio.to_thread(plane.stop_apiserver)
    try:
        await eventually(lambda: bool(first.lost))
        assert first.lost == ["not renewed for 2 s"]
        beat = second.leader.beat
        await eventually(lambda: second.leader.beat - beat > 1)
    finally:
        await asyncio.to_thread(plane.start_apiserver)
    assert not second.task.done()
    await eventually(lambda: second.leader.is_leader)
    assert second.lost == []


async def test_what_remains_is_counted_from_before_the_renewal_was_sent(start: Start) -> None:
    """By the replica's own clock alone: it falls as that clock goes, to nothing."""
    clock = HandClock()
    only = start("a", clock=clock)
    await only.leader.acquired.wait()
    await only.die()
    assert only.leader.lease_remaining() == 3
    clock.now += 2.5
    assert only.leader.lease_remaining() == 0.5
    clock.now += 2
    assert only.leader.lease_remaining() == 0
    assert not only.leader.is_leader


async def test_a_leader_that_was_stopped_for_too_long_is_lost_even_if_nobody_took_over(start: Start) -> None:
    """After a pause no renewal brings back what ended meanwhile."""
    clock = HandClock()
    only = start("a", clock=clock)
    await only.leader.acquired.wait()
    async with only.leader._turn:
        clock.now += 60
        assert not only.leader.is_leader
    await eventually(only.task.done)
    assert only.lost == ["not renewed for 2 s"]

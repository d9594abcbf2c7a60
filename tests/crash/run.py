"""One run: a life cycle from its first wish to its end, with at most one strike, and all that was seen of it.

The run restarts an operator that has ended, as the kubelet would. It judges nothing.
"""

import asyncio
import json
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from tests.cloud_errors import internal_error
from tests.crash.cluster import ACCOUNTS, Manifest, jobs
from tests.crash.cycle import Cycle
from tests.crash.directions import everything
from tests.crash.lane import Lane, only
from tests.crash.names import Scribe, parameters
from tests.crash.plans import Plan
from tests.crash.record import Heard, LetGo, Record
from tests.kube_errors import unavailable
from tests.tap import Line, Passage, Position, Strike, Tap
from tests.zygote import Forked

_LATE_SECONDS: Final = 2.0
_GLANCE_SECONDS: Final = 0.05
_SETTLE_SECONDS: Final = 0.15
_MOST_RESTARTS: Final = 12


class Run:
    """One run in a lane. `slack` is how many times longer than usual everybody waits, `patience` the seconds it may take."""

    def __init__(self, lane: Lane, cycle: Cycle, plan: Plan | None, *, slack: int, patience: float) -> None:
        lane.taken += 1
        self._lane, self._cycle, self._plan, self._slack = lane, cycle, plan, slack
        self._patience = patience
        self._name = f"job-{lane.taken}"
        self._account = f"{lane.name}-{lane.taken}"
        self._about = f"m-{lane.name.replace('-', '')}r{lane.taken}"
        self._direction = cycle.direction
        self._jobs = jobs(lane.namespace, cycle.direction.plural)
        self._path = f"{self._jobs}/{self._name}"
        self._scribe = Scribe()
        self._started = time.monotonic()
        self._operator: Forked | None = None
        self._dead = False  # killed: whatever it still has on the line is not heard
        self._strike: Strike | None = None
        self._silence = Strike(Position.BEFORE, lambda: None)
        self._news = asyncio.Event()
        self._gone = False
        self._settle_at = 0.0
        self._acts_done = 0
        self._failing: asyncio.Task[None] | None = None
        self._glances: list[asyncio.Task[None]] = []
        self.record = Record(cycle, plan, [])

    async def go(self) -> Record:
        """Live the life cycle."""
        api = Line(
            server=self._lane.cluster.server,
            tls=self._lane.cluster.tls,
            error=unavailable,
            late_seconds=_LATE_SECONDS,
            retarget=only(self._account),
        )
        cloud = Line(server=self._lane.emulator.endpoint, error=internal_error, late_seconds=_LATE_SECONDS)
        await self._lane.set_cloud(self._cycle, self._about, self._slack)
        self._before = everything(await self._lane.admin("GET", "/state"))
        self._ledger_before = len(await self._ledger())
        async with (
            Tap(api, arrive=self._api_asked, leave=self._leave) as self._api,
            Tap(cloud, arrive=self._cloud_asked, leave=self._leave) as self._cloud,
        ):
            await self._lane.create_account(self._account, self._cloud.url)
            born = await self._lane.create_job(self._cycle, self._name, account=self._account, about=self._about)
            self._see(born)
            async with self._watching(born["metadata"]["resourceVersion"]):
                self._begin()
                try:
                    await self._live()
                    await self._collect()
                finally:
                    await self._end()
        return self.record

    # What the operator asks

    def _api_asked(self, passage: Passage) -> Strike | None:
        return self._asked(passage, self._scribe.api)

    def _cloud_asked(self, passage: Passage) -> Strike | None:
        return self._asked(passage, self._scribe.cloud)

    def _asked(self, passage: Passage, name: Any) -> Strike | None:  # noqa: ANN401 -- one of the scribe's methods
        if self._dead:
            return self._silence
        point = name(passage.request)
        heard = Heard(point, passage, len(self.record.exits), self._clock(), self._acts_done)
        if point.name == self._direction.request:
            self._note_claim(parameters(passage.request).get(self._direction.mark, ""))
        if point.name == "finalizer/off":
            self._glances.append(asyncio.create_task(self._glance()))
        self.record.heard.append(heard)
        plan = self._plan
        if plan is None or self.record.struck_at is not None or (plan.name, plan.number) != (point.name, point.number):
            return None
        self.record.struck_at = self._clock()
        self._strike = Strike(plan.what, self._reached)
        return self._strike

    def _reached(self) -> None:
        self.record.struck_at = self._clock()
        if self._plan and self._plan.kills and self._operator:
            self._dead = True
            self._operator.kill()
        self._news.set()

    def _leave(self, passage: Passage) -> None:
        self._news.set()
        percent = self._cycle.fails_at
        if percent is None or self._failing or self._direction.action not in passage.request.headers.values():
            return
        task_id = json.loads(passage.answer).get("TaskId")
        if task_id:
            fault = {"fault": "taskFails", "atPercent": percent}
            self._failing = asyncio.create_task(self._lane.admin("POST", f"/tasks/{task_id}", fault))

    def _note_claim(self, mark: str) -> None:
        """A submission is lawful only if this very process had been told that its claim is in the status."""
        process = len(self.record.exits)
        for each in self.record.heard:
            passage = each.passage
            if each.process != process or not passage.delivered or passage.status != 200:
                continue
            if (
                each.point.name.startswith(("status/", f"get/{self._direction.plural}"))
                and mark.encode() in passage.answer
            ):
                return
        self.record.unclaimed.append(mark)

    async def _glance(self) -> None:
        tasks = await self._tasks()
        account = await self._lane.cluster.get(f"{ACCOUNTS}/{self._account}") or {}
        orphans = account.get("status", {}).get("orphans", ())
        self.record.let_go.append(
            LetGo(
                frozenset(task["id"] for task in tasks if _runs(task)),
                frozenset(each.get("taskID", "") for each in orphans),
            )
        )

    # The object's life

    @asynccontextmanager
    async def _watching(self, version: str) -> AsyncIterator[None]:
        async def watch() -> None:
            seen = version
            while True:
                async for kind, manifest in self._lane.cluster.watch(self._jobs, self._name, seen):
                    seen = manifest["metadata"]["resourceVersion"]
                    self._gone = kind == "DELETED"
                    self._see(manifest)
                await asyncio.sleep(_GLANCE_SECONDS)
                found = await self._lane.cluster.get(self._path)
                self._gone = found is None
                if found:  # a kind that was just changed may not be told from an older version on
                    seen = found["metadata"]["resourceVersion"]
                    self._see(found)
                self._news.set()

        watching = asyncio.create_task(watch())
        try:
            yield
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    def _see(self, manifest: Manifest) -> None:
        self.record.versions.append(manifest)
        self._news.set()

    def _begin(self) -> None:
        log = self._lane.folder / f"{self._name}-{len(self.record.logs)}.log"
        self.record.logs.append(log)
        self._operator = self._lane.start_operator(self._cycle, self._api.url, log, slack=self._slack)

    async def _live(self) -> None:
        acts = list(self._cycle.acts)
        deadline = self._started + self._patience * self._slack
        while True:
            self._news.clear()
            if time.monotonic() > deadline:
                self.record.left = f"acts not done: {len(acts)}" if acts else "not ended"
                return
            self._restart_if_dead()
            if self.record.left:
                return
            if acts and not self._gone and acts[0].when(self.record.versions[-1]):
                self._acts_done += 1
                await self._lane.do(acts.pop(0), self._path)
            elif not acts and self._has_ended() and await self._settled():
                self.record.ended_at = self._clock()
                return
            try:
                async with asyncio.timeout(_GLANCE_SECONDS):
                    await self._news.wait()
            except TimeoutError:
                continue

    def _restart_if_dead(self) -> None:
        assert self._operator is not None
        status = self._operator.poll()
        if status is None:
            return
        self.record.exits.append(status)
        self.record.disturbed |= status != -signal.SIGKILL
        if len(self.record.exits) > _MOST_RESTARTS:
            self.record.left = "the operator does not stay alive"
            return
        self._dead = False
        if self._strike:
            self._strike.released.set()
        self._begin()

    def _has_ended(self) -> bool:
        ends = self._cycle.ends
        return self._gone if ends is None else not self._gone and ends(self.record.versions[-1])

    async def _settled(self) -> bool:
        """Nothing is owed any more: no task runs, the account follows no orphan and needs no finalizer."""
        if time.monotonic() < self._settle_at:
            return False
        self._settle_at = time.monotonic() + _SETTLE_SECONDS
        account = await self._lane.cluster.get(f"{ACCOUNTS}/{self._account}") or {}
        if account.get("status", {}).get("orphans") or (account["metadata"].get("finalizers")):
            return False
        return not any(_runs(task) for task in await self._tasks())

    async def _ledger(self) -> list[Manifest]:
        entries: list[Manifest] = (await self._lane.admin("GET", "/ledger"))["entries"]
        return entries

    async def _tasks(self) -> list[Manifest]:
        own = {each["result"]["TaskId"] for each in self._accepted(await self._ledger())}
        tasks: list[Manifest] = (await self._lane.admin("GET", "/tasks"))["tasks"]
        return [task for task in tasks if task["id"] in own]

    def _accepted(self, entries: list[Manifest]) -> list[Manifest]:
        direction = self._direction
        return [
            each
            for each in entries
            if each["action"] == direction.action and each["params"][direction.about] == self._about
        ]

    async def _collect(self) -> None:
        record, lane, direction = self.record, self._lane, self._direction
        record.last = None if self._gone else record.versions[-1]
        record.account = await lane.cluster.get(f"{ACCOUNTS}/{self._account}")
        entries = (await self._ledger())[self._ledger_before :]
        record.accepted = self._accepted(entries)
        record.deleted = direction.removed(entries, record.accepted)
        record.tasks = await self._tasks()
        state = await lane.admin("GET", "/state")
        record.made = direction.left(state, record.accepted)
        after = everything(state)
        record.touched = [name for name, was in self._before.items() if after.get(name) != was]
        await asyncio.gather(*self._glances)

    async def _end(self) -> None:
        assert self._operator is not None
        self._dead = True
        self._operator.signal(signal.SIGKILL)
        await asyncio.to_thread(self._operator.wait, 30)
        for strike in filter(None, (self._strike, self._silence)):
            strike.released.set()
        await asyncio.gather(*self._glances, return_exceptions=True)
        if self._failing:
            await self._failing
        await self._lane.clear(self._path, f"{ACCOUNTS}/{self._account}")

    def _clock(self) -> float:
        return time.monotonic() - self._started


def _runs(task: Manifest) -> bool:
    return task["status"] in ("Waiting", "Processing")

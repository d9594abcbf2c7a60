"""Long-running tasks: Waiting, then Processing with a rising percentage, then Finished, Failed or Deleted (= cancelled).

How far a task has come is computed from its stored start on the task clock, never from a timer, so it goes on over restarts.
A task is a number of steps; what a step does (write one disk into a bucket) belongs to the service that registered the work.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imageferry_emulator.clock import Clock
    from imageferry_emulator.state import Journal

LOG = logging.getLogger(__name__)
PARALLEL_STEPS = 2
"""Steps worked on at one time: a disk of many GiB may not hold up everybody else."""
NOTHING_DUE_SECONDS = 3600.0


class Status(StrEnum):
    """The task states of the vendor's documents that the emulator takes by itself."""

    WAITING = "Waiting"
    PROCESSING = "Processing"
    FINISHED = "Finished"
    FAILED = "Failed"
    DELETED = "Deleted"


class StepFailedError(Exception):
    """A step cannot be done; the task fails with this code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Task:
    """One task. `created` and `ended` are real seconds since 1970, `started` seconds of the task clock.

    `detail` is the service's own; `effects` are the faults that stick to this task, by name.
    """

    id: str
    action: str
    region: str
    account_id: str
    resource_id: str
    created: float
    started: float
    waiting_seconds: float
    seconds_per_step: float
    steps: int
    detail: dict[str, Any]
    effects: dict[str, dict[str, Any]]
    done: int = 0
    reads: int = 0
    resource_reads: int = 0
    outcome: Status | None = None
    ended: float | None = None
    error_code: str = ""
    error_message: str = ""

    @property
    def running(self) -> bool:
        """Whether the task has not ended."""
        return self.outcome is None

    def status(self, now: float) -> Status:
        """The state when the task clock shows `now`."""
        if self.outcome is not None:
            return self.outcome
        return Status.WAITING if now < self.started + self.waiting_seconds else Status.PROCESSING

    def percent(self, now: float) -> int:
        """Whole percent when the task clock shows `now`; 100 only once it has finished."""
        if self.outcome is Status.FINISHED:
            return 100
        worked = now - self.started - self.waiting_seconds
        total = self.steps * self.seconds_per_step
        reached = 99 if total <= 0 else int(100 * worked / total)
        return max(0, int(min(99, reached, self._failure_percent())))

    def step_percent(self, step: int, now: float) -> int:
        """Whole percent of one step (from 0) when the task clock shows `now`; 100 only once it is done."""
        if step < self.done or self.outcome is Status.FINISHED:
            return 100
        worked = now - self.started - self.waiting_seconds - step * self.seconds_per_step
        reached = 99 if self.seconds_per_step <= 0 else int(100 * worked / self.seconds_per_step)
        return max(0, min(99, reached))

    def step_due(self, step: int) -> float:
        """When, on the task clock, a step (from 0) is done."""
        return self.started + self.waiting_seconds + (step + 1) * self.seconds_per_step

    def due(self) -> float:
        """When, on the task clock, the next thing happens: a step is done or the scripted failure strikes."""
        begun = self.started + self.waiting_seconds
        failure = begun + self._failure_percent() / 100 * self.steps * self.seconds_per_step
        return min(self.step_due(self.done), failure)

    def fails_next(self) -> bool:
        """Whether the scripted failure strikes before the next step is done."""
        return self._failure_percent() / 100 * self.steps < self.done + 1

    def _failure_percent(self) -> float:
        scripted = self.effects.get("taskFails")
        return float("inf") if scripted is None else float(scripted.get("atPercent", 50))


class Work(Protocol):
    """What a service does for the tasks of one action."""

    def write(self, task: Task, step: int) -> None:
        """Do step n (from 0), in a thread; may block. Raises StepFailedError."""

    def remove(self, task: Task, step: int) -> None:
        """Take back what a step did; may block."""

    def ended(self, task: Task) -> None:
        """Draw the conclusions of the task's end, which is written down together with them; may not block."""


class Tasks:
    """All tasks, kept in the journal, and the worker that does their steps when these are due."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self._work: dict[str, Work] = {}
        self._tasks = {key: _load(stored) for key, stored in journal.table("tasks").items()}
        self._running = {task.id for task in self._tasks.values() if task.running}
        self._agenda = [(task.due(), task.id) for task in self.running()]
        heapq.heapify(self._agenda)
        self._changed = asyncio.Event()
        self._stepping: set[str] = set()
        self._slots = asyncio.Semaphore(PARALLEL_STEPS)

    def register(self, action: str, work: Work) -> None:
        """Name what does the work of an action's tasks."""
        self._work[action] = work

    def get(self, task_id: str) -> Task | None:
        """The task of that id, or None."""
        return self._tasks.get(task_id)

    def all(self) -> Iterator[Task]:
        """Every task that was ever started, newest first."""
        return reversed(self._tasks.values())

    def running(self) -> Iterator[Task]:
        """The tasks that have not ended."""
        return (self._tasks[task_id] for task_id in self._running)

    def start(self, task: Task) -> None:
        """Accept a new task."""
        self._running.add(task.id)
        self._put(task)
        self.wake()

    def end(self, task: Task, outcome: Status, *, code: str = "", message: str = "") -> Task:
        """End a running task."""
        ended = replace(task, outcome=outcome, ended=self._clock.real_seconds(), error_code=code, error_message=message)
        self._running.discard(task.id)
        with self._journal.together():
            self._put(ended)
            self._work[task.action].ended(ended)
        return ended

    def cancel(self, task: Task, *, keep_results: bool) -> None:
        """End a running task as Deleted; without `keep_results` the results of the steps done are taken back."""
        self.end(task, Status.DELETED)
        if not keep_results:
            for step in range(task.done):
                self._work[task.action].remove(task, step)

    def affect(self, task: Task, effects: dict[str, dict[str, Any]]) -> Task:
        """Let further faults stick to a task."""
        return self._put(replace(task, effects={**task.effects, **effects}))

    def look(self, task: Task) -> Task:
        """Count one read of the task: faults that last for some reads run out by it."""
        return self._put(replace(task, reads=task.reads + 1)) if task.effects else task

    def look_at_resource(self, task: Task) -> Task:
        """Count one read of what the task makes."""
        return self._put(replace(task, resource_reads=task.resource_reads + 1)) if task.effects else task

    def wake(self) -> None:
        """Have the worker look again at what is due: a task came, or the clock's speed changed."""
        self._changed.set()

    async def run(self) -> None:
        """Do steps as they fall due, until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                self._changed.clear()
                for task in self._take_due():
                    self._stepping.add(task.id)
                    group.create_task(self._step(task))
                wait = self._clock.wait_until(self._agenda[0][0]) if self._agenda else NOTHING_DUE_SECONDS
                try:
                    async with asyncio.timeout(wait):
                        await self._changed.wait()
                except TimeoutError:
                    continue

    def _take_due(self) -> Iterator[Task]:
        """The tasks with something to do now. An agenda entry that a later one has overtaken is passed over."""
        now = self._clock.task_seconds()
        while self._agenda and self._agenda[0][0] <= now:
            task = self._tasks[heapq.heappop(self._agenda)[1]]
            if task.running and task.id not in self._stepping and task.due() <= now:
                yield task

    async def _step(self, task: Task) -> None:
        try:
            if not self._strike(self._tasks[task.id]):
                async with self._slots:
                    await asyncio.to_thread(self._work[task.action].write, task, task.done)
                self._stepped(self._tasks[task.id])
        except StepFailedError as failed:
            self._fail(self._tasks[task.id], failed.code, str(failed))
        except Exception:
            LOG.exception("step %d of task %s broke", task.done, task.id)
            self._fail(self._tasks[task.id], "InternalError", "The task failed.")
        finally:
            self._stepping.discard(task.id)
            self.wake()

    def _strike(self, task: Task) -> bool:
        if not task.fails_next():
            return False
        scripted = task.effects["taskFails"]
        code = scripted.get("errorCode", "InternalError")
        self._fail(task, code, scripted.get("errorMessage", "The task failed."))
        return True

    def _fail(self, task: Task, code: str, message: str) -> None:
        if task.running:
            self.end(task, Status.FAILED, code=code, message=message)

    def _stepped(self, task: Task) -> None:
        if not task.running:  # cancelled meanwhile: what came too late is taken back
            self._work[task.action].remove(task, task.done)
            return
        task = replace(task, done=task.done + 1)
        if task.done < task.steps:
            self._put(task)
        else:
            self.end(task, Status.FINISHED)

    def _put(self, task: Task) -> Task:
        self._tasks[task.id] = task
        if task.running:
            heapq.heappush(self._agenda, (task.due(), task.id))
        self._journal.put("tasks", task.id, asdict(task))
        return task


def _load(stored: dict[str, Any]) -> Task:
    outcome = stored["outcome"]
    return Task(**{**stored, "outcome": Status(outcome) if outcome else None})

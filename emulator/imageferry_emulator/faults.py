"""Faults by name and gates: what a test scripts through the admin API to happen to requests.

A fault strikes a number of matching requests; a gate holds a request at a known point until it is released. This room knows
which faults there are, when each strikes and which one is next; `server.py` makes them happen on the wire, `tasks.py` on tasks.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Any

from imageferry_emulator.shapes import ShapeError, mapping


class Stage(Enum):
    """When a fault strikes."""

    ARRIVAL = "on arrival: the service never sees the request, or only later"
    TASK = "on the task that the request starts"
    ANSWER = "after the request was accepted"
    DELAY = "on arrival, and then the request goes on"
    LABEL = "on the headers of whatever is answered, be it an error"


STAGES = {
    "delay": Stage.DELAY,
    "dropBeforeAccept": Stage.ARRIVAL,
    "acceptedLate": Stage.ARRIVAL,
    "error500NotAccepted": Stage.ARRIVAL,
    "throttle": Stage.ARRIVAL,
    "htmlBody": Stage.ARRIVAL,
    "unknownCode": Stage.ARRIVAL,
    "expiredKey": Stage.ARRIVAL,
    "answerLost": Stage.ANSWER,
    "error500Accepted": Stage.ANSWER,
    "cutBody": Stage.ANSWER,
    "hugeBody": Stage.ANSWER,
    "successWithoutTaskID": Stage.ANSWER,
    "successWithoutImageID": Stage.ANSWER,
    "unknownState": Stage.TASK,
    "taskInvisible": Stage.TASK,
    "taskVanishes": Stage.TASK,
    "progressBackwards": Stage.TASK,
    "taskFails": Stage.TASK,
    "silentRawFallback": Stage.TASK,
    "objectMissing": Stage.TASK,
    "objectEmpty": Stage.TASK,
    "notCancellable": Stage.TASK,
    "tokenProcessing": Stage.TASK,
    "contentType": Stage.LABEL,
    "objectGrows": Stage.TASK,
    "imageInvisible": Stage.TASK,
    "unknownImageState": Stage.TASK,
}


CHARSET_TYPE = "application/json; charset=utf-8"
"""A type that one vendor's SDK does not take for JSON when it looks for errors."""


@dataclass(slots=True)
class Target:
    """Which requests are meant: an action (`ExportImage`, `OSS:HeadObject`, `*`) and parameters that must be equal."""

    action: str
    params: dict[str, str]

    def meets(self, action: str, params: dict[str, str]) -> bool:
        """Whether a request is meant."""
        return self.action in ("*", action) and all(params.get(name) == value for name, value in self.params.items())


@dataclass(slots=True)
class Fault:
    """A fault that still strikes `times` requests, after letting the next `skip` matching ones pass."""

    id: str
    name: str
    target: Target
    times: int
    skip: int
    options: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Script:
    """What is to happen to one request: at most one fault on arrival, one on the answer, any number on the task.

    `content_type` is what the answer is labelled as, '' as its service does.
    """

    delay_seconds: float = 0.0
    arrival: Fault | None = None
    answer: Fault | None = None
    content_type: str = ""
    effects: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """The names of all faults in it, for the book of requests."""
        struck = [fault.name for fault in (self.arrival, self.answer) if fault]
        struck += ["contentType"] if self.content_type else []
        return ["delay", *struck, *self.effects] if self.delay_seconds else [*struck, *self.effects]


class Position(StrEnum):
    """Where a gate holds a request."""

    BEFORE = "before"
    AFTER = "after"


@dataclass(slots=True)
class Gate:
    """Holds the next matching request `before` it is accepted or `after` it was, before it is answered."""

    id: str
    position: Position
    target: Target
    held: list[dict[str, Any]] = field(default_factory=list)
    passage: asyncio.Future[str] | None = None


class Faults:
    """All scripted faults and gates; they do not survive a restart."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._gates: list[Gate] = []
        self._given = 0
        self._moved = asyncio.Condition()

    def add(self, wish: dict[str, Any]) -> Fault:
        """Script {fault, action?, params?, times?, skip?, ...options}. Raises ValueError for an unknown fault or a wrong shape."""
        name = wish.get("fault")
        if name not in STAGES:
            raise ShapeError(f"unknown fault {name!r}; known are {', '.join(STAGES)}")
        options = {
            key: value for key, value in wish.items() if key not in ("fault", "action", "params", "times", "skip")
        }
        fault = Fault(
            id=self._next_id("fault"),
            name=str(name),
            target=_target(wish),
            times=int(wish.get("times", 1)),
            skip=int(wish.get("skip", 0)),
            options=options,
        )
        self._faults.append(fault)
        return fault

    def effect(self, wish: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """{fault, ...options} as an effect on a task. Raises ValueError unless the fault is one that sticks to tasks."""
        name = wish.get("fault")
        if not isinstance(name, str) or STAGES.get(name) is not Stage.TASK:
            raise ShapeError(f"{name!r} is no fault of a task")
        return {name: {key: value for key, value in wish.items() if key != "fault"}}

    def take(self, action: str, params: dict[str, str]) -> Script:
        """Use up the faults that strike this request."""
        delay, arrival, answer, content_type = 0.0, None, None, ""
        effects: dict[str, dict[str, Any]] = {}
        for fault in [fault for fault in self._faults if fault.target.meets(action, params)]:
            stage = STAGES[fault.name]
            unseen = arrival is not None and arrival.name != "acceptedLate"  # what never arrives starts no task
            if (
                (stage is Stage.ARRIVAL and (arrival or answer or effects))
                or (stage is Stage.ANSWER and (arrival or answer))
                or (stage is Stage.TASK and (unseen or fault.name in effects))
            ):
                continue
            if fault.skip:
                fault.skip -= 1
                continue
            self._use(fault)
            if stage is Stage.DELAY:
                delay += float(fault.options.get("seconds", 1))
            elif stage is Stage.LABEL:
                content_type = str(fault.options.get("value", CHARSET_TYPE))
            elif stage is Stage.ARRIVAL:
                arrival = fault
            elif stage is Stage.ANSWER:
                answer = fault
            else:
                effects[fault.name] = fault.options
        return Script(delay, arrival, answer, content_type, effects)

    def clear(self, fault_id: str | None) -> None:
        """Forget one fault, or all."""
        self._faults = [fault for fault in self._faults if fault_id and fault.id != fault_id]

    def faults(self) -> list[Fault]:
        """The faults still to strike."""
        return list(self._faults)

    def add_gate(self, wish: dict[str, Any]) -> Gate:
        """Set up {action?, params?, position}; it holds the first matching request. Raises ValueError for a wrong shape."""
        gate = Gate(id=self._next_id("gate"), position=Position(wish.get("position", "before")), target=_target(wish))
        self._gates.append(gate)
        return gate

    def gates(self) -> list[Gate]:
        """The gates that are set up, holding or not."""
        return list(self._gates)

    async def pass_gate(self, position: Position, action: str, params: dict[str, str], seen: dict[str, Any]) -> bool:
        """Wait at the first free gate that is meant for this request. False: the request is to be dropped here."""
        for gate in self._gates:
            if gate.position is position and not gate.held and gate.target.meets(action, params):
                gate.held.append(seen)
                gate.passage = asyncio.get_running_loop().create_future()
                await self._tell()
                return await gate.passage == "continue"
        return True

    async def release(self, gate_id: str | None, outcome: str) -> list[str]:
        """Open one gate or all: what they hold goes on (`continue`) or is dropped (`drop`). The ids of those opened."""
        opened = [gate for gate in self._gates if gate_id in (None, gate.id)]
        self._gates = [gate for gate in self._gates if gate not in opened]
        for gate in opened:
            if gate.passage and not gate.passage.done():
                gate.passage.set_result(outcome)
        await self._tell()
        return [gate.id for gate in opened]

    async def wait_held(self, gate_id: str | None, seconds: float) -> None:
        """Wait until a gate (that one, if named) holds a request, at most for `seconds`."""

        def holding() -> bool:
            return any(gate.held for gate in self._gates if gate_id in (None, gate.id))

        try:
            async with asyncio.timeout(seconds), self._moved:
                await self._moved.wait_for(holding)
        except TimeoutError:
            return

    async def _tell(self) -> None:
        async with self._moved:
            self._moved.notify_all()

    def _use(self, fault: Fault) -> None:
        fault.times -= 1
        if fault.times <= 0:
            self._faults.remove(fault)

    def _next_id(self, kind: str) -> str:
        self._given += 1
        return f"{kind}-{self._given}"


def _target(wish: dict[str, Any]) -> Target:
    params = mapping(wish.get("params", {}), "params")
    return Target(action=str(wish.get("action", "*")), params={name: str(value) for name, value in params.items()})

"""The judge of a run: the cloud's ledger, the API server's log and the run without faults against which it is held.

Every sentence of a verdict names the law that was broken. What a life cycle allows stands in its value.
"""

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from tests.crash.cluster import Manifest
from tests.crash.cycle import Output
from tests.crash.record import Heard, Record

WRITES_MORE: Final = 10
"""Writes to the object beyond those of the run without faults, for each process: a new one says again where it stands, and a
claim may be made anew."""

_KILLED: Final = -9
_LEASE_LOST: Final = "lease lost"
_TRACEBACK: Final = "Traceback (most recent call last)"


class Wrong(StrEnum):
    """What a run can be."""

    DOUBLED = "doubled"  # the cloud was made to work twice for one attempt, or once too often
    LOST = "lost"  # something in the cloud that nobody owns, or something missing that should be there
    STUCK = "stuck"  # it did not end in time
    BROKEN = "broken"  # a law of the protocol was broken, or the end is another than without faults


@dataclass(frozen=True, slots=True)
class Verdict:
    """One thing that was wrong with a run."""

    wrong: Wrong
    sentence: str


def judge(record: Record, reference: Record | None) -> list[Verdict]:
    """Everything that was wrong with a run; `reference` is the same life cycle without faults."""
    found = [
        *((Wrong.DOUBLED, each) for each in _doubled(record)),
        *((Wrong.LOST, each) for each in (*_lost(record), *_output(record))),
        *((Wrong.STUCK, each) for each in (record.left,) if each),
        *((Wrong.BROKEN, each) for each in (*_unlawful(record), *_let_go(record), *_logs(record))),
    ]
    if reference is not None and not record.left:
        found += [(Wrong.BROKEN, each) for each in _differs(record, reference)]
    return [Verdict(wrong, sentence) for wrong, sentence in found]


def _doubled(record: Record) -> list[str]:
    counts = Counter(each["params"][record.cycle.direction.mark] for each in record.accepted)
    twice = [f"S1: {number} submissions accepted for the attempt {key}" for key, number in counts.items() if number > 1]
    if len(record.accepted) > record.cycle.most:
        twice.append(f"S1: {len(record.accepted)} submissions accepted, {record.cycle.most} expected")
    return twice


def _lost(record: Record) -> list[str]:
    wrong = []
    if not record.left and len(record.accepted) < record.cycle.fewest:
        wrong.append(f"only {len(record.accepted)} submissions accepted, {record.cycle.fewest} expected")
    if any(task["status"] in ("Waiting", "Processing") for task in record.tasks):
        wrong.append("a task still runs at the end")
    if record.last and record.accepted and not record.left:
        status, latest = record.last.get("status", {}), record.accepted[-1]
        direction = record.cycle.direction
        owned = status.get("task", {}).get("id"), status.get("attempt", {}).get(direction.owned)
        if owned != (latest["result"]["TaskId"], latest["params"][direction.mark]):
            wrong.append(f"the latest task is {latest['result']['TaskId']}, the status names {owned[0]}")
    return wrong


def _output(record: Record) -> list[str]:
    if record.left:
        return []
    listed = record.cycle.direction.listed((record.last or {}).get("status", {}))
    match record.cycle.output:
        case Output.NONE if record.made:
            return [f"left behind: {record.made}"]
        case Output.KEPT if record.deleted:
            return [f"deleted what was to stay: {record.deleted}"]
        case Output.LISTED if listed != record.made:
            return [f"the status lists {listed}, there are {record.made}"]
        case _:
            return []


def _unlawful(record: Record) -> list[str]:
    wrong = [f"S5: submitted under {mark} without an acknowledged claim" for mark in record.unclaimed]
    wrong += [f"touched what is no output of its own: {name}" for name in record.touched]
    patches = [each for each in record.heard if each.passage.request.method == "PATCH"]
    return wrong + [f"S5: {each.point} is not guarded" for each in patches if not _guarded(each)]


def _guarded(heard: Heard) -> bool:
    body = heard.passage.request.body
    tested = {op["path"] for op in body if op["op"] == "test" and op.get("value")} if isinstance(body, list) else set()
    return {"/metadata/uid", "/metadata/resourceVersion"} <= tested


def _let_go(record: Record) -> list[str]:
    if record.cycle.leaves_task:
        return []
    return [
        f"S8: the finalizer left while {', '.join(sorted(each.running - each.orphans))} ran"
        for each in record.let_go
        if each.running - each.orphans
    ]


def _logs(record: Record) -> list[str]:
    """A process may be killed, or end because it lost its Lease; a traceback is a mistake of the program."""
    wrong = []
    for number, log in enumerate(record.logs):
        text = log.read_text(encoding="utf-8", errors="replace")
        if _TRACEBACK in text:
            wrong.append(f"a traceback in {log}")
        status = record.exits[number] if number < len(record.exits) else _KILLED
        if status != _KILLED and _LEASE_LOST not in text:
            wrong.append(f"process {number} ended by itself with status {status}: {log}")
    return wrong


def _differs(record: Record, reference: Record) -> list[str]:
    wrong = []
    ended, expected = end_state(record), end_state(reference)
    if ended != expected:
        wrong.append(f"the end is {ended}, without faults {expected}")
    written, usual = writes(record), writes(reference)
    if written > usual + WRITES_MORE * max(1, len(record.exits)):
        wrong.append(f"{written} writes to the object, without faults {usual}")
    return wrong


def writes(record: Record) -> int:
    """Accepted writes of the operator to the object."""
    return sum(
        1
        for each in record.heard
        if each.point.name.startswith(("status/", "finalizer/")) and each.passage.status == 200
    )


def end_state(record: Record) -> Any:  # noqa: ANN401 -- a value to compare
    """The end without what no two runs share: times, ids, keys, and how many numbers the attempts took."""
    account = _conditions(record.account or {})
    if record.last is None:
        return {"account": account}
    status = record.last.get("status", {})
    error = status.get("lastError", {}).get("reason")
    return {
        "account": account,
        "finalizers": record.last["metadata"].get("finalizers", []),
        "conditions": _conditions(record.last),
        "failures": status.get("attempt", {}).get("failures"),
        "error": error,
        # How far a task had come when it was ended is a matter of timing.
        "percent": None if error else status.get("progress", {}).get("percent"),
        "state": None if error else status.get("task", {}).get("state"),
        "output": record.cycle.direction.shape(status),
    }


def _conditions(manifest: Manifest) -> list[tuple[str, str, str]]:
    return sorted(
        (each["type"], each["status"], each["reason"]) for each in manifest.get("status", {}).get("conditions", ())
    )

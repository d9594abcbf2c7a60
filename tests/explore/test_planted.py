"""Mistakes planted in the protocol, one at a time: the search finds each, or it could not be believed when it finds none.

The ids name the promise that a mistake breaks. Each story is the shortest one; `pytest -s` prints it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from imageferry.core import decide, keys, transition
from imageferry.core.job import DeletionPolicy
from imageferry.core.journal import Journal
from imageferry.core.memory import Memory
from imageferry.core.observation import Absent, Candidate
from imageferry.core.reasons import Reason
from imageferry.core.situation import Situation
from imageferry.core.step import Close, Release, Reopen, Unguard, Wait
from tests.explore import acts, cloud, replica, writes
from tests.explore.cloud import Answer
from tests.explore.model import Setting, TaskState, at, changed
from tests.explore.search import explore
from tests.explore.troubles import Fault, Wish

TWO_FAULTS = Setting("exports", faults=2, wish_count=0)
Plant = Callable[[pytest.MonkeyPatch], None]


@dataclass(frozen=True)
class Mistake:
    """What is done wrong, and where the search is to look for it."""

    plant: Plant
    setting: Setting = TWO_FAULTS


def _asks(*wishes: str, faults: int = 1, **more: Any) -> Setting:  # noqa: ANN401 -- fields of Setting
    return Setting("exports", faults=faults, wish_count=1, wishes=wishes, **more)


def _property(name: str, value: Callable[[Situation], Any]) -> Plant:
    return lambda patch: patch.setattr(Situation, name, property(value))


def _method(owner: type | object, name: str, value: Any) -> Plant:  # noqa: ANN401 -- any function
    return lambda patch: patch.setattr(owner, name, value)


def _row(group: str, first_words: str, **changes: Any) -> Plant:  # noqa: ANN401 -- fields of Row
    """The mistake of one row of a table: another answer, or never asked."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        table = getattr(decide, group)
        rows = tuple(replace(row, **changes) if row.facts.startswith(first_words) else row for row in table.rows)
        assert rows != table.rows
        patch.setattr(decide, group, replace(table, rows=rows))

    return plant


def _both(*plants: Plant) -> Plant:
    def plant(patch: pytest.MonkeyPatch) -> None:
        for each in plants:
            each(patch)

    return plant


def _never(_: Situation) -> bool:
    return False


def _blind(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 -- as cloud.find
    seen = _FIND(*args, **kwargs)
    return Absent(seen.cloud_time) if isinstance(seen, Candidate) else seen


_FIND = cloud.find


def _refused_when_unheard(world: Any, index: int) -> Any:  # noqa: ANN401 -- as acts.unheard
    return acts._refused(world, index, lasting=False)


def _sent_again_when_unheard(world: Any, index: int) -> Any:  # noqa: ANN401 -- as acts.unheard
    return replica.remember(world, index, lambda memory: memory.take_back())


def _claimed_unwritten(world: Any, index: int, journal: Journal, _: Any) -> Any:  # noqa: ANN401 -- as writes.write_claim
    seen = changed(world.processes[index].seen, journal=journal)
    return replica.remember(world.process(index, seen=seen), index, lambda memory: memory.claim(at=world.tick * 300.0))


def _claimed_unheard(world: Any, index: int, journal: Journal, trouble: Any) -> Any:  # noqa: ANN401 -- as writes.write_claim
    life, after = world.processes[index].life, _WRITE_CLAIM(world, index, journal, trouble)
    process = after.processes[index]
    held = process.life != life or process.seen is None or process.seen.journal.claim == journal.claim
    return after if held else _claimed_unwritten(after, index, journal, trouble)


_WRITE_CLAIM = writes.write_claim


def _taken_for_ours(world: Any, setting: Setting, request: Any, **lag: int) -> Any:  # noqa: ANN401 -- as cloud.submit
    after, answer, task = _SUBMIT(world, setting, request, **lag)
    running = next((each for each in after.cloud.tasks if each.state is TaskState.RUNNING), None)
    return (after, Answer.ACCEPTED, running) if answer is Answer.BUSY else (after, answer, task)


_SUBMIT = cloud.submit


def _costly_refusal(journal: Journal, refusal: Any, error: Any) -> Journal:  # noqa: ANN401 -- as transition.refused
    return replace(transition.closed(journal, costs_attempt=True), last_refusal=refusal, last_error=error)


MISTAKES = {
    "S5 a claim is withdrawn only if no request of it has left: a repeat that never left is taken for the first": Mistake(
        _method(Memory, "take_back", lambda memory: setattr(memory, "unsent", True)),
        Setting(
            "a client token",
            has_token=True,
            faults=2,
            strikes=(Fault.LATE, Fault.UNSENT),
            wish_count=1,
            wishes=(Wish.CANCEL,),
        ),
    ),
    "nothing is sent whose claim was not written": Mistake(
        _method(writes, "write_claim", _claimed_unwritten), Setting("exports", faults=0, wish_count=0)
    ),
    "a claim counts only once the server is seen to hold it": Mistake(
        _method(writes, "write_claim", _claimed_unheard), Setting("exports", faults=1, wish_count=0)
    ),
    "a task that keeps our image busy is not taken for ours": Mistake(
        _both(_method(cloud, "submit", _taken_for_ours), _method(replica, "_busy", lambda *_: None)),
        Setting("somebody else exports the image", faults=0, wish_count=0, foreign_task=True),
    ),
    "the finalizer is there before the claim": Mistake(
        _row("IDLE", "no finalizer yet", when=_never), _asks("delete", faults=0, policy=DeletionPolicy.DELETE)
    ),
    "a finished object that is deleted goes": Mistake(
        _row("FINISHED", "deleting", then=lambda _: Wait(Reason.WAITING, "for ever")), _asks("delete", faults=0)
    ),
    "the window of a lost answer is waited for": Mistake(_property("window_open", lambda s: False)),
    "the window is judged by the cloud's clock": Mistake(
        _property("window_open", lambda s: s.facts.now <= s.claim.claimed_at + 4 * (at(1) - at(0))),
        Setting("a standby whose clock runs ahead", skews=(0, 3), wish_count=0),
    ),
    "a request is signed with the claim's time": Mistake(_method(acts, "signed", lambda world, _: world.tick)),
    "a lost answer is no failure": Mistake(_method(acts, "unheard", _refused_when_unheard)),
    "a lost answer is no reason to send again": Mistake(
        _both(_method(acts, "unheard", _sent_again_when_unheard), _property("withdraws", lambda s: False)),
        Setting("exports", wish_count=0, items_while_running=True),
    ),
    "a task that cannot be told yet is not taken for none": Mistake(_method(cloud, "find", _blind)),
    "a lost journal is looked for under every key": Mistake(
        _property("numbers_to_find", lambda s: range(s.journal.number, s.journal.number + 1)), _asks("wipe")
    ),
    "a wiped status is noticed": Mistake(_property("lost", lambda s: False), _asks("wipe", faults=0)),
    "a finalizer put on by this process proves nothing after its claim": Mistake(
        _both(_method(Memory, "begin_claim", lambda self: None), _row("IDLE", "lost and bound", when=_never)),
        _asks("wipe", faults=0),
    ),
    "another owner's empty answer proves nothing": Mistake(
        _both(_property("foreign_owner", lambda s: False), _method(acts, "owns", lambda *_: True)), _asks("rotate")
    ),
    "a claim is withdrawn only if its request never left": Mistake(
        _method(Memory, "send", lambda self, *, at: None), _asks("delete")
    ),
    "an object applied again is another object": Mistake(
        _both(
            _method(keys, "attempt_key", lambda uid, number: f"k{number}"),
            _method(acts, "attempt_key", lambda uid, number: f"k{number}"),
        ),
        Setting("exports", faults=1, wish_count=2, wishes=("delete", "recreate", "wipe"), items_while_running=True),
    ),
    "nothing is sent that the lease does not outlive": Mistake(
        _row("UNSENT", "the leader's lease", when=lambda _: True), Setting("exports", faults=1, wish_count=0)
    ),
    "a file that is listed late is waited for": Mistake(
        _property("file_may_come", lambda s: False), Setting("exports", faults=1, wish_count=0)
    ),
    "the finalizer stays until the task has ended": Mistake(
        _row("TASK", "deleting and bound", when=lambda s: s.job.deleting, then=lambda _: Release(orphan=False)),
        _asks("delete", faults=0),
    ),
    "the finalizer stays while a submission may be accepted": Mistake(
        _row("CLAIM", "deleting and bound", when=lambda s: s.job.deleting, then=lambda _: Release(orphan=False)),
        _asks("delete"),
    ),
    "a deletion ends": Mistake(
        _row("IDLE", "deleting", then=lambda _: Wait(Reason.WAITING, "for ever")), _asks("delete", faults=0)
    ),
    "what is left behind is recorded": Mistake(
        _both(
            _row("TASK", "deleting and bound", then=lambda _: Release(orphan=False)),
            _property("bound_passed", lambda s: s.job.deleting),
        ),
        _asks("delete", faults=0),
    ),
    "the files go with the object under Delete": Mistake(
        _both(
            _row("FINISHED", "deleting, policy Delete", when=_never),
            _row("FINISHED", "deleting", then=lambda _: Release(orphan=False)),
        ),
        _asks("delete", faults=0, policy=DeletionPolicy.DELETE),
    ),
    "a refusal for a quota costs no attempt": Mistake(
        _method(transition, "refused", _costly_refusal), Setting("exports", faults=1, wish_count=0)
    ),
    "an attempt that was dealt with is not found again": Mistake(
        _property("numbers_closed", lambda s: range(0)),
        Setting("exports", faults=2, wish_count=0),
    ),
    "no attempt is made beyond the limit": Mistake(
        _both(_property("may_fail_again", lambda s: True), _property("exhausted", lambda s: False)),
    ),
    "a look made before a claim is not believed after it": Mistake(
        _both(
            _method(Memory, "forget_looks", lambda self: None),
            _method(Memory, "turn_page", lambda self, before, after: None),
        ),
        Setting("exports", faults=1, wish_count=0),
    ),
    "a write lands only on the version it was made for": Mistake(
        _method(writes, "guarded", lambda thing, seen: thing.uid == seen.uid), _asks("delete", "cancel", "wipe")
    ),
    "a finished object's finalizer leaves": Mistake(
        _row("FINISHED", "a finalizer and nothing", when=lambda s: s.job.guarded, then=lambda _: Unguard()),
        _asks("delete", faults=0, policy=DeletionPolicy.DELETE),
    ),
    "an unknown outcome is never sent again under Fail": Mistake(
        _row("CLAIM", "Unprovable", then=lambda s: Close(Reason.OUTCOME_UNKNOWN, "", costs_attempt=False)),
        Setting("a cloud that cannot prove", provable=False, can_cancel=False, wish_count=0),
    ),
    "a job that finished well is not opened again": Mistake(
        _row("FINISHED", "finished badly", when=lambda s: s.retry_requested, then=lambda _: Reopen()),
        _asks("retry", faults=0),
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_a_planted_mistake_is_found(mistake: Mistake, monkeypatch: pytest.MonkeyPatch) -> None:
    """The search tells a story that breaks a law, or of a state without an end."""
    mistake.plant(monkeypatch)
    result = explore(mistake.setting, most_states=400_000)
    assert result.broken or result.stuck
    print(f"\n{result.broken or result.stuck}")  # noqa: T201 -- the story is for whoever asks


def test_the_search_is_no_sceptic() -> None:
    """With nothing planted the quick ones of these settings break no law: what is found above is the mistakes' doing."""
    for setting in {mistake.setting for mistake in MISTAKES.values() if not mistake.setting.faults}:
        result = explore(setting)
        assert not result.broken, result.broken
        assert not result.stuck, result.stuck

"""What a person does: to the object, to what stands around it, and to what is the operator's own.

A status that a person writes is read as the operator reads any status: through core/status.py.
"""

from collections.abc import Iterator

from imageferry.core import status
from imageferry.core.job import DeletionPolicy, Kind, UnknownOutcome
from imageferry.core.journal import Attempt, Claim, Journal
from imageferry.core.keys import mark
from imageferry.core.observation import Task
from tests.explore import replica
from tests.explore.begin import STRANGER
from tests.explore.directions import left, resolved
from tests.explore.laws import excused
from tests.explore.model import Setting, Thing, World, at, changed, spec_of
from tests.explore.troubles import Wish
from tests.explore.writes import SAID

OTHER_POLICY = {
    DeletionPolicy.RETAIN: DeletionPolicy.DELETE,
    DeletionPolicy.DELETE: DeletionPolicy.ORPHAN,
    DeletionPolicy.ORPHAN: DeletionPolicy.RETAIN,
}


def wishes(world: World, setting: Setting) -> Iterator[tuple[Wish, World]]:
    """Each wish of the setting that means something now, and the world after it."""
    left = changed(world, wishes=world.wishes - 1)
    for name in setting.wishes:
        wish = Wish(name)
        after = _around(left, wish) if wish in _AROUND else _on_object(left, setting, wish)
        if after is not None:
            yield wish, after


_AROUND = (Wish.ROTATE, Wish.SECRET, Wish.GRANT)


def _around(world: World, wish: Wish) -> World:
    match wish:
        case Wish.ROTATE:
            return awake(changed(world, owner="Y" if world.owner == "X" else "X"))
        case Wish.SECRET:
            return awake(changed(world, away=not world.away))
        case _:
            return awake(changed(world, barred=not world.barred))


def awake(world: World) -> World:
    """The poller's news, an account's, or the time of a recheck: whoever leads looks again."""
    for index in range(len(world.processes)):
        world = world.process(index, idle=False)
    return world


def _on_object(world: World, setting: Setting, wish: Wish) -> World | None:
    thing = world.thing
    if thing is None:
        if wish is not Wish.RECREATE:
            return None
        new = Thing(f"u{world.uids + 1}", 1, world.tick, Journal(), spec_of(setting))
        return edited(changed(world, uids=world.uids + 1), new)
    match wish:
        case Wish.RECREATE:
            return None
        case Wish.DELETE:
            if thing.deleting:
                return None
            return edited(world, changed(thing, deleting=True) if thing.guarded else None)
        case Wish.CANCEL:
            return None if thing.cancel_request else edited(world, changed(thing, cancel_request="c1"))
        case Wish.RETRY:
            more = changed(world, allowed=world.allowed + 1)
            return None if thing.retry_request else edited(more, changed(thing, retry_request="r1"))
        case Wish.WIPE | Wish.COPY | Wish.FORGE | Wish.UNGUARD:
            return _meddled(world, setting, thing, wish)
        case _:
            return _specified(world, thing, wish)


def _specified(world: World, thing: Thing, wish: Wish) -> World:
    """An edit of the spec. The fields that say what is exported are locked while the status holds a key (crds/)."""
    old = thing.spec
    new = changed(old, generation=min(old.generation + 1, 2))
    match wish:
        case Wish.SUSPEND:
            new = changed(new, suspend=not old.suspend)
        case Wish.POLICY:
            new = changed(new, policy=OTHER_POLICY[old.policy])
        case Wish.LIMIT:
            new = changed(new, limit=0)
        case Wish.DEADLINE:
            new = changed(new, deadline=1)
        case _:
            retry = old.unknown_outcome is UnknownOutcome.FAIL
            new = changed(new, unknown_outcome=UnknownOutcome.RETRY if retry else UnknownOutcome.FAIL)
            world = changed(world, allowed=world.allowed + retry)
    return edited(world, changed(thing, spec=new))


def _meddled(world: World, setting: Setting, thing: Thing, wish: Wish) -> World | None:
    if excused(thing) and not setting.provable:
        # It said itself that a task may run that nobody can see; whoever wipes that out has it begin anew.
        world = changed(world, allowed=world.allowed + 1)
    if wish is Wish.WIPE and not thing.guarded and world.tick == thing.born:
        # To a process that comes later, an object that lost everything while it was young reads as a new one (settings.py, lost_journal_age_seconds).
        world = changed(world, allowed=world.allowed + 1)
    match wish:
        case Wish.UNGUARD:
            return edited(changed(world, meddled=True), changed(thing, guarded=False)) if thing.guarded else None
        case Wish.WIPE:
            told: Journal = Journal()
        case Wish.COPY:
            told = _as_read(_journal_of("u9", 1, setting.kind, world.tick, ended=True), thing)
        case _:
            number = max(1, thing.journal.number)
            told = _as_read(_journal_of(thing.uid, number, setting.kind, world.tick, ended=False), thing)
            world = changed(world, meddled=True)
    return None if told == thing.journal else edited(world, changed(thing, journal=told))


def _as_read(told: Journal, thing: Thing) -> Journal:
    return status.read(status.write(told), thing.uid, thing.spec.kind)


def _journal_of(uid: str, number: int, kind: Kind, tick: int, *, ended: bool) -> Journal:
    """A journal that names the stranger's task as that of an attempt of `uid`, and lists what is somebody else's."""
    own = mark(uid, number, "p")
    claim = Claim(key=own.key, object_prefix=own.object_prefix, account_id="X", claimed_at=at(tick), claimed_by="C0")
    return Journal(
        attempt=Attempt(number=number, failures=0, claim=claim),
        resolved=resolved(kind),
        task=Task(id="t0", key=own.key, object_prefix=own.object_prefix, started_at=at(tick)),
        artifacts=left(kind, [f"{STRANGER}_file"]),
        start_at=at(tick),
        completion_at=at(tick) if ended else None,
        conditions=SAID,
    )


def edited(world: World, thing: Thing | None) -> World:
    """The object after a person's edit, and everybody who listens hears of it."""
    newer = changed(thing, version=(world.thing.version if world.thing else 0) + 1) if thing else None
    return replica.deliver(changed(world, thing=newer))

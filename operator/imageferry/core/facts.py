"""What is known at the moment of a decision, beside job and journal. core/situation.py reads it.

Part of it is the process's own memory of the job, part comes from its surroundings: account, lane, lease, clocks.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from imageferry.core.artifacts import Artifacts
from imageferry.core.errors import Refusal
from imageferry.core.journal import Journal
from imageferry.core.memory import Memory
from imageferry.core.observation import Observation
from imageferry.core.resolved import Checked


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """The times a decision depends on, in seconds; the operator's settings say where each comes from."""

    window_seconds: float
    """From the claim until no copy of its request can be accepted: signature life plus margin, on the cloud's clock."""
    send_seconds: float
    """How old an unsent claim may be to be sent still: a third of the signature's life."""
    read_lag_seconds: float
    """How long the cloud's reads may lag behind its writes."""
    look_again_seconds: float
    hold_recheck_seconds: float
    young_object_seconds: float
    """Until this age what may simply not be there yet is awaited and not called stalled."""
    cancelled_bound_seconds: float
    away_bound_seconds: float
    claim_extra_seconds: float
    no_date_bound_seconds: float
    clock_agreement_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything outside job and journal. A Refusal says no with reason and message; None says nothing against it."""

    now: datetime
    """The local wall clock, for what is shown and for deadlines; never for the window of a claim."""
    clock_agrees: bool
    """The cloud's last Date and the local clock lay within a minute, and the local clock has not jumped since."""
    observation: Observation
    collected: Artifacts | None
    """What lies under the attempt's key, once it was listed since the task's end was seen."""
    owner: str
    """The account id behind the credentials at hand; empty while they cannot be had."""
    away: Refusal | None
    """Account or credentials cannot be had."""
    barred: Refusal | None
    """A grant is missing."""
    refused: Refusal | None
    """The spec, or the remembered refusal of the last submission."""
    checked: Checked | None
    """Preflight's answer; None while it was not asked."""
    turn: Refusal | None
    """Why it is not this job's turn in its lane (busy image, no slot, closed lane)."""
    unsent: bool
    """This process made the claim and has not handed its request to the wire."""
    fenced: bool
    """The leader's lease outlives the call's deadline plus its margin."""
    repeat_due: bool
    """Enough time passed since the claim's request was last sent to send it again."""
    claim_age_seconds: float
    """Since this process wrote the claim, on its monotonic clock."""
    cancel_due: bool
    cancel_acknowledged: bool
    absent_since: datetime | None
    """The cloud's time of the first of the consecutive looks that found nothing that lives or ended well."""
    wiped: bool
    """The status lost what it held: an attempt that was known, or, when first seen two minutes old, every condition."""
    guarded_here: bool
    """This process put the finalizer on and has written no claim since: the finalizer tells of no lost journal."""
    deleting_seconds: float
    """Since the acting leader first saw the deletion, on its monotonic clock."""
    deletion_tried: bool
    """At least one attempt at the step was made since then."""
    cloud_away: bool
    """The last call for this job got no answer from the cloud."""
    can_cancel: bool
    has_token: bool
    bounds: Bounds


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the engine has to ask others for; the meanings are those of Facts."""

    now: datetime
    monotonic: float
    identity: str
    owner: str
    away: Refusal | None
    barred: Refusal | None
    refused: Refusal | None
    checked: Checked | None
    turn: Refusal | None
    fenced: bool
    can_cancel: bool
    has_token: bool
    bounds: Bounds


def facts_of(journal: Journal, memory: Memory, around: Surroundings) -> Facts:
    """The facts for one decision."""
    claim, deleting_since = journal.claim, memory.deletion_seen_at
    return Facts(
        now=around.now,
        clock_agrees=_clock_agrees(memory, around),
        observation=memory.observation,
        collected=memory.collected,
        owner=around.owner,
        away=around.away,
        barred=around.barred,
        refused=around.refused,
        checked=around.checked,
        turn=around.turn,
        unsent=memory.unsent and claim is not None and claim.claimed_by == around.identity,
        fenced=around.fenced,
        repeat_due=_repeat_due(memory, around.monotonic),
        claim_age_seconds=around.monotonic - memory.claimed_at,
        cancel_due=_cancel_due(memory, around.monotonic),
        cancel_acknowledged=memory.cancels > 0,
        absent_since=memory.absent_since,
        wiped=memory.wiped,
        guarded_here=memory.guarded_here,
        deleting_seconds=0.0 if deleting_since is None else around.monotonic - deleting_since,
        deletion_tried=memory.deletion_tried,
        cloud_away=memory.cloud_away,
        can_cancel=around.can_cancel,
        has_token=around.has_token,
        bounds=around.bounds,
    )


def _clock_agrees(memory: Memory, around: Surroundings) -> bool:
    """The local clock agreed with the cloud's when that was last seen, and has not jumped since."""
    jumped = abs(around.now.timestamp() - around.monotonic - memory.clock_offset_seconds)
    return max(memory.clocks_apart_seconds, jumped) < around.bounds.clock_agreement_seconds


_FIRST_PAUSE_SECONDS: Final = 5.0
_LONGEST_PAUSE_SECONDS: Final = 60.0


def _cancel_due(memory: Memory, monotonic: float) -> bool:
    """At once, and after each request that was taken later: a cloud may lose one."""
    return _due(memory.cancel_asked_at, memory.cancels, monotonic)


def _repeat_due(memory: Memory, monotonic: float) -> bool:
    """At once where this process never sent the claim's request, and then with growing pauses."""
    return _due(memory.sent_at, memory.sends, monotonic)


def _due(last_at: float | None, times: int, monotonic: float) -> bool:
    pause = min(_FIRST_PAUSE_SECONDS * 2.0 ** min(times, 16), _LONGEST_PAUSE_SECONDS)
    return last_at is None or monotonic - last_at >= pause

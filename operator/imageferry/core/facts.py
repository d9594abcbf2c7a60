"""What is known at the moment of a decision, beside job and journal. The engine gathers it; core/situation.py reads it."""

from dataclasses import dataclass
from datetime import datetime

from imageferry.core.artifacts import Artifacts
from imageferry.core.errors import Refusal
from imageferry.core.journal import Resolved
from imageferry.core.observation import Observation


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything outside job and journal. A Refusal says no with reason and message; None says nothing against it."""

    now: datetime
    """The local wall clock, for what is shown and for deadlines; never for the window of a claim."""
    clock_agrees: bool
    """The cloud's last Date and the local clock lie within a minute."""
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
    checked: Resolved | Refusal | None
    """Preflight's answer; None while it was not asked."""
    turn: Refusal | None
    """Why it is not this job's turn in its lane (busy image, no slot, closed lane)."""
    unsent: bool
    """This process made the claim and has not handed its request to the wire."""
    fenced: bool
    """The leader's lease outlives the call's deadline plus its margin."""
    claim_age_seconds: float
    """Since this process wrote the claim, on its monotonic clock."""
    cancel_due: bool
    cancel_acknowledged: bool
    absent_since: datetime | None
    """The cloud's time of the first of the consecutive looks that found nothing."""
    born_silent: bool
    """The object was older than two minutes when first seen, and its status had no conditions."""
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

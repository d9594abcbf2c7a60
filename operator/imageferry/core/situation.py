"""Job, journal and facts side by side, answering in the words of the decision tables."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from imageferry.core.artifacts import Artifacts
from imageferry.core.errors import Refusal
from imageferry.core.facts import Bounds, Facts
from imageferry.core.job import DeletionPolicy, Job, UnknownOutcome
from imageferry.core.journal import Claim, Journal
from imageferry.core.keys import LOST_NUMBERING, SEARCHED_NUMBERS
from imageferry.core.observation import (
    Absent,
    Cancelled,
    Candidate,
    Failed,
    NotLooked,
    Ours,
    Running,
    Succeeded,
    Unprovable,
)
from imageferry.core.reasons import Reason


@dataclass(frozen=True, slots=True)
class Situation:
    """Job, journal and facts, and what they mean."""

    job: Job
    journal: Journal
    facts: Facts

    @property
    def bounds(self) -> Bounds:
        """The times that apply."""
        return self.facts.bounds

    # Wishes

    @property
    def orphaning(self) -> bool:
        """The object is being deleted, and its task and files are to be left alone."""
        return self.job.deleting and self.job.policy.deletion_policy is DeletionPolicy.ORPHAN

    @property
    def deletes_files(self) -> bool:
        """The policy removes the files with the object, and there are some."""
        return self.job.policy.deletion_policy is DeletionPolicy.DELETE and bool(self.journal.artifacts)

    @property
    def cancel_requested(self) -> bool:
        """A cancel request that no end has answered yet."""
        return self.job.cancel_request not in ("", self.journal.handled_cancel)

    @property
    def retry_requested(self) -> bool:
        """A retry request that was not acted upon yet."""
        return self.job.retry_request not in ("", self.journal.handled_retry)

    @property
    def deadline_passed(self) -> bool:
        """The active deadline passed, by a clock that the cloud confirms."""
        deadline = self.journal.deadline(self.job.policy.active_deadline_seconds)
        return deadline is not None and self.facts.clock_agrees and self.facts.now > deadline

    @property
    def stop(self) -> bool:
        """Nothing new is wanted."""
        return self.cancel_requested or self.deadline_passed or self.job.deleting

    # The journal

    @property
    def claim(self) -> Claim:
        """The open claim, in the states that have one."""
        claim = self.journal.claim
        if claim is None:
            raise AssertionError("a state with a claim was asked of a journal without one")
        return claim

    @property
    def lost(self) -> bool:
        """The journal was lost: no attempt is recorded where one may have been made."""
        suspicious = self.may_have_claimed or self.facts.wiped or self.journal.doubtful
        return self.journal.attempt is None and suspicious

    @property
    def may_have_claimed(self) -> bool:
        """Our finalizer was there before this process: Guard precedes every claim, so without it none is open."""
        return self.job.guarded and not self.facts.guarded_here

    @property
    def unresolved(self) -> bool:
        """A retry was requested after an end that left it open whether a task lives: look before claiming."""
        error = self.journal.last_error
        return (
            error is not None
            and error.reason in (Reason.OUTCOME_UNKNOWN, Reason.TASK_LOST)
            and self.journal.attempt is not None
        )

    @property
    def last_number(self) -> int:
        """The highest number that an attempt may bear whose task lives: a key stands for one task, whatever was forgotten.

        Only an empty look that proves something lets a lost journal begin with 1 again.
        """
        return LOST_NUMBERING if self.lost and (self.may_have_claimed or self.sees(Unprovable)) else self.journal.number

    @property
    def numbers_to_find(self) -> range:
        """The attempts whose marks a look searches for."""
        if self.journal.attempt is None:
            return SEARCHED_NUMBERS
        return range(self._first_number, self.journal.number + 1)

    @property
    def numbers_closed(self) -> range:
        """Those among them that the journal has closed; the latest is always open to question."""
        return range(self._first_number, self.journal.number)

    @property
    def _first_number(self) -> int:
        """No task of so many attempts ago lives; a forged number must not make an endless search."""
        return max(1, self.journal.number + 1 - len(SEARCHED_NUMBERS))

    @property
    def may_fail_again(self) -> bool:
        """A further failure may be followed by another attempt."""
        return self.journal.failures < self.job.policy.backoff_limit

    @property
    def exhausted(self) -> bool:
        """More attempts failed than the limit allows (it may have been lowered since)."""
        return self.journal.failures > self.job.policy.backoff_limit

    # The cloud

    @property
    def not_looked(self) -> bool:
        """There is no observation that counts."""
        return isinstance(self.facts.observation, NotLooked)

    @property
    def found(self) -> Ours | None:
        """A task of ours that was seen."""
        seen = self.facts.observation
        return None if isinstance(seen, NotLooked | Absent | Candidate | Unprovable) else seen

    @property
    def found_for_claim(self) -> Ours | None:
        """A task of ours that settles the open claim: the claim's own, or another once the claim's can no longer come."""
        found = self.found
        return found if found and (found.task.key == self.claim.key or not self.window_open) else None

    @property
    def found_while_idle(self) -> Ours | None:
        """A task of ours to follow: one that lives or ended well, or, where the journal was lost and no other can come, any."""
        found = self.found
        settled = self.lost and not self.may_be_in_flight
        return found if settled or isinstance(found, Running | Succeeded) else None

    @property
    def may_be_in_flight(self) -> bool:
        """The journal was lost, and its latest claim may still be accepted: no whole window has passed since the first look."""
        since, seen = self.facts.absent_since, self.cloud_time
        window = timedelta(seconds=self.bounds.window_seconds)
        waited = since is not None and seen is not None and seen - since >= window
        return self.lost and self.may_have_claimed and not waited

    @property
    def foreign_owner(self) -> bool:
        """The credentials belong to another account than the claim was made with."""
        return self.facts.owner not in ("", self.claim.account_id)

    @property
    def cloud_time(self) -> datetime | None:
        """The cloud's clock at the latest observation."""
        seen = self.facts.observation
        return None if isinstance(seen, NotLooked) else seen.cloud_time

    @property
    def window_open(self) -> bool:
        """A copy of the claim's request may still be accepted, by the cloud's clock."""
        end = self.claim.claimed_at + timedelta(seconds=self.bounds.window_seconds)
        return self.cloud_time is None or self.cloud_time <= end

    @property
    def outcome_awaited(self) -> bool:
        """An outcome that cannot be proven is still given time, by the cloud's clock."""
        since = self.journal.claim.claimed_at if self.journal.claim else self.facts.absent_since
        patience = timedelta(seconds=self.job.policy.unknown_outcome_seconds)
        return self.cloud_time is None or since is None or self.cloud_time <= since + patience

    def absent_for(self, seconds: float) -> bool:
        """Nothing was found by consecutive looks over so many seconds of the cloud's clock."""
        since, seen = self.facts.absent_since, self.facts.observation
        return (
            isinstance(seen, Absent | Unprovable)
            and since is not None
            and seen.cloud_time - since >= timedelta(seconds=seconds)
        )

    # The rows' longer questions

    @property
    def must_look(self) -> bool:
        """Idle, but a task of ours may live: the journal was lost, or a retry follows an open end.

        Without our finalizer no claim is open: then what forbids an attempt forbids to look into its bucket as well.
        """
        forbidden = not (self.may_have_claimed or self.job.deleting) and bool(self.facts.away or self.facts.barred)
        after_loss = self.lost and not (forbidden or self.bound_passed or self.orphaning)
        return after_loss or (self.unresolved and not self.stop)

    @property
    def nothing_proven(self) -> bool:
        """A candidate runs, or a claim may be open that no look has shown yet."""
        waiting = self.may_be_in_flight and self.sees(Absent, Failed, Cancelled)
        return self.must_look and (self.sees(Candidate) or waiting)

    @property
    def unprovable_loss(self) -> bool:
        """A lost journal that this cloud cannot fill again. Guard precedes every claim: without it there was none."""
        awaited = self.outcome_awaited or self.job.policy.unknown_outcome is UnknownOutcome.FAIL
        return self.must_look and self.lost and self.may_have_claimed and self.sees(Unprovable) and awaited

    @property
    def says_no(self) -> Refusal | None:
        """What forbids an attempt before the cloud is asked."""
        return self.facts.away or self.facts.barred or self.facts.refused

    @property
    def withdraws(self) -> bool:
        """An unsent claim is not to be sent any more."""
        unwanted = self.stop or self.job.policy.suspend
        forbidden = self.facts.away is not None or self.facts.barred is not None or self.foreign_owner
        return unwanted or forbidden or self.facts.claim_age_seconds > self.bounds.send_seconds

    @property
    def may_repeat(self) -> bool:
        """The cloud recognises a repeat by its token, and nothing speaks against sending one."""
        unwanted = self.stop or self.job.policy.suspend or self.facts.barred is not None or not self.job.guarded
        recognised = self.facts.has_token and self.sees(Absent) and self.window_open
        return recognised and self.facts.repeat_due and self.facts.fenced and not unwanted

    @property
    def files_unlisted(self) -> bool:
        """The task ended, and what it left was not listed since."""
        return self.facts.collected is None and self.sees(Succeeded, Failed, Cancelled)

    @property
    def file_may_come(self) -> bool:
        """A file is missing so shortly after the task's end that the cloud's reads may lag."""
        seen, collected = self.facts.observation, self.facts.collected
        if not isinstance(seen, Succeeded) or collected is None or collected.flaw is None:
            return False
        finished = seen.task.finished_at
        lag = timedelta(seconds=self.bounds.read_lag_seconds)
        return (
            collected.flaw.reason is Reason.OUTPUT_MISSING and finished is not None and seen.cloud_time - finished < lag
        )

    @property
    def another_try(self) -> bool:
        """The task failed, and another attempt is allowed, wanted and promising."""
        seen = self.facts.observation
        return isinstance(seen, Failed) and seen.retryable and self.may_fail_again and not self.stop

    @property
    def task_gone(self) -> bool:
        """The cloud has not known the task for longer than its reads may lag."""
        return self.absent_for(self.bounds.read_lag_seconds)

    @property
    def left(self) -> Artifacts:
        """What lies under the attempt's key."""
        return self.facts.collected or Artifacts((), None)

    @property
    def sees_candidate(self) -> bool:
        """A task runs on the image that cannot be told to be ours or not."""
        return self.sees(Candidate)

    def sees(self, *kinds: type) -> bool:
        """The latest observation is of one of these kinds."""
        return isinstance(self.facts.observation, kinds)

    # Deletion

    @property
    def bound_passed(self) -> bool:
        """The time that a deletion may take is over, and the step was tried."""
        if not self.job.deleting or not self.facts.deletion_tried:
            return False
        return self.facts.deleting_seconds > self._bound_seconds

    @property
    def _bound_seconds(self) -> float:
        bounds, facts = self.bounds, self.facts
        if self.journal.finished:
            return bounds.away_bound_seconds
        if self.journal.task:
            ended = (facts.cancel_acknowledged or not facts.can_cancel) and not facts.away and not facts.cloud_away
            return bounds.cancelled_bound_seconds if ended else bounds.away_bound_seconds
        dated = self.cloud_time is not None
        claim = bounds.window_seconds + bounds.claim_extra_seconds if dated else bounds.no_date_bound_seconds
        return max(claim, bounds.away_bound_seconds) if facts.away or facts.cloud_away else claim

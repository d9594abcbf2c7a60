"""Facts for one decision: what account, lane, lease, memory and cloud say about one job right now."""

from dataclasses import dataclass, replace

from imageferry.clouds.provider import Capabilities, ImageProvider
from imageferry.core.errors import Blocked, Refusal, Transient
from imageferry.core.facts import Bounds, Facts, Surroundings, facts_of
from imageferry.core.job import DeletionPolicy, Job
from imageferry.core.reasons import NOT_YET, Reason
from imageferry.core.resolved import Checked, Obstructed, Resolved
from imageferry.core.transition import remembered_refusal
from imageferry.engine import clock
from imageferry.engine.accounts import Accounts, Usable
from imageferry.engine.lanes import LaneKey, Lanes
from imageferry.engine.leader import Leader
from imageferry.engine.sources import Sources
from imageferry.engine.store import JobRecord
from imageferry.settings import Settings


@dataclass(frozen=True, slots=True)
class Sight:
    """A record, the facts around it, and the provider that its next step would use."""

    record: JobRecord
    job: Job
    """The record's job, with the files of the export that it names, once they are known."""
    facts: Facts
    usable: Usable | Refusal | None
    region: str

    @property
    def provider(self) -> ImageProvider:
        """The verbs, by credentials whose owner is the attempt's. Raises Transient or Blocked where there are none."""
        return self._usable.connection.provider(self.record.job.kind, self.region)

    @property
    def lane(self) -> LaneKey:
        """The lane that the job uses. Raises as provider."""
        return self._usable.lane(self.record.job.kind, self.region)

    @property
    def account_id(self) -> str:
        """The owner of the credentials. Raises as provider."""
        return self._usable.owner

    @property
    def _usable(self) -> Usable:
        if not isinstance(self.usable, Usable):
            refusal = self.usable or Refusal(Reason.ACCOUNT_NOT_READY, "The account was not asked for.")
            raise Transient(refusal.reason, refusal.message)
        claim = self.record.journal.claim
        if claim and claim.account_id != self.usable.owner:
            raise Blocked(
                Reason.ACCOUNT_CHANGED,
                f"The credentials belong to account {self.usable.owner}, the attempt to {claim.account_id}.",
            )
        return self.usable


class Gatherer:
    """Gathers the facts; asks the API server and the cloud only for what the journal's state calls for."""

    def __init__(
        self, *, accounts: Accounts, lanes: Lanes, leader: Leader, sources: Sources, settings: Settings
    ) -> None:
        self._accounts, self._lanes, self._leader, self._settings = accounts, lanes, leader, settings
        self._sources = sources
        self._bounds = bounds(settings)

    async def gather(self, record: JobRecord) -> Sight:
        """The facts for the record as it is. Raises a KubeFailure where namespaces cannot be read."""
        journal, memory = record.journal, record.memory
        found = self._sources.bound(record.job, record.journal)
        job = record.job if isinstance(found, Refusal) else found
        usable = await self._accounts.usable(job.account) if _needs_account(record) else None
        barred = None
        if isinstance(usable, Usable) and not journal.finished:
            barred = await self._accounts.barred(usable.account, job, _known(record))
        region = self._region(record, usable)
        checked, refusal = self._fresh_check(record), self._refused(record, found)
        forbidden = isinstance(usable, Refusal) or barred or refusal
        turn = None
        if forbidden or isinstance(checked, Refusal | Obstructed):
            self._lanes.leave(job.uid)
        elif isinstance(usable, Usable) and isinstance(checked, Resolved) and _wants_slot(record):
            turn = self._turn(record, usable, checked)
        submit_seconds = self._settings.call_deadline_seconds + self._settings.fence_margin_seconds
        capabilities = usable.connection.provider(job.kind, region).capabilities if isinstance(usable, Usable) else None
        around = Surroundings(
            now=clock.now(),
            monotonic=clock.monotonic(),
            identity=self._settings.identity,
            owner=usable.owner if isinstance(usable, Usable) else "",
            away=usable if isinstance(usable, Refusal) else None,
            barred=barred,
            refused=refusal,
            checked=checked,
            turn=turn,
            fenced=self._leader.lease_remaining() > submit_seconds,
            can_cancel=capabilities.cancel if capabilities else True,
            has_token=capabilities.client_token if capabilities else False,
            bounds=_within(self._bounds, capabilities),
        )
        facts = facts_of(journal, memory, around)
        return Sight(record, job, facts, usable, region)

    def _refused(self, record: JobRecord, found: Job | Refusal) -> Refusal | None:
        """What the spec refers to is not there, or the last submission was refused for a lasting reason."""
        if isinstance(found, Refusal):
            return found
        refusal = remembered_refusal(record.journal, record.job, clock.now())
        return Refusal(Reason(refusal.reason), refusal.message, refusal.next_try_at) if refusal else None

    def _turn(self, record: JobRecord, usable: Usable, resolved: Resolved) -> Refusal | None:
        memory = record.memory
        if memory.paused and clock.monotonic() < memory.paused_until:
            return memory.paused
        key = usable.lane(record.job.kind, resolved.region)
        self._lanes.set_limit(key, usable.account.limits.concurrent(record.job.kind))
        return self._lanes.turn(record.job.uid, record.job, key, resolved.mutex)

    def _fresh_check(self, record: JobRecord) -> Checked | None:
        """Preflight's answer while it is fresh: a no until its recheck is due, a yes or a "not yet" for as long as a look."""
        checked, age = record.memory.checked, clock.monotonic() - record.memory.checked_at
        lasting = isinstance(checked, Refusal) and checked.reason not in NOT_YET
        life = self._settings.hold_recheck_seconds if lasting else self._settings.look_again_seconds
        return checked if age < life else None

    def _region(self, record: JobRecord, usable: Usable | Refusal | None) -> str:
        """The region of the attempt, else of the spec, else of the account."""
        journal = record.journal
        if journal.claim and journal.resolved:
            return journal.resolved.region
        return record.job.region or (usable.account.region if isinstance(usable, Usable) else "")


def _within(usual: Bounds, capabilities: Capabilities | None) -> Bounds:
    """The times that apply to one cloud: it may take a request for a shorter time than the settings say."""
    if capabilities is None or capabilities.send_seconds is None:
        return usual
    return replace(usual, send_seconds=min(usual.send_seconds, capabilities.send_seconds))


def _known(record: JobRecord) -> Resolved | None:
    """What the job means, as preflight found it in this process or an attempt pinned it."""
    checked = record.memory.checked
    return checked if isinstance(checked, Resolved) else record.journal.resolved


def bounds(settings: Settings) -> Bounds:
    """The times of the settings that decisions depend on."""
    return Bounds(
        window_seconds=settings.window_seconds,
        send_seconds=settings.claim_send_limit_seconds,
        read_lag_seconds=settings.read_lag_seconds,
        look_again_seconds=settings.look_again_seconds,
        hold_recheck_seconds=settings.hold_recheck_seconds,
        young_object_seconds=settings.young_object_seconds,
        cancelled_bound_seconds=settings.delete_cancelled_bound_seconds,
        away_bound_seconds=settings.delete_away_bound_seconds,
        claim_extra_seconds=settings.delete_claim_extra_seconds,
        no_date_bound_seconds=settings.delete_no_date_bound_seconds,
        clock_agreement_seconds=settings.clock_agreement_seconds,
    )


def _needs_account(record: JobRecord) -> bool:
    """A finished job needs its account only to delete its files; one to be orphaned never does."""
    job, journal = record.job, record.journal
    if job.deleting and job.policy.deletion_policy is DeletionPolicy.ORPHAN:
        return False
    return not journal.finished or (job.deleting and bool(journal.artifacts))


def _wants_slot(record: JobRecord) -> bool:
    job, journal = record.job, record.journal
    return journal.claim is None and not journal.finished and not job.deleting and not job.policy.suspend

"""An account looked at as a whole: whose key it is, which regions there are, and what each job lacks. Only reads and dry runs."""

from collections.abc import Callable
from typing import Final

from imageferry.clouds import finding
from imageferry.clouds.finding import Finding
from imageferry.clouds.provider import ImageProvider, Inquiry, Place
from imageferry.clouds.realm import Realm
from imageferry.core.errors import Failure, Refusal
from imageferry.core.job import Job, Kind
from imageferry.core.reasons import Reason
from imageferry.core.resolved import Obstructed

_NO_QUOTA: Final = (
    "the cloud neither lists its exports nor tells how many may run: the limit is learned from its refusals"
)


async def inspect(realm: Realm, verbs: Callable[[Kind, str], ImageProvider], inquiry: Inquiry) -> list[Finding]:
    """All findings. Raises a Failure if the cloud does not tell who owns the key, or which regions it has."""
    found = [finding.ok("sts:GetCallerIdentity", f"the key belongs to account {await realm.owner()}")]
    for place in inquiry.places:
        found += await _visit(realm, verbs, place, dry_run=inquiry.dry_run)
    return found


async def _visit(
    realm: Realm, verbs: Callable[[Kind, str], ImageProvider], place: Place, *, dry_run: bool
) -> list[Finding]:
    """One region."""
    if not await realm.has_region(place.region):
        refusal = Refusal(Reason.REGION_NOT_FOUND, f"The cloud has no such region as {place.region}.")
        return [finding.refused(f"region {place.region}", refusal), *(_lost(job, refusal) for job in place.jobs)]
    found = [finding.note(f"exports in {place.region}", _NO_QUOTA)]
    for job in place.jobs:
        if dry_run:
            found.append(await _examine(verbs(job.kind, place.region), job))
        else:
            text = "not looked at: whether the cloud would take it is found out by its own dry run"
            found.append(finding.unknown(_subject(job), text, uid=job.uid))
    return found


async def _examine(provider: ImageProvider, job: Job) -> Finding:
    try:
        meant = await provider.preflight(job)
    except Failure as failure:
        return finding.failed(_subject(job), failure, uid=job.uid)
    if isinstance(meant, Obstructed):
        return finding.note(_subject(job), "a failed image of an earlier attempt is removed first", job.uid)
    return finding.ok(_subject(job), "the cloud would take it", job.uid)


def _lost(job: Job, refusal: Refusal) -> Finding:
    return finding.refused(_subject(job), refusal, uid=job.uid)


def _subject(job: Job) -> str:
    return f"{job.kind} {job.namespace}/{job.name}"

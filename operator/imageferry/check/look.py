"""The check itself: objects in, findings out. Accounts, keys and grants are the engine's; what a cloud lacks, the cloud tells."""

from collections.abc import Sequence
from typing import Final

from imageferry.check.jobs import Entry, Jobs, legible
from imageferry.check.report import Group
from imageferry.check.wish import Wish
from imageferry.clouds import finding
from imageferry.clouds.finding import Finding
from imageferry.clouds.provider import Inquiry, Place
from imageferry.core.account import Account
from imageferry.core.errors import Failure, Refusal
from imageferry.core.job import Job
from imageferry.core.resolved import Resolved
from imageferry.engine.accounts import Accounts, Usable
from imageferry.engine.store import Store
from imageferry.kube import errors
from imageferry.kube.objects import CLOUD_ACCOUNTS, KubeClient

_LEAST: Final = (
    "of this cloud are looked at: whose key it is, whether it has the regions, and each export and import as a whole, where the "
    "first thing that is wrong hides the next; not the rights of the key, not quotas, and not what its documents leave open"
)


class Look:
    """One check. `accounts` reads from `store`, which is filled here."""

    def __init__(self, wish: Wish, client: KubeClient, store: Store, accounts: Accounts) -> None:
        self._wish, self._client, self._store, self._accounts = wish, client, store, accounts
        self._groups: list[Group] = []

    async def groups(self) -> list[Group]:
        """All findings, by object. Raises KubeFailure if the objects cannot be read, Illegible if they are none."""
        await self._read_accounts()
        entries = await Jobs(self._wish, self._client).entries()
        self._groups += [Group(each.title, each.told) for each in entries if each.job is None]
        names = sorted({each.job.account for each in entries if each.job} | set(filter(None, [self._wish.account])))
        if not names and not self._wish.jobs:
            names = sorted(self._store.accounts)
        for name in names:
            await self._account(name, [each for each in entries if each.job and each.job.account == name])
        return self._groups

    async def _read_accounts(self) -> None:
        async for page in self._client.pages(CLOUD_ACCOUNTS):
            for manifest in page.objects:
                with legible(CLOUD_ACCOUNTS, manifest):
                    self._store.absorb(CLOUD_ACCOUNTS, manifest)

    async def _account(self, name: str, entries: Sequence[Entry]) -> None:
        usable = await self._accounts.usable(name)
        title = f"CloudAccount {name}"
        if isinstance(usable, Refusal):
            self._groups.append(Group(title, [finding.refused("credentials", usable)]))
            why = finding.unknown("account", f"not looked at: CloudAccount {name} cannot be used")
            self._groups += [Group(each.title, [why, *each.told]) for each in entries]
            return
        whose = finding.ok("credentials", f"they belong to cloud account {usable.owner}")
        jobs = [each.job for each in entries if each.job]
        found = await self._inspected(usable, jobs)
        about_itself = [each for each in found if each.uid == finding.NO_JOB]
        self._groups.append(Group(title, [whose, *about_itself]))
        for entry, job in zip(entries, jobs, strict=True):
            granted = await self._granted(usable, job)
            told = [granted, *entry.told, *(each for each in found if each.uid == job.uid)]
            self._groups.append(Group(entry.title, told))

    async def _inspected(self, usable: Usable, jobs: Sequence[Job]) -> Sequence[Finding]:
        """What the cloud lacks and shows, and what was looked at."""
        try:
            found = await usable.connection.inspect(self._inquiry(usable.account, jobs))
        except Failure as failure:
            return [finding.refused("cloud", Refusal.of(failure))]
        if any(each.subject == finding.SCOPE for each in found):
            return found
        return [finding.note(finding.SCOPE, _LEAST), *found]

    def _inquiry(self, account: Account, jobs: Sequence[Job]) -> Inquiry:
        regions = dict.fromkeys(filter(None, [account.region, *(job.region for job in jobs)]))
        places = tuple(
            Place(
                region=region,
                jobs=tuple(job for job in jobs if (job.region or account.region) == region),
                buckets=(account.grants.buckets or ()) if region == account.region else (),
            )
            for region in regions
        )
        return Inquiry(places=places, limits=account.limits, dry_run=self._wish.dry_run)

    async def _granted(self, usable: Usable, job: Job) -> Finding:
        """Whether the CloudAccount lets the job use it."""
        try:
            refusal = await self._accounts.barred(usable.account, job, await _resolved(usable, job))
        except errors.KubeFailure:
            return finding.unknown("grant", f"the labels of namespace {job.namespace} could not be read", uid=job.uid)
        if refusal:
            return finding.refused("grant", refusal, uid=job.uid)
        return finding.ok("grant", f"CloudAccount {usable.account.name} allows it")


async def _resolved(usable: Usable, job: Job) -> Resolved | None:
    """What the job means, as far as it can be told: an image that is not there was found missing already."""
    try:
        return await usable.connection.provider(job.kind, job.region or usable.account.region).resolve(job)
    except Failure:
        return None

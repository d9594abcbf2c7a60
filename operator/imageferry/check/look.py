"""The check itself: objects in, findings out. Accounts, keys and grants are the engine's; what a cloud lacks, the cloud tells."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from imageferry.check.papers import Illegible
from imageferry.check.report import Group
from imageferry.check.wish import Wish
from imageferry.clouds import finding
from imageferry.clouds.finding import Finding
from imageferry.clouds.provider import Inquiry, Place
from imageferry.core.account import Account
from imageferry.core.errors import Failure, Refusal, Rejected
from imageferry.core.job import ExportJob, parse_export
from imageferry.core.journal import Resolved
from imageferry.core.reasons import Reason
from imageferry.engine.accounts import Accounts, Usable
from imageferry.engine.store import Store
from imageferry.kube import errors
from imageferry.kube.objects import CLOUD_ACCOUNTS, IMAGE_EXPORTS, KubeClient, Manifest

_UNLIKE: Final = (KeyError, TypeError, AttributeError, ValueError)
"""What reading an object raises that no schema has looked at."""


class Look:
    """One check. `accounts` reads from `store`, which is filled here."""

    def __init__(self, wish: Wish, client: KubeClient, store: Store, accounts: Accounts) -> None:
        self._wish, self._client, self._store, self._accounts = wish, client, store, accounts
        self._groups: list[Group] = []

    async def groups(self) -> list[Group]:
        """All findings, by object. Raises KubeFailure if the objects cannot be read, Illegible if they are none."""
        await self._read_accounts()
        jobs = await self._jobs()
        names = sorted({job.account for job in jobs} | set(filter(None, [self._wish.account])))
        if not names and not self._wish.exports:
            names = sorted(self._store.accounts)
        for name in names:
            await self._account(name, [job for job in jobs if job.account == name])
        return self._groups

    async def _read_accounts(self) -> None:
        async for page in self._client.pages(CLOUD_ACCOUNTS):
            for manifest in page.objects:
                try:
                    self._store.absorb(CLOUD_ACCOUNTS, manifest)
                except _UNLIKE as problem:
                    raise Illegible(_unlike("CloudAccount", manifest, problem)) from None

    async def _jobs(self) -> list[ExportJob]:
        """The exports that were asked for, else those of the accounts that were; what is no export is told at once."""
        found = [job for manifest in await self._manifests() if (job := self._job(manifest))]
        return [job for job in found if self._wish.exports or self._wish.account in ("", job.account)]

    async def _manifests(self) -> list[Manifest]:
        if self._wish.exports:
            shown = [await self._manifest(namespace, name) for namespace, name in self._wish.exports]
            return [manifest for manifest in shown if manifest]
        if self._wish.files:
            return [each async for page in self._client.pages(IMAGE_EXPORTS) for each in page.objects]
        return []

    async def _manifest(self, namespace: str, name: str) -> Manifest | None:
        try:
            return await self._client.get(IMAGE_EXPORTS, namespace, name)
        except errors.NotFound:
            refusal = Refusal(Reason.EXPORT_NOT_FOUND, "There is no such ImageExport.")
            self._groups.append(Group(_title(namespace, name), [finding.refused("object", refusal)]))
            return None

    def _job(self, manifest: Manifest) -> ExportJob | None:
        metadata = manifest["metadata"]
        try:
            return parse_export(manifest)
        except Rejected as failure:
            told = finding.failed("spec", failure)
            self._groups.append(Group(_title(metadata["namespace"], metadata["name"]), [told]))
            return None
        except _UNLIKE as problem:
            raise Illegible(_unlike("ImageExport", manifest, problem)) from None

    async def _account(self, name: str, jobs: Sequence[ExportJob]) -> None:
        usable = await self._accounts.usable(name)
        title = f"CloudAccount {name}"
        if isinstance(usable, Refusal):
            self._groups.append(Group(title, [finding.refused("credentials", usable)]))
            why = finding.unknown("account", f"not looked at: CloudAccount {name} cannot be used")
            self._groups += [Group(_title(job.namespace, job.name), [why]) for job in jobs]
            return
        whose = finding.ok("credentials", f"they belong to cloud account {usable.owner}")
        try:
            found = await usable.connection.inspect(self._inquiry(usable.account, jobs))
        except Failure as failure:
            found = [finding.refused("cloud", Refusal.of(failure))]
        about_itself = [each for each in found if each.uid == finding.NO_JOB]
        self._groups.append(Group(title, [whose, *about_itself]))
        for job in jobs:
            granted = await self._granted(usable, job)
            told = [granted, *(each for each in found if each.uid == job.uid)]
            self._groups.append(Group(_title(job.namespace, job.name), told))

    def _inquiry(self, account: Account, jobs: Sequence[ExportJob]) -> Inquiry:
        regions = dict.fromkeys(filter(None, [account.region, *(job.region for job in jobs)]))
        places = tuple(
            Place(
                region=region,
                jobs=tuple(job for job in jobs if (job.region or account.region) == region),
                buckets=(account.grants.buckets or ()) if region == account.region else (),
            )
            for region in regions
        )
        return Inquiry(places=places, concurrent_exports=account.limits.concurrent_exports, dry_run=self._wish.dry_run)

    async def _granted(self, usable: Usable, job: ExportJob) -> Finding:
        """Whether the CloudAccount lets the export use it."""
        try:
            refusal = await self._accounts.barred(usable.account, job, await _resolved(usable, job))
        except errors.KubeFailure:
            return finding.unknown("grant", f"the labels of namespace {job.namespace} could not be read", uid=job.uid)
        if refusal:
            return finding.refused("grant", refusal, uid=job.uid)
        return finding.ok("grant", f"CloudAccount {usable.account.name} allows it")


async def _resolved(usable: Usable, job: ExportJob) -> Resolved | None:
    """What the job means, as far as it can be told: an image that is not there was found missing already."""
    try:
        return await usable.connection.provider(job.kind, job.region or usable.account.region).resolve(job)
    except Failure:
        return None


def _title(namespace: str, name: str) -> str:
    return f"ImageExport {namespace}/{name}"


def _unlike(kind: str, manifest: Mapping[str, Any], problem: Exception) -> str:
    what = f"{problem.args[0]} is missing" if isinstance(problem, KeyError) else "a field is not of its type"
    return f"{kind} {manifest['metadata']['name']}: {what}"

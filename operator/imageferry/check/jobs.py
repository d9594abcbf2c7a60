"""The jobs that are looked at: found by name or by account, read, and told what their sources mean by now.

What cannot be read is told here; nothing is asked of a cloud.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from imageferry.check.papers import Illegible
from imageferry.check.wish import Wish
from imageferry.clouds import finding
from imageferry.clouds.finding import Finding, Verdict
from imageferry.core import source, status
from imageferry.core.errors import Refusal, Rejected
from imageferry.core.job import ImportJob, Job, Kind
from imageferry.core.journal import Journal
from imageferry.core.reasons import Reason
from imageferry.engine.store import PARSERS
from imageferry.kube import errors
from imageferry.kube.objects import IMAGE_EXPORTS, IMAGE_IMPORTS, KubeClient, Manifest, Resource

_RESOURCES: Final = {Kind.EXPORT: IMAGE_EXPORTS, Kind.IMPORT: IMAGE_IMPORTS}

_UNLIKE: Final = (KeyError, TypeError, AttributeError, ValueError)


@dataclass(frozen=True, slots=True)
class Entry:
    """An object by its title, what was found about it, and its job; None where nothing more can be looked at."""

    title: str
    told: tuple[Finding, ...]
    job: Job | None


class Jobs:
    """The jobs that a wish means."""

    def __init__(self, wish: Wish, client: KubeClient) -> None:
        self._wish, self._client = wish, client

    async def entries(self) -> list[Entry]:
        """Those that were named, else those in files. Raises KubeFailure, or Illegible for what is no object of its kind."""
        if self._wish.jobs:
            return [await self._named(kind, namespace, name) for kind, namespace, name in self._wish.jobs]
        if not self._wish.files:
            return []
        found = [await self._entry(kind, manifest) async for kind, manifest in self._all()]
        wanted = self._wish.account
        return [each for each in found if not (wanted and each.job) or each.job.account == wanted]

    async def _all(self) -> AsyncIterator[tuple[Kind, Manifest]]:
        for kind, resource in _RESOURCES.items():
            async for page in self._client.pages(resource):
                for manifest in page.objects:
                    yield kind, manifest

    async def _named(self, kind: Kind, namespace: str, name: str) -> Entry:
        try:
            return await self._entry(kind, await self._client.get(_RESOURCES[kind], namespace, name))
        except errors.NotFound:
            lost = Finding(Verdict.MISSING, "object", f"There is no such {kind}.", "Correct the name, or apply it.")
            return Entry(f"{kind} {namespace}/{name}", (lost,), None)

    async def _entry(self, kind: Kind, manifest: Manifest) -> Entry:
        title = f"{kind} {manifest['metadata']['namespace']}/{manifest['metadata']['name']}"
        try:
            job, journal = _read(_RESOURCES[kind], manifest)
            export = await self._export_of(job)
        except Rejected as failure:
            return Entry(title, (finding.failed("spec", failure),), None)
        bound = source.bound(source.settled(job, journal), export)
        told = (*_of_end(job, journal), *_of_source(job, bound))
        return Entry(title, told, job if isinstance(bound, Refusal) else bound)

    async def _export_of(self, job: Job) -> tuple[Job, Journal] | None:
        """The export that an import names; None if there is none."""
        if not isinstance(job, ImportJob) or not job.export_name:
            return None
        try:
            manifest = await self._client.get(IMAGE_EXPORTS, job.namespace, job.export_name)
        except errors.NotFound:
            return None
        return _read(IMAGE_EXPORTS, manifest)


def _read(resource: Resource, manifest: Manifest) -> tuple[Job, Journal]:
    """Raises Rejected for a field that is wrong, Illegible for what is no such object at all."""
    with legible(resource, manifest):
        job = PARSERS[resource](manifest)
        return job, status.read(manifest.get("status") or {}, job.uid, job.kind)


def _of_end(job: Job, journal: Journal) -> list[Finding]:
    """What is looked at lies ahead: it may be in order no more where it was once."""
    text = "it has ended; what follows is as if it were to begin now"
    return [finding.note("object", text, job.uid)] if journal.finished else []


def _of_source(job: Job, bound: Job | Refusal) -> list[Finding]:
    """What the export that an import names means to it."""
    if not isinstance(job, ImportJob) or not job.export_name:
        return []
    match bound:
        case Refusal(reason=Reason.EXPORT_NOT_READY):
            text = f"{bound.message} Its files, their bucket and the role can be looked at once it has."
            return [finding.unknown("source", f"{text} ({bound.reason})", uid=job.uid)]
        case Refusal():
            return [finding.refused("source", bound, uid=job.uid)]
        case _:
            text = f"{len(bound.places)} of the files that ImageExport {job.export_name} wrote"
            return [finding.ok("source", text, job.uid)]


@contextmanager
def legible(resource: Resource, manifest: Manifest) -> Iterator[None]:
    """Reading an object that no schema has looked at. Raises Illegible, which names it, where it is not as its kind is."""
    try:
        yield
    except _UNLIKE as problem:
        what = f"{problem.args[0]} is missing" if isinstance(problem, KeyError) else "a field is not of its type"
        raise Illegible(f"{resource.kind} {manifest['metadata']['name']}: {what}") from None

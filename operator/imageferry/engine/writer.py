"""Status writes: always guarded by uid and version, the answer becomes the record, and nothing is written twice.

Which journal to write is decided elsewhere; here is only whether it is worth a write, and how one is made.
"""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Final

import structlog

from imageferry.core import accountbook, status
from imageferry.core.accountbook import Book
from imageferry.core.journal import Journal
from imageferry.engine.store import AccountRecord, JobRecord, Store
from imageferry.kube import errors
from imageferry.kube.objects import CLOUD_ACCOUNTS, KubeClient, Manifest

_log: Final = structlog.get_logger("imageferry.writer")

_BIG_STEP_PERCENT: Final = 25
_SMALL_STEP_PERCENT: Final = 10
_SMALL_STEP_PAUSE: Final = timedelta(seconds=60)


class Writer:
    """Writes to the API server, as many at a time as `writers` allows."""

    def __init__(self, client: KubeClient, store: Store, *, writers: int) -> None:
        self._client, self._store = client, store
        self._turn = asyncio.Semaphore(writers)

    async def commit(self, record: JobRecord, new: Journal) -> JobRecord:
        """Write a journal that must be in the status before anything else happens; returns the record after it.

        Raises a KubeFailure; after Conflict or Unavailable the record is marked stale, since only a read can tell.
        """
        if new == record.journal:
            return record
        job = record.job
        async with self._turn:
            try:
                answer = await self._client.patch_status(
                    record.resource,
                    job.namespace,
                    job.name,
                    uid=job.uid,
                    resource_version=record.version,
                    status=status.write(new),
                )
            except (errors.Conflict, errors.Unavailable):
                record.memory.stale = True
                raise
        return self._absorbed(record, answer)

    async def set_finalizer(self, record: JobRecord, name: str, *, wanted: bool) -> JobRecord:
        """Put our finalizer on or take it off; other finalizers stay. Raises as commit."""
        finalizers = [each for each in record.finalizers if each != name] + ([name] if wanted else [])
        job = record.job
        async with self._turn:
            try:
                answer = await self._client.patch_finalizers(
                    record.resource,
                    job.namespace,
                    job.name,
                    uid=job.uid,
                    resource_version=record.version,
                    finalizers=finalizers,
                )
            except (errors.Conflict, errors.Unavailable):
                record.memory.stale = True
                raise
        return self._absorbed(record, answer)

    async def refresh(self, record: JobRecord) -> JobRecord | None:
        """Read the object again; None if it is gone, or if another object bears its name now."""
        job = record.job
        try:
            manifest = await self._client.get(record.resource, job.namespace, job.name)
        except errors.NotFound:
            self._store.drop(record.resource, _identity(record))
            return None
        if manifest["metadata"]["uid"] != job.uid:
            self._store.drop(record.resource, _identity(record))
            self._store.absorb(record.resource, manifest)
            return None
        record.memory.stale = False
        return self._absorbed(record, manifest)

    async def commit_book(self, record: AccountRecord, new: Book) -> None:
        """Write an account's status. Raises a KubeFailure."""
        if new == record.book:
            return
        account = record.account
        async with self._turn:
            answer = await self._client.patch_status(
                CLOUD_ACCOUNTS,
                None,
                account.name,
                uid=account.uid,
                resource_version=record.version,
                status=accountbook.write(new),
            )
        self._store.absorb(CLOUD_ACCOUNTS, answer)

    async def set_account_finalizer(self, record: AccountRecord, name: str, *, wanted: bool) -> None:
        """Put the account's finalizer on or take it off. Raises a KubeFailure."""
        finalizers = [each for each in record.finalizers if each != name] + ([name] if wanted else [])
        async with self._turn:
            answer = await self._client.patch_finalizers(
                CLOUD_ACCOUNTS,
                None,
                record.account.name,
                uid=record.account.uid,
                resource_version=record.version,
                finalizers=finalizers,
            )
        self._store.absorb(CLOUD_ACCOUNTS, answer)

    async def refresh_account(self, name: str) -> AccountRecord | None:
        """Read an account again; None if it is gone."""
        try:
            self._store.absorb(CLOUD_ACCOUNTS, await self._client.get(CLOUD_ACCOUNTS, None, name))
        except errors.NotFound:
            return None
        return self._store.accounts.get(name)

    async def reread_account(self, name: str) -> None:
        """Read an account again after a write that failed; if that fails too it is told, and the watch will bring it."""
        try:
            await self.refresh_account(name)
        except errors.KubeFailure as failure:
            _log.warning("account not read", account=name, failure=str(failure))

    def _absorbed(self, record: JobRecord, answer: Manifest) -> JobRecord:
        """The answer may hold a user's edit made meanwhile: it is taken in like any other news.

        An object whose last finalizer left is gone with that answer.
        """
        metadata = answer["metadata"]
        if "deletionTimestamp" in metadata and not metadata.get("finalizers"):
            self._store.drop(record.resource, answer)
            return record
        self._store.absorb(record.resource, answer)
        return self._store.jobs.get(record.job.uid, record)


def _identity(record: JobRecord) -> Manifest:
    return {"metadata": {"uid": record.job.uid, "name": record.job.name}}


def worth_writing(old: Journal, new: Journal) -> bool:
    """Whether a change deserves a write now: everything but progress does at once; progress has a budget.

    Progress is written when it moved 25 points, or 10 points and a minute.
    """
    if replace(new, progress=old.progress) != old:
        return True
    if new.progress is None or old.progress is None:
        return new.progress != old.progress
    moved = (new.progress.percent or 0) - (old.progress.percent or 0)
    waited = new.progress.updated_at - old.progress.updated_at
    return moved >= _BIG_STEP_PERCENT or (moved >= _SMALL_STEP_PERCENT and waited >= _SMALL_STEP_PAUSE)

"""What the operator knows of the objects: one record each, fed by watch, list and the answers to own writes.

A record holds what the API server said (job, journal, version) and, apart from it, what only this process remembers
(core/memory.py). Nothing here decides or waits.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from imageferry.core import accountbook, status
from imageferry.core.account import Account, parse_account
from imageferry.core.accountbook import Book
from imageferry.core.errors import Rejected
from imageferry.core.job import Job, parse_time
from imageferry.core.journal import Journal
from imageferry.core.manifest import parse_export, parse_import
from imageferry.core.memory import Memory
from imageferry.engine import clock
from imageferry.kube.objects import CLOUD_ACCOUNTS, IMAGE_EXPORTS, IMAGE_IMPORTS, Resource

_log: Final = structlog.get_logger("imageferry.store")

PARSERS: Final[Mapping[Resource, Callable[[Mapping[str, Any]], Job]]] = {
    IMAGE_EXPORTS: parse_export,
    IMAGE_IMPORTS: parse_import,
}
"""The kinds of job, each with what reads it."""


@dataclass(slots=True)
class JobRecord:
    """One ImageExport or ImageImport."""

    resource: Resource
    job: Job
    journal: Journal
    version: str
    finalizers: tuple[str, ...]
    memory: Memory


@dataclass(slots=True)
class AccountRecord:
    """One CloudAccount."""

    account: Account
    book: Book
    version: str
    finalizers: tuple[str, ...]
    created_at: datetime
    deleted_at: datetime | None


class Store:
    """All records by uid. `changed` is told of every job record that is new, different or gone (None)."""

    def __init__(self, *, lost_journal_age_seconds: float) -> None:
        self._lost_age = timedelta(seconds=lost_journal_age_seconds)
        self.jobs: dict[str, JobRecord] = {}
        self.accounts: dict[str, AccountRecord] = {}
        """By name: the kind is cluster-scoped, and jobs refer to it so."""
        self.changed: Callable[[str, JobRecord | None], None] = lambda _uid, _record: None

    def absorb(self, resource: Resource, manifest: Mapping[str, Any]) -> str | None:
        """Take in an object as the API server showed it; its queue key if it is news, else None.

        An older version than the one known is no news: it is an echo of the past.
        """
        if resource == CLOUD_ACCOUNTS:
            return self._absorb_account(manifest)
        return self._absorb_job(resource, manifest)

    def drop(self, resource: Resource, manifest: Mapping[str, Any]) -> str | None:
        """Forget an object that is gone; its queue key if it was known."""
        metadata = manifest["metadata"]
        if resource == CLOUD_ACCOUNTS:
            return self._drop_account(metadata["name"], metadata["uid"])
        if self.jobs.pop(metadata["uid"], None) is None:
            return None
        self.changed(metadata["uid"], None)
        return str(metadata["uid"])

    def _drop_account(self, name: str, uid: str) -> str | None:
        known = self.accounts.get(name)
        if known is None or known.account.uid != uid:
            return None
        del self.accounts[name]
        return account_key(name)

    def jobs_of(self, account: str) -> Iterator[tuple[str, JobRecord]]:
        """The unfinished jobs that refer to an account."""
        return (
            (uid, record)
            for uid, record in self.jobs.items()
            if record.job.account == account and not record.journal.finished
        )

    def _absorb_job(self, resource: Resource, manifest: Mapping[str, Any]) -> str | None:
        metadata = manifest["metadata"]
        uid, version = metadata["uid"], metadata["resourceVersion"]
        known = self.jobs.get(uid)
        if known and not _newer(version, known.version):
            return None
        try:
            job = PARSERS[resource](manifest)
            book = status.read(manifest.get("status") or {}, uid, job.kind)
        except (Rejected, KeyError, ValueError, TypeError) as fault:
            _log.error("object cannot be read", kind=resource.kind, namespace=metadata.get("namespace"),
                       name=metadata["name"], fault=type(fault).__name__)  # fmt: skip
            return None
        memory = known.memory if known else self._first_memory(job, book)
        if job.deleting and memory.deletion_seen_at is None:
            memory.deletion_seen_at = clock.monotonic()
        if known and known.job.generation != job.generation:
            memory.checked = None
        if known:
            memory.turn_page(known.journal, book)
        memory.stale = False
        record = JobRecord(resource, job, book, version, tuple(metadata.get("finalizers", ())), memory)
        self.jobs[uid] = record
        self.changed(uid, record)
        return str(uid)

    def _first_memory(self, job: Job, book: Journal) -> Memory:
        return Memory(wiped=not book.conditions and clock.now() - job.created_at > self._lost_age)

    def _absorb_account(self, manifest: Mapping[str, Any]) -> str | None:
        metadata = manifest["metadata"]
        known = self.accounts.get(metadata["name"])
        if known and known.account.uid == metadata["uid"] and not _newer(metadata["resourceVersion"], known.version):
            return None
        account = parse_account(manifest)
        self.accounts[account.name] = AccountRecord(
            account,
            accountbook.read(manifest.get("status") or {}),
            metadata["resourceVersion"],
            tuple(metadata.get("finalizers", ())),
            created_at=parse_time(metadata["creationTimestamp"]),
            deleted_at=parse_time(metadata["deletionTimestamp"]) if account.deleting else None,
        )
        return account_key(account.name)


def account_key(name: str) -> str:
    """The queue key of an account: no uid contains a colon."""
    return f"account:{name}"


def _newer(version: str, known: str) -> bool:
    """Numeric comparison is what the API server promises (KEP-5504)."""
    return int(version) > int(known)

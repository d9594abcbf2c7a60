"""Exports whose files imports take: which export is meant, and who is to be looked at when it changes."""

from collections import defaultdict
from collections.abc import Callable
from typing import Final, NamedTuple

from imageferry.core.errors import Refusal
from imageferry.core.job import ExportJob, ImportJob, Job
from imageferry.core.journal import Journal
from imageferry.core.source import bound, settled
from imageferry.engine.store import JobRecord, Store

_NOBODY: Final[frozenset[str]] = frozenset()


class _Name(NamedTuple):
    namespace: str
    name: str


class Sources:
    """The exports of the store by name. `wake` is told the uid of every import whose export changed."""

    def __init__(self, store: Store, wake: Callable[[str], None]) -> None:
        self._store, self._wake = store, wake
        self._exports: dict[_Name, str] = {}
        self._names: dict[str, _Name] = {}
        self._followers: dict[_Name, set[str]] = defaultdict(set)

    def note(self, uid: str, record: JobRecord | None) -> None:
        """Keep in step with a record that is new, changed or gone (None)."""
        if record is None:
            self._forget(uid)
            return
        match record.job:
            case ExportJob(namespace=namespace, name=name):
                self._exports[_Name(namespace, name)] = uid
                self._names[uid] = _Name(namespace, name)
                self._wake_followers(_Name(namespace, name))
            case ImportJob(namespace=namespace, export_name=name) if name and not record.journal.finished:
                self._names[uid] = _Name(namespace, name)
                self._followers[_Name(namespace, name)].add(uid)
            case _:
                self._forget(uid)

    def bound(self, job: Job, journal: Journal) -> Job | Refusal:
        """The job with its source as it is known by now, or why that cannot be told yet."""
        name = job.export_name if isinstance(job, ImportJob) else ""
        uid = self._exports.get(_Name(job.namespace, name), "")
        export = self._store.jobs.get(uid)
        return bound(settled(job, journal), (export.job, export.journal) if export else None)

    def _forget(self, uid: str) -> None:
        name = self._names.pop(uid, None)
        if name is None:
            return
        if self._exports.get(name) == uid:
            del self._exports[name]
            self._wake_followers(name)
        followers = self._followers.get(name, set())
        followers.discard(uid)
        if not followers:
            self._followers.pop(name, None)

    def _wake_followers(self, name: _Name) -> None:
        for uid in self._followers.get(name, _NOBODY):
            self._wake(uid)

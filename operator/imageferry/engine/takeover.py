"""What a replica does when it becomes the leader, and every so often after that: read everything, and drop what is gone.

A watch never reports what was deleted while it had a gap (410); only a list of its own tells.
"""

import asyncio
from dataclasses import dataclass
from typing import Final

import structlog

from imageferry.core.accountbook import kind_of
from imageferry.engine.lanes import LaneKey, Lanes
from imageferry.engine.orphans import Orphans
from imageferry.engine.poller import Poller
from imageferry.engine.queue import WorkQueue
from imageferry.engine.store import PARSERS, Store, account_key
from imageferry.kube import errors
from imageferry.kube.objects import CLOUD_ACCOUNTS, KubeClient, Resource
from imageferry.settings import Settings

_log: Final = structlog.get_logger("imageferry.takeover")


@dataclass(slots=True, kw_only=True)
class Takeover:
    """Reads all objects into the store. `warm` once that was done, `complete` once a leader did it."""

    client: KubeClient
    store: Store
    queue: WorkQueue[str]
    lanes: Lanes
    orphans: Orphans
    poller: Poller
    settings: Settings
    warm: bool = False
    complete: bool = False

    async def take_over(self) -> None:
        """Read everything and queue everything: what a follower heard may be older than what the last leader wrote."""
        await self.warm_up()
        self._recall_lanes()
        for uid, record in self.store.jobs.items():
            self.lanes.note(uid, record)
            self.queue.add(uid)
        for name in self.store.accounts:
            self.queue.add(account_key(name))
        self.orphans.count()
        self.poller.notice()
        self.complete = True
        _log.info("took over", jobs=len(self.store.jobs), accounts=len(self.store.accounts))

    def _recall_lanes(self) -> None:
        """What the last leader learned of quotas, before anybody is asked to act on it."""
        for record in self.store.accounts.values():
            for row in record.book.lanes:
                if row.closed_until:
                    kind = kind_of(row.operation)
                    key = LaneKey(record.account.provider, record.book.account_id, row.region, kind)
                    self.lanes.recall(key, row.closed_reason, row.closed_until, row.learned_limit)

    async def warm_up(self) -> None:
        """Read everything. Tries until it succeeds: without it nothing may be decided."""
        while True:
            try:
                await self.resync()
            except errors.KubeFailure as failure:
                _log.warning("objects not listed", failure=str(failure))
                await asyncio.sleep(self.settings.retry_min_seconds)
            else:
                self.warm = True
                return

    async def run(self) -> None:
        """List again every so often, for ever."""
        while True:
            await asyncio.sleep(self.settings.resync_seconds)
            try:
                await self.resync()
            except errors.KubeFailure as failure:
                _log.warning("resync failed", failure=str(failure))

    async def resync(self) -> None:
        """Bring the store in line with the server. Raises a KubeFailure."""
        await self._read(CLOUD_ACCOUNTS)
        for resource in PARSERS:
            await self._read(resource)

    async def _read(self, resource: Resource) -> None:
        known = self._known(resource)
        namespaces = self.settings.watch_namespaces if resource.namespaced else ()
        for namespace in namespaces or (None,):
            async for page in self.client.pages(resource, namespace=namespace):
                for manifest in page.objects:
                    known.pop(manifest["metadata"]["uid"], None)
                    key = self.store.absorb(resource, manifest)
                    if key and self.complete:
                        self.queue.add(key)
        for uid, name in known.items():
            self.store.drop(resource, {"metadata": {"uid": uid, "name": name}})

    def _known(self, resource: Resource) -> dict[str, str]:
        """What was known before the list began, uid to name: what comes during it is not taken for gone."""
        if resource == CLOUD_ACCOUNTS:
            return {record.account.uid: name for name, record in self.store.accounts.items()}
        return {uid: each.job.name for uid, each in self.store.jobs.items() if each.resource == resource}

"""The composition root: settings -> session -> store -> engine -> shell, in one task group.

Any loop that dies ends the process: a restart is the recovery path, and the only one. An orderly end (SIGTERM) takes no new
work, lets calls in flight end and be recorded, takes back claims that were not sent, and lets the Lease go.
"""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Final

import structlog

from imageferry import logs, shell
from imageferry.engine import clock
from imageferry.engine.accounts import Accounts
from imageferry.engine.bookkeeper import Bookkeeper
from imageferry.engine.gather import Gatherer
from imageferry.engine.gauges import gauges
from imageferry.engine.lanes import Lanes
from imageferry.engine.leader import Leader
from imageferry.engine.orphans import Orphans
from imageferry.engine.perform import Performer
from imageferry.engine.poller import Poller
from imageferry.engine.queue import QueueClosed, WorkQueue
from imageferry.engine.reconciler import Reconciler
from imageferry.engine.sources import Sources
from imageferry.engine.speaker import Speaker
from imageferry.engine.store import PARSERS, JobRecord, Store, account_key
from imageferry.engine.submission import Submission
from imageferry.engine.takeover import Takeover
from imageferry.engine.writer import Writer
from imageferry.health import Check, HealthServer
from imageferry.kube.events import Recorder
from imageferry.kube.objects import CLOUD_ACCOUNTS, KubeClient, Resource
from imageferry.kube.session import KubeSession, open_session
from imageferry.metrics import Metrics
from imageferry.settings import Settings

_log: Final = structlog.get_logger("imageferry.app")

_LEASE_CONNECTIONS: Final = 2
_SILENT_ELECTION_SECONDS: Final = 60.0
_OLDEST_WORK_SECONDS: Final = 120.0
_LAST_WORDS_SECONDS: Final = 1.0


def run(settings: Settings) -> int:
    """Run the operator until it is told to end; the answer is the process's exit status."""
    with asyncio.Runner() as runner:
        return runner.run(_serve(settings))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Engine:
    """The moving parts, put together."""

    settings: Settings
    store: Store
    queue: WorkQueue[str]
    accounts: Accounts
    leader: Leader
    poller: Poller
    orphans: Orphans
    takeover: Takeover
    submission: Submission
    reconciler: Reconciler
    bookkeeper: Bookkeeper
    recorder: Recorder

    def observe(self, resource: Resource, event: str | None, manifest: dict[str, Any]) -> None:
        """A watch event: refresh the store, and have the object looked at if this replica acts."""
        key = self.store.drop(resource, manifest) if event == "DELETED" else self.store.absorb(resource, manifest)
        if key and self.takeover.complete:
            self.queue.add(key)

    async def act(self) -> None:
        """Read everything, wait for the Lease, read again, and work until the queue is shut down."""
        await self.takeover.warm_up()
        await self.leader.acquired.wait()
        await self.takeover.take_over()
        async with asyncio.TaskGroup() as workers:
            for _ in range(self.settings.workers):
                workers.create_task(self._work())

    async def _work(self) -> None:
        while True:
            try:
                key = await self.queue.get()
            except QueueClosed:
                return
            try:
                kind, colon, name = key.partition(":")
                await (self.bookkeeper.visit(name) if colon else self.reconciler.visit(kind))
            finally:
                self.queue.done(key)

    async def end(self, acting: asyncio.Task[None]) -> None:
        """Take no new work; let what is in flight end; leave no claim that nobody will send."""
        self.queue.shutdown()
        if self.leader.acquired.is_set():
            await asyncio.wait([acting], timeout=self.settings.shutdown_seconds)
        acting.cancel()
        await asyncio.wait([acting])
        await self.submission.withdraw_all()
        await self.leader.release()


async def _serve(settings: Settings) -> int:
    metrics, stop, ears = Metrics(), asyncio.Event(), shell.Ears()
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(await open_session(settings))
        election = await stack.enter_async_context(session.sibling(connections=_LEASE_CONNECTIONS))
        pool = ThreadPoolExecutor(settings.cloud_threads, thread_name_prefix="cloud")
        stack.callback(pool.shutdown, wait=False, cancel_futures=True)
        engine = _compose(settings, session, election, pool, metrics)
        stack.push_async_callback(engine.accounts.aclose)
        health = HealthServer(
            checks=_checks(engine, ears), ready=lambda: engine.takeover.warm, metrics=metrics.exposition
        )
        await health.start(host=settings.http_host, port=settings.http_port)
        stack.push_async_callback(health.aclose)
        async with asyncio.TaskGroup() as group:
            loops = [
                group.create_task(each)
                for each in (
                    engine.leader.run(),
                    engine.recorder.run(),
                    engine.poller.run(),
                    engine.orphans.run(),
                    engine.takeover.run(),
                )
            ]
            acting = group.create_task(engine.act())
            resources = (CLOUD_ACCOUNTS, *PARSERS)
            await shell.watch(
                session, settings=settings, observe=engine.observe, resources=resources, ears=ears, stop=stop
            )
            _log.info("ending")
            await engine.end(acting)
            for loop in loops:
                loop.cancel()
    return 0


def _compose(
    settings: Settings, session: KubeSession, election: KubeSession, pool: ThreadPoolExecutor, metrics: Metrics
) -> _Engine:
    def client_of(connection: KubeSession) -> KubeClient:
        return KubeClient(connection, request_seconds=settings.kube_request_seconds, on_request=metrics.api_request)

    client = client_of(session)
    store = Store(lost_journal_age_seconds=settings.lost_journal_age_seconds)
    queue: WorkQueue[str] = WorkQueue(
        retry_min_seconds=settings.retry_min_seconds, retry_max_seconds=settings.retry_max_seconds
    )
    leader = Leader(client_of(election), settings, on_lost=_end_at_once)
    lanes, sources = Lanes(queue.add, _provider_in(store)), Sources(store, queue.add)
    accounts = Accounts(
        store,
        client,
        settings,
        pool=pool,
        report=metrics.cloud_request,
        changed=lambda name: queue.add(account_key(name)),
    )
    writer = Writer(client, store, writers=settings.writers)
    recorder = Recorder(client, identity=settings.identity)
    speaker = Speaker(writer=writer, recorder=recorder, young_seconds=settings.young_object_seconds)
    poller = Poller(store=store, queue=queue, accounts=accounts, leader=leader, settings=settings)
    orphans = Orphans(
        store=store, writer=writer, accounts=accounts, lanes=lanes, leader=leader, metrics=metrics, settings=settings
    )
    submission = Submission(
        store=store,
        queue=queue,
        lanes=lanes,
        leader=leader,
        writer=writer,
        speaker=speaker,
        metrics=metrics,
        settings=settings,
    )

    def changed(uid: str, record: JobRecord | None) -> None:
        lanes.note(uid, record)
        sources.note(uid, record)
        if record and record.journal.task:
            poller.notice()

    store.changed = changed
    metrics.gauges_from(lambda: gauges(store, lanes, leader))
    return _Engine(
        settings=settings,
        store=store,
        queue=queue,
        accounts=accounts,
        leader=leader,
        poller=poller,
        orphans=orphans,
        takeover=Takeover(
            client=client, store=store, queue=queue, lanes=lanes, orphans=orphans, poller=poller, settings=settings
        ),
        submission=submission,
        reconciler=Reconciler(
            store=store,
            queue=queue,
            leader=leader,
            gatherer=Gatherer(accounts=accounts, lanes=lanes, leader=leader, sources=sources, settings=settings),
            performer=Performer(
                submission=submission,
                store=store,
                queue=queue,
                writer=writer,
                speaker=speaker,
                orphans=orphans,
                metrics=metrics,
                settings=settings,
            ),
            speaker=speaker,
            writer=writer,
            settings=settings,
        ),
        bookkeeper=Bookkeeper(
            store=store, queue=queue, accounts=accounts, lanes=lanes, leader=leader, writer=writer, settings=settings
        ),
        recorder=recorder,
    )


def _provider_in(store: Store) -> Callable[[str], str]:
    def provider(account: str) -> str:
        record = store.accounts.get(account)
        return record.account.provider if record else ""

    return provider


def _checks(engine: _Engine, ears: shell.Ears) -> dict[str, Check]:
    def slowest_poll() -> float:
        return max((clock.monotonic() - beat for beat in engine.poller.beats.values()), default=0.0)

    settings = engine.settings
    slow_poll = 8 * settings.poll_max_seconds + 2 * settings.read_deadline_seconds
    return {
        "watch": Check(ears.seconds_deaf, shell.DEAF_SECONDS),
        "election": Check(lambda: clock.monotonic() - engine.leader.beat, _SILENT_ELECTION_SECONDS),
        "work": Check(lambda: engine.queue.oldest_seconds, _OLDEST_WORK_SECONDS),
        "poll": Check(slowest_poll, slow_poll),
    }


def _end_at_once(reason: str) -> None:
    """A leader that lost its Lease must not do one thing more; a running thread cannot be called back otherwise."""
    _log.error("process ends", reason=reason)
    logs.flush(seconds=_LAST_WORDS_SECONDS)
    os._exit(1)

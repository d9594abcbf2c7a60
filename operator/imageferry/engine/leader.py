"""Which replica acts: one Lease, taken and kept by clocks that never leave this machine.

A replica trusts neither another's clock nor the times written in the Lease. It takes a foreign Lease only after it has
itself seen it unchanged for the whole duration, and counts its own from *before* a renewal was sent: the others see the
change later than that, so that our end always comes before their beginning.

    follower --(let go, or unchanged for the duration)--> leader --(released, or not renewed in time, or taken)--> gone

A leader that cannot renew, or finds another's name, ends its process: calls already in threads cannot be recalled, so that
there is no way back to following. A follower waits for as long as it takes. What the leader then does may not enter here.
"""

import asyncio
import random
import time
from collections.abc import Callable
from typing import Final

import structlog

from imageferry.kube import errors
from imageferry.kube.lease import Lease, LeaseClient
from imageferry.kube.objects import KubeClient
from imageferry.settings import Settings

_log = structlog.stdlib.get_logger(__name__)
_RANDOM: Final = random.SystemRandom()
# A Lease that claims to last longer than this many of our own durations was not written by a replica of ours.
_LONGEST: Final = 4.0


class LeaseLost(Exception):  # noqa: N818 -- as in core.errors: the name says what happened
    """This replica was the leader and is no more; the process has to end."""


class Leader:
    """This replica's part in the election.

    `client` wants a session of its own: a renewal must not queue behind status writes. `on_lost` is called with the
    reason when a leader has lost its Lease; it is meant not to return.
    """

    def __init__(
        self,
        client: KubeClient,
        settings: Settings,
        *,
        on_lost: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._leases = LeaseClient(client, namespace=settings.namespace, name=settings.lease_name)
        self._identity = settings.identity
        self._duration = settings.lease_duration_seconds
        self._renew, self._give_up = settings.lease_renew_seconds, settings.lease_give_up_seconds
        self._patience = self._give_up / 2  # for one answer: two silent requests in a row end a leader, one does not
        self._on_lost, self._clock = on_lost, clock
        self._turn = asyncio.Lock()  # one request at a time: a release never races a renewal
        self._seen: Lease | None = None  # as it last was; None: never seen
        self._version: str | None = None  # its resourceVersion as of the last look; None: it was not there
        self._changed_at = clock()  # when this replica first saw it so
        self._renewed_at: float | None = None  # when the last good renewal was sent; None: not the leader
        self._released = asyncio.Event()
        self.acquired = asyncio.Event()
        self.beat = clock()

    @property
    def is_leader(self) -> bool:
        """Whether this replica holds the Lease and it has not run out."""
        return self.lease_remaining() > 0

    def lease_remaining(self) -> float:
        """Seconds for which no other replica can act; 0 if this one is not the leader."""
        if self._renewed_at is None:
            return 0.0
        return max(0.0, self._renewed_at + self._duration - self._clock())

    async def run(self) -> None:
        """Take part until released.

        Raises:
            LeaseLost: after `on_lost`, if that returned.
        """
        while not self._released.is_set():
            async with self._turn:
                if not self._released.is_set():
                    await self._take_turn()
            self.beat = self._clock()
            # Jitter keeps replicas that were started together from asking together for ever.
            await self._sleep(self._renew * (0.8 + 0.2 * _RANDOM.random()))

    async def release(self) -> None:
        """Stop taking part and let the Lease go, so that another replica takes it at its next look.

        To be called after all work has ended: from here on this replica is not the leader.
        """
        self._released.set()
        async with self._turn:
            held, self._renewed_at = self._renewed_at is not None, None
            if not held or self._seen is None:
                return
            try:
                await self._leases.write(self._seen, holder="", duration_seconds=self._duration, seconds=self._renew)
            except errors.KubeFailure as failure:
                # It runs out by itself then, which only takes longer.
                _log.warning("the lease was not released", error=str(failure))
            else:
                _log.info("lease released", identity=self._identity)

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._released.wait()
        except TimeoutError:
            return

    async def _take_turn(self) -> None:
        # Before too: after a long pause of the process no renewal may bring back what has ended meanwhile.
        self._lose_if_late()
        try:
            await (self._follow() if self._renewed_at is None else self._keep())
        except errors.KubeFailure as failure:
            _log.warning("lease request failed", leader=self._renewed_at is not None, error=str(failure))
        self._lose_if_late()

    def _lose_if_late(self) -> None:
        if self._renewed_at is not None and self._clock() - self._renewed_at >= self._give_up:
            self._lose(f"not renewed for {self._give_up:g} s")

    def _lose(self, reason: str) -> None:
        self._renewed_at = None
        _log.error("lease lost", identity=self._identity, reason=reason)
        self._on_lost(reason)
        raise LeaseLost(reason)

    def _notice(self, lease: Lease | None) -> None:
        """Remember the Lease as it is, and since when."""
        version = None if lease is None else lease.version
        if version != self._version:
            self._version, self._changed_at = version, self._clock()
        if lease is not None:
            self._seen = lease

    async def _read(self, seconds: float) -> Lease | None:
        try:
            lease = await self._leases.read(seconds=seconds)
        except errors.NotFound:
            lease = None
        self._notice(lease)
        return lease

    async def _follow(self) -> None:
        lease = await self._read(self._patience)
        # One that was never there is made at once. One deleted by hand may still have its holder acting: it is waited for
        # as if it were there. Our own name is there if the answer to an earlier request of ours was lost.
        if self._seen is None or self._seen.holder in {"", self._identity} or self._ran_out(self._seen):
            await self._write(lease, self._patience)
            _log.info("lease acquired", identity=self._identity, before=lease.holder if lease else "")
            self.acquired.set()

    def _ran_out(self, lease: Lease) -> bool:
        # The longer of both durations, so that an upgrade may change the setting.
        wait = max(self._duration, min(lease.duration_seconds, self._duration * _LONGEST))
        return self._clock() - self._changed_at >= wait

    async def _keep(self) -> None:
        try:
            await self._write(self._seen, self._left())
        except (errors.Conflict, errors.NotFound):
            # Changed or deleted by a person; or our own write, whose answer was lost; or another replica's.
            lease = await self._read(self._left())
            if lease is not None and lease.holder != self._identity:
                self._lose(f"the lease is held by {lease.holder or 'nobody'}")
            await self._write(lease, self._left())

    def _left(self) -> float:
        """For how long a leader may wait for an answer: however slow the server is, it gives up in time."""
        renewed_at = self._clock() if self._renewed_at is None else self._renewed_at
        return max(0.001, min(self._patience, renewed_at + self._give_up - self._clock()))

    async def _write(self, lease: Lease | None, seconds: float) -> None:
        sent_at = self._clock()
        if lease is None:
            made = await self._leases.create(holder=self._identity, duration_seconds=self._duration, seconds=seconds)
        else:
            made = await self._leases.write(
                lease, holder=self._identity, duration_seconds=self._duration, seconds=seconds
            )
        self._notice(made)
        self._renewed_at = sent_at

"""Accounts: from a CloudAccount's name to a connection whose owner is known, or to the reason why there is none.

Where keys come from is the room next door (credentials.py). Who owns a key is asked from the cloud when the key changes, and at
most hourly after that. Everything here may be lost by a restart without harm.
"""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

from imageferry.clouds.provider import Access, CloudConnection, Timings
from imageferry.clouds.registry import connector
from imageferry.core.account import Account, barred, insecure_endpoint
from imageferry.core.errors import Failure, Refusal, Transient
from imageferry.core.job import Job, Kind
from imageferry.core.reasons import Reason
from imageferry.core.resolved import Resolved, ResolvedExport
from imageferry.core.secret import Keys
from imageferry.engine import clock
from imageferry.engine.credentials import Credentials, Ring
from imageferry.engine.lanes import LaneKey
from imageferry.engine.store import Store
from imageferry.kube.objects import NAMESPACES, KubeClient
from imageferry.settings import Settings

_RETIRED_SECONDS: Final = 600.0
"""Longer than any step holds a connection."""


@dataclass(frozen=True, slots=True)
class Usable:
    """An account that can be used now: its wish, its connection, and the cloud account that owns the key."""

    account: Account
    connection: CloudConnection
    owner: str

    def lane(self, kind: Kind, region: str) -> LaneKey:
        """The lane that a job of this kind and region uses."""
        return LaneKey(self.account.provider, self.owner, region, kind)


@dataclass(slots=True)
class _Held:
    """What is known of one account's credentials. Times are monotonic seconds."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    ring: Ring = field(default_factory=Ring)
    material: Keys | None = None
    endpoints: object = None
    connection: CloudConnection | None = None
    owner: str = ""
    asked_at: float | None = None
    refusal: Refusal | None = None
    refused_at: float = 0.0
    told: Refusal | None = None


class Accounts:
    """All accounts in use. `pool` carries the SDKs' blocking calls; `report` counts cloud requests.

    `changed` is told the name of an account that can be used no more, or again, or not for another reason.
    """

    def __init__(
        self,
        store: Store,
        client: KubeClient,
        settings: Settings,
        *,
        pool: ThreadPoolExecutor,
        report: Callable[[str, str, str, str], None],
        changed: Callable[[str], None],
    ) -> None:
        self._store, self._client, self._settings = store, client, settings
        self._pool, self._report, self._changed = pool, report, changed
        self._credentials = Credentials(client, settings, pool=pool, report=report)
        self._held: dict[str, _Held] = {}
        self._labels: dict[str, tuple[float, Mapping[str, str]]] = {}
        self._retired: list[tuple[float, CloudConnection]] = []

    async def usable(self, name: str) -> Usable | Refusal:
        """The account, or why it cannot be used. Raises no Failure: every one becomes a refusal."""
        record = self._store.accounts.get(name)
        if record is None:
            return Refusal(Reason.ACCOUNT_NOT_FOUND, f"There is no CloudAccount {name}.")
        held = self._held.setdefault(record.account.uid, _Held())
        await self._close_retired()
        async with held.lock:
            refusal = self._unusable(record.account) or await self._refresh(record.account, held)
        if refusal != held.told:
            held.told = refusal
            self._changed(name)
        if refusal:
            return refusal
        if held.connection is None:
            raise AssertionError("an account without a refusal has a connection")
        return Usable(record.account, held.connection, held.owner)

    async def barred(self, account: Account, job: Job, resolved: Resolved | None) -> Refusal | None:
        """The first grant of the account that the job lacks, as far as it is known what the job means."""
        labels = await self._namespace_labels(job.namespace) if account.namespaces_from == "Selector" else {}
        image_id = resolved.image_id if isinstance(resolved, ResolvedExport) else ""
        return barred(account, job, labels, image_id, resolved.role_name if resolved else "")

    async def aclose(self) -> None:
        """Close every connection, those that a rotation retired included."""
        retired = [connection for _, connection in self._retired]
        for connection in [*retired, *(held.connection for held in self._held.values() if held.connection)]:
            await connection.aclose()

    def _unusable(self, account: Account) -> Refusal | None:
        if connector(account.provider) is None:
            return Refusal(Reason.NOT_YET_SUPPORTED, f"This release does not know the provider {account.provider}.")
        address = insecure_endpoint(account)
        if address and not self._settings.allow_insecure_endpoints:
            return Refusal(
                Reason.INVALID_SPEC,
                f"spec.endpoints: {address} would send keys in the clear; use https, or run the operator with "
                "--allow-insecure-endpoints.",
            )
        return None

    async def _refresh(self, account: Account, held: _Held) -> Refusal | None:
        """Bring keys and owner up to date where their time has come. A refusal is remembered for a short while."""
        settings = self._settings
        recent = held.refusal is not None and clock.monotonic() - held.refused_at < settings.look_again_seconds
        patience = settings.retry_min_seconds if recent else settings.secret_reread_seconds
        doubted = held.ring.doubted
        found = await self._credentials.keys(account, held.ring, patience)
        if isinstance(found, Refusal):
            return self._remember(held, found)
        if held.connection is None or held.material != found or held.endpoints != account.endpoints:
            self._connect(account, held, found)
        elif recent and held.refusal:
            return held.refusal
        asked = held.asked_at is not None and clock.monotonic() - held.asked_at < settings.account_recheck_seconds
        if doubted or not asked:
            return self._remember(held, await self._ask_owner(held))
        return self._remember(held, None)

    def _remember(self, held: _Held, refusal: Refusal | None) -> Refusal | None:
        if refusal:
            held.refused_at = clock.monotonic()
        held.refusal = refusal
        return refusal

    async def _close_retired(self) -> None:
        """Let go of the connections that no step can hold any more."""
        now = clock.monotonic()
        over = [connection for at, connection in self._retired if now - at >= _RETIRED_SECONDS]
        self._retired = [(at, connection) for at, connection in self._retired if now - at < _RETIRED_SECONDS]
        for connection in over:
            await connection.aclose()

    def _connect(self, account: Account, held: _Held, material: Keys) -> None:
        connect = connector(account.provider)
        if connect is None:
            raise AssertionError("an unknown provider is refused before")
        if held.connection:
            self._retired.append((clock.monotonic(), held.connection))
        settings = self._settings
        held.connection = connect(
            Access(
                keys=material,
                endpoints=account.endpoints,
                timings=Timings(
                    submit_deadline_seconds=settings.call_deadline_seconds,
                    read_deadline_seconds=settings.read_deadline_seconds,
                    task_retention_seconds=settings.task_retention_seconds,
                    busy_seconds=settings.look_again_seconds,
                ),
                requests_per_second=account.limits.requests_per_second,
                pool=self._pool,
                report=lambda action, region, code: self._report(account.provider, region, action, code),
                doubt=held.ring.doubt,
            )
        )
        held.material, held.endpoints = material, account.endpoints
        held.owner, held.asked_at, held.refusal = "", None, None

    async def _ask_owner(self, held: _Held) -> Refusal | None:
        """Who owns the key. While the cloud is away an owner that is known stays so: the key is the same."""
        if held.connection is None:
            raise AssertionError("only a connection can be asked")
        try:
            held.owner = await held.connection.owner()
        except Transient as failure:
            return None if held.owner else Refusal.of(failure)
        except Failure as failure:
            held.asked_at = None
            return Refusal.of(failure)
        held.asked_at = clock.monotonic()
        return None

    async def _namespace_labels(self, namespace: str) -> Mapping[str, str]:
        at, labels = self._labels.get(namespace, (float("-inf"), {}))
        if clock.monotonic() - at < self._settings.look_again_seconds:
            return labels
        manifest: Mapping[str, Any] = await self._client.get(NAMESPACES, None, namespace)
        labels = manifest["metadata"].get("labels") or {}
        self._labels[namespace] = (clock.monotonic(), labels)
        return labels

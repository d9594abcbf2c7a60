"""An account's keys: from the Secret that it names, or temporary ones that the cloud gives for a role.

The Secret is reread (never watched: the operator's Role grants `get` on named Secrets alone). Temporary keys are renewed well
before their end; while the cloud is away the old ones serve to their end. What a key is good for is not known here.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from imageferry.clouds.provider import Exchange
from imageferry.clouds.registry import obtainer
from imageferry.core.account import Account, AssumedRole, InstanceRole, StoredKey, WorkloadIdentity
from imageferry.core.errors import Failure, Refusal, Transient
from imageferry.core.reasons import Reason
from imageferry.core.secret import Keys, parse_secret
from imageferry.engine import clock
from imageferry.kube import errors
from imageferry.kube.objects import KubeClient
from imageferry.logs import hide
from imageferry.settings import Settings

_log: Final = structlog.get_logger("imageferry.credentials")

_RENEWED_EARLY_SECONDS: Final = 900.0
"""As the vendor's own library does (alibabacloud-credentials 1.0.12 renews with 15 minutes left)."""

_RENEWED_EARLY_PART: Final = 0.25
"""The same for keys that live so short that 15 minutes would be most of their life."""


@dataclass(slots=True)
class Ring:
    """What is known of one account's keys; times are monotonic seconds.

    `wished` is the account's wish that they answer, `base` the stored key that signed for a role, `doubted` whether the cloud
    has refused the keys since they were last looked at, which brings the next look forward.
    """

    wished: object = None
    base: Keys | None = None
    keys: Keys | None = None
    refusal: Refusal | None = None
    looked_at: float | None = None
    renew_at: float = float("inf")
    ends_at: float = float("inf")
    doubted: bool = False

    def doubt(self) -> None:
        """The cloud does not take these keys."""
        self.doubted = True


class Credentials:
    """Where keys come from. `pool` carries the SDKs' blocking calls; `report` is told provider, region, action and code."""

    def __init__(
        self,
        client: KubeClient,
        settings: Settings,
        *,
        pool: ThreadPoolExecutor,
        report: Callable[[str, str, str, str], None],
    ) -> None:
        self._client, self._settings = client, settings
        self._pool, self._report = pool, report

    async def keys(self, account: Account, ring: Ring, patience_seconds: float) -> Keys | Refusal:
        """The keys to sign with now: those of before, or newer ones once it is time to look. Raises no Failure."""
        wish = (account.source, account.assumed, account.endpoints)
        if ring.wished != wish:
            ring.base, ring.keys, ring.looked_at, ring.wished = None, None, None, wish
        now = clock.monotonic()
        if ring.looked_at is None or now - ring.looked_at >= self._patience(account, ring, patience_seconds):
            found = await self._fetch(account, ring)
            ring.looked_at = clock.monotonic()
            self._keep(ring, found)
        if ring.keys:
            return ring.keys
        if ring.refusal is None:
            raise AssertionError("after a look there are keys, or there is a reason why not")
        return ring.refusal

    def _patience(self, account: Account, ring: Ring, wanted: float) -> float:
        """How long to go without another look."""
        if ring.doubted:
            wanted = min(wanted, self._settings.look_again_seconds)
        if ring.keys is None or ring.doubted or isinstance(account.source, StoredKey):
            return wanted
        return wanted if clock.monotonic() >= ring.renew_at else float("inf")

    def _keep(self, ring: Ring, found: Keys | Refusal) -> None:
        """Newer keys replace the old; a cloud or an API server that is away leaves them until their end."""
        if isinstance(found, Keys):
            ring.refusal, ring.doubted = None, False
            return
        away = found.reason is Reason.CLOUD_UNAVAILABLE
        if not away or clock.monotonic() >= ring.ends_at:
            ring.keys = None
        ring.refusal = found

    async def _fetch(self, account: Account, ring: Ring) -> Keys | Refusal:
        if isinstance(account.source, StoredKey):
            base = await self._stored(account.source.secret, account.name)
        else:
            base = await self._obtained(account, account.source, None)
        if isinstance(base, Refusal):
            return base
        current = base == ring.base and not ring.doubted and clock.monotonic() < ring.renew_at
        if ring.keys and current:
            return ring.keys
        found = await self._obtained(account, account.assumed, base) if account.assumed else base
        if isinstance(found, Keys) and found != ring.keys:
            _put(ring, base, found)
        return found

    async def _stored(self, name: str, account: str) -> Keys | Refusal:
        try:
            secret = await self._client.get_secret(self._settings.namespace, name)
        except errors.NotFound:
            return Refusal(
                Reason.CREDENTIALS_MISSING,
                f"There is no Secret {name} in the operator's namespace {self._settings.namespace}.",
            )
        except errors.Forbidden:
            return Refusal(
                Reason.CREDENTIALS_MISSING,
                f"The operator may not read the Secret {name}: its Role does not name it.",
            )
        except errors.KubeFailure as failure:
            _log.warning("secret not read", account=account, failure=str(failure))
            return Refusal(Reason.CLOUD_UNAVAILABLE, "The API server did not answer when the Secret was read.")
        return parse_secret(secret)

    async def _obtained(
        self, account: Account, role: WorkloadIdentity | InstanceRole | AssumedRole, keys: Keys | None
    ) -> Keys | Refusal:
        obtain, settings = obtainer(account.provider), self._settings
        if obtain is None:
            raise AssertionError("an unknown provider is refused before")
        exchange = Exchange(
            role=role,
            keys=keys,
            endpoints=account.endpoints,
            token_file=Path(settings.identity_token_folder) / account.provider,
            metadata_endpoint=settings.instance_metadata_endpoint,
            deadline_seconds=settings.read_deadline_seconds,
            pool=self._pool,
            report=lambda action, region, code: self._report(account.provider, region, action, code),
        )
        try:
            return await obtain(exchange)
        except Failure as failure:
            _log.warning("keys not obtained", account=account.name, reason=failure.reason, message=failure.message,
                         code=failure.code, request_id=failure.request_id)  # fmt: skip
            away = isinstance(failure, Transient)
            return Refusal(Reason.CLOUD_UNAVAILABLE, failure.message) if away else Refusal.of(failure)


def _put(ring: Ring, base: Keys, found: Keys) -> None:
    """Newer keys, from now on hidden from every log line."""
    for keys in (base, found):
        for secret in filter(None, (keys.secret, keys.token)):
            hide(secret, seconds=_life(keys))
    now, life = clock.monotonic(), _life(found)
    ring.base, ring.keys = base, found
    ring.ends_at = now + life
    ring.renew_at = ring.ends_at - min(_RENEWED_EARLY_SECONDS, _RENEWED_EARLY_PART * life)


def _life(keys: Keys) -> float:
    return float("inf") if keys.life_seconds is None else keys.life_seconds

"""The instance that the metadata service speaks for, its access tokens, and the keys of its role. No HTTP here.

https://www.alibabacloud.com/help/en/ecs/user-guide/view-instance-metadata and
https://www.alibabacloud.com/help/en/ecs/user-guide/attach-an-instance-ram-role-to-an-ecs-instance
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from imageferry_emulator.accounts import Session
from imageferry_emulator.ram import policies
from imageferry_emulator.ram.policies import Principal
from imageferry_emulator.shapes import text

if TYPE_CHECKING:
    from imageferry_emulator.accounts import AccessKey
    from imageferry_emulator.clock import Clock
    from imageferry_emulator.ram.models import Role
    from imageferry_emulator.state import Journal
    from imageferry_emulator.world import World

ROLE_SECONDS = 6 * 3600
"""How long the keys of an instance's role live: the example of the documents spans six hours."""
RENEWED_AT = 1 / 6
"""Assumed: with this part of their life left, new keys are given out."""
PARTS = ("account", "id", "region", "zone", "role")


class Instance:
    """One instance, kept in the journal; its access tokens live in memory, as those of a real one die with it."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self._tokens: dict[str, float] = {}

    def put(self, instance: dict[str, Any]) -> None:
        """Be {account, id, region, zone, role?}. Raises ValueError if it is not of that shape."""
        known = {part: text(instance, part) for part in PARTS if part != "role" or instance.get(part)}
        self._journal.put("instance", "self", known)
        self._journal.drop("instance", "key")

    def items(self) -> dict[str, str]:
        """What is told of it, by path below `meta-data/`; empty if there is no instance."""
        known = self._journal.table("instance").get("self")
        if known is None:
            return {}
        return {
            "instance-id": known["id"],
            "owner-account-id": known["account"],
            "region-id": known["region"],
            "zone-id": known["zone"],
            **({"ram/security-credentials/": known["role"]} if "role" in known else {}),
        }

    def token(self, seconds: int) -> str:
        """An access token that is good for so long."""
        now = self._clock.real_seconds()
        self._tokens = {token: until for token, until in self._tokens.items() if until > now}
        token = secrets.token_urlsafe(40)
        self._tokens[token] = now + seconds
        return token

    def admits(self, token: str) -> bool:
        """Whether an access token is good now."""
        return self._tokens.get(token, 0.0) > self._clock.real_seconds()

    def key(self, role_name: str, world: World) -> AccessKey | None:
        """The key of the instance's role, renewed in time; None if it is not its role or the role does not trust ECS."""
        known = self._journal.table("instance").get("self", {})
        role = world.access.role(known.get("account", ""), role_name)
        if role is None or role_name != known.get("role") or not _trusts_ecs(role):
            return None
        stored = world.accounts.by_key(self._journal.table("instance").get("key", ""))
        short = world.settings.values.token_life_seconds
        seconds = ROLE_SECONDS if short is None else short
        if stored is not None and stored.expires is not None:
            left = stored.expires.timestamp() - self._clock.real_seconds()
            if seconds * RENEWED_AT < left <= seconds:
                return stored
        fresh = world.accounts.issue(role.account_id, Session(role.name, known["id"], None), seconds)
        self._journal.put("instance", "key", fresh.id)
        return fresh


def _trusts_ecs(role: Role) -> bool:
    return policies.trusts(role.trust, [Principal("Service", policies.ECS_SERVICE)], {})

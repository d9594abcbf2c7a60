"""The instance that Tencent Cloud's metadata service speaks for, and the keys of its role. No HTTP here.

https://www.tencentcloud.com/document/product/213/4934 (items), https://www.tencentcloud.com/document/product/598/85616 (keys of a role)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imageferry_emulator.accounts import Session
from imageferry_emulator.cam import policies
from imageferry_emulator.cam.policies import Principal
from imageferry_emulator.metadata.models import PARTS, RENEWED_AT, ROLE_SECONDS
from imageferry_emulator.shapes import text

if TYPE_CHECKING:
    from imageferry_emulator.accounts import AccessKey
    from imageferry_emulator.cam.models import Role
    from imageferry_emulator.state import Journal
    from imageferry_emulator.world import World

ROLES = "cam/security-credentials/"
TABLE = "machine"


class Machine:
    """One instance, kept in the journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def put(self, instance: dict[str, Any]) -> None:
        """Be {account, id, region, zone, role?}. Raises ValueError if it is not of that shape."""
        known = {part: text(instance, part) for part in PARTS if part != "role" or instance.get(part)}
        self._journal.put(TABLE, "self", known)
        self._journal.drop(TABLE, "key")

    def items(self, world: World) -> dict[str, str]:
        """What is told of it, by path below `meta-data/`; empty if there is no instance."""
        known = self._known()
        if not known:
            return {}
        account = world.tencent.accounts.account(known["account"])
        return {
            "app-id": account.app_id if account else "",
            "instance-id": known["id"],
            "placement/region": known["region"],
            "placement/zone": known["zone"],
            "uuid": known["id"],
            **({ROLES: known["role"]} if "role" in known else {}),
        }

    def key(self, role_name: str, world: World) -> AccessKey | None:
        """The key of the instance's role, renewed in time; None if it is not its role or the role does not trust CVM."""
        known = self._known()
        role = world.tencent.directory.role(known.get("account", ""), role_name)
        if role is None or role_name != known.get("role") or not _trusts_cvm(role):
            return None
        stored = world.tencent.accounts.by_key(self._journal.table(TABLE).get("key", ""))
        short = world.settings.values.token_life_seconds
        seconds = ROLE_SECONDS if short is None else short
        if stored is not None and stored.expires is not None:
            left = stored.expires.timestamp() - world.clock.real_seconds()
            if seconds * RENEWED_AT < left <= seconds:
                return stored
        fresh = world.tencent.accounts.issue(role.account_id, Session(role.name, known["id"], None), seconds)
        self._journal.put(TABLE, "key", fresh.id)
        return fresh

    def _known(self) -> dict[str, str]:
        known: dict[str, str] = self._journal.table(TABLE).get("self", {})
        return known


def _trusts_cvm(role: Role) -> bool:
    services = [Principal("service", name) for name in policies.CVM_SERVICES]
    return policies.trusts(role.trust, services, policies.ASSUME, {})

"""Who may call: cloud accounts, their access keys and what each account has been granted.

Every service asks here; none keeps keys of its own. Whether a signature is right is the services' business, not this room's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from imageferry_emulator.shapes import text

if TYPE_CHECKING:
    from imageferry_emulator.state import Journal

EXPORT_ROLE = "AliyunECSImageExportDefaultRole"
"""The RAM role that lets ECS write into the account's buckets (ExportImage, parameter RoleName)."""


@dataclass(frozen=True, slots=True)
class Account:
    """A cloud account: its 16-digit id, the RAM roles ECS may assume in it, and whether it is allow-listed for exports."""

    id: str
    roles: frozenset[str]
    export_allowed: bool


@dataclass(frozen=True, slots=True)
class AccessKey:
    """An access key. With a `token` it is a temporary one, of no use after `expires` (time zone UTC)."""

    id: str
    secret: str
    account_id: str
    token: str | None
    expires: datetime | None
    enabled: bool


class Accounts:
    """All accounts and keys, kept in the journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def by_key(self, access_key_id: str) -> AccessKey | None:
        """The key of that id, or None."""
        stored = self._journal.table("keys").get(access_key_id)
        return _key(access_key_id, stored) if stored else None

    def account(self, account_id: str) -> Account | None:
        """The account of that id, or None."""
        stored = self._journal.table("accounts").get(account_id)
        return _account(account_id, stored) if stored is not None else None

    def put_account(self, account: dict[str, Any]) -> None:
        """Add or replace an account: {id, roles?, exportAllowed?, keys?: [key]}. Raises ValueError if it is not of that shape."""
        account_id = text(account, "id")
        grants = {name: account[name] for name in ("roles", "exportAllowed") if name in account}
        self._journal.put("accounts", account_id, {**self._journal.table("accounts").get(account_id, {}), **grants})
        for key in account.get("keys", []):
            self.put_key(account_id, key)

    def put_key(self, account_id: str, key: dict[str, Any]) -> None:
        """Add or replace a key: {id, secret, token?, expires? (ISO 8601), enabled?}. Raises ValueError if it is not of that shape."""
        key_id = text(key, "id")
        stored = {"secret": text(key, "secret"), "account": account_id}
        stored |= {name: key[name] for name in ("token", "expires", "enabled") if name in key}
        _key(key_id, stored)
        self._journal.put("keys", key_id, stored)

    def drop_key(self, access_key_id: str) -> None:
        """Forget a key."""
        self._journal.drop("keys", access_key_id)

    def shown(self) -> list[dict[str, Any]]:
        """All accounts with the ids of their keys, without secrets."""
        keys = self._journal.table("keys")
        return [
            {
                "id": account_id,
                **grants,
                "keys": [key for key, stored in keys.items() if stored["account"] == account_id],
            }
            for account_id, grants in self._journal.table("accounts").items()
        ]


def _account(account_id: str, stored: dict[str, Any]) -> Account:
    return Account(
        id=account_id,
        roles=frozenset(stored.get("roles", [EXPORT_ROLE])),
        export_allowed=stored.get("exportAllowed", True),
    )


def _key(key_id: str, stored: dict[str, Any]) -> AccessKey:
    expires = stored.get("expires")
    return AccessKey(
        id=key_id,
        secret=stored["secret"],
        account_id=stored["account"],
        token=stored.get("token"),
        expires=datetime.fromisoformat(expires).astimezone(UTC) if expires else None,
        enabled=stored.get("enabled", True),
    )

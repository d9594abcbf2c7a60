"""Who may call: cloud accounts, their access keys and what each account has been granted.

Every service asks here; none keeps keys of its own. Each cloud has a book of its own, so that no key of one is known to the other.
Whether a signature is right is the services' business, and what a role may do is that of `ram/` and `cam/`; not this room's.
"""

from __future__ import annotations

import secrets
import string
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from imageferry_emulator.shapes import text

if TYPE_CHECKING:
    from imageferry_emulator.clock import Clock
    from imageferry_emulator.state import Journal

DATE = "%Y-%m-%dT%H:%M:%SZ"
USER = "emulated"
"""The RAM user that a key of the seed belongs to unless it names another."""
KEPT = timedelta(days=1)
"""For so long an expired key is still known, so that a late request hears that it expired and not that it never was."""
GRANTS = ("exportAllowed", "importAllowed", "ossEnabled", "inArrears", "resourceGroups", "appID")
"""What a seed says about an account itself."""
ID_LETTERS = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class Book:
    """Where the accounts of one cloud are kept: two tables of the journal, and what differs between the keys in them.

    `temporary` is what the id of a temporary key begins with, `user` whose a key is that names nobody ('': the account's own).
    """

    accounts: str
    keys: str
    temporary: str
    user: str


ALIBABA = Book(accounts="accounts", keys="keys", temporary="STS.", user=USER)
TENCENT = Book(accounts="tencentAccounts", keys="tencentKeys", temporary="AKID", user="")


@dataclass(frozen=True, slots=True)
class Account:
    """A cloud account: its 16-digit id, whether it is allow-listed for exports and for imports, and what it has besides.

    That is OSS (which can be disabled), debts, and resource groups by their ids. With Tencent Cloud the id is a uin, and `app_id`
    the number that the names of its buckets end in, '' with Alibaba Cloud.
    """

    id: str
    export_allowed: bool
    import_allowed: bool
    oss_enabled: bool
    in_arrears: bool
    resource_groups: tuple[str, ...]
    app_id: str


@dataclass(frozen=True, slots=True)
class Session:
    """A role that was assumed: the role's name, the session's, and the policy that narrows it (a JSON document) or None."""

    role: str
    name: str
    policy: str | None


@dataclass(frozen=True, slots=True)
class AccessKey:
    """An access key of a RAM user, or of the account itself (`user` is empty), or of a role's session.

    With a `token` it is a temporary one, of no use after `expires` (time zone UTC). `policies` are the names of the policies
    attached to the user; None lets the key do everything.
    """

    id: str
    secret: str
    account_id: str
    token: str | None
    expires: datetime | None
    enabled: bool
    user: str
    policies: tuple[str, ...] | None
    session: Session | None


class Problem(StrEnum):
    """Why a key is of no use; each service has its own documented code for each."""

    UNKNOWN = "there is no such key"
    DISABLED = "the key is disabled"
    TOKEN_MISSING = "the key is a temporary one and came without its token"  # noqa: S105 (a sentence)
    TOKEN_UNASKED = "the key is no temporary one and came with a token"  # noqa: S105 (a sentence)
    TOKEN_WRONG = "the token is not that of the key"  # noqa: S105 (a sentence)
    TOKEN_EXPIRED = "the key has expired"  # noqa: S105 (a sentence)


class KeyRefusedError(Exception):
    """A key cannot be used; `problem` says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.value)
        self.problem = problem


class Accounts:
    """All accounts and keys of one cloud, kept in the journal."""

    def __init__(self, journal: Journal, clock: Clock, book: Book) -> None:
        self._journal = journal
        self._clock = clock
        self._book = book

    def resolve(self, access_key_id: str, token: str) -> AccessKey:
        """The key that a request names, if it may be used now with that token ('' for none). Raises KeyRefusedError.

        The order is fixed: known, enabled, token, life. What it does not look at is the signature.
        """
        key = self.by_key(access_key_id)
        if key is None or self.account(key.account_id) is None:
            raise KeyRefusedError(Problem.UNKNOWN)
        if not key.enabled:
            raise KeyRefusedError(Problem.DISABLED)
        if token != (key.token or ""):
            if not token:
                raise KeyRefusedError(Problem.TOKEN_MISSING)
            raise KeyRefusedError(Problem.TOKEN_UNASKED if key.token is None else Problem.TOKEN_WRONG)
        if key.expires is not None and self._clock.real_now() >= key.expires:
            raise KeyRefusedError(Problem.TOKEN_EXPIRED)
        return key

    def by_key(self, access_key_id: str) -> AccessKey | None:
        """The key of that id, or None."""
        stored = self._journal.table(self._book.keys).get(access_key_id)
        return self._key(access_key_id, stored) if stored else None

    def account(self, account_id: str) -> Account | None:
        """The account of that id, or None."""
        stored = self._journal.table(self._book.accounts).get(account_id)
        return None if stored is None else _account(account_id, stored)

    def put_account(self, account: dict[str, Any]) -> None:
        """Add or change an account of the shape that the README gives. Raises ValueError if it is not of that shape."""
        account_id = text(account, "id")
        grants = {name: account[name] for name in GRANTS if name in account}
        known = self._journal.table(self._book.accounts).get(account_id, {})
        self._journal.put(self._book.accounts, account_id, {**known, **grants})
        for key in account.get("keys", []):
            self.put_key(account_id, key)

    def put_key(self, account_id: str, key: dict[str, Any]) -> None:
        """Add or replace a key of the shape that the README gives. Raises ValueError if it is not of that shape."""
        key_id = text(key, "id")
        stored = {"secret": text(key, "secret"), "account": account_id}
        stored |= {name: key[name] for name in ("token", "expires", "enabled", "user", "policies") if name in key}
        self._key(key_id, stored)
        self._journal.put(self._book.keys, key_id, stored)

    def issue(self, account_id: str, session: Session, seconds: float) -> AccessKey:
        """A new temporary key of a role's session that lives for so many real seconds."""
        self._forget_expired()
        stored = {
            "account": account_id,
            "secret": _random(44),
            "token": _random(160),
            # Whole seconds, as clients are told: a key may not die before the time that it shows.
            "expires": (self._clock.real_now() + timedelta(seconds=seconds)).replace(microsecond=0).isoformat(),
            "session": {"role": session.role, "name": session.name, "policy": session.policy},
        }
        key_id = f"{self._book.temporary}{_random(24)}"
        self._journal.put(self._book.keys, key_id, stored)
        return self._key(key_id, stored)

    def drop_key(self, access_key_id: str) -> None:
        """Forget a key."""
        self._journal.drop(self._book.keys, access_key_id)

    def shown(self) -> list[dict[str, Any]]:
        """All accounts with the ids of their keys, without secrets."""
        keys = self._journal.table(self._book.keys)
        return [
            {
                "id": account_id,
                **grants,
                "keys": [key for key, stored in keys.items() if stored["account"] == account_id],
            }
            for account_id, grants in self._journal.table(self._book.accounts).items()
        ]

    def _forget_expired(self) -> None:
        now = self._clock.real_now()
        for key_id, stored in list(self._journal.table(self._book.keys).items()):
            if "session" in stored and datetime.fromisoformat(stored["expires"]) + KEPT < now:
                self._journal.drop(self._book.keys, key_id)

    def _key(self, key_id: str, stored: dict[str, Any]) -> AccessKey:
        expires, policies, session = stored.get("expires"), stored.get("policies"), stored.get("session")
        return AccessKey(
            id=key_id,
            secret=stored["secret"],
            account_id=stored["account"],
            token=stored.get("token"),
            expires=datetime.fromisoformat(expires).astimezone(UTC) if expires else None,
            enabled=stored.get("enabled", True),
            user=stored.get("user", self._book.user),
            policies=None if policies is None else tuple(policies),
            session=Session(**session) if session else None,
        )


def _random(length: int) -> str:
    return "".join(secrets.choice(ID_LETTERS) for _ in range(length))


def _account(account_id: str, stored: dict[str, Any]) -> Account:
    return Account(
        id=account_id,
        export_allowed=stored.get("exportAllowed", True),
        import_allowed=stored.get("importAllowed", True),
        oss_enabled=stored.get("ossEnabled", True),
        in_arrears=stored.get("inArrears", False),
        resource_groups=tuple(stored.get("resourceGroups", [])),
        app_id=stored.get("appID", ""),
    )

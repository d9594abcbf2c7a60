"""Roles, policies and identity providers by account, and whether a key may do something. No HTTP here.

Whether an access key is genuine is the business of `accounts.py` and of the services that verify signatures.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from imageferry_emulator.cam import policies
from imageferry_emulator.cam.policies import Principal
from imageferry_emulator.shapes import ShapeError, mapping, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imageferry_emulator.accounts import AccessKey
    from imageferry_emulator.state import Journal

CVM_ROLE = "CVM_QcsRole"
"""The role that exports use by default: ExportImages, parameter RoleName, https://www.tencentcloud.com/document/product/213."""
CVM_POLICY = "QcloudCOSFullAccess"
"""What a role has that is only named; the documents ask for the right to write to COS and name no policy."""
SESSION_SECONDS = 7200
LONGEST_SECONDS = 43200
"""How long the keys of a role live unless asked otherwise, and at most: AssumeRole, parameter DurationSeconds."""
PARTS = ("roles", "policies", "oidcProviders")


@dataclass(frozen=True, slots=True)
class Role:
    """A role: whom it trusts (a policy document), the names of its policies, and how long its keys may live."""

    account_id: str
    name: str
    trust: str
    policies: tuple[str, ...]
    max_session_seconds: int
    description: str

    @property
    def id(self) -> str:
        """The number that the cloud knows it by."""
        return f"46116860184{_number(f'{self.account_id} {self.name}', 8):08}"

    @property
    def arn(self) -> str:
        """How requests name it (parameter RoleArn)."""
        return f"qcs::cam::uin/{self.account_id}:roleName/{self.name}"


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy as an account sees it: one of its own, or a preset one."""

    name: str
    preset: bool
    document: str
    description: str

    @property
    def id(self) -> int:
        """The number that the cloud knows it by."""
        return 1 if self.name == "AdministratorAccess" else 2 * 10**8 + _number(self.name, 7)


@dataclass(frozen=True, slots=True)
class Provider:
    """An OIDC identity provider: the issuer it stands for, the audiences taken, and its public keys as JWKs."""

    account_id: str
    name: str
    issuer: str
    client_ids: tuple[str, ...]
    keys: tuple[dict[str, Any], ...]

    @property
    def arn(self) -> str:
        """How trust policies name it; requests give the bare name (parameter ProviderId)."""
        return f"qcs::cam::uin/{self.account_id}:oidc-provider/{self.name}"


class Directory:
    """Roles, policies and providers of all accounts, kept in the journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def put(self, account: dict[str, Any]) -> None:
        """Take {id, roles?, policies?, oidcProviders?}; each list replaces the account's. Raises ValueError for a wrong shape."""
        account_id = text(account, "id")
        stored = {**self._of(account_id), **{part: account[part] for part in PARTS if part in account}}
        owned = {_policy(policy).name for policy in stored.get("policies", [])}
        for role in map(_spelled_out, stored.get("roles", [])):
            unknown = set(_role(account_id, role).policies) - owned - set(policies.PRESET)
            if unknown:
                raise ShapeError(f"a role has policies that the account lacks: {', '.join(sorted(unknown))}")
        for provider in stored.get("oidcProviders", []):
            _provider(account_id, provider)
        self._journal.put("cam", account_id, stored)

    def roles(self, account_id: str) -> Iterator[Role]:
        """The roles of an account; one that was given none has the one that exports use."""
        return (_role(account_id, _spelled_out(role)) for role in self._of(account_id).get("roles", [CVM_ROLE]))

    def role(self, account_id: str, name: str) -> Role | None:
        """The role of that name, or None."""
        return next((role for role in self.roles(account_id) if role.name == name), None)

    def policies(self, account_id: str) -> list[Policy]:
        """The policies that an account can attach: its own, and the preset ones."""
        preset = [Policy(name, preset=True, document=shown, description="") for name, shown in policies.PRESET.items()]
        return [*map(_policy, self._of(account_id).get("policies", [])), *preset]

    def attached(self, account_id: str, names: tuple[str, ...]) -> list[Policy]:
        """The policies of these names, as far as there are such."""
        return [policy for policy in self.policies(account_id) if policy.name in names]

    def provider(self, account_id: str, name: str) -> Provider | None:
        """The identity provider of that name, or None."""
        providers = (_provider(account_id, provider) for provider in self._of(account_id).get("oidcProviders", []))
        return next((provider for provider in providers if provider.name == name), None)

    def documents(self, role: Role) -> list[str]:
        """The documents of the policies attached to a role."""
        return self._documents(role.account_id, role.policies)

    def allows(self, key: AccessKey, action: str) -> bool:
        """Whether a key may do an action (`cvm:ExportImages`, `cos:PutObject`); resources and conditions are not looked at.

        A session may do what its role may, narrowed by the policy that it was begun with (AssumeRole, parameter Policy).
        """
        if key.session is None:
            return key.policies is None or policies.permits(self._documents(key.account_id, key.policies), action)
        role = self.role(key.account_id, key.session.role)
        if role is None or not policies.permits(self.documents(role), action):
            return False
        return key.session.policy is None or policies.permits([key.session.policy], action)

    def shown(self) -> dict[str, Any]:
        """Roles, policies and providers by account, as they are stored."""
        return dict(self._journal.table("cam"))

    def _of(self, account_id: str) -> dict[str, Any]:
        stored: dict[str, Any] = self._journal.table("cam").get(account_id, {})
        return stored

    def _documents(self, account_id: str, names: tuple[str, ...]) -> list[str]:
        return [policy.document for policy in self.attached(account_id, names)]


def _spelled_out(role: Any) -> dict[str, Any]:  # noqa: ANN401 (any JSON value)
    """A role that is only named trusts the compute service and may do everything in COS."""
    return {"name": role, "policies": [CVM_POLICY]} if isinstance(role, str) else mapping(role, "a role")


def _role(account_id: str, stored: dict[str, Any]) -> Role:
    return Role(
        account_id=account_id,
        name=text(stored, "name"),
        trust=_document(stored["trust"]) if "trust" in stored else policies.trusting(_CVM),
        policies=tuple(stored.get("policies", [])),
        max_session_seconds=int(stored.get("maxSessionSeconds", SESSION_SECONDS)),
        description=str(stored.get("description", "")),
    )


def _policy(stored: dict[str, Any]) -> Policy:
    shown = _document(mapping(stored, "a policy").get("document"))
    return Policy(name=text(stored, "name"), preset=False, document=shown, description=stored.get("description", ""))


def _provider(account_id: str, stored: dict[str, Any]) -> Provider:
    return Provider(
        account_id=account_id,
        name=text(mapping(stored, "an OIDC provider"), "name"),
        issuer=text(stored, "issuer"),
        client_ids=tuple(stored.get("clientIDs", [])),
        keys=tuple(mapping(key, "a key of an OIDC provider") for key in stored.get("keys", [])),
    )


def _document(value: Any) -> str:  # noqa: ANN401 (a document, as JSON or as text)
    shown = value if isinstance(value, str) else json.dumps(value)
    policies.check(shown)
    return shown


def _number(name: str, digits: int) -> int:
    """A number that is always the same for a name."""
    return int(str(int(hashlib.sha256(name.encode()).hexdigest(), 16))[-digits:])


_CVM = [Principal("service", name) for name in policies.CVM_SERVICES]

"""Roles, policies and identity providers of each account, and what a key may do by them. No HTTP here."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from imageferry_emulator.ram import policies
from imageferry_emulator.ram.policies import Principal
from imageferry_emulator.shapes import ShapeError, mapping, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imageferry_emulator.accounts import AccessKey
    from imageferry_emulator.state import Journal

EXPORT_ROLE = "AliyunECSImageExportDefaultRole"
"""The RAM role that lets ECS write into the account's buckets (ExportImage, parameter RoleName)."""
IMPORT_ROLE = "AliyunECSImageImportDefaultRole"
"""The RAM role that lets ECS read from the account's buckets (ImportImage, parameter RoleName)."""
SESSION_SECONDS = 3600
"""MaxSessionDuration of a role that names none (CreateRole)."""
FIRST_DAY = "2026-01-01T00:00:00Z"
"""When everything was created that the seed gives."""


@dataclass(frozen=True, slots=True)
class Role:
    """A role of an account: its trust policy as text, the names of the policies attached, the longest session in seconds."""

    account_id: str
    name: str
    trust: str
    policies: tuple[str, ...]
    max_session_seconds: int
    description: str

    @property
    def arn(self) -> str:
        """How others name it. The role's name is in lower case there: GetRole, `Arn`."""
        return f"acs:ram::{self.account_id}:role/{self.name.lower()}"

    @property
    def id(self) -> str:
        """A number of 18 digits, always the same for the same role."""
        return f"3{zlib.crc32(self.arn.encode()):017}"


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy as an account sees it: a `Custom` one of its own or a `System` one."""

    name: str
    kind: str
    document: str
    description: str


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
        """How requests name it (parameter OIDCProviderArn)."""
        return f"acs:ram::{self.account_id}:oidc-provider/{self.name}"


class Access:
    """Roles, policies and providers by account, kept in the journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def put(self, account: dict[str, Any]) -> None:
        """Take {id, roles?, policies?, oidcProviders?}; each list replaces the account's. Raises ValueError for a wrong shape."""
        account_id = text(account, "id")
        given = {part: account[part] for part in ("roles", "policies", "oidcProviders") if part in account}
        stored = {**self._journal.table("access").get(account_id, {}), **given}
        owned = {_policy(policy).name for policy in stored.get("policies", [])}
        for role in map(_spelled_out, stored.get("roles", [])):
            unknown = set(_role(account_id, role).policies) - owned - set(policies.SYSTEM)
            if unknown:
                raise ShapeError(f"a role has policies that the account lacks: {', '.join(sorted(unknown))}")
        for provider in stored.get("oidcProviders", []):
            _provider(account_id, provider)
        self._journal.put("access", account_id, stored)

    def roles(self, account_id: str) -> Iterator[Role]:
        """The roles of an account; one that was given none has the two that ECS uses by default."""
        stored = self._journal.table("access").get(account_id, {}).get("roles", [EXPORT_ROLE, IMPORT_ROLE])
        return (_role(account_id, _spelled_out(role)) for role in stored)

    def role(self, account_id: str, name: str) -> Role | None:
        """The role of that name, whatever its case, or None."""
        return next((role for role in self.roles(account_id) if role.name.lower() == name.lower()), None)

    def policy(self, account_id: str, name: str) -> Policy | None:
        """The policy of that name, the account's own before the system's, or None."""
        stored = self._journal.table("access").get(account_id, {}).get("policies", [])
        owned = next((policy for policy in map(_policy, stored) if policy.name == name), None)
        if owned is None and name in policies.SYSTEM:
            return Policy(name=name, kind="System", document=policies.SYSTEM[name], description="")
        return owned

    def provider(self, account_id: str, name: str) -> Provider | None:
        """The identity provider of that name, or None."""
        stored = self._journal.table("access").get(account_id, {}).get("oidcProviders", [])
        providers = (_provider(account_id, provider) for provider in stored)
        return next((provider for provider in providers if provider.name == name), None)

    def documents(self, role: Role) -> list[str]:
        """The documents of the policies attached to a role."""
        return self._documents(role.account_id, role.policies)

    def allows(self, key: AccessKey, action: str, resource: str | None = None) -> bool:
        """Whether a key may do an action (`ecs:ExportImage`, `oss:PutObject`), as `policies.permits` says.

        A session may do what its role may, narrowed by the policy that it was assumed with (AssumeRole, parameter Policy).
        """
        if key.session is None:
            owned = key.policies
            return owned is None or policies.permits(self._documents(key.account_id, owned), action, resource)
        role = self.role(key.account_id, key.session.role)
        if role is None or not policies.permits(self.documents(role), action, resource):
            return False
        return key.session.policy is None or policies.permits([key.session.policy], action, resource)

    def shown(self) -> dict[str, Any]:
        """Roles, policies and providers by account, as they are stored."""
        return dict(self._journal.table("access"))

    def _documents(self, account_id: str, names: tuple[str, ...]) -> list[str]:
        found = (self.policy(account_id, name) for name in names)
        return [policy.document for policy in found if policy is not None]


def _spelled_out(role: Any) -> dict[str, Any]:  # noqa: ANN401 (any JSON value)
    """A role that is only named trusts ECS and has the policy that ECS needs to export, or to import if it is that one."""
    if isinstance(role, str):
        return {"name": role, "policies": [policies.IMPORT_POLICY if role == IMPORT_ROLE else policies.EXPORT_POLICY]}
    return mapping(role, "a role")


def _role(account_id: str, stored: dict[str, Any]) -> Role:
    return Role(
        account_id=account_id,
        name=text(stored, "name"),
        trust=_document(stored["trust"]) if "trust" in stored else policies.trusting(_ECS),
        policies=tuple(stored.get("policies", [])),
        max_session_seconds=int(stored.get("maxSessionSeconds", SESSION_SECONDS)),
        description=str(stored.get("description", "")),
    )


def _policy(stored: dict[str, Any]) -> Policy:
    shown = _document(mapping(stored, "a policy").get("document"))
    return Policy(name=text(stored, "name"), kind="Custom", document=shown, description=stored.get("description", ""))


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


_ECS = Principal("Service", policies.ECS_SERVICE)

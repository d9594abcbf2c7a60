"""The role with which a compute service reaches a bucket: is it there, does it trust the service, may it do what is asked of it?

A warning ahead of the cloud's own refusal, and no more: where the role cannot be read (the operator's key need not be allowed to,
and a private network may not reach the service), nothing is held against it, and the submission itself tells. Rights that a
bucket's own policy gives the role are not seen: the documents ask for them in policies of the role.
"""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from imageferry.clouds.policies import ASSUME, Grammar, Statement
from imageferry.clouds.sharing import Shared
from imageferry.core.errors import Blocked
from imageferry.core.reasons import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """What a service does to a bucket.

    `service` is its name, `known_as` how a trust policy writes it. `role` is the role that it takes on unless told another,
    `policy` grants that role the actions on bucket and files, `does` says what they are for.
    """

    service: str
    known_as: str
    role: str
    policy: str
    does: str
    on_bucket: tuple[str, ...]
    on_files: tuple[str, ...]


KNOWN_SECONDS: Final = 300.0
"""How long a role in good order, or one that cannot be read, is taken for granted; what lacks something is read each time."""


@dataclass(frozen=True, slots=True)
class Role:
    """What the cloud shows of a role; None for what it did not show."""

    trust: tuple[Statement, ...] | None
    granted: tuple[Statement, ...] | None


UNREAD: Final = Role(None, None)


class Roles:
    """The roles of one cloud account. `read` finds one by name, or None; `no_role` is the cloud's code for that.

    `clock` is monotonic, in seconds.
    """

    def __init__(
        self,
        read: Callable[[str], Awaitable[Role | None]],
        grammar: Grammar,
        *,
        no_role: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read, self._grammar, self._no_role, self._clock = read, grammar, no_role, clock
        self._shared = Shared(self._ask, most=1)
        self._known: dict[str, tuple[Role, float]] = {}

    async def check(self, duty: Duty, name: str, *, bucket: str, file: str) -> None:
        """Whether the service may do its duty to `file` in the bucket with this role.

        Raises Blocked: RoleMissing, or RolePermissionMissing naming what is missing.
        """
        role = await self._role(duty, name)
        try:
            self._check(duty, name, role, f"{bucket}/{file}")
        except Blocked:
            self._known.pop(name, None)
            raise

    async def aclose(self) -> None:
        """Give up what is under way."""
        await self._shared.aclose()

    async def _role(self, duty: Duty, name: str) -> Role:
        role, until = self._known.get(name, (UNREAD, 0.0))
        if self._clock() < until:
            return role
        found = await self._shared.get(name)
        if found is None:
            raise Blocked(
                Reason.ROLE_MISSING,
                f"The cloud account has no role {name}, with which {duty.service} ({duty.known_as}) would {duty.does} the "
                "bucket.",
                code=self._no_role,
            )
        self._known[name] = (found, self._clock() + KNOWN_SECONDS)
        return found

    async def _ask(self, names: tuple[str, ...]) -> Mapping[str, Role]:
        (name,) = names
        found = await self._read(name)
        return {} if found is None else {name: found}

    def _check(self, duty: Duty, name: str, role: Role, place: str) -> None:
        bucket = place.partition("/")[0]
        if role.trust is not None and not self._grammar.trusts(role.trust):
            raise Blocked(
                Reason.ROLE_PERMISSION_MISSING,
                f"The trust policy of role {name} does not allow {ASSUME} to the service {duty.known_as}.",
            )
        needs = dict.fromkeys(duty.on_bucket, bucket) | dict.fromkeys(duty.on_files, place)
        if role.granted is not None and (lacks := self._grammar.missing(role.granted, needs)):
            raise Blocked(
                Reason.ROLE_PERMISSION_MISSING,
                f"Role {name} lacks {', '.join(sorted(lacks))} on bucket {bucket} ({duty.policy} grants them).",
            )

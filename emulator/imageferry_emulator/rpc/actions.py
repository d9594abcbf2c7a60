"""What an action of an RPC service is: a function of a verified request and the world. No HTTP and no signatures here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from imageferry_emulator.rpc import errors
from imageferry_emulator.rpc.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from imageferry_emulator.rpc.errors import Refusal
    from imageferry_emulator.rpc.models import Caller
    from imageferry_emulator.world import World


@dataclass(frozen=True, slots=True)
class Asked:
    """The parameters of a call, whoever sent it."""

    params: Mapping[str, str]

    def need(self, name: str) -> str:
        """A mandatory parameter. Raises RefusedError (MissingParameter)."""
        value = self.params.get(name, "")
        if not value:
            raise RefusedError(errors.MISSING_PARAMETER, name)
        return value

    def text(self, name: str, default: str = "") -> str:
        """An optional parameter; an empty one counts as not given."""
        return self.params.get(name, "") or default

    def flag(self, name: str) -> bool:
        """An optional boolean; clients write `true` or `True`."""
        return self.text(name).lower() == "true"

    def number(self, name: str, *, default: int, most: int) -> int:
        """An optional whole number from 1 to `most`. Raises RefusedError (InvalidParameter)."""
        shown = self.text(name, str(default))
        if not shown.isdecimal() or not 1 <= int(shown) <= most:
            raise RefusedError(errors.INVALID_PARAMETER, name)
        return int(shown)

    def numbered(self, name: str) -> list[str]:
        """The values of a list parameter `name.1`, `name.2`, ..., as far as they go on without a gap."""
        values: list[str] = []
        while value := self.params.get(f"{name}.{len(values) + 1}"):
            values.append(value)
        return values

    def numbered_keys(self, name: str) -> list[str]:
        """The keys of a list of pairs `name.1.Key`, `name.2.Key`, ..., as far as they go on without a gap."""
        keys: list[str] = []
        while key := self.params.get(f"{name}.{len(keys) + 1}.Key"):
            keys.append(key)
        return keys


@dataclass(frozen=True, slots=True)
class Request(Asked):
    """A verified call: what an action gets besides the world."""

    caller: Caller
    effects: Mapping[str, dict[str, Any]]


class Repeated(dict[str, Any]):
    """An answer that was given before: this request changed nothing, and does not go into the ledger."""


@dataclass(frozen=True, slots=True)
class Action:
    """What answers an action; whether it changes anything (then it goes into the ledger), and needs a right of its name."""

    perform: Callable[[Request, World], dict[str, Any]]
    mutates: bool = False
    needs_right: bool = True


@dataclass(frozen=True, slots=True)
class OpenAction:
    """What answers an action that is not signed: its parameters say who asks."""

    perform: Callable[[Asked, World], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Service:
    """A service by name with its actions, and how it refuses a key that lacks the right for one."""

    name: str
    denied: Refusal
    actions: Mapping[str, Action | OpenAction]

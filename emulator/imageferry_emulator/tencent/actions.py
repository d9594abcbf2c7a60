"""What an action of the API 3.0 is: a function of a verified request and the world. No HTTP and no signatures here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from imageferry_emulator.tencent import errors
from imageferry_emulator.tencent.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from imageferry_emulator.tencent.errors import Refusal
    from imageferry_emulator.tencent.models import Caller
    from imageferry_emulator.world import World


@dataclass(frozen=True, slots=True)
class Asked:
    """The parameters of a call, whoever sent it: JSON values, which are texts throughout where a query or a form brought them.

    A parameter of null or of empty text counts as not given. One of the wrong kind is refused with InvalidParameter.
    """

    params: Mapping[str, Any]

    def need(self, name: str) -> str:
        """A mandatory text. Raises RefusedError (MissingParameter)."""
        value = self.text(name)
        if not value:
            raise RefusedError(errors.MISSING_PARAMETER, name)
        return value

    def text(self, name: str, default: str = "") -> str:
        """An optional text."""
        value = self.params.get(name)
        if value is None or value == "":
            return default
        if not isinstance(value, str):
            raise _wrong(name, "a text")
        return value

    def flag(self, name: str) -> bool:
        """An optional boolean, false unless given; in a query it is written `true` or `True`."""
        value = self.params.get(name)
        if isinstance(value, str) and value.lower() in ("", "true", "false"):
            return value.lower() == "true"
        if value is not None and not isinstance(value, bool):
            raise _wrong(name, "a boolean")
        return bool(value)

    def number(self, name: str, *, default: int, least: int, most: int) -> int:
        """An optional whole number within bounds. Raises RefusedError (InvalidParameterValue) for one out of them."""
        value = self.params.get(name)
        if value is None or value == "":
            return default
        if isinstance(value, str) and value.isascii() and value.isdigit():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise _wrong(name, "a whole number")
        if not least <= value <= most:
            raise RefusedError(errors.INVALID_PARAMETER_VALUE, name)
        return value

    def need_number(self, name: str, *, least: int, most: int) -> int:
        """A mandatory whole number within bounds. Raises RefusedError."""
        if self.params.get(name) in (None, ""):
            raise RefusedError(errors.MISSING_PARAMETER, name)
        return self.number(name, default=least, least=least, most=most)

    def texts(self, name: str) -> list[str]:
        """A list of texts, empty unless given."""
        value = self.params.get(name)
        found = [] if value is None else value
        if not isinstance(found, list) or not all(isinstance(part, str) for part in found):
            raise _wrong(name, "a list of texts")
        return list(found)

    def items(self, name: str) -> list[Asked]:
        """A list of structures, each to be asked as this one is, empty unless given."""
        value = self.params.get(name)
        found = [] if value is None else value
        if not isinstance(found, list) or not all(isinstance(part, dict) for part in found):
            raise _wrong(name, "a list of structures")
        return [Asked(part) for part in found]


@dataclass(frozen=True, slots=True)
class Request(Asked):
    """A verified call: what an action gets besides the world. `region` is '' for services that know none."""

    caller: Caller
    region: str
    effects: Mapping[str, dict[str, Any]]


class Unchanged(dict[str, Any]):
    """The answer to a dry run: the request changed nothing, and does not go into the ledger."""


@dataclass(frozen=True, slots=True)
class Action:
    """What answers an action, and the names of its parameters: any other is refused with UnknownParameter.

    One that `mutates` goes into the ledger; `needs_right` is for all but those that every key may call.
    """

    perform: Callable[[Request, World], dict[str, Any]]
    parameters: tuple[str, ...]
    mutates: bool = False
    needs_right: bool = True


@dataclass(frozen=True, slots=True)
class OpenAction:
    """What answers an action that is not signed: its parameters say who asks."""

    perform: Callable[[Asked, World], dict[str, Any]]
    parameters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Service:
    """A service with its actions, and how it refuses a key that lacks the right for one (the right fills its `%s`).

    `name` is what rights begin with, `booked_as` what the ledger calls it; a `regional` service must be told a region it knows.
    """

    name: str
    booked_as: str
    regional: bool
    denied: Refusal
    actions: Mapping[str, Action | OpenAction]


def _wrong(name: str, kind: str) -> RefusedError:
    return RefusedError(errors.INVALID_PARAMETER, f"`{name}` is {kind}")

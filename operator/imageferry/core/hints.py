"""The fields of a status as anyone may have left them: what does not have its form is as if it were absent.

A status is a hint and may be forged, cut, or of another release, so nothing here raises. What a spec asks for is read more
strictly, in core/manifest.py.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from imageferry.core.job import parse_time

_FIRST: Final = datetime(2000, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(3000, 1, 1, tzinfo=UTC)
"""The API server admits the years 0 to 9999, at whose ends nothing can be reckoned."""


class Hints:
    """One object of a status; absent and malformed objects are empty."""

    def __init__(self, value: object) -> None:
        self._fields: Mapping[str, object] = value if isinstance(value, Mapping) else {}

    def __bool__(self) -> bool:
        return bool(self._fields)

    def text(self, name: str) -> str:
        """The text of a field, or an empty one."""
        value = self._fields.get(name)
        return value if isinstance(value, str) else ""

    def texts(self, name: str) -> tuple[tuple[str, str], ...]:
        """A map of texts, in the order of its keys."""
        value = self._fields.get(name)
        pairs = value.items() if isinstance(value, Mapping) else ()
        return tuple(sorted((key, text) for key, text in pairs if isinstance(key, str) and isinstance(text, str)))

    def number(self, name: str) -> int | None:
        """The whole number of a field."""
        value = self._fields.get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def count(self, name: str) -> int:
        """The number of a field where an absent one counts nothing."""
        return max(0, self.number(name) or 0)

    def flag(self, name: str) -> bool | None:
        """Whether, or None where that is not said."""
        value = self._fields.get(name)
        return value if isinstance(value, bool) else None

    def moment(self, name: str) -> datetime | None:
        """The time of a field in whole seconds, if a clock may have shown it."""
        try:
            moment = parse_time(self.text(name)).replace(microsecond=0)
        except (ValueError, OverflowError):
            return None
        return moment if _FIRST <= moment < _LAST else None

    def part(self, name: str) -> "Hints":
        """The object of a field."""
        return Hints(self._fields.get(name))

    def parts(self, name: str) -> tuple["Hints", ...]:
        """The objects of a list."""
        value = self._fields.get(name)
        return tuple(Hints(item) for item in value) if isinstance(value, list) else ()

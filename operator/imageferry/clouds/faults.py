"""What can become of a request, as plain values: what the cloud answered, or that it gave no answer. No SDK type enters here.

What a code means is told by each cloud's own table; what follows from it in verdicts.py.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """An answer that is an error, as the cloud wrote it. `retry_after_seconds` is the cloud's own figure, or None."""

    status: int
    code: str
    text: str
    request_id: str
    retry_after_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Unreachable:
    """No connection came about: the request provably never left."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The request may have arrived, but no answer came that can be understood."""


Fault = Refused | Unreachable | Unreadable

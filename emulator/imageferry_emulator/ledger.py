"""The judge's book: every accepted mutating request, and every request that was seen.

Services write into it, the admin API shows it, and nothing in the emulator decides by it.
"""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from imageferry_emulator.clock import Clock
    from imageferry_emulator.state import Journal

SEEN_KEPT = 50_000
"""How many of the latest requests are kept in memory; the counters count them all."""


class Ledger:
    """Accepted mutating requests survive restarts; seen requests and counters begin anew with each start."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self._seen: deque[dict[str, Any]] = deque(maxlen=SEEN_KEPT)
        self._counts: Counter[tuple[str, str, str]] = Counter()
        self._total = 0

    def record(
        self,
        *,
        service: str,
        action: str,
        account_id: str,
        access_key_id: str,
        params: dict[str, Any],
        request_id: str,
        result: dict[str, Any],
    ) -> None:
        """Write down a mutating request at the moment it is accepted; `result` holds the ids of what it made."""
        entries = self._journal.table("ledger")
        number = len(entries) + 1
        entry = {
            "number": number,
            "time": self._clock.real_now().isoformat(),
            "service": service,
            "action": action,
            "accountID": account_id,
            "accessKeyID": access_key_id,
            "params": params,
            "requestID": request_id,
            "result": result,
        }
        self._journal.put("ledger", str(number), entry)

    def see(self, entry: dict[str, Any]) -> dict[str, Any]:
        """Note a request on arrival; the entry that comes back is completed by its answer."""
        self._total += 1
        seen = {"number": self._total, "time": self._clock.real_now().isoformat(), **entry}
        self._seen.append(seen)
        return seen

    def answered(self, seen: dict[str, Any], *, status: int | None, code: str) -> None:
        """Complete a seen request: its HTTP status (None = connection closed) and its error code ('' = success)."""
        seen["status"] = status
        seen["code"] = code
        self._counts[seen["service"], seen["action"], code] += 1

    def entries(self) -> list[dict[str, Any]]:
        """All accepted mutating requests, oldest first."""
        return list(self._journal.table("ledger").values())

    def seen(self) -> Iterable[dict[str, Any]]:
        """The latest requests, oldest first."""
        return list(self._seen)

    def counts(self) -> list[dict[str, Any]]:
        """How many requests ended with which code, by service and action."""
        return [
            {"service": service, "action": action, "code": code, "count": count}
            for (service, action, code), count in sorted(self._counts.items())
        ]

"""Nonces: each may be used once for as long as a signature that bears it can be valid."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from imageferry_emulator.clock import Clock
    from imageferry_emulator.state import Journal


class Nonces:
    """Nonces seen, kept in the journal until no signature that bears them can be valid any more."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self._swept = 0.0

    def use(self, access_key_id: str, nonce: str, *, until: float) -> bool:
        """Use a nonce up and remember it until `until` (real seconds); False if it was used already."""
        self._sweep()
        key = f"{access_key_id} {nonce}"
        if key in self._journal.table("nonces"):
            return False
        self._journal.put("nonces", key, until)
        return True

    def _sweep(self) -> None:
        now = self._clock.real_seconds()
        if now - self._swept < 60:  # noqa: PLR2004 (seconds; sweeping more often would only cost)
            return
        self._swept = now
        for key, until in list(self._journal.table("nonces").items()):
            if until < now:
                self._journal.drop("nonces", key)

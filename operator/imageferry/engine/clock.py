"""The local clocks: wall time for what is shown and for deadlines, monotonic time for every wait."""

import time
from datetime import UTC, datetime


def now() -> datetime:
    """The wall clock, aware, in whole seconds: that is what the API server's times hold."""
    return datetime.now(UTC).replace(microsecond=0)


def monotonic() -> float:
    """Seconds that never jump."""
    return time.monotonic()

"""Values as clouds write them into their answers."""

from datetime import UTC, datetime


def parse_time(value: object) -> datetime | None:
    """`2026-11-24T12:50Z` or `2026-11-24T12:50:31Z` as a time, or None."""
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC)

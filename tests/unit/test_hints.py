"""Fields of a status as anyone may have left them: what does not have its form is as if it were absent."""

from datetime import UTC, datetime

import pytest

from imageferry.core.hints import Hints


def field(value: object) -> Hints:
    """A status with one field."""
    return Hints({"field": value})


@pytest.mark.parametrize("value", ["5", 5.0, True, None, [5], {"field": 5}])
def test_only_a_whole_number_is_a_number(value: object) -> None:
    """Neither a text nor a truth value counts anything."""
    assert field(value).number("field") is None
    assert field(value).count("field") == 0


def test_a_count_is_never_negative() -> None:
    """A forged count takes nothing away."""
    assert (field(-3).count("field"), field(3).count("field"), field(-3).number("field")) == (0, 3, -3)


@pytest.mark.parametrize("value", ["true", 1, 0, None, [True]])
def test_only_true_and_false_are_an_answer(value: object) -> None:
    """Anything else says neither yes nor no."""
    assert field(value).flag("field") is None


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1999-12-31T23:59:59Z", None),
        ("2000-01-01T00:00:00Z", datetime(2000, 1, 1, tzinfo=UTC)),
        ("2999-12-31T23:59:59Z", datetime(2999, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("3000-01-01T00:00:00Z", None),
        ("2026-11-21T12:00:00.999Z", datetime(2026, 11, 21, 12, tzinfo=UTC)),
    ],
)
def test_a_time_is_one_that_a_clock_may_have_shown(text: str, moment: datetime | None) -> None:
    """From the year 2000 until the year 3000, in whole seconds."""
    assert field(text).moment("field") == moment

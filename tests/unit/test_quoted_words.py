"""Where a refusal is told in the cloud's own words, they pass through the same sieve as everything else that is shown."""

from collections.abc import Callable

import pytest

from imageferry.clouds.alibaba.verdicts import VERDICTS, reading, submitting
from imageferry.clouds.faults import Fault, Refused, Unreachable, Unreadable
from imageferry.core.errors import Failure

SECRET = "Xk29canaryAq"
WORDS = f"At most 5 a week. AccessKeySecret={SECRET} https://bucket.example.com/file?Signature={SECRET}\nLTAI{SECRET}"


def _refused(code: str) -> Refused:
    return Refused(status=403, code=code, text=WORDS, request_id="R-1", retry_after_seconds=None)


@pytest.mark.parametrize(
    ("fault", "label"),
    [
        (_refused("InvalidImageId.NotFound"), "InvalidImageId.NotFound"),
        (_refused("Throttling.User"), "Throttling"),
        (_refused("Odd.m-bp67acfmxazb4p0a"), "Undocumented"),
        (Unreachable(), "Unreachable"),
        (Unreadable(), "Unreadable"),
    ],
)
def test_a_code_is_a_metrics_label_only_if_it_is_documented(fault: Fault, label: str) -> None:
    """However odd the codes are that a cloud answers with, the labels are as many as the tables have rows."""
    assert VERDICTS.label("ExportImage", fault) == label


@pytest.mark.parametrize("judge", [reading, submitting])
def test_no_quoted_word_of_a_cloud_shows_a_secret_or_an_address(judge: Callable[[str, Refused], Failure]) -> None:
    """A quota is told as the cloud tells it; what an answer echoes of a request is left out."""
    failure = judge("ExportImage", _refused("WeeklyQuotaExceed.ExportImage"))
    assert "The cloud said: At most 5 a week." in failure.message
    assert SECRET not in str(failure)
    assert "://" not in failure.message
    assert "\n" not in failure.message

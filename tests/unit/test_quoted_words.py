"""Where a refusal is told in the cloud's own words, they pass through the same sieve as everything else that is shown."""

from collections.abc import Callable

import pytest

from imageferry.clouds.alibaba.verdicts import reading, submitting
from imageferry.clouds.faults import Refused
from imageferry.core.errors import Failure

SECRET = "Xk29canaryAq"
WORDS = f"At most 5 a week. AccessKeySecret={SECRET} https://bucket.example.com/file?Signature={SECRET}\nLTAI{SECRET}"


@pytest.mark.parametrize("judge", [reading, submitting])
def test_no_quoted_word_of_a_cloud_shows_a_secret_or_an_address(judge: Callable[[str, Refused], Failure]) -> None:
    """A quota is told as the cloud tells it; what an answer echoes of a request is left out."""
    refused = Refused(
        status=403, code="WeeklyQuotaExceed.ExportImage", text=WORDS, request_id="R-1", retry_after_seconds=None
    )
    failure = judge("ExportImage", refused)
    assert "The cloud said: At most 5 a week." in failure.message
    assert SECRET not in str(failure)
    assert "://" not in failure.message
    assert "\n" not in failure.message

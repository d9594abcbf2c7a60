"""What a check prints: words that come from objects speak neither to a terminal nor to a shell, and a policy is no cure for all."""

import json
import shlex
from collections.abc import Callable

import pytest

from imageferry.check import report
from imageferry.clouds.alibaba import inspection_assumptions, inspection_remedies
from imageferry.clouds.alibaba.inspection_assumptions import Evidence
from imageferry.clouds.finding import Finding, Verdict, failed
from imageferry.core.errors import Blocked, Deferred, Scope, Transient
from imageferry.core.reasons import Reason

ROLE = "my role; reboot"


def test_no_name_speaks_to_the_terminal() -> None:
    """Names in files have passed no schema: what is not printable is shown as a question mark."""
    shown = "".join(report.lines([report.Group("a\x1b[2J", [Finding(Verdict.MISSING, "b\r", "c\u202e", "d\x07\ne")])]))
    assert shown.isprintable()
    assert "a?[2J" in shown


@pytest.mark.parametrize("make", [inspection_remedies.create_role, inspection_remedies.mend_role])
def test_a_role_of_any_name_is_one_word_of_a_command(make: Callable[[str], str]) -> None:
    """A command is pasted into a shell: a tenant's role name must not become a command of its own."""
    commands = [shlex.split(line) for line in make(ROLE).splitlines() if not line.startswith("#")]
    assert [words[:2] for words in commands] == [["aliyun", "ram"]] * 2
    assert all(words[words.index("--RoleName") + 1] == ROLE for words in commands)


def test_without_a_bucket_the_policy_speaks_of_none() -> None:
    """No right on all buckets slips in where no bucket is known."""
    statements = json.loads(inspection_remedies.policy([]))["Statement"]
    assert not [action for each in statements for action in each["Action"] if action.startswith("oss:")]


def test_a_policy_is_no_cure_for_an_unpaid_bill() -> None:
    """Both are NotAuthorized, but only a right that lacks is mended by a policy."""
    unpaid, lacking = (
        Blocked(Reason.NOT_AUTHORIZED, "words of the cloud", code=code)
        for code in ("Account.Arrearage", "Forbidden.RAM")
    )
    assert (inspection_remedies.lacks_right(unpaid), inspection_remedies.lacks_right(lacking)) == (False, True)
    mends = {"role": "r", "bucket": "b", "region": "c"}
    assert inspection_remedies.remedy(unpaid, **mends) == "words of the cloud"
    assert "policy" in inspection_remedies.remedy(lacking, **mends)


def test_what_no_task_has_shown_is_not_guessed() -> None:
    """Without tasks and dry runs every assumption is unknown."""
    told = inspection_assumptions.told(Evidence((), (), ()))
    assert {(each.verdict, each.text.split(":")[0]) for each in told} == {(Verdict.UNKNOWN, "not seen")}


def test_only_what_somebody_must_mend_is_missing() -> None:
    """No answer is unknown, and a wait is a note."""
    failures = (
        Transient(Reason.CLOUD_UNAVAILABLE, "a"),
        Deferred(Reason.IMAGE_BUSY, "a", scope=Scope.IMAGE, retry_after_seconds=1.0),
        Blocked(Reason.ROLE_MISSING, "a"),
    )
    assert [failed("x", each).verdict for each in failures] == [Verdict.UNKNOWN, Verdict.NOTE, Verdict.MISSING]

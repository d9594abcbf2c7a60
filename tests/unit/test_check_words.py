"""What a check prints: words that come from objects speak neither to a terminal nor to a shell, and a policy is no cure for all."""

import json
import shlex
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from imageferry.check import report
from imageferry.clouds.alibaba import inspection_assumptions, inspection_remedies, roles
from imageferry.clouds.alibaba.client import Action
from imageferry.clouds.alibaba.inspection_assumptions import DryRun, Evidence
from imageferry.clouds.alibaba.inspection_remedies import Spot
from imageferry.clouds.finding import Finding, Verdict, failed
from imageferry.clouds.roles import Duty
from imageferry.core.errors import Blocked, Deferred, Scope, Transient
from imageferry.core.job import Kind
from imageferry.core.reasons import Reason

ROLE = "my role; reboot"
SPOT = Spot(duty=roles.EXPORTING, role="r", region="c", bucket="b")


def test_no_name_speaks_to_the_terminal() -> None:
    """Names in files have passed no schema: what is not printable is shown as a question mark."""
    shown = "".join(report.lines([report.Group("a\x1b[2J", [Finding(Verdict.MISSING, "b\r", "c\u202e", "d\x07\ne")])]))
    assert shown.isprintable()
    assert "a?[2J" in shown


@pytest.mark.parametrize("duty", [roles.EXPORTING, roles.IMPORTING])
@pytest.mark.parametrize("make", [inspection_remedies.create_role, inspection_remedies.mend_role])
def test_a_role_of_any_name_is_one_word_of_a_command(make: Callable[[str, Duty], str], duty: Duty) -> None:
    """A command is pasted into a shell: a tenant's role name must not become a command of its own."""
    commands = [shlex.split(line) for line in make(ROLE, duty).splitlines() if not line.startswith("#")]
    assert [words[:2] for words in commands] == [["aliyun", "ram"]] * 2
    assert all(words[words.index("--RoleName") + 1] == ROLE for words in commands)


@pytest.mark.parametrize("archived", [True, False], ids=["to be restored", "to be uploaded"])
def test_a_file_of_any_name_is_one_word_of_a_command(archived: bool) -> None:  # noqa: FBT001 -- a case
    """The same for keys and buckets."""
    reason = Reason.OBJECT_INVALID if archived else Reason.OBJECT_NOT_FOUND
    spot = replace(SPOT, bucket="b; reboot", key="a b$(reboot)", archived=archived)
    command = inspection_remedies.remedy(Blocked(reason, "words"), spot).splitlines()[-1]
    words = shlex.split(command)
    assert (words[0], words[-3]) == ("ossutil", "oss://b; reboot/a b$(reboot)")


def test_without_a_bucket_the_policy_speaks_of_none() -> None:
    """No right on all buckets slips in where no bucket is known."""
    assert not [each for each, _ in granted({Kind.EXPORT: frozenset(), Kind.IMPORT: frozenset()}) if "oss:" in each]


def granted(uses: Mapping[Kind, frozenset[str]]) -> set[tuple[str, str]]:
    """What the policy for these buckets allows, action by resource."""
    statements = json.loads(inspection_remedies.policy(uses))["Statement"]
    return {(action, resource) for each in statements for action in each["Action"] for resource in each["Resource"]}


def test_a_bucket_that_both_directions_use_is_granted_for_both_and_no_other_is() -> None:
    """Files are deleted where exports write, and nowhere else; rights to import images come only with imports."""
    found = granted({Kind.EXPORT: frozenset({"both", "out"}), Kind.IMPORT: frozenset({"both", "in"})})
    deleted = {resource for action, resource in found if action == "oss:DeleteObject"}
    assert deleted == {"acs:oss:*:*:both/*", "acs:oss:*:*:out/*"}
    assert {resource for action, resource in found if action == "oss:GetObject"} == deleted | {"acs:oss:*:*:in/*"}
    exports_alone = {action for action, _ in granted({Kind.EXPORT: frozenset({"out"})})}
    assert {action for action, _ in found} - exports_alone == {
        "ecs:ImportImage",
        "ecs:DescribeSnapshots",
        "ecs:TagResources",
        "ecs:DeleteImage",
        "ecs:DeleteSnapshot",
    }


def test_a_policy_is_no_cure_for_an_unpaid_bill() -> None:
    """Both are NotAuthorized, but only a right that lacks is mended by a policy."""
    unpaid, lacking = (
        Blocked(Reason.NOT_AUTHORIZED, "words of the cloud", code=code)
        for code in ("Account.Arrearage", "Forbidden.RAM")
    )
    assert (inspection_remedies.lacks_right(unpaid), inspection_remedies.lacks_right(lacking)) == (False, True)
    assert inspection_remedies.remedy(unpaid, SPOT) == "words of the cloud"
    assert "policy" in inspection_remedies.remedy(lacking, SPOT)


def test_what_no_task_has_shown_is_not_guessed() -> None:
    """Without tasks and dry runs every assumption is unknown."""
    told = inspection_assumptions.told(Evidence(), Kind)
    assert {(each.verdict, each.text.split(":")[0]) for each in told} == {(Verdict.UNKNOWN, "not seen")}


def test_only_what_matters_to_a_direction_is_told_of_it() -> None:
    """Who only exports reads nothing of imports, and the other way round."""
    names = {kind: {each.subject for each in inspection_assumptions.told(Evidence(), [kind])} for kind in Kind}
    assert names[Kind.EXPORT] & names[Kind.IMPORT] == {
        "taskActionStyle",
        "taskTimeStyle",
        "supportCancelStyle",
        "waitingTasksListed",
        "dryRunCode",
    }


PASSED, SUFFIX = "DRYRUN.SUCCESS", "UnsupportedSuffix.OSSObject"
PACKED, UNUSUAL = "web.raw.tar.gz", "web.disk"
DRY_RUNS: dict[str, tuple[str, tuple[str, ...], dict[str, str]]] = {
    "a packed file passes": (PASSED, (PACKED,), {"packedRawImports": "accepted"}),
    "a packed file is refused for its name": (SUFFIX, (PACKED,), {"packedRawImports": "refused"}),
    "an unusual name passes": (PASSED, ("a/b.c/" + UNUSUAL,), {"importSuffixChecked": "false"}),
    "an unusual name is refused": (SUFFIX, (UNUSUAL,), {"importSuffixChecked": "true"}),
    "of two names one is refused, and which is not said": (SUFFIX, (PACKED, UNUSUAL), {}),
    "a usual name passes": (PASSED, ("web.QCOW2",), {}),
    "a name without a dot passes": (PASSED, ("a.b/web",), {}),
}


@pytest.mark.parametrize(("code", "files", "expected"), DRY_RUNS.values(), ids=DRY_RUNS)
def test_a_dry_run_tells_of_names_of_files_what_it_shows_and_no_more(
    code: str, files: tuple[str, ...], expected: dict[str, str]
) -> None:
    """What could have had another cause is not seen."""
    tried = DryRun(action=Action.IMPORT_IMAGE, code=code, busy=False, files=files)
    told = inspection_assumptions.told(Evidence(dry_runs=(tried,)), [Kind.IMPORT])
    shown = {each.subject: each.text.split(" ")[0] for each in told if each.verdict is Verdict.NOTE}
    assert {name: value for name, value in shown.items() if name != "dryRunCode"} == expected


def test_only_what_somebody_must_mend_is_missing() -> None:
    """No answer is unknown, and a wait is a note."""
    failures = (
        Transient(Reason.CLOUD_UNAVAILABLE, "a"),
        Deferred(Reason.IMAGE_BUSY, "a", scope=Scope.IMAGE, retry_after_seconds=1.0),
        Blocked(Reason.ROLE_MISSING, "a"),
    )
    assert [failed("x", each).verdict for each in failures] == [Verdict.UNKNOWN, Verdict.NOTE, Verdict.MISSING]

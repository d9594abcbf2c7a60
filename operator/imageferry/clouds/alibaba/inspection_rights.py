"""What the operator's identity may do: each read is made once, with parameters that mean nothing, and its answer tells.

A call that would change something is never made here to find out: its right stays unknown. A refusal for another reason than
the right proves the right, as every service looks at rights first.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from imageferry.clouds import finding
from imageferry.clouds.alibaba import inspection_assumptions as assumptions
from imageferry.clouds.alibaba import inspection_remedies as remedies
from imageferry.clouds.alibaba import listing, roles
from imageferry.clouds.alibaba.calls import Calls
from imageferry.clouds.alibaba.client import Action
from imageferry.clouds.alibaba.inspection_assumptions import DryRun
from imageferry.clouds.alibaba.inspection_ways import WAYS, Uses, Way, on_buckets, right
from imageferry.clouds.finding import Finding, Verdict
from imageferry.clouds.threads import together
from imageferry.core.errors import Failure

_NOWHERE: Final = "imageferry-check-looks-for-what-is-not-there"
_NO_TASK: Final = "t-imageferrycheck"
_ROLE_KNOWN_AWAY: Final = (roles.NO_ROLE, "EntityNotExist.Policy", "EntityNotExist.Policy.Version")
_CHANGES: Final = "not asked, as the call would change something; the policy below holds it"
_LESS_TOLD: Final = "exports and imports work without it, but less can be told beforehand"


@dataclass(frozen=True, slots=True)
class _Probe:
    """A right by its name in policies, a call that needs it, and the codes of refusals that prove it.

    `without` says what goes on without the right; empty where nothing does.
    """

    right: str
    where: str
    ask: Callable[[], Awaitable[object]]
    proofs: tuple[str, ...] = ()
    without: str = ""


async def compute(calls: Calls, central: Calls, uses: Uses, *, named: bool) -> list[Finding]:
    """The rights on ECS, in one region. `named`: the directions are those of jobs, so that each of them is needed."""
    here = f"in {calls.region}"
    return await _all(
        [
            _Probe("ecs:DescribeRegions", "", lambda: central.ecs(Action.DESCRIBE_REGIONS, {}), without=_LESS_TOLD),
            _read(calls, Action.DESCRIBE_IMAGES),
            _read(calls, Action.DESCRIBE_TASKS),
            _Probe(
                "ecs:DescribeTaskAttribute",
                here,
                lambda: calls.ecs(Action.DESCRIBE_TASK, {"TaskId": _NO_TASK}),
                proofs=(listing.UNKNOWN_TASK,),
            ),
            *(
                _read(calls, action, without="" if named else f"only {WAYS[kind].word} need it")
                for kind in uses
                for action in WAYS[kind].reads
            ),
        ]
    )


async def access(central: Calls, role: str, policy: str) -> list[Finding]:
    """The rights on RAM, by which a role and the policies attached to it are checked beforehand."""
    wanted: tuple[tuple[Action, dict[str, str]], ...] = (
        (Action.GET_ROLE, {"RoleName": role}),
        (Action.LIST_POLICIES_FOR_ROLE, {"RoleName": role}),
        (Action.GET_POLICY_VERSION, {"PolicyType": "System", "PolicyName": policy, "VersionId": "v1"}),
    )
    return await _all(
        _Probe(
            f"ram:{action}",
            "",
            lambda action=action, sent=sent: central.ram(action, sent),  # type: ignore[misc]
            proofs=_ROLE_KNOWN_AWAY,
            without=_LESS_TOLD,
        )
        for action, sent in wanted
    )


async def bucket(calls: Calls, name: str, uses: Uses) -> list[Finding]:
    """The rights on one bucket."""
    where, (of_bucket, of_files) = f"on bucket {name}", on_buckets(uses)[name]
    probes = [
        _Probe("oss:GetBucketInfo", where, lambda: calls.bucket(name)),
        _Probe("oss:ListObjects", where, lambda: calls.page(name, _NOWHERE, "")),
        _Probe("oss:GetObject", where, lambda: calls.head(name, _NOWHERE), proofs=(listing.NO_FILE,)),
    ]
    found = await _all(probe for probe in probes if probe.right in (*of_bucket, *of_files))
    asked = [probe.right for probe in probes]
    return [*found, *(finding.unknown(each, f"{where}: {_CHANGES}") for each in of_files if each not in asked)]


def unasked(uses: Uses) -> list[Finding]:
    """The rights to end a task, and to change what it made."""
    changes = (Action.CANCEL_TASK, *(action for kind in uses for action in WAYS[kind].changes))
    return [finding.unknown(right(action), _CHANGES) for action in changes]


def submission(way: Way, dry_runs: Iterable[DryRun]) -> Finding:
    """The right to submit, as the dry runs of its jobs show it."""
    codes = {each.code for each in dry_runs if each.action is way.action}
    if not codes:
        return finding.unknown(way.submission, f"only a dry run tells, of one of the {way.word} ({way.flag} or -f)")
    if codes & remedies.NO_RIGHT:
        text = "a dry run was refused for want of this right"
        return Finding(Verdict.MISSING, way.submission, text, "See the policy below.")
    if codes & {*assumptions.DRY_RUN_PASSED}:
        return finding.ok(way.submission, "a dry run passed")
    return finding.unknown(way.submission, "only a dry run that passes tells, and each was refused for another reason")


def summary(found: Sequence[Finding], uses: Uses) -> Finding:
    """One policy for everything that is missing, or could not be asked for."""
    lacking = sorted({each.subject for each in found if each.missing})
    document = remedies.policy(uses)
    if not lacking:
        words = " and ".join(WAYS[kind].word for kind in uses)
        return Finding(Verdict.NOTE, "policy", f"what the identity needs for {words}, and no more", document)
    text = (
        f"The identity lacks {', '.join(lacking)}: attach this as a custom policy to its RAM user or role "
        "(aliyun ram CreatePolicy, then AttachPolicyToUser or AttachPolicyToRole)."
    )
    return Finding(Verdict.MISSING, "policy", text, document)


def _read(calls: Calls, action: Action, without: str = "") -> _Probe:
    return _Probe(right(action), f"in {calls.region}", lambda: calls.ecs(action, {"PageSize": 1}), without=without)


async def _all(probes: Iterable[_Probe]) -> list[Finding]:
    return await together(_made(probe) for probe in probes)


async def _made(probe: _Probe) -> Finding:
    try:
        await probe.ask()
    except Failure as failure:
        if failure.code not in probe.proofs:
            return _refused(probe, failure)
    return finding.ok(probe.right, f"allowed {probe.where}".strip())


def _refused(probe: _Probe, failure: Failure) -> Finding:
    where = f"{probe.where}: " if probe.where else ""
    if not remedies.lacks_right(failure):
        return finding.unknown(probe.right, f"{where}{failure.message}")
    if probe.without:
        return finding.unknown(probe.right, f"{where}not allowed ({failure.code}); {probe.without}")
    return Finding(Verdict.MISSING, probe.right, f"{where}not allowed ({failure.code})", "See the policy below.")

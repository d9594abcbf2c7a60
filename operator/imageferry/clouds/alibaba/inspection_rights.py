"""What the operator's identity may do: each read is made once, with parameters that mean nothing, and its answer tells.

A call that would change something is never made here to find out: its right stays unknown. A refusal for another reason than
the right proves the right, as every service looks at rights first.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from imageferry.clouds import finding
from imageferry.clouds.alibaba import inspection_remedies as remedies
from imageferry.clouds.alibaba import listing, roles
from imageferry.clouds.alibaba.calls import Calls
from imageferry.clouds.alibaba.client import Action
from imageferry.clouds.finding import Finding, Verdict
from imageferry.clouds.threads import together
from imageferry.core.errors import Failure

_NOWHERE: Final = "imageferry-check-looks-for-what-is-not-there"
_NO_TASK: Final = "t-imageferrycheck"
_ROLE_KNOWN_AWAY: Final = (roles.NO_ROLE, "EntityNotExist.Policy", "EntityNotExist.Policy.Version")
_CHANGES: Final = "not asked, as the call would change something; the policy below holds it"


@dataclass(frozen=True, slots=True)
class _Probe:
    """A right by its name in policies, a call that needs it, and the codes of refusals that prove it."""

    right: str
    where: str
    ask: Callable[[], Awaitable[object]]
    proofs: tuple[str, ...] = ()
    optional: bool = False


async def compute(calls: Calls, central: Calls) -> list[Finding]:
    """The rights on ECS, in one region."""
    here = f"in {calls.region}"
    return await _all(
        [
            _Probe("ecs:DescribeRegions", "", lambda: central.ecs(Action.DESCRIBE_REGIONS, {}), optional=True),
            _Probe("ecs:DescribeImages", here, lambda: calls.ecs(Action.DESCRIBE_IMAGES, {"PageSize": 1})),
            _Probe("ecs:DescribeTasks", here, lambda: calls.ecs(Action.DESCRIBE_TASKS, {"PageSize": 1})),
            _Probe(
                "ecs:DescribeTaskAttribute",
                here,
                lambda: calls.ecs(Action.DESCRIBE_TASK, {"TaskId": _NO_TASK}),
                proofs=(listing.UNKNOWN_TASK,),
            ),
        ]
    )


async def access(central: Calls, role: str) -> list[Finding]:
    """The rights on RAM, by which a role is checked beforehand."""
    version = {"PolicyType": "System", "PolicyName": remedies.EXPORT_POLICY, "VersionId": "v1"}
    wanted: tuple[tuple[Action, dict[str, str]], ...] = (
        (Action.GET_ROLE, {"RoleName": role}),
        (Action.LIST_POLICIES_FOR_ROLE, {"RoleName": role}),
        (Action.GET_POLICY_VERSION, version),
    )
    return await _all(
        _Probe(
            f"ram:{action}",
            "",
            lambda action=action, sent=sent: central.ram(action, sent),  # type: ignore[misc]
            proofs=_ROLE_KNOWN_AWAY,
            optional=True,
        )
        for action, sent in wanted
    )


async def bucket(calls: Calls, name: str) -> list[Finding]:
    """The rights on one bucket."""
    where = f"on bucket {name}"
    found = await _all(
        [
            _Probe("oss:GetBucketInfo", where, lambda: calls.bucket(name)),
            _Probe("oss:ListObjects", where, lambda: calls.page(name, _NOWHERE, "")),
            _Probe("oss:GetObject", where, lambda: calls.head(name, _NOWHERE), proofs=(listing.NO_FILE,)),
        ]
    )
    return [*found, finding.unknown("oss:DeleteObject", f"{where}: {_CHANGES}")]


def unasked() -> Finding:
    """The right to end a task."""
    return finding.unknown("ecs:CancelTask", _CHANGES)


def summary(found: Sequence[Finding], buckets: Iterable[str]) -> Finding:
    """One policy for everything that is missing, or could not be asked for."""
    lacking = sorted({each.subject for each in found if each.missing})
    document = remedies.policy(buckets)
    if not lacking:
        return Finding(Verdict.NOTE, "policy", "what the identity needs, and no more", document)
    text = (
        f"The identity lacks {', '.join(lacking)}: attach this as a custom policy to its RAM user or role "
        "(aliyun ram CreatePolicy, then AttachPolicyToUser or AttachPolicyToRole)."
    )
    return Finding(Verdict.MISSING, "policy", text, document)


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
    if probe.optional:
        text = f"{where}not allowed ({failure.code}); exports work without it, but less can be told beforehand"
        return finding.unknown(probe.right, text)
    return Finding(Verdict.MISSING, probe.right, f"{where}not allowed ({failure.code})", "See the policy below.")

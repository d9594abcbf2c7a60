"""What an inspection asks and says differently for each direction: the action, the role's duty, the rights. Pure values.

Actions on OSS: https://www.alibabacloud.com/help/en/oss/user-guide/ram-policy; those on ECS bear the names of its calls.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from imageferry.clouds.alibaba import roles
from imageferry.clouds.alibaba.client import Action
from imageferry.clouds.roles import Duty
from imageferry.core.job import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One direction. `word` is what its jobs are called; `flag` names one of them on the command line.

    The rights are those that its jobs need beyond the ones of both: to submit, to read, and to change what their tasks made.
    """

    word: str
    flag: str
    action: Action
    duty: Duty
    reads: tuple[Action, ...]
    changes: tuple[Action, ...]
    on_bucket: tuple[str, ...]
    on_files: tuple[str, ...]

    @property
    def submission(self) -> str:
        """The right to submit."""
        return right(self.action)

    @property
    def on_compute(self) -> tuple[str, ...]:
        """All of its rights on ECS."""
        return (self.submission, *(right(each) for each in (*self.reads, *self.changes)))


WAYS: Final[Mapping[Kind, Way]] = {
    Kind.EXPORT: Way(
        word="exports",
        flag="--export",
        action=Action.EXPORT_IMAGE,
        duty=roles.EXPORTING,
        reads=(),
        changes=(),
        on_bucket=("oss:GetBucketInfo", "oss:ListObjects"),
        on_files=("oss:GetObject", "oss:DeleteObject"),
    ),
    Kind.IMPORT: Way(
        word="imports",
        flag="--import",
        action=Action.IMPORT_IMAGE,
        duty=roles.IMPORTING,
        reads=(Action.DESCRIBE_SNAPSHOTS,),
        changes=(Action.TAG_RESOURCES, Action.DELETE_IMAGE, Action.DELETE_SNAPSHOT),
        on_bucket=("oss:GetBucketInfo",),
        on_files=("oss:GetObject",),
    ),
}

BOTH: Final = (
    Action.DESCRIBE_REGIONS,
    Action.DESCRIBE_IMAGES,
    Action.DESCRIBE_TASKS,
    Action.DESCRIBE_TASK,
    Action.CANCEL_TASK,
)
"""What both directions need on ECS."""

Uses = Mapping[Kind, frozenset[str]]
"""The directions that are inspected, each with the buckets that it uses."""


def right(action: Action) -> str:
    """The right to an action of ECS, as policies name it."""
    return f"ecs:{action}"


def on_compute(uses: Uses) -> tuple[str, ...]:
    """The rights on ECS."""
    return (*(right(each) for each in BOTH), *(each for kind in uses for each in WAYS[kind].on_compute))


def on_buckets(uses: Uses) -> Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    """The rights on each bucket and on the files in it."""
    names = sorted(frozenset[str]().union(*uses.values()))
    ways = {name: [WAYS[kind] for kind in uses if name in uses[kind]] for name in names}
    return {
        name: (_once(way.on_bucket for way in used), _once(way.on_files for way in used)) for name, used in ways.items()
    }


def _once(groups: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each for group in groups for each in group))

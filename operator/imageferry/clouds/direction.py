"""Which way an image goes: the verbs of a direction take the jobs and pinned values of that direction alone."""

from typing import TypeVar

T = TypeVar("T")


def only(kind: type[T], value: object) -> T:
    """The value, if it is of the direction's kind. Raises TypeError: a caller that mixes them up has a bug."""
    if not isinstance(value, kind):
        raise TypeError(f"a {type(value).__name__} was given to verbs that take a {kind.__name__}")
    return value

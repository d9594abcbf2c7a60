"""Reading JSON that people wrote: seeds and bodies of the admin API. What is not of its shape is refused in words."""

from __future__ import annotations

from typing import Any


class ShapeError(ValueError):
    """A value is not of the shape that its place asks for; the message is for the one who wrote it."""


def text(value: dict[str, Any], name: str) -> str:
    """The text under `name`. Raises ShapeError if there is none."""
    found = value.get(name)
    if not isinstance(found, str) or not found:
        raise ShapeError(f"{name} must be given as text")
    return found


def mapping(value: object, what: str) -> dict[str, Any]:
    """The value, if it is a JSON object. Raises ShapeError that says `what` it should have been."""
    if not isinstance(value, dict):
        raise ShapeError(f"{what} must be an object, not {value!r}")
    return value

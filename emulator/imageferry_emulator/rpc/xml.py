"""Answers as XML, in which the vendor's RPC services answer calls that ask for no format. What an answer says is not decided here.

A list is its element repeated; the root is named after the action, or `Error`.
"""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape

CONTENT_TYPE = "text/xml;charset=utf-8"
"""Without a blank: some clients compare the whole text."""


def written(root: str, body: dict[str, Any]) -> bytes:
    """The body as an XML document."""
    return f'<?xml version="1.0" encoding="UTF-8"?><{root}>{_inside(body)}</{root}>'.encode()


def _inside(value: Any) -> str:  # noqa: ANN401 (any JSON value)
    if isinstance(value, dict):
        return "".join(_elements(name, part) for name, part in value.items())
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else escape(str(value))


def _elements(name: str, value: Any) -> str:  # noqa: ANN401 (any JSON value)
    parts = value if isinstance(value, list) else [value]
    return "".join(f"<{name}>{_inside(part)}</{name}>" for part in parts)

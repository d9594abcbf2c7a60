"""XML documents as object stores write and read them, and the times in them. What they say is the services' business."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from email.utils import format_datetime
from typing import TYPE_CHECKING, TypeAlias
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

Tree: TypeAlias = "tuple[str, str | Sequence[Tree]]"
"""An XML element: its name, which attributes may follow, and its text or its children."""


def document(tree: Tree) -> bytes:
    """The tree as an XML document."""
    return ('<?xml version="1.0" encoding="UTF-8"?>\n' + _element(tree)).encode("utf-8", "replace")


def _element(tree: Tree) -> str:
    name, content = tree
    inner = escape(content) if isinstance(content, str) else "".join(map(_element, content))
    return f"<{name}>{inner}</{name.partition(' ')[0]}>"


def iso(moment: datetime) -> str:
    """`2026-01-01T00:00:00.000Z`, as in listings."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def parsed(body: bytes, root: str) -> ET.Element:
    """The XML document of that name, its elements without name spaces. Raises ValueError for anything else."""
    try:
        # Expat bounds what entities may grow to; whoever received the body has bounded its size.
        found = ET.fromstring(body)  # noqa: S314
    except ET.ParseError as wrong:
        raise ValueError(f"not XML: {wrong}") from wrong
    for element in found.iter():
        element.tag = element.tag.rpartition("}")[2]
    if found.tag != root:
        raise ValueError(f"{found.tag} is not {root}")
    return found


def http_date(moment: datetime) -> str:
    """`Thu, 01 Jan 2026 00:00:00 GMT`."""
    return format_datetime(moment, usegmt=True)

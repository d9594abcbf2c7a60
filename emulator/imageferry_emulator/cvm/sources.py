"""The URLs that imports read from: what they name, whether they are signed, and whether the service may read there now.

https://www.tencentcloud.com/document/product/213/33270, parameter ImageUrl.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

from imageferry_emulator.cos import links, signature, wire
from imageferry_emulator.cos.errors import CosError

if TYPE_CHECKING:
    from urllib.parse import SplitResult

    from imageferry_emulator.objects.models import StoredObject
    from imageferry_emulator.world import World

APP_ID = re.compile(r"[a-z0-9-]+-[0-9]{8,12}", re.ASCII)

_USED = "tencentUsedURLs"


class UnreadableError(Exception):
    """The service cannot read from a URL; the message says why."""


@dataclass(frozen=True, slots=True)
class Place:
    """What a URL names, as far as its form tells."""

    bucket: str
    key: str


def place(url: str) -> Place | None:
    """Bucket and key of a URL of COS, None for any other text."""
    parts = _split(url)
    if parts is None or parts.scheme not in ("http", "https"):
        return None
    bucket, key = wire.place(parts.netloc).bucket, unquote(parts.path.removeprefix("/"))
    return Place(bucket, key) if bucket and key else None


def resolve(url: str, region: str, world: World) -> StoredObject:
    """The object that a URL lets the service of a region read now. Raises UnreadableError."""
    if world.settings.values.cvm_signed_url_once and _mark(url) in world.journal.table(_USED):
        raise UnreadableError("the signed URL was used before")
    try:
        stored = links.resolve(url, world)
    except CosError as refused:
        raise UnreadableError(f"{refused.fault.code}: {refused.fault.message}") from None
    here, there = world.tencent.regions.get(region), world.tencent.objects.bucket(stored.bucket).region
    if there != region and (here is None or not here.mainland):
        raise UnreadableError(f"the bucket is in {there}")
    return stored


def use_up(url: str, world: World) -> None:
    """Remember that a URL was used, if it is signed: such a one is good for one import."""
    parts = _split(url)
    if parts is not None and signature.ALGORITHM in parse_qs(parts.query):
        world.journal.put(_USED, _mark(url), {})


def _mark(url: str) -> str:
    """What is kept of a URL: a signature in a journal would be a secret in a file."""
    return hashlib.sha256(url.encode()).hexdigest()


def _split(url: str) -> SplitResult | None:
    try:
        return urlsplit(url)
    except ValueError:
        return None

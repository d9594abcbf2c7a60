"""Attempt keys: the mark that an attempt bears in the cloud, and by which a lost task is found again.

A key can be recomputed from the object's uid and the attempt's number alone, so it survives a lost status. It is made of
letters and digits only, as Alibaba's OSSPrefix demands (1 to 30 of them, ExportImage reference).
"""

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

KEY_LENGTH: Final = 13
"""Characters of a key: 65 bits, so that two objects never share one."""

LOST_NUMBERING: Final = 1000
"""Where numbering goes on after a journal was lost: attempts before it can no longer be told apart from new ones."""

SEARCHED_NUMBERS: Final = range(1, 2 * LOST_NUMBERING + 1)
"""The numbers looked for when a journal is lost: those of a first journal and those of one that was lost once before."""


_LATEST: Final = 20
"""A task found late is of one of the latest attempts, or of one that a lost journal knew."""


def attempt_key(uid: str, number: int) -> str:
    """The 13 letters and digits that mark attempt `number` of the object `uid` everywhere."""
    digest = hashlib.sha256(f"{uid}/{number}".encode()).digest()
    return base64.b32encode(digest).decode("ascii").lower()[:KEY_LENGTH]


def is_own(key: str, uid: str, number: int) -> bool:
    """Whether `key` marks an attempt of the object `uid`, whose latest one is `number`.

    What a status says proves nothing: it may be copied from another object, or forged.
    """
    latest = range(number, max(0, number - _LATEST), -1)
    return any(attempt_key(uid, each) == key for each in latest) or key in _first_keys(uid)


@dataclass(frozen=True, slots=True)
class OwnKeys:
    """The keys that mark attempts of one object, as a container: whatever bears another one is a stranger's."""

    uid: str
    number: int
    """Of the latest attempt."""

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and is_own(key, self.uid, self.number)


@lru_cache(maxsize=16)  # a status may list 256 files, and each may be forged
def _first_keys(uid: str) -> frozenset[str]:
    return frozenset(attempt_key(uid, number) for number in SEARCHED_NUMBERS)


@dataclass(frozen=True, slots=True)
class Mark:
    """An attempt as the cloud can show it: its number, its key, and the object prefix that carries the key."""

    number: int
    key: str
    object_prefix: str


def mark(uid: str, number: int, prefix: str) -> Mark:
    """The mark of attempt `number`; `prefix` is the user's part of the file names."""
    key = attempt_key(uid, number)
    return Mark(number, key, prefix + key)


def marks(uid: str, numbers: Iterable[int], prefix: str) -> tuple[Mark, ...]:
    """The marks of several attempts."""
    return tuple(mark(uid, number, prefix) for number in numbers)


def belongs_to(object_name: str, object_prefix: str) -> bool:
    """Whether a file is of the attempt: bare prefixes prove nothing, another key may begin with them."""
    return object_name.startswith(f"{object_prefix}_")


def key_in(object_name: str) -> str | None:
    """The key in a file name `<prefix><key>_...`, or None where the name cannot hold one.

    The prefix itself holds no underscore (letters and digits only), so the first underscore ends prefix and key.
    """
    stem, underscore, _ = object_name.partition("_")
    return stem[-KEY_LENGTH:] if underscore and len(stem) >= KEY_LENGTH else None

"""What OSS makes of buckets and objects as values: how they may be called, and the storage classes.

Names: https://www.alibabacloud.com/help/en/oss/user-guide/bucket-naming-conventions and -object-naming-conventions; classes:
https://www.alibabacloud.com/help/en/oss/user-guide/overview-53
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from imageferry_emulator.objects.models import StoredObject

ARCHIVED = frozenset({"Archive", "ColdArchive", "DeepColdArchive"})
"""What is in them must be restored before it can be read."""
STORAGE_CLASSES = ARCHIVED | {"Standard", "IA"}
_BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_KEY_BYTES = 1023


def names_bucket(name: str) -> bool:
    """Whether a bucket may be called so."""
    return _BUCKET_NAME.fullmatch(name) is not None


def names_object(key: str) -> bool:
    """Whether an object may be called so."""
    return 0 < len(key.encode()) <= _KEY_BYTES and not key.startswith(("/", "\\"))


def is_frozen(stored: StoredObject, now: float) -> bool:
    """Whether an object is archived and not to be read when the task clock shows `now`."""
    if stored.traits.storage_class not in ARCHIVED:
        return False
    return stored.thaw is None or not stored.thaw.ready <= now < stored.thaw.over

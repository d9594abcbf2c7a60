"""The storage classes of COS, and how an object is stored of which nothing is said.

https://www.tencentcloud.com/document/product/436/30925
"""

from __future__ import annotations

from imageferry_emulator.objects.models import Traits

STANDARD = "STANDARD"
ARCHIVED = frozenset({"ARCHIVE", "DEEP_ARCHIVE"})
"""What is in them must be restored before it can be read."""
STORAGE_CLASSES = ARCHIVED | {STANDARD, "STANDARD_IA", "INTELLIGENT_TIERING", "MAZ_STANDARD", "MAZ_STANDARD_IA"}
PLAIN = Traits(storage_class=STANDARD)

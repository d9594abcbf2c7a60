"""What calls answer in both clouds, as plain values; what an answer means may not enter here."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of a compute or token service: the body with its documented names, and the cloud's clock where it sent one."""

    body: Mapping[str, Any]
    date: datetime | None


@dataclass(frozen=True, slots=True)
class Head:
    """What an object store says about a file: stored bytes, CRC-64/XZ in decimal, entity tag without its quotes.

    `archived`: its storage class keeps its bytes from being read until it is restored, and it is not
    (headers x-oss-storage-class and x-oss-restore, https://www.alibabacloud.com/help/en/oss/developer-reference/headobject; those of
    COS begin with x-cos, https://www.tencentcloud.com/document/product/436/7745).
    """

    size: int
    crc64: str
    etag: str
    archived: bool = False

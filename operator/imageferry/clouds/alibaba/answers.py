"""What the calls answer, as plain values; what an answer means may not enter here."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket as OSS describes it: its region, the id of the account that owns it, and whether it encrypts."""

    region: str
    owner: str
    encrypted: bool


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a listing: file names, the token of the next page (empty after the last) and the cloud's clock."""

    names: tuple[str, ...]
    next_token: str
    date: datetime | None

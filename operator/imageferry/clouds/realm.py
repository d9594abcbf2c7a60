"""Whose key a connection has, and which regions its cloud has: asked by all who need it as one, and remembered.

Neither changes for a key. How either is asked may not enter here.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from imageferry.clouds.paging import clock
from imageferry.clouds.sharing import Shared
from imageferry.core.errors import Blocked, Transient
from imageferry.core.reasons import Reason


@dataclass(frozen=True, slots=True)
class Regions:
    """The regions that a cloud listed, and its clock."""

    names: Collection[str]
    date: datetime | None


class Realm:
    """`ask_owner` answers with the id of the account that owns the key, empty if it was not told."""

    def __init__(self, ask_owner: Callable[[], Awaitable[str]], ask_regions: Callable[[], Awaitable[Regions]]) -> None:
        self._ask_owner, self._ask_regions = ask_owner, ask_regions
        self._owners = Shared(self._share_owner, most=1)
        self._lists = Shared(self._share_regions, most=1)
        self._owner = ""
        self._regions: Collection[str] = ()

    async def owner(self) -> str:
        """The id of the account that owns the key, asked each time. Raises a Failure."""
        found = await self._ask_owner()
        if not found:
            raise Transient(Reason.CLOUD_UNAVAILABLE, "The cloud did not say whose key it is.")
        self._owner = found
        return found

    async def known_owner(self) -> str:
        """The owner as it was last told."""
        return self._owner or await self._owners.get("") or ""

    async def has_region(self, region: str) -> bool:
        """Whether the cloud has the region. A key may lack the right to ask."""
        return await self.seen_without(region) is None

    async def seen_without(self, region: str) -> datetime | None:
        """The cloud's clock when it listed its regions, and this was none of them; None if it has it, or does not tell."""
        if region in self._regions:
            return None
        try:
            listed = await self._lists.get("")
        except Blocked as failure:
            if failure.reason is not Reason.NOT_AUTHORIZED:
                raise
            return None
        if listed is None:
            raise AssertionError("a list that does not come is a failure")
        self._regions = listed.names
        return None if region in self._regions else clock(listed.date)

    async def aclose(self) -> None:
        """Give up what is under way."""
        for shared in (self._owners, self._lists):
            await shared.aclose()

    async def _share_owner(self, _: tuple[str, ...]) -> Mapping[str, str]:
        return {"": await self.owner()}

    async def _share_regions(self, _: tuple[str, ...]) -> Mapping[str, Regions]:
        return {"": await self._ask_regions()}

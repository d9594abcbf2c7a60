"""What every wish needs of a region, whichever way the image goes: that it exists, and its buckets.

What comes together shares its requests.
"""

from collections.abc import Awaitable, Callable, Mapping

from imageferry.clouds.sharing import Shared
from imageferry.clouds.tencent.calls import Calls
from imageferry.clouds.tencent.codes.cos import NOTHING
from imageferry.core.errors import Blocked, Failure, Rejected
from imageferry.core.reasons import Reason


class Premises:
    """One region. `has_region` asks whether the cloud has a region."""

    def __init__(self, calls: Calls, *, has_region: Callable[[str], Awaitable[bool]]) -> None:
        self._calls, self._has_region = calls, has_region
        self._buckets = Shared(self._ask_bucket, most=1)

    async def check_region(self) -> None:
        """Raises Rejected(RegionNotFound)."""
        region = self._calls.region
        if not await self._has_region(region):
            raise Rejected(Reason.REGION_NOT_FOUND, f"The cloud has no such region as {region}: correct spec.region.")

    async def check_bucket(self, name: str) -> None:
        """Whether it is in the region, and the account's. Raises Rejected or Blocked."""
        region = await self._buckets.get(name)
        if region and region != self._calls.region:
            raise Rejected(
                Reason.BUCKET_REGION_MISMATCH,
                f"Bucket {name} is in {region}, the image in {self._calls.region}: name a bucket of {self._calls.region}.",
            )

    async def aclose(self) -> None:
        """Give up what is under way."""
        await self._buckets.aclose()

    async def _ask_bucket(self, names: tuple[str, ...]) -> Mapping[str, str]:
        (name,) = names
        try:
            return {name: await self._calls.bucket(name)}
        except Failure as failure:
            if failure.code != NOTHING:
                raise
        return {name: await self._elsewhere(name)}

    async def _elsewhere(self, name: str) -> str:
        """The region of a bucket that is not here: a region's own address knows its own buckets alone. Raises Blocked."""
        try:
            found = (await self._calls.buckets()).get(name)
        except Blocked:  # the key need not be allowed to list them
            found = None
        if found is None:
            raise Blocked(
                Reason.BUCKET_NOT_FOUND,
                f"There is no bucket {name} in {self._calls.region}: create it, or correct its name, which ends in the "
                "account's number.",
            )
        return found

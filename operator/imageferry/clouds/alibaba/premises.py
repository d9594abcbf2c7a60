"""What every wish needs of a region, whichever way the image goes: that it exists, its buckets, and a role that reaches them.

What comes together shares its requests. What a bucket or a role must be is told in rooms of those names.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping

from imageferry.clouds.alibaba import buckets
from imageferry.clouds.alibaba.answers import Bucket
from imageferry.clouds.alibaba.calls import Calls
from imageferry.clouds.alibaba.roles import Roles
from imageferry.clouds.roles import Duty
from imageferry.clouds.sharing import Shared
from imageferry.clouds.threads import pair
from imageferry.core.errors import Rejected
from imageferry.core.reasons import Reason


class Premises:
    """One region. `has_region` asks whether the cloud has a region, `owner` whose key it is."""

    def __init__(
        self,
        calls: Calls,
        roles: Roles,
        *,
        has_region: Callable[[str], Awaitable[bool]],
        owner: Callable[[], Awaitable[str]],
    ) -> None:
        self._calls, self._roles = calls, roles
        self._has_region, self._owner = has_region, owner
        self._buckets = Shared(self._ask_bucket, most=1)

    async def check_region(self) -> None:
        """Raises Rejected(RegionNotFound)."""
        region = self._calls.region
        if not await self._has_region(region):
            raise Rejected(Reason.REGION_NOT_FOUND, f"The cloud has no such region as {region}: correct spec.region.")

    async def check_bucket(self, name: str) -> None:
        """Owner, region and encryption. Raises Rejected or Blocked."""
        found, account = await pair(self._buckets.get(name), self._owner())
        if found is None:
            raise AssertionError("a bucket that is not there is a failure")
        buckets.check(name, found, region=self._calls.region, account=account)

    async def check_role(self, duty: Duty, name: str, files: Iterable[tuple[str, str]]) -> None:
        """Whether the role lets ECS do its duty to these files, by bucket and name. Raises Blocked."""
        for bucket, file in files:
            await self._roles.check(duty, name, bucket=bucket, file=file)

    async def aclose(self) -> None:
        """Give up what is under way."""
        await self._buckets.aclose()

    async def _ask_bucket(self, names: tuple[str, ...]) -> Mapping[str, Bucket]:
        return {name: await self._calls.bucket(name) for name in names}

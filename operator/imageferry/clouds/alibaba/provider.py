"""The connection to Alibaba Cloud: whose key it is, which regions there are, and the verbs of each direction.

The verbs are in exports.py and imports.py. What an error means is in faults.py, what an answer means in translate.py.
"""

from collections.abc import Sequence

from imageferry.clouds.alibaba import translate
from imageferry.clouds.alibaba.calls import Calls
from imageferry.clouds.alibaba.client import CENTRAL_REGION, Action
from imageferry.clouds.alibaba.exports import Exports
from imageferry.clouds.alibaba.import_preflight import ImportPreflight
from imageferry.clouds.alibaba.imports import Imports
from imageferry.clouds.alibaba.inspection import Desk, inspect
from imageferry.clouds.alibaba.preflight import Preflight
from imageferry.clouds.alibaba.premises import Premises
from imageferry.clouds.alibaba.roles import Roles
from imageferry.clouds.finding import Finding
from imageferry.clouds.provider import Access, CloudConnection, ImageProvider, Inquiry
from imageferry.clouds.ratelimit import RateLimits
from imageferry.clouds.realm import Realm, Regions
from imageferry.core.job import Kind


def connect(access: Access) -> CloudConnection:
    """The connection that one version of an account's credentials makes."""
    return Connection(access)


class Connection:
    """One version of one account's credentials: the rate limits and the list of regions are shared by all its regions."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._limits = RateLimits(access.requests_per_second)
        self._central = self._calls(CENTRAL_REGION)
        self._roles = Roles(self._central)
        self._providers: dict[tuple[Kind, str], ImageProvider] = {}
        self._realm = Realm(self._ask_owner, self._ask_regions)

    async def owner(self) -> str:
        """The id of the account that owns the key, asked from STS each time."""
        return await self._realm.owner()

    def provider(self, kind: Kind, region: str) -> ImageProvider:
        """The verbs of one direction in one region."""
        if (kind, region) not in self._providers:
            self._providers[kind, region] = self._verbs(kind, self._calls(region))
        return self._providers[kind, region]

    def _verbs(self, kind: Kind, calls: Calls) -> ImageProvider:
        premises = Premises(calls, self._roles, has_region=self._realm.has_region, owner=self._realm.known_owner)
        match kind:
            case Kind.EXPORT:
                return Exports(calls, Preflight(calls, premises), seen_without=self._realm.seen_without)
            case Kind.IMPORT:
                return Imports(calls, ImportPreflight(calls, premises), seen_without=self._realm.seen_without)

    async def inspect(self, inquiry: Inquiry) -> Sequence[Finding]:
        """What account and exports lack, and what the cloud shows. Raises a Failure if the key's owner is not told."""
        desk = Desk(
            calls=self._calls,
            central=self._central,
            roles=self._roles,
            has_region=self._realm.has_region,
            owner=self._realm.known_owner,
        )
        return await inspect(desk, inquiry)

    async def aclose(self) -> None:
        """Let go of the sockets; the pool is the caller's."""
        for verbs in self._providers.values():
            await verbs.aclose()
        for shared in (self._roles, self._realm):
            await shared.aclose()
        self._central.close()

    async def _ask_owner(self) -> str:
        found = (await self._central.caller()).body.get("AccountId")
        return found if isinstance(found, str) else ""

    async def _ask_regions(self) -> Regions:
        answer = await self._central.ecs(Action.DESCRIBE_REGIONS, {})
        return Regions(translate.regions(answer.body), answer.date)

    def _calls(self, region: str) -> Calls:
        return Calls(self._access, self._limits, region)

"""The connection to Tencent Cloud: whose key it is, which regions there are, and the verbs of each direction.

The verbs are in exports.py and imports.py. What an error means is in faults.py, what an answer means in translate.py.
"""

from collections.abc import Sequence

from imageferry.clouds.finding import Finding
from imageferry.clouds.provider import Access, CloudConnection, ImageProvider, Inquiry
from imageferry.clouds.ratelimit import RateLimits
from imageferry.clouds.realm import Realm, Regions
from imageferry.clouds.tencent import translate
from imageferry.clouds.tencent.calls import Calls
from imageferry.clouds.tencent.client import CENTRAL_REGION, Action
from imageferry.clouds.tencent.exports import Exports
from imageferry.clouds.tencent.import_preflight import ImportPreflight
from imageferry.clouds.tencent.imports import Imports
from imageferry.clouds.tencent.inspection import inspect
from imageferry.clouds.tencent.preflight import Preflight
from imageferry.clouds.tencent.premises import Premises
from imageferry.clouds.tencent.roles import Roles
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
        self._realm = Realm(self._ask_owner, self._ask_regions)
        self._providers: dict[tuple[Kind, str], ImageProvider] = {}

    async def owner(self) -> str:
        """The number (uin) of the account that owns the key, asked from STS each time."""
        return await self._realm.owner()

    def provider(self, kind: Kind, region: str) -> ImageProvider:
        """The verbs of one direction in one region."""
        if (kind, region) not in self._providers:
            self._providers[kind, region] = self._verbs(kind, self._calls(region))
        return self._providers[kind, region]

    async def inspect(self, inquiry: Inquiry) -> Sequence[Finding]:
        """What account and jobs lack. Raises a Failure if the key's owner is not told."""
        return await inspect(self._realm, self.provider, inquiry)

    async def aclose(self) -> None:
        """Let go of the sockets; the pool is the caller's."""
        for verbs in self._providers.values():
            await verbs.aclose()
        for shared in (self._roles, self._realm):
            await shared.aclose()
        self._central.close()

    def _verbs(self, kind: Kind, calls: Calls) -> ImageProvider:
        premises = Premises(calls, has_region=self._realm.has_region)
        match kind:
            case Kind.EXPORT:
                wishes = Preflight(calls, premises, self._roles)
                return Exports(calls, wishes, seen_without=self._realm.seen_without)
            case Kind.IMPORT:
                return Imports(calls, ImportPreflight(calls, premises), seen_without=self._realm.seen_without)

    async def _ask_owner(self) -> str:
        return translate.text((await self._central.caller()).body, "AccountId")

    async def _ask_regions(self) -> Regions:
        answer = await self._central.cvm(Action.DESCRIBE_REGIONS, {})
        return Regions(translate.regions(answer.body), answer.date)

    def _calls(self, region: str) -> Calls:
        return Calls(self._access, self._limits, region)

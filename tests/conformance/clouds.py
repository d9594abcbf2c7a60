"""The clouds that the conformance suite runs over: for each, how its emulator is started, scripted and read.

A test speaks to the cloud through the contract of clouds/provider.py alone, and to the emulator through a `Cloud`. A further
cloud joins by a class with the same methods and a row in `CLOUDS`.
"""

import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from alibabacloud_oss_v2 import Client as OssClient
from alibabacloud_oss_v2 import GetObjectRequest, PutObjectRequest, config, credentials

from imageferry.clouds.alibaba import identity as alibaba_identity
from imageferry.clouds.alibaba import provider as alibaba
from imageferry.clouds.provider import Access, CloudConnection, ImageProvider, Obtain, Origin, Search, Timings
from imageferry.core.account import Endpoints
from imageferry.core.job import ExportJob, Kind, parse_export
from imageferry.core.journal import Claim, Resolved
from imageferry.core.keys import Mark, mark
from imageferry.core.observation import Observation, Running, Task
from imageferry.core.secret import Keys
from tests.emulator.cloud import export, signer
from tests.emulator_process import EmulatorProcess

T = TypeVar("T")

UID = "5f0c7d3e-2f43-4ab5-9a55-8d8f8c1e9f10"
PREFIX = "web"
WINDOW = timedelta(minutes=20)
DEADLINE_SECONDS = 60.0
TIMINGS = Timings(
    submit_deadline_seconds=10.0, read_deadline_seconds=10.0, task_retention_seconds=86400.0, busy_seconds=30.0
)


@dataclass
class Cloud:
    """One emulator with one connection to it. `reports` are the requests told to the metrics, `doubts` is set by refused keys."""

    emulator: EmulatorProcess
    connect: Callable[[Access], CloudConnection]
    obtain: Obtain
    region: str
    other_region: str
    secret_words: Sequence[str]
    pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(8))
    reports: list[tuple[str, str, str]] = field(default_factory=list)
    doubts: threading.Event = field(default_factory=threading.Event)

    def connection(
        self,
        *,
        endpoint: str | None = None,
        keys: Keys | None = None,
        timings: Timings = TIMINGS,
        requests_per_second: float | None = None,
    ) -> CloudConnection:
        """A new connection, with the first account's key and to the emulator unless told otherwise."""
        here = self.emulator.endpoint if endpoint is None else endpoint
        return self.connect(
            Access(
                keys=keys or self.keys,
                endpoints=Endpoints(compute=here, object_store=here, sts=here),
                timings=timings,
                requests_per_second=requests_per_second,
                pool=self.pool,
                report=lambda action, region, code: self.reports.append((str(action), region, code)),
                doubt=self.doubts.set,
            )
        )

    @property
    def keys(self) -> Keys:
        """The first account's key."""
        return Keys(key_id=self.emulator.info["accessKeyID"], secret=self.emulator.info["accessKeySecret"])

    def job(self, image: str = "plain", *, source: dict[str, str] | None = None, **spec: object) -> ExportJob:
        """A wish to export one of the seed's images; `spec` replaces parts of the manifest's spec."""
        return parse_export(
            {
                "metadata": {"name": "a", "namespace": "b", "uid": UID, "creationTimestamp": "2026-01-01T00:00:00Z"},
                "spec": {
                    "accountRef": {"name": "account"},
                    "source": source or {"imageID": self.emulator.info["images"].get(image, image)},
                    "destination": {"bucket": self.bucket, "prefix": PREFIX},
                    **spec,
                },
            }
        )

    @property
    def bucket(self) -> str:
        """A bucket that an export may go to."""
        return str(self.emulator.info["buckets"]["good"])

    def script(self, fault: str, action: str = "ExportImage", **options: object) -> None:
        """Have the emulator make something go wrong, by default with the next submission."""
        self.emulator.admin("POST", "/faults", {"fault": fault, "action": action, **options})

    def settings(self, **values: object) -> None:
        """Change the emulator's settings."""
        self.emulator.admin("POST", "/settings", values)

    def submissions(self) -> list[dict[str, Any]]:
        """The submissions that the cloud accepted, as its ledger has them."""
        entries: list[dict[str, Any]] = self.emulator.admin("GET", "/ledger")["entries"]
        return [entry for entry in entries if entry["action"] == "ExportImage"]

    def requests(self, action: str) -> list[dict[str, Any]]:
        """The requests of an action that arrived, whatever became of them."""
        entries: list[dict[str, Any]] = self.emulator.admin("GET", "/requests")["requests"]
        return [entry for entry in entries if entry["action"] == action]

    def files(self) -> dict[str, int]:
        """The files in the good bucket: name and size."""
        buckets = self.emulator.admin("GET", "/state")["buckets"]
        return {
            each["key"]: each["size"] for found in buckets if found["name"] == self.bucket for each in found["objects"]
        }

    def put(self, key: str, content: bytes = b"x") -> None:
        """Write a file into the good bucket, as a person would."""
        self._store().put_object(PutObjectRequest(bucket=self.bucket, key=key, body=content))

    def read(self, key: str) -> bytes:
        """The content of a file in the good bucket."""
        with self._store().get_object(GetObjectRequest(bucket=self.bucket, key=key)).body as body:
            return bytes(body.read())

    def _store(self) -> OssClient:
        keys = credentials.StaticCredentialsProvider(
            self.emulator.info["accessKeyID"], self.emulator.info["accessKeySecret"]
        )
        return OssClient(config.Config(region=self.region, endpoint=self.emulator.endpoint, credentials_provider=keys))

    def images(self, count: int) -> list[str]:
        """Make further images that can be exported; their ids."""
        made = [f"m-bp1more{number:012}" for number in range(count)]
        for image in made:
            self.emulator.admin(
                "POST",
                "/images",
                {"id": image, "region": self.region, "account": self.emulator.info["accountID"], "name": image},
            )
        return made

    def cancel(self, task_id: str) -> None:
        """End a task, as a person would."""
        signer(self.emulator).call(self.emulator, "CancelTask", {"RegionId": self.region, "TaskId": task_id})

    def foreign(self, image: str = "plain", **parameters: str) -> str:
        """An export that a person starts beside the operator; its task id."""
        return export(self.emulator, image, **parameters)


def marked(number: int = 1, *, uid: str = UID, prefix: str = PREFIX) -> Mark:
    """The mark of an attempt."""
    return mark(uid, number, prefix)


def claimed(number: int = 1, *, ago: timedelta = timedelta(0), uid: str = UID) -> Claim:
    """A claim as the journal holds it, made some time ago."""
    found = marked(number, uid=uid)
    return Claim(
        key=found.key,
        object_prefix=found.object_prefix,
        account_id="1000000000000001",
        claimed_at=datetime.now(UTC).replace(microsecond=0) - ago,
        claimed_by="conformance",
    )


def origin(resolved: Resolved, claim: Claim) -> Origin:
    """Where and when a task of the claim came from."""
    return Origin(image_id=resolved.image_id, since=claim.claimed_at, until=claim.claimed_at + WINDOW)


def looked_for(cloud: Cloud, resolved: Resolved, claim: Claim, *others: Mark, **changes: Any) -> Search:  # noqa: ANN401 -- as dataclasses.replace
    """The search for what became of a claim."""
    own = Mark(1, claim.key, claim.object_prefix)
    search = Search(
        marks=(own, *others),
        closed=(),
        region=cloud.region,
        image_id=resolved.image_id,
        bucket=resolved.bucket,
        since=claim.claimed_at,
        until=claim.claimed_at + WINDOW,
    )
    return replace(search, **changes)


async def seen_at_last(look: Callable[[], Awaitable[T]], met: Callable[[T], bool]) -> T:
    """Look again and again until something is seen, at most until the deadline."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not met(seen := await look()):
        assert time.monotonic() < deadline, f"not met within {DEADLINE_SECONDS} s; last seen: {seen}"
    return seen


async def ended(provider: ImageProvider, task: Task) -> Observation:
    """What is seen of a task once it no longer runs."""

    async def look() -> Observation:
        return (await provider.poll({"a": task}))["a"]

    return await seen_at_last(look, lambda seen: not isinstance(seen, Running))


@contextmanager
def alibaba_cloud(state: Path) -> Iterator[Cloud]:
    """Alibaba Cloud: ECS, OSS and STS on one port, in which a task takes about a second."""
    emulator = EmulatorProcess(state, "--speed", "100")
    try:
        emulator.start()
        cloud = Cloud(
            emulator,
            alibaba.connect,
            alibaba_identity.obtain,
            region="cn-hangzhou",
            other_region="eu-central-1",
            secret_words=("fake-secret", "LTAI", "Signature", "://"),
        )
        with cloud.pool:
            yield cloud
    finally:
        emulator.stop()


CLOUDS = {"Alibaba": alibaba_cloud}
"""The provider name of the API and what starts its cloud."""

EXPORT = Kind.EXPORT

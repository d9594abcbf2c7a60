"""The clouds that the conformance suite runs over: for each, how its emulator is started, scripted and read.

A test speaks to the cloud through the contract of clouds/provider.py alone, and to the emulator through a `Cloud`. A further
cloud joins by a class with the same methods and a row in `CLOUDS`.
"""

import itertools
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

from alibabacloud_oss_v2 import Client as OssClient
from alibabacloud_oss_v2 import (
    DeleteObjectRequest,
    GetObjectRequest,
    PutObjectRequest,
    RestoreObjectRequest,
    config,
    credentials,
)

from imageferry.clouds.alibaba import identity as alibaba_identity
from imageferry.clouds.alibaba import provider as alibaba
from imageferry.clouds.provider import Access, CloudConnection, ImageProvider, Obtain, Origin, Search, Timings
from imageferry.core.account import Endpoints
from imageferry.core.artifacts import Artifacts, File
from imageferry.core.job import ExportJob, ImportJob, Job, Kind
from imageferry.core.journal import Claim
from imageferry.core.keys import Mark, mark
from imageferry.core.manifest import parse_export, parse_import
from imageferry.core.observation import Observation, Running, Succeeded, Task
from imageferry.core.resolved import Resolved, ResolvedExport, ResolvedImport
from imageferry.core.secret import Keys
from tests.emulator.cloud import export, signer
from tests.emulator_process import EmulatorProcess

T = TypeVar("T")

UID = "5f0c7d3e-2f43-4ab5-9a55-8d8f8c1e9f10"
PREFIX = "web"
DISK = "disk.raw"
PLAIN_DISK = bytes(1 << 20)
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
        ordinary = {
            "source": source or {"imageID": self.emulator.info["images"].get(image, image)},
            "destination": {"bucket": self.bucket, "prefix": PREFIX},
        }
        return parse_export(_manifest(**{**ordinary, **spec}))

    def import_job(
        self, *keys: str, name: str = "web-restored", image: dict[str, Any] | None = None, **spec: object
    ) -> ImportJob:
        """A wish to make an image of these files in the good bucket; `image` and `spec` add to the manifest's parts."""
        disks = [{"bucket": self.bucket, "key": key} for key in keys or (DISK,)]
        return parse_import(_manifest(**{"source": {"disks": disks}, "image": {"name": name, **(image or {})}, **spec}))

    def disk(self, key: str = "", *, content: bytes = PLAIN_DISK) -> None:
        """Put a disk file into the good bucket: plain RAW of a MiB unless told otherwise."""
        self.put(key or DISK, content)

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

    def submissions(self, action: str = "ExportImage") -> list[dict[str, Any]]:
        """The submissions that the cloud accepted, as its ledger has them."""
        entries: list[dict[str, Any]] = self.emulator.admin("GET", "/ledger")["entries"]
        return [entry for entry in entries if entry["action"] == action]

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

    def put(self, key: str, content: bytes = b"x", *, storage_class: str = "Standard") -> None:
        """Write a file into the good bucket, as a person would."""
        wanted = PutObjectRequest(bucket=self.bucket, key=key, body=content, storage_class=storage_class)
        self._store().put_object(wanted)

    def restore(self, key: str) -> None:
        """Ask for an archived file of the good bucket to be restored."""
        self._store().restore_object(RestoreObjectRequest(bucket=self.bucket, key=key))

    def remove(self, key: str) -> None:
        """Delete a file of the good bucket, as a person would."""
        self._store().delete_object(DeleteObjectRequest(bucket=self.bucket, key=key))

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

    def foreign_import(self, name: str = "web-restored", *, key: str = "", **parameters: str) -> tuple[str, str]:
        """An import that a person starts beside the operator; the ids of its task and its image."""
        wanted = {
            "RegionId": self.region,
            "ImageName": name,
            "DiskDeviceMapping.1.OSSBucket": self.bucket,
            "DiskDeviceMapping.1.OSSObject": key or DISK,
            **parameters,
        }
        body = signer(self.emulator).call(self.emulator, "ImportImage", wanted).body
        return str(body["TaskId"]), str(body["ImageId"])

    def made(self) -> dict[str, dict[str, Any]]:
        """The images there are, by id, as the emulator keeps them."""
        return {image["id"]: image for image in self.emulator.admin("GET", "/state")["images"]}

    def snapshots(self) -> dict[str, dict[str, str]]:
        """The tags of all snapshots of the account, by id."""
        found: dict[str, dict[str, str]] = {}
        number, total = 1, 1
        while len(found) < total:
            wanted = {"RegionId": self.region, "PageNumber": str(number), "PageSize": "100"}
            body = signer(self.emulator).call(self.emulator, "DescribeSnapshots", wanted).body
            rows = body["Snapshots"]["Snapshot"]
            found |= {row["SnapshotId"]: {t["TagKey"]: t["TagValue"] for t in row["Tags"]["Tag"]} for row in rows}
            number, total = number + 1, body["TotalCount"]
        return found


@dataclass(frozen=True)
class Way:
    """One direction through a cloud: an ordinary wish, what is sent for it, and a person's task that is in its way."""

    cloud: Cloud
    kind: Kind

    @property
    def action(self) -> str:
        """The submission, by the cloud's name."""
        return {Kind.EXPORT: "ExportImage", Kind.IMPORT: "ImportImage"}[self.kind]

    def verbs(self, connection: CloudConnection) -> ImageProvider:
        """The verbs of the direction."""
        return connection.provider(self.kind, self.cloud.region)

    def job(self, number: int = 1) -> Job:
        """An ordinary wish; another number is about another image."""
        if self.kind is Kind.EXPORT:
            return self.cloud.job("plain" if number == 1 else f"plain{number}")
        self.cloud.disk()
        return self.cloud.import_job(name=f"web-{number}")

    async def meant(self, provider: ImageProvider, number: int = 1) -> Resolved:
        """What the ordinary wish means."""
        found = await provider.preflight(self.job(number))
        assert isinstance(found, Resolved)
        return found

    def submissions(self) -> list[dict[str, Any]]:
        """As of the cloud, for this direction."""
        return self.cloud.submissions(self.action)

    def requests(self) -> list[dict[str, Any]]:
        """The same for submissions that arrived, whatever became of them."""
        return self.cloud.requests(self.action)

    def script(self, fault: str, **options: object) -> None:
        """Have the next submission go wrong."""
        self.cloud.script(fault, self.action, **options)

    def stand_in_the_way(self) -> None:
        """Start what a person might have started on the image of the ordinary wish."""
        if self.kind is Kind.EXPORT:
            self.cloud.foreign()
        else:
            self.cloud.foreign_import("web-1")


_NUMBERS: Final = itertools.count(1)


@dataclass
class Importing:
    """One import in a cloud that others use as well: a number, a name and a file that are its own."""

    cloud: Cloud
    provider: ImageProvider
    number: int = field(default_factory=lambda: next(_NUMBERS))

    def __post_init__(self) -> None:
        self.cloud.disk(self.key)

    @property
    def key(self) -> str:
        """The disk file."""
        return f"disk-{self.number}.raw"

    @property
    def name(self) -> str:
        """The image's name."""
        return f"web-{self.number}"

    @property
    def claim(self) -> Claim:
        """The claim of the attempt with the import's number, made just now."""
        return claimed(self.number)

    def job(self, *more: str, **spec: Any) -> ImportJob:  # noqa: ANN401 -- fields of any type
        """The wish; `more` are the files of data disks."""
        return self.cloud.import_job(self.key, *more, name=self.name, **spec)

    async def resolved(self, *more: str, **spec: Any) -> ResolvedImport:  # noqa: ANN401 -- fields of any type
        """What the wish means."""
        return await import_meant(self.provider, self.job(*more, **spec))

    async def submitted(self, *more: str) -> Task:
        """Its task, just submitted."""
        return await self.provider.submit(self.job(*more), self.claim, await self.resolved(*more), repeat=0)

    async def done(self, *more: str) -> Task:
        """The same once it has ended well."""
        task = await self.submitted(*more)
        assert isinstance(await ended(self.provider, task), Succeeded)
        return task

    def search(self, **changes: Any) -> Search:  # noqa: ANN401 -- fields of any type
        """The search for what became of it."""
        wanted = ResolvedImport(region=self.cloud.region, disks=(), image=self.job().image)
        return looked_for(self.cloud, wanted, self.claim, **{"marks": (marked(self.number),), **changes})

    async def seen(self, task: Task) -> Observation | None:
        """What a poll says of a task."""
        return (await self.provider.poll({"a": task}, {})).get("a")

    def stranger(self, **parameters: str) -> tuple[str, str]:
        """An import of the same file under the same name that a person starts; the ids of its task and image."""
        return self.cloud.foreign_import(self.name, key=self.key, **parameters)


def _manifest(**spec: object) -> dict[str, Any]:
    return {
        "metadata": {"name": "a", "namespace": "b", "uid": UID, "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {"accountRef": {"name": "account"}, **spec},
    }


async def meant(provider: ImageProvider, job: ExportJob) -> ResolvedExport:
    """What an export means, as preflight tells it."""
    found = await provider.preflight(job)
    assert isinstance(found, ResolvedExport)
    return found


async def import_meant(provider: ImageProvider, job: ImportJob) -> ResolvedImport:
    """The same for an import that nothing is in the way of."""
    found = await provider.preflight(job)
    assert isinstance(found, ResolvedImport)
    return found


def files_of(artifacts: Artifacts) -> list[File]:
    """What an export left is nothing but files."""
    files = [item for item in artifacts.items if isinstance(item, File)]
    assert len(files) == len(artifacts.items)
    return files


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


def origin(of: ResolvedExport | Task, claim: Claim) -> Origin:
    """Where and when a task of the claim came from: an export's of what was pinned, an import's of its own image."""
    return Origin(image_id=of.image_id, since=claim.claimed_at, until=claim.claimed_at + WINDOW)


def looked_for(cloud: Cloud, resolved: Resolved, claim: Claim, *others: Mark, **changes: Any) -> Search:  # noqa: ANN401 -- as dataclasses.replace
    """The search for what became of a claim."""
    own = Mark(1, claim.key, claim.object_prefix)
    search = Search(
        marks=(own, *others),
        closed=(),
        region=cloud.region,
        image_id=resolved.image_id if isinstance(resolved, ResolvedExport) else "",
        image_name=resolved.image.name if isinstance(resolved, ResolvedImport) else "",
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
        return (await provider.poll({"a": task}, {}))["a"]

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

EXPORT, IMPORT = Kind.EXPORT, Kind.IMPORT
BOTH = tuple(Kind)

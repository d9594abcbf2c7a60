"""Tencent Cloud in the emulator, as its own conformance tests use it: started, scripted and read.

A test speaks to the cloud through the contract of clouds/provider.py alone, and to the emulator through a `World`.
"""

import itertools
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from imageferry.clouds.provider import Access, CloudConnection, Search, Timings
from imageferry.clouds.tencent.exports import Exports
from imageferry.clouds.tencent.imports import Imports
from imageferry.clouds.tencent.provider import connect
from imageferry.core.account import Endpoints
from imageferry.core.job import ExportJob, ImportJob, Kind
from imageferry.core.journal import Claim
from imageferry.core.keys import Mark, mark
from imageferry.core.manifest import parse_export, parse_import
from imageferry.core.observation import Observation, Running, Task
from imageferry.core.resolved import Resolved, ResolvedExport, ResolvedImport
from imageferry.core.secret import Keys
from tests.conformance.clouds import PREFIX, TIMINGS, seen_at_last
from tests.emulator.tencent import api, cos
from tests.emulator_process import EmulatorProcess

CVM = "2017-03-12"
REGION = "ap-guangzhou"
WINDOW = timedelta(minutes=8)
STILL = 0.001
"""A speed at which no task ends by itself."""

SPEED = 100
"""A task takes about a second."""

UBUNTU = {"platform": "Ubuntu", "osVersion": "22"}
_NUMBERS = itertools.count(1)


@dataclass
class World:
    """One emulator, and a pool for the SDKs. `reports` are the requests told to the metrics, `doubts` is set by refused keys."""

    emulator: EmulatorProcess
    pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(8))
    reports: list[tuple[str, str, str]] = field(default_factory=list)
    doubts: threading.Event = field(default_factory=threading.Event)

    @property
    def info(self) -> dict[str, Any]:
        """What the emulator says of this cloud at its start."""
        found: dict[str, Any] = self.emulator.info["tencent"]
        return found

    @property
    def keys(self) -> Keys:
        """The first account's key."""
        return Keys(key_id=self.info["secretID"], secret=self.info["secretKey"])

    @property
    def bucket(self) -> str:
        """A bucket that an export may go to."""
        return str(self.info["buckets"]["good"])

    def connection(
        self, *, endpoint: str | None = None, keys: Keys | None = None, timings: Timings = TIMINGS
    ) -> CloudConnection:
        """A new connection, with the first account's key and to the emulator unless told otherwise."""
        here = self.emulator.endpoint if endpoint is None else endpoint
        return connect(
            Access(
                keys=keys or self.keys,
                endpoints=Endpoints(compute=here, object_store=here, sts=here),
                timings=timings,
                requests_per_second=None,
                pool=self.pool,
                report=lambda action, region, code: self.reports.append((str(action), region, code)),
                doubt=self.doubts.set,
            )
        )

    def settings(self, **values: object) -> None:
        """Change the emulator's settings."""
        self.emulator.admin("POST", "/settings", values)

    def script(self, fault: str, action: str = "ExportImages", **options: object) -> None:
        """Have the emulator make something go wrong with the next request of an action."""
        self.emulator.admin("POST", "/faults", {"fault": fault, "action": action, **options})

    def image(self, **traits: object) -> str:
        """A further image of the account; its id."""
        image_id = f"img-{next(_NUMBERS):08}"
        wish = {"id": image_id, "region": REGION, "account": self.info["ownerUin"], "name": image_id, **traits}
        self.emulator.admin("POST", "/tencent/images", wish)
        return image_id

    def put(self, key: str, content: bytes = b"x", bucket: str = "good") -> None:
        """Write a file into a bucket, as a person would."""
        assert cos(self.emulator, bucket).call(self.emulator, "PUT", key, body=content).status == 200

    def unput(self, key: str) -> None:
        """Delete a file in the good bucket, as a person would."""
        assert cos(self.emulator).call(self.emulator, "DELETE", key).status == 204

    def files(self) -> list[str]:
        """The names of the files in the good bucket."""
        answer = cos(self.emulator).call(self.emulator, "GET", "", {"max-keys": "1000"})
        return [str(each.text) for each in answer.xml.iter("Key")]

    def accepted(self, action: str = "ExportImages") -> list[dict[str, Any]]:
        """The submissions that the cloud accepted, as its ledger has them; a dry run starts nothing."""
        entries: list[dict[str, Any]] = self.emulator.admin("GET", "/ledger")["entries"]
        return [each for each in entries if each["action"] == action and not _is_dry(each["params"])]

    def sent(self, action: str = "ExportImages") -> list[dict[str, Any]]:
        """The submissions that arrived, whatever became of them."""
        entries: list[dict[str, Any]] = self.emulator.admin("GET", "/requests")["requests"]
        return [each for each in entries if each["action"] == action and not _is_dry(each["params"])]

    def call(self, action: str, params: dict[str, Any]) -> dict[str, Any]:
        """What a person asks of CVM."""
        return api(self.emulator).but(version=CVM).call(self.emulator, action, params).body

    def foreign(self, image_id: str, **changes: object) -> dict[str, Any]:
        """An export that a person starts beside the operator."""
        return self.call("ExportImages", {"BucketName": self.bucket, "ImageIds": [image_id], **changes})

    def export_job(self, image_id: str = "", *, uid: str = "", **spec: object) -> ExportJob:
        """A wish to export an image, a new one unless it is named; `spec` replaces parts of the manifest's spec."""
        source = spec.pop("source", None) or {"imageID": image_id or self.image()}
        destination = spec.pop("destination", None) or {"bucket": self.bucket, "prefix": PREFIX}
        return parse_export(_manifest(uid, source=source, destination=destination, **spec))

    def import_job(self, *keys: str, uid: str = "", image: dict[str, Any] | None = None, **spec: object) -> ImportJob:
        """A wish to make an image of these files in the good bucket, under a name of its own."""
        disks = spec.pop("disks", None) or [{"bucket": self.bucket, "key": key} for key in keys or ("disk.raw",)]
        wish = {"name": f"restored-{next(_NUMBERS)}", **UBUNTU, **(image or {})}
        return parse_import(_manifest(uid, source={"disks": disks}, image=wish, **spec))


def _is_dry(params: dict[str, Any]) -> bool:
    return str(params.get("DryRun")).lower() == "true"


def _manifest(uid: str, **spec: object) -> dict[str, Any]:
    name = uid or f"5f0c7d3e-0000-4000-8000-{next(_NUMBERS):012}"
    return {
        "metadata": {"name": "a", "namespace": "b", "uid": name, "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {"accountRef": {"name": "account"}, **spec},
    }


def marked(job: ExportJob | ImportJob, number: int = 1) -> Mark:
    """The mark of an attempt."""
    return mark(job.uid, number, job.prefix)


def claimed(job: ExportJob | ImportJob, number: int = 1, *, ago: timedelta = timedelta(0)) -> Claim:
    """A claim as the journal holds it, made some time ago."""
    found = marked(job, number)
    return Claim(
        key=found.key,
        object_prefix=found.object_prefix,
        account_id="100000000001",
        claimed_at=datetime.now(UTC).replace(microsecond=0) - ago,
        claimed_by="conformance",
    )


def search(resolved: Resolved, claim: Claim, *others: Mark, closed: tuple[int, ...] = ()) -> Search:
    """The search for what became of a claim."""
    return Search(
        marks=(Mark(1, claim.key, claim.object_prefix), *others),
        closed=closed,
        region=resolved.region,
        image_id=resolved.image_id if isinstance(resolved, ResolvedExport) else "",
        image_name=resolved.image.name if isinstance(resolved, ResolvedImport) else "",
        bucket=resolved.bucket,
        since=claim.claimed_at,
        until=claim.claimed_at + WINDOW,
    )


@dataclass(frozen=True)
class Verbs:
    """One direction with a wish of its own."""

    world: World
    provider: Exports | Imports

    async def export(self, image_id: str = "", **spec: Any) -> tuple[ExportJob, ResolvedExport]:  # noqa: ANN401 -- any part of a manifest
        """A wish to export, and what it means; `spec` replaces parts of the manifest's spec."""
        job = self.world.export_job(image_id, **spec)
        found = await self.provider.preflight(job)
        assert isinstance(found, ResolvedExport)
        return job, found

    async def importing(self, job: ImportJob | None = None) -> tuple[ImportJob, ResolvedImport]:
        """A wish to import, and what it means."""
        wish = job or self.world.import_job()
        found = await self.provider.preflight(wish)
        assert isinstance(found, ResolvedImport)
        return wish, found

    async def look(self, task: Task, resolved: Resolved) -> Observation:
        """One look at a task."""
        return (await self.provider.poll({"a": task}, {"a": resolved}))["a"]

    async def ended(self, task: Task, resolved: Resolved) -> Observation:
        """What is seen of a task once it no longer runs."""
        return await seen_at_last(lambda: self.look(task, resolved), lambda seen: not isinstance(seen, Running))


def verbs(world: World, kind: Kind, connection: CloudConnection) -> Verbs:
    """The verbs of one direction."""
    provider = connection.provider(kind, REGION)
    assert isinstance(provider, Exports | Imports)
    return Verbs(world, provider)


@contextmanager
def tencent_world(state: Path) -> Iterator[World]:
    """CVM, COS, STS and CAM on one port."""
    emulator = EmulatorProcess(state, "--speed", str(SPEED))
    try:
        emulator.start()
        world = World(emulator)
        with world.pool:
            yield world
    finally:
        emulator.stop()

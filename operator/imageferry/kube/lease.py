"""One Lease of coordination.k8s.io, read and written under its resourceVersion. Who may take it is decided elsewhere."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import ceil
from typing import Final, Self

from imageferry.kube.objects import KubeClient, Manifest, Resource

LEASES: Final = Resource("coordination.k8s.io", "v1", "leases", "Lease", namespaced=True)


@dataclass(frozen=True, slots=True)
class Lease:
    """What the Lease says. Its times are for people: no two machines' clocks are compared here."""

    holder: str  # "" if it was let go
    duration_seconds: float
    version: str  # the resourceVersion: it changes with every write, whatever was written
    manifest: Manifest = field(repr=False)

    @classmethod
    def of(cls, manifest: Manifest) -> Self:
        """The Lease in a manifest; what is missing counts as let go."""
        spec = manifest.get("spec") or {}
        return cls(
            holder=spec.get("holderIdentity") or "",
            duration_seconds=float(spec.get("leaseDurationSeconds") or 0),
            version=manifest["metadata"]["resourceVersion"],
            manifest=manifest,
        )


class LeaseClient:
    """The one Lease of this installation.

    Each method raises a `kube.errors.KubeFailure` if it did not do what it says, and gives up after `seconds`.
    """

    def __init__(self, client: KubeClient, *, namespace: str, name: str) -> None:
        self._client, self._namespace, self._name = client, namespace, name

    async def read(self, *, seconds: float) -> Lease:
        """The Lease as it is now."""
        path = LEASES.path(self._namespace, self._name)
        return Lease.of(await self._client.request("get", LEASES, path, seconds=seconds))

    async def create(self, *, holder: str, duration_seconds: float, seconds: float) -> Lease:
        """Make the Lease, held by us; Conflict if it is there by now."""
        now = _now()
        spec = {"acquireTime": now, "leaseTransitions": 0} | _spec(holder, duration_seconds, now)
        manifest = {
            "apiVersion": LEASES.api_version,
            "kind": LEASES.kind,
            "metadata": {"name": self._name, "namespace": self._namespace},
            "spec": spec,
        }
        path = LEASES.path(self._namespace)
        return Lease.of(await self._client.request("create", LEASES, path, body=manifest, seconds=seconds))

    async def write(self, seen: Lease, *, holder: str, duration_seconds: float, seconds: float) -> Lease:
        """Write the holder, "" to let go, over the Lease as it was seen; Conflict if it has changed since."""
        now = _now()
        old = seen.manifest.get("spec") or {}
        spec = old | _spec(holder, duration_seconds, now)
        if holder and holder != seen.holder:
            spec |= {"acquireTime": now, "leaseTransitions": int(old.get("leaseTransitions") or 0) + 1}
        # The manifest seen carries its resourceVersion: that is the guard.
        path = LEASES.path(self._namespace, self._name)
        body = seen.manifest | {"spec": spec}
        return Lease.of(await self._client.request("update", LEASES, path, body=body, seconds=seconds))


def _spec(holder: str, duration_seconds: float, now: str) -> Manifest:
    return {"holderIdentity": holder, "leaseDurationSeconds": ceil(duration_seconds), "renewTime": now}


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

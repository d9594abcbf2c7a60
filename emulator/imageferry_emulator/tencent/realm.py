"""Tencent Cloud's part of the world: its accounts, its CAM, its regions, its instance and its object store. No HTTP here.

Clock, settings, ledger, faults and the identity provider's key are shared by both clouds and lie in the world itself.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from imageferry_emulator.accounts import Accounts
from imageferry_emulator.cam.models import Directory
from imageferry_emulator.cvm.models import Compute
from imageferry_emulator.metadata.machine import Machine
from imageferry_emulator.objects.store import ObjectStore
from imageferry_emulator.tencent.regions import Regions


@dataclass(frozen=True, slots=True)
class Realm:
    """The parts by name. The owner of a bucket is an account's uin, and the name of a bucket ends in that account's appID."""

    accounts: Accounts
    directory: Directory
    regions: Regions
    machine: Machine
    compute: Compute
    objects: ObjectStore

    def shown(self) -> dict[str, Any]:
        """Everything there is but for the buckets, without secrets."""
        return {
            "accounts": self.accounts.shown(),
            "access": self.directory.shown(),
            "regions": [asdict(region) for region in self.regions.all()],
            **self.compute.shown(),
        }

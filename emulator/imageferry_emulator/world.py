"""The world: everything a request may read or change. It is put together in opening.py.

Services get a World and nothing else; they do not know each other. No HTTP here.
"""

from __future__ import annotations

from dataclasses import dataclass

from imageferry_emulator.accounts import Accounts
from imageferry_emulator.clock import Clock
from imageferry_emulator.ecs.models import Compute
from imageferry_emulator.faults import Faults
from imageferry_emulator.issuer import Issuer
from imageferry_emulator.ledger import Ledger
from imageferry_emulator.metadata.models import Instance
from imageferry_emulator.nonces import Nonces
from imageferry_emulator.objects.store import ObjectStore
from imageferry_emulator.ram.models import Access
from imageferry_emulator.settings import Settings
from imageferry_emulator.state import Journal
from imageferry_emulator.tasks import Tasks
from imageferry_emulator.tencent.realm import Realm


@dataclass(frozen=True, slots=True)
class World:
    """The parts by name. `clock.real_now()` is an aware datetime in UTC, `settings.signature_life` real seconds."""

    journal: Journal
    clock: Clock
    settings: Settings
    accounts: Accounts
    access: Access
    issuer: Issuer
    instance: Instance
    ledger: Ledger
    faults: Faults
    nonces: Nonces
    compute: Compute
    tasks: Tasks
    objects: ObjectStore
    tencent: Realm

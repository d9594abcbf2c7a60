"""Puts the world together: the one place where the parts and the services that work on them meet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imageferry_emulator.accounts import Accounts
from imageferry_emulator.clock import Clock
from imageferry_emulator.ecs import exports
from imageferry_emulator.ecs.models import Compute
from imageferry_emulator.faults import Faults
from imageferry_emulator.issuer import Issuer
from imageferry_emulator.ledger import Ledger
from imageferry_emulator.metadata.models import Instance
from imageferry_emulator.nonces import Nonces
from imageferry_emulator.oss.store import ObjectStore
from imageferry_emulator.ram.models import Access
from imageferry_emulator.settings import Settings
from imageferry_emulator.state import Journal
from imageferry_emulator.tasks import Tasks
from imageferry_emulator.world import World

if TYPE_CHECKING:
    from pathlib import Path


def open_world(state: Path) -> World:
    """The world that is kept in a state directory, empty if there is none yet."""
    journal = Journal(state)
    clock = Clock(journal)
    compute, objects, tasks = Compute(journal, clock), ObjectStore(state / "objects"), Tasks(journal, clock)
    exporter = exports.Exporter(compute, objects)
    tasks.register(exports.ACTION, exporter.write, exporter.remove)
    return World(
        journal=journal,
        clock=clock,
        settings=Settings(journal, clock),
        accounts=Accounts(journal, clock),
        access=Access(journal),
        issuer=Issuer(journal, clock),
        instance=Instance(journal, clock),
        ledger=Ledger(journal, clock),
        faults=Faults(),
        nonces=Nonces(journal, clock),
        compute=compute,
        tasks=tasks,
        objects=objects,
    )

"""Puts the world together: the one place where the parts and the services that work on them meet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imageferry_emulator.accounts import ALIBABA, TENCENT, Accounts
from imageferry_emulator.cam.models import Directory
from imageferry_emulator.clock import Clock
from imageferry_emulator.cvm import crossings as cvm
from imageferry_emulator.cvm.exporter import Exporter as CvmExporter
from imageferry_emulator.cvm.importer import Importer as CvmImporter
from imageferry_emulator.cvm.models import Compute as CvmCompute
from imageferry_emulator.ecs import exports, imports
from imageferry_emulator.ecs.importer import Importer
from imageferry_emulator.ecs.models import Compute
from imageferry_emulator.faults import Faults
from imageferry_emulator.issuer import Issuer
from imageferry_emulator.ledger import Ledger
from imageferry_emulator.metadata.machine import Machine
from imageferry_emulator.metadata.models import Instance
from imageferry_emulator.nonces import Nonces
from imageferry_emulator.objects.store import ObjectStore
from imageferry_emulator.ram.models import Access
from imageferry_emulator.settings import Settings
from imageferry_emulator.state import Journal
from imageferry_emulator.tasks import Tasks
from imageferry_emulator.tencent.realm import Realm
from imageferry_emulator.tencent.regions import Regions
from imageferry_emulator.world import World

if TYPE_CHECKING:
    from pathlib import Path


def open_world(state: Path) -> World:
    """The world that is kept in a state directory, empty if there is none yet."""
    journal = Journal(state)
    clock = Clock(journal)
    compute, objects, tasks = Compute(journal, clock), ObjectStore(state / "objects"), Tasks(journal, clock)
    settings = Settings(journal, clock)
    tasks.register(exports.ACTION, exports.Exporter(compute, objects))
    tasks.register(imports.ACTION, Importer(compute, objects, settings))
    cvm_compute, cos_objects = CvmCompute(journal, clock), ObjectStore(state / "cos")
    tasks.register(cvm.EXPORT, CvmExporter(cvm_compute, cos_objects, settings))
    tasks.register(cvm.IMPORT, CvmImporter(cvm_compute, cos_objects, settings))
    return World(
        journal=journal,
        clock=clock,
        settings=settings,
        accounts=Accounts(journal, clock, ALIBABA),
        access=Access(journal),
        issuer=Issuer(journal, clock),
        instance=Instance(journal, clock),
        ledger=Ledger(journal, clock),
        faults=Faults(),
        nonces=Nonces(journal, clock),
        compute=compute,
        tasks=tasks,
        objects=objects,
        tencent=Realm(
            accounts=Accounts(journal, clock, TENCENT),
            directory=Directory(journal),
            regions=Regions(journal),
            machine=Machine(journal),
            compute=cvm_compute,
            objects=cos_objects,
        ),
    )

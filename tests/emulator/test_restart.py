from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.emulator.cloud import attribute, ended, export, export_params, ledger, objects, signer, until
from tests.emulator_process import EmulatorProcess

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DISKS = ("system", "data_xvdb", "data_xvdc")


@pytest.fixture
def stopped(tmp_path: Path) -> Iterator[EmulatorProcess]:
    """An emulator that is not running yet."""
    process = EmulatorProcess(tmp_path / "state", "--speed", "0.001")
    try:
        yield process
    finally:
        process.stop()


def test_a_line_torn_by_a_kill_is_as_if_it_never_was(stopped: EmulatorProcess, tmp_path: Path) -> None:
    """What was being written when the process died was not answered; all that was answered is there."""
    task = export(stopped.start())
    stopped.kill()
    with (tmp_path / "state" / "journal.jsonl").open("ab") as journal:
        journal.write(b'[["tasks","t-torn",{"id":"t-to')
    stopped.start()
    assert [found["id"] for found in stopped.admin("GET", "/tasks")["tasks"]] == [task]
    stopped.kill()
    stopped.start()
    assert [entry["result"]["TaskId"] for entry in ledger(stopped)] == [task]


def test_quotas_and_the_busy_image_survive_a_kill(stopped: EmulatorProcess) -> None:
    """A restart frees neither the image nor the quota, and keeps changed settings."""
    stopped.start().admin("POST", "/settings", {"quota": {"concurrent": 1}})
    task = export(stopped)
    stopped.kill()
    stopped.start()
    images = ("plain", "plain2")
    tries = [signer(stopped).call(stopped, "ExportImage", export_params(stopped, image)).code for image in images]
    assert tries == ["ImageIsExporting", "ConcurrentQuotaExceed.ExportImage"]
    assert attribute(stopped, task).body["TaskStatus"] == "Waiting"


def test_an_emulator_killed_over_and_over_finishes_its_tasks(tmp_path: Path) -> None:
    """However often it dies, each task ends once, with all of its files and none of another name."""
    emulator = EmulatorProcess(tmp_path / "state", "--speed", "200").start()
    emulator.listen_on_same_port()
    try:
        task = export(emulator, "dataDisks", OSSPrefix="again")
        for _ in range(5):
            emulator.kill()
            emulator.start()
        body = ended(emulator, task)
        image = emulator.info["images"]["dataDisks"]
        wanted = [f"again_{image}_{disk}.raw.tar.gz" for disk in DISKS]
        assert body["TaskStatus"] == "Finished"
        assert until(lambda: sorted(objects(emulator)), lambda found: len(found) == len(DISKS)) == sorted(wanted)
    finally:
        emulator.stop()

"""The operator as a restricted pod runs it: under a uid that has no name, no home and no login."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from controlplane import ControlPlane
from tests.stage import Stage

UID = 65532
NAMES_OF_A_USER = ("USER", "LOGNAME", "LNAME", "USERNAME", "HOME")


@pytest.fixture
def stage(plane: ControlPlane, tmp_path: Path) -> Iterator[Stage]:
    """A system of its own."""
    with Stage(plane, tmp_path, "--speed", "300") as stage:
        yield stage


def test_a_uid_without_a_passwd_entry_is_enough(stage: Stage) -> None:
    """Nothing asks who the user is, or where it lives."""
    operator = stage.new_operator()
    env, unshare = shutil.which("env"), shutil.which("unshare")
    assert env
    assert unshare
    # A user namespace takes neither root nor a file that the other uid could not read.
    nameless = [part for name in NAMES_OF_A_USER for part in ("-u", name)]
    as_another = [unshare, "--user", f"--map-user={UID}"]
    operator.command = [env, *nameless, *as_another, sys.executable, "-m", "imageferry", "run"]
    operator.start()
    assert b"imageferry" in Path(f"/proc/{operator.pid}/cmdline").read_bytes()
    assert Path(f"/proc/{operator.pid}/uid_map").read_text().split()[0] == str(UID)
    stage.export("web")
    stage.until_succeeded("web")

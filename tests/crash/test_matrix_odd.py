"""The promise, one half of it: whatever request the operator dies at, or whatever answer is lost, nothing is doubled or lost."""

from collections.abc import Callable
from pathlib import Path

import pytest

from controlplane import ControlPlane
from tests.crash.halves import hold, run_half
from tests.summary import COUNTED


@pytest.mark.timeout(1800)
async def test_no_fault_at_any_request_doubles_or_loses_a_task_odd(
    plane: ControlPlane, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """SIGKILL before, in and after every request of every life cycle; lost, late and wrong answers to each that changes something."""
    record_property(COUNTED, hold(await run_half(plane, tmp_path, 1), "odd"))

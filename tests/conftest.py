"""What all integration tests share: one real control plane per test process, built once by `make controlplane`."""

from collections.abc import Iterator

import pytest

from controlplane import ControlPlane, build
from tests.summary import COUNTED


@pytest.fixture(scope="session")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A running control plane; a test takes a namespace of its own in it."""
    build.ready()  # a first build takes longer than a test may: better to say so than to be cut off
    with ControlPlane(tmp_path_factory.mktemp("controlplane") / "data") as running:
        yield running


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what the tests counted."""
    reports = terminalreporter.stats.get("passed", [])
    counted = [str(value) for report in reports for name, value in report.user_properties if name == COUNTED]
    if counted:
        terminalreporter.section("counted")
    for line in sorted(set(counted)):
        terminalreporter.write_line(line)

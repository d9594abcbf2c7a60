"""What the emulator's tests share: a process of the emulator, and the vendor's SDK pointed at it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.emulator.cvm import Accounts
from tests.emulator.tenants import Tenants
from tests.emulator_process import PROXY_VARIABLES, EmulatorProcess

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session", autouse=True)
def _no_proxy() -> Iterator[None]:
    """Take the proxy variables away, which the ECS SDK would follow even to loopback."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.lower() in PROXY_VARIABLES]:
            patch.delenv(name)
        yield


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[EmulatorProcess]:
    """An emulator of the test's own, in which tasks take about a second."""
    process = EmulatorProcess(tmp_path / "state", "--speed", "100")
    try:
        yield process.start()
    finally:
        process.stop()


@pytest.fixture(scope="module")
def slow_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    """An emulator that a module's tests share, in which a task once started does not end by itself."""
    process = EmulatorProcess(tmp_path_factory.mktemp("slow") / "state", "--speed", "0.001")
    try:
        yield process.start()
    finally:
        process.stop()


@pytest.fixture(scope="module")
def tenants(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenants]:
    """An emulator that a module's tests share, each with an account and a bucket of its own."""
    process = EmulatorProcess(tmp_path_factory.mktemp("shared") / "state", "--speed", "100")
    try:
        yield Tenants(process.start())
    finally:
        process.stop()


@pytest.fixture
def tenant(tenants: Tenants) -> EmulatorProcess:
    """The shared emulator as an account of the test's own sees it; settings and faults are as in a new one."""
    return tenants.another()


@pytest.fixture(scope="module")
def accounts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Accounts]:
    """An emulator that a module's tests share, each with an account of Tencent Cloud and a bucket of its own."""
    process = EmulatorProcess(tmp_path_factory.mktemp("accounts") / "state", "--speed", "1000")
    try:
        yield Accounts(process.start())
    finally:
        process.stop()


@pytest.fixture
def account(accounts: Accounts) -> EmulatorProcess:
    """The shared emulator as an account of the test's own on Tencent Cloud sees it."""
    return accounts.another()

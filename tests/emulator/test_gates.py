from __future__ import annotations

import http.client
import json
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from tests.emulator.cloud import export_params, ledger, signer, until
from tests.emulator_process import environment_without_proxy

if TYPE_CHECKING:
    from tests.emulator_process import EmulatorProcess

CLIENT = """
import http.client, json, sys
address, target, headers = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
connection = http.client.HTTPConnection(address)
connection.putrequest("POST", target, skip_host=True)
for name, value in headers.items():
    connection.putheader(name, value)
connection.endheaders()
print(connection.getresponse().status)
"""


def _gate(emulator: EmulatorProcess, position: str) -> str:
    return str(emulator.admin("POST", "/gates", {"action": "ExportImage", "position": position})["id"])


def _held(emulator: EmulatorProcess, gate: str) -> list[dict[str, Any]]:
    """Wait until the gate holds a request."""
    found = emulator.admin("GET", f"/gates?wait=30&id={gate}")["gates"]
    return next(entry["held"] for entry in found if entry["id"] == gate)


class _Client:
    """A client process that sends one export and prints the status of the answer."""

    def __init__(self, emulator: EmulatorProcess) -> None:
        target, _, headers = signer(emulator).request(emulator.address, "ExportImage", export_params(emulator))
        command = [sys.executable, "-c", CLIENT, emulator.address, target, json.dumps(headers)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment_without_proxy())

    def answer(self) -> str:
        return self.process.communicate(timeout=30)[0].decode().strip()

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.mark.parametrize(("position", "accepted"), [("before", 0), ("after", 1)])
def test_a_request_is_held_until_it_is_released(emulator: EmulatorProcess, position: str, accepted: int) -> None:
    """While a request is held the ledger tells on which side of acceptance; released it is answered as ever."""
    gate = _gate(emulator, position)
    client = _Client(emulator)
    (held,) = _held(emulator, gate)
    assert held["action"] == "ExportImage"
    assert len(ledger(emulator)) == accepted
    assert emulator.admin("POST", "/gates/release", {"id": gate}) == {"released": [gate]}
    assert (client.answer(), len(ledger(emulator))) == ("200", 1)
    assert emulator.admin("GET", "/gates")["gates"] == []


@pytest.mark.parametrize(
    ("position", "outcome", "accepted"),
    [("before", "drop", 0), ("before", "continue", 1), ("after", "drop", 1), ("after", "continue", 1)],
)
def test_a_client_can_be_killed_at_a_gate(
    emulator: EmulatorProcess, position: str, outcome: str, accepted: int
) -> None:
    """A request of a dead client is accepted or not as the test says, whatever became of its connection."""
    gate = _gate(emulator, position)
    client = _Client(emulator)
    _held(emulator, gate)
    client.kill()
    emulator.admin("POST", "/gates/release", {"outcome": outcome})
    until(lambda: emulator.admin("GET", "/requests")["counts"], bool)
    assert len(ledger(emulator)) == accepted


def test_only_the_first_matching_request_is_held(emulator: EmulatorProcess) -> None:
    """Other actions and later requests pass a gate that is taken."""
    gate = _gate(emulator, "before")
    client = _Client(emulator)
    _held(emulator, gate)
    passed = signer(emulator).call(emulator, "ExportImage", export_params(emulator, "plain2"))
    assert passed.status == 200
    emulator.admin("POST", "/gates/release", {})
    assert client.answer() == "200"


def test_a_dropped_request_is_not_answered(emulator: EmulatorProcess) -> None:
    """Dropping closes the connection without a byte."""
    gate = _gate(emulator, "after")
    seen: list[type[BaseException]] = []

    def send() -> None:
        try:
            signer(emulator).call(emulator, "ExportImage", export_params(emulator))
        except http.client.HTTPException as closed:
            seen.append(type(closed))

    thread = threading.Thread(target=send)
    thread.start()
    _held(emulator, gate)
    emulator.admin("POST", "/gates/release", {"outcome": "drop"})
    thread.join(30)
    assert seen == [http.client.RemoteDisconnected]


def test_waiting_for_a_gate_ends_with_its_time(emulator: EmulatorProcess) -> None:
    """Where nothing is held the answer says so once the time is up."""
    gate = _gate(emulator, "before")
    assert _held_within(emulator, gate, "0.05") == []


def _held_within(emulator: EmulatorProcess, gate: str, seconds: str) -> list[dict[str, Any]]:
    (found,) = emulator.admin("GET", f"/gates?wait={seconds}&id={gate}")["gates"]
    held: list[dict[str, Any]] = found["held"]
    return held

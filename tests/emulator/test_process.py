from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.emulator.cloud import Signer, export, export_params, ledger, send, signer
from tests.emulator_process import EmulatorProcess, environment_without_proxy

REGION = {"RegionId": "cn-hangzhou"}


def test_the_start_line_names_all_that_a_client_needs(slow_emulator: EmulatorProcess) -> None:
    """Endpoint, keys, regions and the named images and buckets; the admin API says the same later on."""
    info = slow_emulator.info
    assert {"plain", "dataDisks", "encrypted", "marketplace", "windows", "creating", "plain2"} <= set(info["images"])
    assert {"good", "encrypted", "otherRegion"} <= set(info["buckets"])
    assert info["regions"] == ["cn-hangzhou", "eu-central-1"]
    assert info["otherAccount"]["accountID"] != info["accountID"]
    assert slow_emulator.admin("GET", "/info") == {name: info[name] for name in info if name != "endpoint"}


def test_a_seed_file_replaces_parts_of_the_default_once(tmp_path: Path) -> None:
    """What a seed gives is there, what it leaves out is the default's, and a second start does not plant it again."""
    seed = {
        "accounts": [{"id": "1234567890123456", "keys": [{"id": "LTAI-FAKE", "secret": "fake"}]}],
        "images": [{"as": "mine", "id": "m-mine", "region": "cn-hangzhou", "account": "1234567890123456"}],
        "buckets": [{"as": "good", "name": "mine", "region": "cn-hangzhou", "account": "1234567890123456"}],
        "settings": {"speed": 0.001, "quota": {"concurrent": 1}},
    }
    file = tmp_path / "seed.json"
    file.write_text(json.dumps(seed))
    emulator = EmulatorProcess(tmp_path / "state", "--seed", str(file)).start()
    try:
        first = emulator.info
        assert (first["accountID"], first["images"], first["buckets"]) == (
            "1234567890123456",
            {"mine": "m-mine"},
            {"good": "mine"},
        )
        assert "otherAccount" not in first
        assert first["regions"] == ["cn-hangzhou", "eu-central-1"]
        export(emulator, "mine")
        file.write_text("{}")
        emulator.stop()
        emulator.start()
        assert {**emulator.info, "endpoint": first["endpoint"]} == first
        assert emulator.admin("GET", "/settings")["quota"] == {
            "concurrent": 1,
            "weekly": 100,
            "imports": 20,
            "images": 100,
        }
        assert len(ledger(emulator)) == 1
    finally:
        emulator.stop()


def test_a_seed_with_an_unknown_part_is_refused(tmp_path: Path) -> None:
    """A misspelt part of a seed does not pass in silence."""
    file = tmp_path / "seed.json"
    file.write_text('{"imagse": []}')
    with pytest.raises(RuntimeError, match="imagse"):
        EmulatorProcess(tmp_path / "state", "--seed", str(file)).start()


def test_a_stopped_emulator_ends_well(tmp_path: Path) -> None:
    """SIGTERM ends it with status 0, even while a gate holds a request."""
    emulator = EmulatorProcess(tmp_path / "state").start()
    emulator.admin("POST", "/gates", {"action": "ExportImage"})
    target, _, headers = signer(emulator).request(emulator.address, "ExportImage", export_params(emulator))
    program = "import sys, urllib.request as u; u.urlopen(u.Request(sys.argv[1], b'', eval(sys.argv[2])))"
    client = subprocess.Popen(
        [sys.executable, "-c", program, emulator.endpoint + target, repr(headers)],
        stderr=subprocess.DEVNULL,
        env=environment_without_proxy(),
    )
    held = emulator.admin("GET", "/gates?wait=30")["gates"][0]["held"]
    process = emulator._process
    assert process is not None
    emulator.stop()
    client.kill()
    client.wait()
    assert (len(held), process.returncode) == (1, 0)


WRONG: dict[str, tuple[str, dict[str, Any], str]] = {
    "an unknown setting": ("/settings", {"sped": 1}, "sped"),
    "a speed of zero": ("/settings", {"speed": 0}, "speed"),
    "a negative lag": ("/settings", {"readLagSeconds": -1}, "readLagSeconds"),
    "a number for a switch": ("/settings", {"cancelLeavesFiles": 1}, "cancelLeavesFiles"),
    "an unknown value of a switch": ("/settings", {"taskTimeStyle": "hours"}, "minutes"),
    "half a quota": ("/settings", {"quota": {"daily": 1}}, "concurrent"),
    "an unknown fault": ("/faults", {"fault": "meteor"}, "meteor"),
    "an unknown position": ("/gates", {"position": "above"}, "above"),
    "an image without a region": ("/images", {"id": "m-1", "account": "1"}, "region"),
    "an account without an id": ("/accounts", {"roles": []}, "id"),
}


@pytest.mark.parametrize(("path", "body", "named"), WRONG.values(), ids=WRONG)
def test_the_admin_api_refuses(slow_emulator: EmulatorProcess, path: str, body: dict[str, Any], named: str) -> None:
    """A wrong wish is answered with what is wrong, and changes nothing."""
    before = slow_emulator.admin("GET", "/settings")
    with pytest.raises(RuntimeError, match=f"400.*{named}"):
        slow_emulator.admin("POST", path, body)
    assert slow_emulator.admin("GET", "/settings") == before


def test_the_shown_state_holds_no_secret(slow_emulator: EmulatorProcess) -> None:
    """Neither state, ledger nor requests show a key's secret."""
    export(slow_emulator, "plain8")
    shown = json.dumps([slow_emulator.admin("GET", path) for path in ("/state", "/ledger", "/requests")])
    assert slow_emulator.info["accessKeyID"] in shown
    assert slow_emulator.info["accessKeySecret"] not in shown


def test_an_image_that_was_deleted_is_gone(slow_emulator: EmulatorProcess) -> None:
    """Images can be taken away through the admin API."""
    image = slow_emulator.info["images"]["plain7"]
    slow_emulator.admin("DELETE", f"/images/{image}")
    answer = signer(slow_emulator).call(slow_emulator, "ExportImage", export_params(slow_emulator, image))
    assert answer.code == "InvalidImageId.NotFound"


def test_a_host_header_with_a_scheme_is_understood(slow_emulator: EmulatorProcess) -> None:
    """Some clients send the endpoint as it was configured, scheme and all."""
    target, body, headers = signer(slow_emulator).request(slow_emulator.endpoint, "DescribeRegions", {})
    assert headers["host"].startswith("http://")
    assert send(slow_emulator, "POST", target, body, headers).status == 200


UNSIGNED = {
    "nothing at all": ("GET", "/", b"", {}, "MissingParameter"),
    "an action in the query": ("GET", "/?Action=DescribeRegions&Version=2014-05-26", b"", {}, "IncompleteSignature"),
    "an action in a form": (
        "POST",
        "/",
        b"Action=DescribeRegions&Version=2014-05-26",
        {"Content-Type": "application/x-www-form-urlencoded"},
        "IncompleteSignature",
    ),
}


@pytest.mark.parametrize(("method", "target", "body", "headers", "code"), UNSIGNED.values(), ids=UNSIGNED)
def test_an_unsigned_request_is_told_what_is_missing(
    slow_emulator: EmulatorProcess, method: str, target: str, body: bytes, headers: dict[str, str], code: str
) -> None:
    """A request without a signature is answered in the form of the service it seems to be for."""
    assert send(slow_emulator, method, target, body, headers).code == code


def test_a_key_that_was_dropped_is_unknown(slow_emulator: EmulatorProcess) -> None:
    """Keys can be taken away while the emulator runs."""
    key = {"id": "LTAI-FAKE-SHORT", "secret": "fake"}
    slow_emulator.admin("POST", "/accounts", {"id": slow_emulator.info["accountID"], "keys": [key]})
    by = Signer(key["id"], key["secret"])
    assert by.call(slow_emulator, "DescribeImages", REGION).status == 200
    slow_emulator.admin("DELETE", f"/keys/{key['id']}")
    assert by.call(slow_emulator, "DescribeImages", REGION).code == "InvalidAccessKeyId.NotFound"


def test_the_seed_that_the_readme_shows_is_one(tmp_path: Path) -> None:
    """Whoever copies the README's seed gets a world of it, down to the roles and the identity provider."""
    readme = Path(__file__).parents[2] / "emulator" / "README.md"
    seed = tmp_path / "seed.json"
    seed.write_text(readme.read_text(encoding="utf-8").partition("```json\n")[2].partition("```")[0], encoding="utf-8")
    emulator = EmulatorProcess(tmp_path / "state", "--seed", str(seed))
    try:
        info = emulator.start().info
        assert info["roles"]["operator"] == "acs:ram::1000000000000001:role/my-role"
        assert info["oidcProviderARN"] == "acs:ram::1000000000000001:oidc-provider/my-cluster"
    finally:
        emulator.stop()

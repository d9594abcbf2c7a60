from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING, Any

import pytest
from alibabacloud_credentials.http import HttpOptions
from alibabacloud_credentials.provider import EcsRamRoleCredentialsProvider

from tests.emulator.cloud import Signer, sts

if TYPE_CHECKING:
    from tests.emulator_process import EmulatorProcess

ROLE = "/latest/meta-data/ram/security-credentials/"


def _ask(emulator: EmulatorProcess, path: str, method: str = "GET", **headers: Any) -> tuple[int, str]:  # noqa: ANN401 (header values)
    connection = http.client.HTTPConnection(emulator.address, timeout=30)
    try:
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def _token(emulator: EmulatorProcess, seconds: str = "60") -> str:
    status, token = _ask(emulator, "/latest/api/token", "PUT", X_aliyun_ecs_metadata_token_ttl_seconds=seconds)
    assert status == 200
    return token


ITEMS: dict[str, tuple[str, int, str]] = {
    "the instance": ("/latest/meta-data/instance-id", 200, "i-bp1emulator00000001"),
    "its region": ("/latest/meta-data/region-id", 200, "cn-hangzhou"),
    "its zone": ("/latest/meta-data/zone-id", 200, "cn-hangzhou-i"),
    "its account": ("/latest/meta-data/owner-account-id", 200, "1000000000000001"),
    "its role": (ROLE, 200, "imageferry-operator"),
    "its role in the dated version": (
        "/2016-01-01/meta-data/ram/security-credentials/",
        200,
        "imageferry-operator",
    ),
    "all items": (
        "/latest/meta-data/",
        200,
        "instance-id\nowner-account-id\nram/\nregion-id\nzone-id",
    ),
    "a directory": ("/latest/meta-data/ram/", 200, "security-credentials/"),
    "nothing there is": ("/latest/meta-data/nothing", 404, "Not Found"),
    "the key of a role it does not have": (f"{ROLE}other", 404, "Not Found"),
}


@pytest.mark.parametrize(("path", "status", "text"), ITEMS.values(), ids=ITEMS)
def test_an_instance_is_told(slow_emulator: EmulatorProcess, path: str, status: int, text: str) -> None:
    """Items are plain text, directories lists of what is below them."""
    assert _ask(slow_emulator, path) == (status, text)


def test_the_instances_role_has_a_key_that_works(slow_emulator: EmulatorProcess) -> None:
    """The key opens the cloud as the role, with the instance as its session, and stays the same while it is fresh."""
    status, text = _ask(slow_emulator, f"{ROLE}imageferry-operator")
    told = json.loads(text)
    assert (status, told["Code"], set(told)) == (
        200,
        "Success",
        {"AccessKeyId", "AccessKeySecret", "SecurityToken", "Expiration", "LastUpdated", "Code"},
    )
    by = Signer(told["AccessKeyId"], told["AccessKeySecret"], token=told["SecurityToken"])
    arn = sts(slow_emulator, "GetCallerIdentity", by).body["Arn"]
    assert arn == "acs:ram::1000000000000001:assumed-role/imageferry-operator/i-bp1emulator00000001"
    assert json.loads(_ask(slow_emulator, f"{ROLE}imageferry-operator")[1])["AccessKeyId"] == told["AccessKeyId"]


def test_a_dying_key_is_renewed(emulator: EmulatorProcess) -> None:
    """A key with little of its life left is replaced by another."""
    first = json.loads(_ask(emulator, f"{ROLE}imageferry-operator")[1])
    emulator.admin("POST", "/settings", {"clockOffsetSeconds": 6 * 3600 - 60})
    second = json.loads(_ask(emulator, f"{ROLE}imageferry-operator")[1])
    assert first["AccessKeyId"] != second["AccessKeyId"]
    assert first["Expiration"] < second["Expiration"]


def test_an_instance_without_a_role_has_no_keys(emulator: EmulatorProcess) -> None:
    """What is not attached is not found; a role that does not trust ECS gives no key either."""
    instance = {"account": emulator.info["accountID"], "id": "i-1", "region": "eu-central-1", "zone": "eu-central-1a"}
    emulator.admin("POST", "/instance", instance)
    assert _ask(emulator, ROLE) == (404, "Not Found")
    emulator.admin("POST", "/instance", {**instance, "role": "export-untrusted"})
    assert _ask(emulator, f"{ROLE}export-untrusted") == (404, "Not Found")


def test_the_hardened_mode_asks_for_a_token(emulator: EmulatorProcess) -> None:
    """Hardened, nothing is told without an access token; a wrong one is refused in both modes."""
    path = "/latest/meta-data/region-id"
    assert _ask(emulator, path, X_aliyun_ecs_metadata_token="aaa") == (401, "Unauthorized")
    emulator.admin("POST", "/settings", {"metadataHardened": True})
    assert _ask(emulator, path) == (403, "Forbidden")
    token = _token(emulator)
    assert _ask(emulator, path, X_aliyun_ecs_metadata_token=token) == (200, "cn-hangzhou")
    emulator.admin("POST", "/settings", {"clockOffsetSeconds": 120})
    assert _ask(emulator, path, X_aliyun_ecs_metadata_token=token) == (401, "Unauthorized")


TOKENS: dict[str, tuple[str, dict[str, str], int]] = {
    "no life": ("PUT", {}, 400),
    "a life of nothing": ("PUT", {"X_aliyun_ecs_metadata_token_ttl_seconds": "0"}, 400),
    "more than six hours": ("PUT", {"X_aliyun_ecs_metadata_token_ttl_seconds": "21601"}, 400),
    "a way through a proxy": (
        "PUT",
        {"X_aliyun_ecs_metadata_token_ttl_seconds": "60", "X_Forwarded_For": "example.com"},
        403,
    ),
    "a GET": ("GET", {}, 405),
}


@pytest.mark.parametrize(("method", "headers", "status"), TOKENS.values(), ids=TOKENS)
def test_no_access_token_is_given_for(
    slow_emulator: EmulatorProcess, method: str, headers: dict[str, str], status: int
) -> None:
    """Tokens are asked for as the documents say, or not given."""
    assert _ask(slow_emulator, "/latest/api/token", method, **headers)[0] == status


@pytest.mark.parametrize("hardened", [False, True])
def test_the_vendors_library_gets_the_instances_key(emulator: EmulatorProcess, hardened: bool) -> None:  # noqa: FBT001 (the switch's value)
    """The credentials library knows one fixed address only; given the emulator as its proxy it gets a key that works."""
    emulator.admin("POST", "/settings", {"metadataHardened": hardened})
    provider = EcsRamRoleCredentialsProvider(
        http_options=HttpOptions(proxy=emulator.endpoint), disable_imds_v1=hardened, async_update_enabled=False
    )
    key = provider.get_credentials()
    by = Signer(key.get_access_key_id(), key.get_access_key_secret(), token=key.get_security_token())
    assert sts(emulator, "GetCallerIdentity", by).body["IdentityType"] == "AssumedRoleUser"

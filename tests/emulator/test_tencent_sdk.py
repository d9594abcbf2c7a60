from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tencentcloud.common import credential
from tencentcloud.common.abstract_client import AbstractClient
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile

from tests.emulator.tencent import CAM, STS, cluster_token

if TYPE_CHECKING:
    from pathlib import Path

    from tests.emulator_process import EmulatorProcess

OWNER = "100000000001"


class _Service(AbstractClient):  # type: ignore[misc] # the SDK has no type information
    """The vendor's client for any service: its own clients differ in the version and the endpoint alone."""

    _endpoint = "tencentcloudapi.com"


def _client(
    emulator: EmulatorProcess,
    by: object,
    version: str,
    *,
    method: str = "POST",
    sign: str = "TC3-HMAC-SHA256",
) -> _Service:
    http = HttpProfile(protocol="http", endpoint=emulator.address, reqMethod=method, reqTimeout=30)
    profile = ClientProfile(signMethod=sign, httpProfile=http, language="en-US")
    client = _Service(by, "ap-guangzhou", profile)
    client._apiVersion = version
    client._service = {STS: "sts", CAM: "cam"}[version]
    return client


def _call(client: _Service, action: str, params: dict[str, Any]) -> dict[str, Any]:
    return dict(client.call_json(action, params)["Response"])


def _owner(emulator: EmulatorProcess) -> Any:  # noqa: ANN401 (the SDK has no type information)
    known = emulator.info["tencent"]
    return credential.Credential(known["secretID"], known["secretKey"])


MANNERS = {
    f"{sign} by {method}": (method, sign)
    for method in ("POST", "GET")
    for sign in ("TC3-HMAC-SHA256", "HmacSHA1", "HmacSHA256")
}


@pytest.mark.parametrize(("method", "sign"), MANNERS.values(), ids=MANNERS)
def test_the_vendors_sdk_is_answered_however_it_signs(slow_emulator: EmulatorProcess, method: str, sign: str) -> None:
    """Each signature and method that the SDK can be told to use works."""
    client = _client(slow_emulator, _owner(slow_emulator), STS, method=method, sign=sign)
    assert _call(client, "GetCallerIdentity", {})["AccountId"] == OWNER


def test_the_vendors_sdk_notices_an_error(slow_emulator: EmulatorProcess) -> None:
    """An error in a success of HTTP becomes the SDK's exception, with code and request id."""
    client = _client(slow_emulator, credential.Credential("AKID-NOBODY", "none"), STS)
    with pytest.raises(TencentCloudSDKException) as refused:
        _call(client, "GetCallerIdentity", {})
    assert (refused.value.get_code(), bool(refused.value.get_request_id())) == ("AuthFailure.SecretIdNotFound", True)


def test_the_vendors_sdk_takes_on_a_role(slow_emulator: EmulatorProcess) -> None:
    """The SDK's credential that assumes a role is good for calls, and its keys may what the role may."""
    known = slow_emulator.info["tencent"]
    by = credential.STSAssumeRoleCredential(
        known["secretID"], known["secretKey"], known["roles"]["operator"], "session", 7200,
        endpoint=slow_emulator.endpoint,
    )  # fmt: skip
    role = _call(_client(slow_emulator, by, CAM), "GetRole", {"RoleName": "CVM_QcsRole"})["RoleInfo"]
    assert json.loads(role["PolicyDocument"])["version"] == "2.0"


def test_the_vendors_sdk_buys_a_key_with_a_clusters_token(
    slow_emulator: EmulatorProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The SDK's credential for pods of the vendor's clusters needs four variables and the token's file."""
    known = slow_emulator.info["tencent"]
    token = tmp_path / "token"
    token.write_text(cluster_token(slow_emulator), encoding="utf-8")
    monkeypatch.setenv("TKE_REGION", "ap-guangzhou")
    monkeypatch.setenv("TKE_PROVIDER_ID", known["oidcProviderID"])
    monkeypatch.setenv("TKE_WEB_IDENTITY_TOKEN_FILE", str(token))
    monkeypatch.setenv("TKE_ROLE_ARN", known["roles"]["operator"])
    by = credential.DefaultTkeOIDCRoleArnProvider().get_credential()
    by.endpoint = slow_emulator.endpoint
    assert _call(_client(slow_emulator, by, STS), "GetCallerIdentity", {})["Type"] == "CAMRole"


def test_the_vendors_sdk_speaks_for_an_instance(slow_emulator: EmulatorProcess) -> None:
    """The SDK's credential of an instance finds its role and that role's key."""

    class Instance(credential.CVMRoleCredential):  # type: ignore[misc] # the SDK has no type information
        _role_endpoint = f"{slow_emulator.endpoint}/latest/meta-data/cam/security-credentials/"

    identity = _call(_client(slow_emulator, Instance(), STS), "GetCallerIdentity", {})
    assert (identity["AccountId"], identity["Type"]) == (OWNER, "CAMRole")

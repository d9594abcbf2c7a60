from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from alibabacloud_credentials.provider import RamRoleArnCredentialsProvider, StaticAKCredentialsProvider
from alibabacloud_sts20150401.client import Client as StsClient
from alibabacloud_tea_openapi.models import Config

from tests.emulator.bucket_clients import sdk as bucket_sdk
from tests.emulator.cloud import Signer, assumed, export_params, ledger, ram, signer, sts, until

if TYPE_CHECKING:
    from tests.emulator_process import EmulatorProcess

REGION = {"RegionId": "cn-hangzhou"}
LOOK_ONLY = json.dumps({"Version": "1", "Statement": [{"Effect": "Allow", "Action": "ecs:Describe*", "Resource": "*"}]})


def _assume(emulator: EmulatorProcess, by: Signer | None = None, /, role: str = "operator", **changes: str) -> Any:  # noqa: ANN401 (an Answer)
    params = {"RoleArn": emulator.info["roles"].get(role, role), "RoleSessionName": "alice", **changes}
    return sts(emulator, "AssumeRole", by, **{name: value for name, value in params.items() if value})


def test_an_assumed_role_opens_every_service(slow_emulator: EmulatorProcess) -> None:
    """The temporary key signs for compute, tokens, access and objects alike, and says whose it is."""
    by = assumed(_assume(slow_emulator))
    account = slow_emulator.info["accountID"]
    assert by.key_id.startswith("STS.")
    identity = sts(slow_emulator, "GetCallerIdentity", by).body
    assert (identity["AccountId"], identity["IdentityType"]) == (account, "AssumedRoleUser")
    assert identity["Arn"] == f"acs:ram::{account}:assumed-role/imageferry-operator/alice"
    assert by.call(slow_emulator, "DescribeImages", REGION).status == 200
    role = by.but(version="2015-05-01").call(slow_emulator, "GetRole", {"RoleName": "imageferry-operator"})
    assert role.body["Role"]["Arn"] == slow_emulator.info["roles"]["operator"]
    client = bucket_sdk(slow_emulator, key=(by.key_id, by.secret), token=by.token)
    assert client.is_bucket_exist(slow_emulator.info["buckets"]["good"])


def test_the_answer_names_the_session_and_its_end(slow_emulator: EmulatorProcess) -> None:
    """The session is in the ARN, and the key expires on the wall clock after the seconds asked for."""
    body = _assume(slow_emulator, DurationSeconds="1800").body
    assert body["AssumedRoleUser"]["Arn"] == f"{slow_emulator.info['roles']['operator']}/alice"
    expires = datetime.strptime(body["Credentials"]["Expiration"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    left = expires - datetime.now(tz=UTC)
    assert timedelta(seconds=1500) < left <= timedelta(seconds=1800)


REFUSED: dict[str, tuple[dict[str, str], int, str]] = {
    "no role": ({"RoleArn": ""}, 400, "MissingParameter"),
    "no session name": ({"RoleSessionName": ""}, 400, "MissingParameter"),
    "a role that is no ARN": ({"RoleArn": "imageferry-operator"}, 400, "InvalidParameter.RoleArn"),
    "an unknown role": ({"RoleArn": "acs:ram::1000000000000001:role/nobody"}, 404, "EntityNotExist.Role"),
    "a role of an unknown account": ({"RoleArn": "acs:ram::1:role/nobody"}, 404, "EntityNotExist.Role"),
    "a role that trusts somebody else": ({"role": "exportUntrusted"}, 403, "NoPermission"),
    "a session name of one letter": ({"RoleSessionName": "a"}, 400, "InvalidParameter.RoleSessionName"),
    "a session name with a star": ({"RoleSessionName": "ab*c"}, 400, "InvalidParameter.RoleSessionName"),
    "less than fifteen minutes": ({"DurationSeconds": "899"}, 400, "InvalidParameter.DurationSeconds"),
    "longer than the role allows": ({"DurationSeconds": "43201"}, 400, "InvalidParameter.DurationSeconds"),
    "a policy that is none": ({"Policy": "{}"}, 400, "InvalidParameter.PolicyGrammar"),
    "a policy that is too long": ({"Policy": " " * 2049}, 400, "InvalidParameter.PolicySize"),
    "an external id with a blank": ({"ExternalId": "a b"}, 400, "InvalidParameter.ExternalId"),
}


@pytest.mark.parametrize(("changes", "status", "code"), REFUSED.values(), ids=REFUSED)
def test_a_role_is_not_assumed_with(
    slow_emulator: EmulatorProcess, changes: dict[str, str], status: int, code: str
) -> None:
    """Each flaw of the request has its documented code."""
    answer = _assume(slow_emulator, **changes)
    assert (answer.status, answer.code) == (status, code)


def test_the_account_itself_assumes_no_role(slow_emulator: EmulatorProcess) -> None:
    """A key of the account, not of a user in it, is told so."""
    key = {"id": "LTAI-FAKE-ROOT", "secret": "fake", "user": ""}
    slow_emulator.admin("POST", "/accounts", {"id": slow_emulator.info["accountID"], "keys": [key]})
    by = Signer("LTAI-FAKE-ROOT", "fake")
    assert sts(slow_emulator, "GetCallerIdentity", by).body["IdentityType"] == "Account"
    answer = _assume(slow_emulator, by)
    assert (answer.status, answer.code) == (403, "NoPermission")
    assert "root" in answer.body["Message"]


def test_another_accounts_role_is_assumed_with_the_external_id(emulator: EmulatorProcess) -> None:
    """A role that asks for an external id trusts the other account only with it, and acts in its own."""
    mine, other = emulator.info["accountID"], emulator.info["otherAccount"]["accountID"]
    statement = {
        "Action": "sts:AssumeRole",
        "Effect": "Allow",
        "Principal": {"RAM": f"acs:ram::{mine}:root"},
        "Condition": {"StringEquals": {"sts:ExternalId": "abcd1234"}},
    }
    role = {"name": "Lent", "trust": {"Version": "1", "Statement": [statement]}, "policies": ["AdministratorAccess"]}
    emulator.admin("POST", "/accounts", {"id": other, "roles": [role]})
    arn = f"acs:ram::{other}:role/lent"
    assert _assume(emulator, role=arn).code == "NoPermission"
    assert _assume(emulator, role=arn, ExternalId="other").code == "NoPermission"
    by = assumed(_assume(emulator, role=arn, ExternalId="abcd1234"))
    assert sts(emulator, "GetCallerIdentity", by).body["AccountId"] == other


LACKING: dict[str, dict[str, str]] = {
    "a role that lacks it": {"role": "lookOnly"},
    "a session whose policy lacks it": {"Policy": LOOK_ONLY},
}


@pytest.mark.parametrize("how", LACKING.values(), ids=LACKING)
def test_a_right_is_refused_to(slow_emulator: EmulatorProcess, how: dict[str, str]) -> None:
    """Looking is allowed, exporting is not, and the answer says which right was lacking."""
    by = assumed(_assume(slow_emulator, **how))
    assert by.call(slow_emulator, "DescribeImages", REGION).status == 200
    before = len(ledger(slow_emulator))
    answer = by.call(slow_emulator, "ExportImage", export_params(slow_emulator))
    assert (answer.status, answer.code) == (403, "Forbidden.RAM")
    assert answer.body["AccessDeniedDetail"]["AuthAction"] == "ecs:ExportImage"
    assert len(ledger(slow_emulator)) == before


def test_a_temporary_key_dies_on_the_wall_clock(emulator: EmulatorProcess) -> None:
    """A setting shortens the life of new keys; once expired they say so, at every service."""
    emulator.admin("POST", "/settings", {"tokenLifeSeconds": 1})
    by = assumed(_assume(emulator))
    until(lambda: sts(emulator, "GetCallerIdentity", by).code, lambda code: code != "")
    assert sts(emulator, "GetCallerIdentity", by).code == "InvalidSecurityToken.Expired"
    assert by.call(emulator, "DescribeImages", REGION).code == "InvalidSecurityToken.Expired"
    assert by.but(token="other").call(emulator, "DescribeImages", REGION).code == (
        "InvalidSecurityToken.MismatchWithAccessKey"
    )


def test_a_temporary_key_survives_a_kill(emulator: EmulatorProcess) -> None:
    """What was given out is good after a SIGKILL."""
    by = assumed(_assume(emulator))
    emulator.listen_on_same_port()
    emulator.kill()
    emulator.start()
    assert by.call(emulator, "DescribeImages", REGION).status == 200


def test_the_vendors_clients_assume_a_role(slow_emulator: EmulatorProcess) -> None:
    """The SDK of the token service and the credentials library both get a key that works."""
    info = slow_emulator.info
    own = signer(slow_emulator)
    config = Config(
        access_key_id=own.key_id, access_key_secret=own.secret, endpoint=slow_emulator.address, protocol="http"
    )
    provider = RamRoleArnCredentialsProvider(
        credentials_provider=StaticAKCredentialsProvider(access_key_id=own.key_id, access_key_secret=own.secret),
        role_arn=info["roles"]["operator"],
        role_session_name="library",
        sts_endpoint=slow_emulator.endpoint,
    )
    key = provider.get_credentials()
    by = Signer(key.get_access_key_id(), key.get_access_key_secret(), token=key.get_security_token())
    assert sts(slow_emulator, "GetCallerIdentity", by).body["Arn"].endswith("/library")
    assert StsClient(config).get_caller_identity().body.identity_type == "RAMUser"


ROLES: dict[str, tuple[str, dict[str, str], int, str]] = {
    "an unknown role": ("GetRole", {"RoleName": "nobody"}, 404, "EntityNotExist.Role"),
    "the policies of an unknown role": ("ListPoliciesForRole", {"RoleName": "nobody"}, 404, "EntityNotExist.Role"),
    "no name": ("GetRole", {}, 400, "MissingParameter"),
    "an unknown policy": ("GetPolicy", {"PolicyType": "System", "PolicyName": "None"}, 404, "EntityNotExist.Policy"),
    "a policy of the other type": (
        "GetPolicy",
        {"PolicyType": "Custom", "PolicyName": "AliyunECSImageExportRolePolicy"},
        404,
        "EntityNotExist.Policy",
    ),
    "a type that there is not": (
        "GetPolicy",
        {"PolicyType": "Own", "PolicyName": "look-only"},
        400,
        "InvalidParameter.PolicyType",
    ),
    "a version that there is not": (
        "GetPolicyVersion",
        {"PolicyType": "Custom", "PolicyName": "look-only", "VersionId": "v2"},
        404,
        "EntityNotExist.Policy.Version",
    ),
    "a version that is none": (
        "GetPolicyVersion",
        {"PolicyType": "Custom", "PolicyName": "look-only", "VersionId": "2"},
        400,
        "InvalidParameter.VersionId.Format",
    ),
}


@pytest.mark.parametrize(("action", "params", "status", "code"), ROLES.values(), ids=ROLES)
def test_access_is_not_shown_for(
    slow_emulator: EmulatorProcess, action: str, params: dict[str, str], status: int, code: str
) -> None:
    """What there is not has its documented code."""
    answer = ram(slow_emulator, action, **params)
    assert (answer.status, answer.code) == (status, code)


def test_the_export_role_can_be_read_to_its_actions(slow_emulator: EmulatorProcess) -> None:
    """Role, attached policy and its version lead to the documented trust and actions."""
    role = ram(slow_emulator, "GetRole", RoleName="AliyunECSImageExportDefaultRole").body["Role"]
    trust = json.loads(role["AssumeRolePolicyDocument"])["Statement"][0]
    assert (trust["Action"], trust["Principal"]) == ("sts:AssumeRole", {"Service": ["ecs.aliyuncs.com"]})
    attached = ram(slow_emulator, "ListPoliciesForRole", RoleName=role["RoleName"]).body["Policies"]["Policy"]
    assert [(one["PolicyName"], one["PolicyType"]) for one in attached] == [
        ("AliyunECSImageExportRolePolicy", "System")
    ]
    named = {"PolicyType": "System", "PolicyName": attached[0]["PolicyName"]}
    version = ram(slow_emulator, "GetPolicyVersion", **named, VersionId=attached[0]["DefaultVersion"]).body
    whole = ram(slow_emulator, "GetPolicy", **named).body
    assert whole["DefaultPolicyVersion"]["PolicyDocument"] == version["PolicyVersion"]["PolicyDocument"]
    actions = json.loads(version["PolicyVersion"]["PolicyDocument"])["Statement"][0]["Action"]
    assert {"oss:PutObject", "oss:AbortMultipartUpload", "oss:GetBucketInfo"} <= set(actions)


BROKEN: dict[str, tuple[dict[str, Any], str, str]] = {
    "that trusts another service": ({}, "export-untrusted", "NoSetRoletoECSServiceAcount"),
    "that may only read": ({}, "export-read-only", "InvalidOSS.NotAuthorized"),
    "of another name, where only the default's will do": (
        {"otherRoleNames": False},
        "imageferry-operator",
        "NoSetRoletoECSServiceAcount",
    ),
}


@pytest.mark.parametrize(("settings", "role", "code"), BROKEN.values(), ids=BROKEN)
def test_an_export_is_refused_with_a_role(
    emulator: EmulatorProcess, settings: dict[str, Any], role: str, code: str
) -> None:
    """The role that ECS is to take on has to exist, to trust ECS, and to be allowed to write."""
    emulator.admin("POST", "/settings", settings)
    answer = signer(emulator).call(emulator, "ExportImage", export_params(emulator, RoleName=role))
    assert (answer.status, answer.code) == (403, code)
    assert ledger(emulator) == []


def test_a_role_without_rights_can_be_noticed_by_the_task(emulator: EmulatorProcess) -> None:
    """With the switch the other way the export starts and fails, with the same code and without a file."""
    emulator.admin("POST", "/settings", {"roleWithoutRights": "taskFails"})
    params = export_params(emulator, RoleName="export-read-only")
    task = signer(emulator).call(emulator, "ExportImage", params).body["TaskId"]
    tasks = until(lambda: emulator.admin("GET", "/tasks")["tasks"], lambda tasks: tasks[0]["outcome"] is not None)
    assert (tasks[0]["id"], tasks[0]["outcome"]) == (task, "Failed")
    assert tasks[0]["error_code"] == "InvalidOSS.NotAuthorized"

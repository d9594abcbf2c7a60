from __future__ import annotations

import http.client
import json
import secrets
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.emulator.tencent import CAM, api, assume, assumed, cluster_token, cos, send, web_identity

if TYPE_CHECKING:
    from tests.emulator_process import EmulatorProcess

OWNER, USER, OTHER = "100000000001", "100000000101", "100000000002"
WHO = "GetCallerIdentity"
ROLES = "/latest/meta-data/cam/security-credentials/"


def _denying(*actions: str) -> dict[str, Any]:
    return {"version": "2.0", "statement": [{"effect": "deny", "action": list(actions), "resource": "*"}]}


def _allowing(*actions: str) -> dict[str, Any]:
    return {"version": "2.0", "statement": [{"effect": "allow", "action": list(actions), "resource": "*"}]}


def _ask(emulator: EmulatorProcess, path: str, host: str = "") -> tuple[int, str]:
    connection = http.client.HTTPConnection(emulator.address, timeout=30)
    try:
        connection.request("GET", path, headers={"Host": host} if host else {})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_a_user_and_the_account_itself_are_told_apart(slow_emulator: EmulatorProcess) -> None:
    """GetCallerIdentity names the account whoever below it signed, and the one who signed."""
    other = slow_emulator.info["tencent"]["otherAccount"]
    user = api(slow_emulator).call(slow_emulator, WHO).body
    owner = api(slow_emulator).but(key_id=other["secretID"], secret=other["secretKey"]).call(slow_emulator, WHO).body
    assert (user["AccountId"], user["PrincipalId"], user["Type"]) == (OWNER, USER, "CAMUser")
    assert (owner["AccountId"], owner["Arn"]) == (OTHER, f"qcs::cam::uin/{OTHER}:uin/{OTHER}")


def test_a_role_is_taken_on(slow_emulator: EmulatorProcess) -> None:
    """AssumeRole gives a key that speaks for the role, with the end of its life told in two ways that agree."""
    answer = assume(slow_emulator, DurationSeconds=1800)
    who = api(slow_emulator).but(**assumed(answer)).call(slow_emulator, WHO).body
    assert (who["AccountId"], who["Type"], who["UserId"].partition(":")[2]) == (OWNER, "CAMRole", "session")
    assert who["Arn"].startswith(f"qcs::sts:{OWNER}:assumed-role/")
    shown = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(answer.body["ExpiredTime"]))
    assert answer.body["Expiration"] == shown
    assert 1700 < answer.body["ExpiredTime"] - time.time() <= 1800


TEMPORARY: dict[str, tuple[dict[str, Any], str]] = {
    "without its token": ({"token": None}, "AuthFailure.SecretIdNotFound"),
    "with another token": ({"token": "made-up"}, "AuthFailure.TokenFailure"),
    "with its token under signature 1": ({"manner": "HmacSHA256"}, ""),
    "with another secret": ({"secret": "another"}, "AuthFailure.SignatureFailure"),
}


@pytest.mark.parametrize(("change", "code"), TEMPORARY.values(), ids=TEMPORARY)
def test_a_temporary_key_is_good_with_its_token_alone(
    slow_emulator: EmulatorProcess, change: dict[str, Any], code: str
) -> None:
    """The three parts of a temporary key belong together."""
    signer = api(slow_emulator).but(**assumed(assume(slow_emulator))).but(**change)
    assert signer.call(slow_emulator, WHO).code == code


def test_a_temporary_key_dies_everywhere_at_once(emulator: EmulatorProcess) -> None:
    """After its life neither the API nor COS takes it, each in its own words."""
    emulator.admin("POST", "/settings", {"tokenLifeSeconds": 3600})
    given = assumed(assume(emulator))
    assert cos(emulator).but(**given).call(emulator, "HEAD").status == 200
    emulator.admin("POST", "/settings", {"clockOffsetSeconds": 3700})
    late = {**given, "starts": 3000, "ends": 4000}
    assert api(emulator).but(**given, age_seconds=-3700).call(emulator, WHO).code == "AuthFailure.TokenFailure"
    assert cos(emulator).but(**late).call(emulator, "GET").fault == (403, "ExpiredToken")


ASSUMPTIONS: dict[str, tuple[str, dict[str, Any], str]] = {
    "a role that does not trust users": ("CVM_QcsRole", {}, "UnauthorizedOperation"),
    "a role that is not": (f"qcs::cam::uin/{OWNER}:roleName/nobody", {}, "ResourceNotFound.RoleNotFound"),
    "a name that is no ARN": ("operator/", {}, "InvalidParameter.ParamError"),
    "a life beyond the role's": ("lookOnly", {"DurationSeconds": 7201}, "InvalidParameter.OverTimeError"),
    "no life at all": ("operator", {"DurationSeconds": 0}, "InvalidParameter.OverTimeError"),
    "a session without a proper name": ("operator", {"RoleSessionName": "?"}, "InvalidParameter.ParamError"),
    "a policy that is none": ("operator", {"Policy": "{}"}, "InvalidParameter.StrategyFormatError"),
    "a policy that is too long": ("operator", {"Policy": " " * 4097}, "InvalidParameter.PolicyTooLong"),
}


@pytest.mark.parametrize(("role", "change", "code"), ASSUMPTIONS.values(), ids=ASSUMPTIONS)
def test_a_role_is_refused_with_its_documented_code(
    slow_emulator: EmulatorProcess, role: str, change: dict[str, Any], code: str
) -> None:
    """Nobody becomes what does not trust him, nor for longer than it allows."""
    assert assume(slow_emulator, role, **change).code == code


def test_rights_are_those_of_the_role(slow_emulator: EmulatorProcess) -> None:
    """A role that may only look gets no further, in the API as in COS."""
    given = assumed(assume(slow_emulator, "lookOnly"))
    attached = {"RoleName": "CVM_QcsRole", "Page": 1, "Rp": 10}
    signer = api(slow_emulator).but(**given, version=CAM)
    assert signer.call(slow_emulator, "GetRole", {"RoleName": "CVM_QcsRole"}).code == ""
    denied = signer.call(slow_emulator, "ListAttachedRolePolicies", attached)
    assert (denied.code, "cam:ListAttachedRolePolicies" in denied.body["Error"]["Message"]) == (
        "AuthFailure.UnauthorizedOperation",
        True,
    )
    looking = cos(slow_emulator).but(**given)
    assert looking.call(slow_emulator, "HEAD").status == 200
    assert looking.call(slow_emulator, "PUT", "key", body=b"x").fault == (403, "AccessDenied")


def test_a_session_is_narrowed_by_its_policy(slow_emulator: EmulatorProcess) -> None:
    """The policy that a role is taken on with takes rights away and gives none."""
    narrowed = assumed(assume(slow_emulator, Policy=json.dumps(_allowing("cos:Head*", "cvm:Nothing"))))
    bucket = cos(slow_emulator).but(**narrowed)
    assert (bucket.call(slow_emulator, "HEAD").status, bucket.call(slow_emulator, "GET").status) == (200, 403)


POLICIES: dict[str, tuple[list[dict[str, Any]], str]] = {
    "an action by its name": ([_allowing("cam:GetRole")], ""),
    "an action with name/ in front": ([_allowing("name/cam:GetRole")], ""),
    "a pattern, in any case": ([_allowing("CAM:get*")], ""),
    "everything": ([_allowing("*")], ""),
    "another action": ([_allowing("cam:GetPolicy")], "AuthFailure.UnauthorizedOperation"),
    "a deny beside an allow": ([_allowing("*"), _denying("name/cam:Get*")], "AuthFailure.UnauthorizedOperation"),
    "nothing": ([], "AuthFailure.UnauthorizedOperation"),
}


@pytest.mark.parametrize(("documents", "code"), POLICIES.values(), ids=POLICIES)
def test_a_users_policies_decide(slow_emulator: EmulatorProcess, documents: list[dict[str, Any]], code: str) -> None:
    """A key may do what the policies of its user allow, and a deny wins."""
    names = [f"p{number}" for number in range(len(documents))]
    policies = [{"name": name, "document": shown} for name, shown in zip(names, documents, strict=True)]
    uin = str(10**11 + secrets.randbelow(10**10))
    key = {"id": f"AKID-{uin}", "secret": "narrow", "user": "1", "policies": names}
    account = {"id": uin, "appID": "1250000009", "policies": policies, "roles": ["CVM_QcsRole"], "keys": [key]}
    slow_emulator.admin("POST", "/tencent/accounts", account)
    signer = api(slow_emulator).but(key_id=key["id"], secret="narrow", version=CAM)
    assert signer.call(slow_emulator, "GetRole", {"RoleName": "CVM_QcsRole"}).code == code


def test_the_role_of_exports_tells_whom_it_trusts_and_what_it_may(slow_emulator: EmulatorProcess) -> None:
    """GetRole, ListAttachedRolePolicies and GetPolicy together answer whether an export can write to COS."""
    signer = api(slow_emulator).but(version=CAM)
    role = signer.call(slow_emulator, "GetRole", {"RoleName": "CVM_QcsRole"}).body["RoleInfo"]
    trusted = json.loads(role["PolicyDocument"])["statement"][0]["principal"]["service"]
    page = {"RoleId": role["RoleId"], "Page": 1, "Rp": 1}
    listed = signer.call(slow_emulator, "ListAttachedRolePolicies", page).body
    policy = signer.call(slow_emulator, "GetPolicy", {"PolicyId": listed["List"][0]["PolicyId"]}).body
    assert ("cvm.qcloud.com" in trusted, listed["TotalNum"], policy["PolicyName"]) == (True, 1, "QcloudCOSFullAccess")
    assert json.loads(policy["PolicyDocument"])["statement"][0]["action"] == ["name/cos:*"]


CAM_REFUSALS: dict[str, tuple[str, dict[str, Any], str]] = {
    "a policy that is not": ("GetPolicy", {"PolicyId": 4}, "ResourceNotFound.PolicyIdNotFound"),
    "a policy that is not named": ("GetPolicy", {}, "MissingParameter"),
    "a page of too many rows": (
        "ListAttachedRolePolicies",
        {"RoleName": "CVM_QcsRole", "Page": 1, "Rp": 201},
        "InvalidParameterValue",
    ),
    "a kind of policies that is not": (
        "ListAttachedRolePolicies",
        {"RoleName": "CVM_QcsRole", "Page": 1, "Rp": 1, "PolicyType": "Other"},
        "InvalidParameter.ParamError",
    ),
}


@pytest.mark.parametrize(("action", "params", "code"), CAM_REFUSALS.values(), ids=CAM_REFUSALS)
def test_questions_about_policies_are_held_to_their_form(
    slow_emulator: EmulatorProcess, action: str, params: dict[str, Any], code: str
) -> None:
    """What cannot be answered is told by its documented code."""
    assert api(slow_emulator).but(version=CAM).call(slow_emulator, action, params).code == code


def test_an_account_tells_its_number(slow_emulator: EmulatorProcess) -> None:
    """GetUserAppId needs no region, and its number is that of the account's buckets."""
    signer = api(slow_emulator).but(version=CAM, sent={"x-tc-region": ""})
    told = signer.call(slow_emulator, "GetUserAppId").body
    assert (told["Uin"], told["OwnerUin"], told["AppId"]) == (USER, OWNER, int(slow_emulator.info["tencent"]["appID"]))


def test_a_clusters_token_buys_a_key(slow_emulator: EmulatorProcess) -> None:
    """AssumeRoleWithWebIdentity is not signed: the token says who asks."""
    answer = web_identity(slow_emulator, cluster_token(slow_emulator))
    who = api(slow_emulator).but(**assumed(answer)).call(slow_emulator, WHO).body
    assert (who["AccountId"], who["Type"]) == (OWNER, "CAMRole")


def test_a_clusters_token_buys_a_key_in_a_form_too(slow_emulator: EmulatorProcess) -> None:
    """Sent as signature version 1 is, the call has neither a key nor a signature."""
    known = slow_emulator.info["tencent"]
    params = {
        "Action": "AssumeRoleWithWebIdentity",
        "Version": "2018-08-13",
        "Region": "ap-guangzhou",
        "Timestamp": str(int(time.time())),
        "ProviderId": known["oidcProviderID"],
        "WebIdentityToken": cluster_token(slow_emulator),
        "RoleArn": known["roles"]["operator"],
        "RoleSessionName": "session",
    }
    body = "&".join(f"{name}={value}" for name, value in params.items()).encode()
    answer = send(slow_emulator, "POST", "/", {"content-type": "application/x-www-form-urlencoded"}, body)
    assert (answer.code, "Credentials" in answer.body) == ("", True)


TOKENS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "of another issuer": ({"iss": "https://elsewhere"}, {}, "InvalidParameter.WebIdentityTokenError"),
    "for another audience": ({"aud": "another"}, {}, "InvalidParameter.WebIdentityTokenError"),
    "that has expired": ({"expiresIn": -10}, {}, "InvalidParameter.WebIdentityTokenError"),
    "of someone whom the role does not trust": ({"sub": "system:node:one"}, {}, "UnauthorizedOperation"),
    "for a role that trusts no provider": (
        {},
        {"RoleArn": f"qcs::cam::uin/{OWNER}:roleName/CVM_QcsRole"},
        "UnauthorizedOperation",
    ),
    "of a provider that is not": ({}, {"ProviderId": "cls-nothing"}, "InvalidParameter.ParamError"),
    "that is none": ({}, {"WebIdentityToken": "a.b"}, "InvalidParameter.WebIdentityTokenError"),
    "that is missing": ({}, {"WebIdentityToken": None}, "MissingParameter"),
}


@pytest.mark.parametrize(("wish", "change", "code"), TOKENS.values(), ids=TOKENS)
def test_a_token_is_refused(
    slow_emulator: EmulatorProcess, wish: dict[str, Any], change: dict[str, Any], code: str
) -> None:
    """A token buys nothing unless it is its provider's, good now, and its bearer trusted."""
    assert web_identity(slow_emulator, cluster_token(slow_emulator, **wish), **change).code == code


def test_a_token_that_was_changed_has_no_signature(slow_emulator: EmulatorProcess) -> None:
    """The signature is verified, not merely there."""
    head, claims, _ = cluster_token(slow_emulator).split(".")
    _, _, signature = cluster_token(slow_emulator, sub="system:serviceaccount:other:other").split(".")
    answer = web_identity(slow_emulator, f"{head}.{claims}.{signature}")
    assert answer.code == "InvalidParameter.WebIdentityTokenError"


ITEMS: dict[str, tuple[str, str, int, str]] = {
    "the account's number": ("/latest/meta-data/app-id", "", 200, "1250000001"),
    "the region": ("/latest/meta-data/placement/region", "", 200, "ap-guangzhou"),
    "the zone": ("/1.0/meta-data/placement/zone", "", 200, "ap-guangzhou-3"),
    "a directory": ("/latest/meta-data/placement/", "", 200, "region\nzone"),
    "the role": (ROLES, "", 200, "imageferry-operator"),
    "the instance, to those who name the host": (
        "/latest/meta-data/instance-id",
        "metadata.tencentyun.com",
        200,
        "ins-emulator1",
    ),
    "the instance, to those who take the emulator for a proxy": (
        "http://metadata.tencentyun.com/latest/meta-data/instance-id",
        "metadata.tencentyun.com",
        200,
        "ins-emulator1",
    ),
    "the other cloud's instance, to the others": ("/latest/meta-data/instance-id", "", 200, "i-bp1emulator00000001"),
    "the key of a role it does not have": (f"{ROLES}other", "", 404, "Not Found"),
}


@pytest.mark.parametrize(("path", "host", "status", "text"), ITEMS.values(), ids=ITEMS)
def test_an_instance_is_told(slow_emulator: EmulatorProcess, path: str, host: str, status: int, text: str) -> None:
    """Items are plain text, directories lists of what is below them; each cloud has its own instance."""
    assert _ask(slow_emulator, path, host) == (status, text)


def test_an_instances_key_speaks_for_its_role_until_it_is_renewed(emulator: EmulatorProcess) -> None:
    """The metadata service gives out one key until its life nears its end."""
    first, again = (json.loads(_ask(emulator, f"{ROLES}imageferry-operator")[1]) for _ in range(2))
    assert (first["Code"], first["TmpSecretId"]) == ("Success", again["TmpSecretId"])
    signer = api(emulator).but(key_id=first["TmpSecretId"], secret=first["TmpSecretKey"], token=first["Token"])
    assert signer.call(emulator, WHO).code == ""
    emulator.admin("POST", "/settings", {"clockOffsetSeconds": first["ExpiredTime"] - time.time() - 600})
    renewed = json.loads(_ask(emulator, f"{ROLES}imageferry-operator")[1])
    assert renewed["ExpiredTime"] > first["ExpiredTime"]


def test_keys_and_roles_survive_a_kill(emulator: EmulatorProcess) -> None:
    """A temporary key that was given out is good on the next start."""
    given = assumed(assume(emulator))
    emulator.kill()
    emulator.start()
    assert api(emulator).but(**given).call(emulator, WHO).body["Type"] == "CAMRole"

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from imageferry.clouds.alibaba.provider import Connection
from imageferry.clouds.provider import CloudConnection, ImageProvider
from imageferry.clouds.roles import KNOWN_SECONDS
from imageferry.core.errors import Blocked
from imageferry.core.reasons import Reason
from imageferry.core.secret import Keys
from tests.conformance.clouds import DISK, EXPORT, IMPORT, Cloud, claimed, import_meant, meant

ACTIONS = (
    "oss:GetObject",
    "oss:PutObject",
    "oss:DeleteObject",
    "oss:GetBucketLocation",
    "oss:GetBucketInfo",
    "oss:AbortMultipartUpload",
    "oss:ListMultipartUploads",
    "oss:ListParts",
)
"""What ECS needs of the role, from the reference of ExportImage."""

TRUST = {
    "Version": "1",
    "Statement": [
        {"Action": "sts:AssumeRole", "Effect": "Allow", "Principal": {"Service": ["ecs.aliyuncs.com"]}},
    ],
}
ROLE = "the-role"


@pytest.fixture
async def fresh(standing_cloud: Cloud) -> AsyncIterator[CloudConnection]:
    """A connection that has read no role yet."""
    connection = standing_cloud.connection()
    yield connection
    await connection.aclose()
    standing_cloud.emulator.admin("DELETE", "/faults")


@pytest.fixture
def provider(standing_cloud: Cloud, fresh: CloudConnection) -> ImageProvider:
    """The verbs for exports."""
    return fresh.provider(EXPORT, standing_cloud.region)


def _grant(cloud: Cloud, *documents: list[dict[str, Any]], trust: dict[str, Any] | None = None) -> None:
    """Give the account the role, with a policy for each document and nothing else."""
    named = {f"policy-{number}": document for number, document in enumerate(documents)}
    cloud.emulator.admin(
        "POST",
        "/accounts",
        {
            "id": cloud.emulator.info["accountID"],
            "policies": [
                {"name": name, "document": {"Version": "1", "Statement": document}} for name, document in named.items()
            ],
            "roles": [{"name": ROLE, "trust": trust or TRUST, "policies": list(named)}],
        },
    )


def _allow(*actions: str, resource: object = "*") -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource}


async def _refusal(cloud: Cloud, provider: ImageProvider) -> Blocked:
    with pytest.raises(Blocked) as blocked:
        await provider.preflight(cloud.job(roleName=ROLE))
    return blocked.value


async def test_a_role_of_any_name_is_used_if_it_may_write(standing_cloud: Cloud, provider: ImageProvider) -> None:
    """The rights may come from several policies, and be limited to the bucket and to names like ours."""
    bucket = f"acs:oss:*:*:{standing_cloud.bucket}"
    _grant(standing_cloud, [_allow("oss:Get*", "oss:List*")], [_allow(*ACTIONS, resource=[bucket, f"{bucket}/web*"])])
    job = standing_cloud.job(roleName=ROLE)
    resolved = await meant(provider, job)
    assert resolved.role_name == ROLE
    await provider.submit(job, claimed(), resolved, repeat=0)
    assert [entry["params"]["RoleName"] for entry in standing_cloud.submissions()] == [ROLE]


@pytest.mark.parametrize("action", ACTIONS)
async def test_each_right_of_the_role_counts(standing_cloud: Cloud, provider: ImageProvider, action: str) -> None:
    """The one that is missing is named."""
    _grant(standing_cloud, [_allow(*(each for each in ACTIONS if each != action))])
    refused = await _refusal(standing_cloud, provider)
    assert refused.reason is Reason.ROLE_PERMISSION_MISSING
    assert f"lacks {action} on bucket {standing_cloud.bucket}" in refused.message


IMPORT_ACTIONS = ("oss:GetObject", "oss:GetBucketLocation", "oss:GetBucketInfo")
"""What ECS needs of the role of an import, from the reference of ImportImage."""


@pytest.mark.parametrize("action", IMPORT_ACTIONS)
async def test_each_right_of_an_imports_role_counts(standing_cloud: Cloud, fresh: CloudConnection, action: str) -> None:
    """The one that is missing is named; with all three, on the file and its bucket alone, the import may go on."""
    cloud, provider = standing_cloud, fresh.provider(IMPORT, standing_cloud.region)
    cloud.disk()
    job = cloud.import_job(roleName=ROLE)
    bucket = f"acs:oss:*:*:{cloud.bucket}"
    resources = [bucket, f"{bucket}/{DISK}"]
    _grant(cloud, [_allow(*(each for each in IMPORT_ACTIONS if each != action), resource=resources)])
    with pytest.raises(Blocked) as blocked:
        await provider.preflight(job)
    assert blocked.value.reason is Reason.ROLE_PERMISSION_MISSING
    assert f"lacks {action} on bucket {cloud.bucket} (AliyunECSImageImportRolePolicy" in blocked.value.message
    _grant(cloud, [_allow(*IMPORT_ACTIONS, resource=resources)])
    assert (await import_meant(provider, job)).role_name == ROLE


async def test_a_role_without_any_policy_lacks_all(standing_cloud: Cloud, provider: ImageProvider) -> None:
    """All eight are named."""
    _grant(standing_cloud)
    refused = await _refusal(standing_cloud, provider)
    assert refused.reason is Reason.ROLE_PERMISSION_MISSING
    assert [action for action in ACTIONS if action not in refused.message] == []


async def test_a_role_that_does_not_trust_ecs_is_refused(standing_cloud: Cloud, provider: ImageProvider) -> None:
    """It is there and may do everything, but ECS cannot take it on."""
    statement = {"Action": "sts:AssumeRole", "Effect": "Allow", "Principal": {"Service": ["fc.aliyuncs.com"]}}
    _grant(standing_cloud, [_allow("*")], trust={"Version": "1", "Statement": [statement]})
    refused = await _refusal(standing_cloud, provider)
    assert refused.reason is Reason.ROLE_PERMISSION_MISSING
    assert "trust policy" in refused.message
    assert "ecs.aliyuncs.com" in refused.message


async def test_a_role_that_is_put_right_is_seen_at_the_next_check(
    standing_cloud: Cloud, provider: ImageProvider
) -> None:
    """What lacks something is read anew each time."""
    _grant(standing_cloud)
    await _refusal(standing_cloud, provider)
    _grant(standing_cloud, [_allow(*ACTIONS)])
    assert (await meant(provider, standing_cloud.job(roleName=ROLE))).role_name == ROLE


async def test_a_role_in_good_order_is_read_once(standing_cloud: Cloud, provider: ImageProvider) -> None:
    """A thousand exports do not ask a thousand times for the same role, be it at once or one after the other."""
    _grant(standing_cloud, [_allow(*ACTIONS)])
    before = len(standing_cloud.requests("GetRole"))
    images = ("plain3", "plain4", "plain5")
    await asyncio.gather(*(provider.preflight(standing_cloud.job(image, roleName=ROLE)) for image in images))
    await provider.preflight(standing_cloud.job("plain6", roleName=ROLE))
    assert len(standing_cloud.requests("GetRole")) - before == 1


async def test_a_role_is_not_taken_for_granted_for_ever(standing_cloud: Cloud, fresh: CloudConnection) -> None:
    """What went wrong since is seen once the time is over that a role in good order is known for."""
    assert isinstance(fresh, Connection)
    _grant(standing_cloud, [_allow(*ACTIONS)])
    provider = fresh.provider(EXPORT, standing_cloud.region)
    await provider.preflight(standing_cloud.job("plain9", roleName=ROLE))
    _grant(standing_cloud)
    await provider.preflight(standing_cloud.job("plain9", roleName=ROLE))
    fresh._roles._clock = lambda: time.monotonic() + KNOWN_SECONDS
    assert (await _refusal(standing_cloud, provider)).reason is Reason.ROLE_PERMISSION_MISSING


UNREAD = {
    "RAM is out of order": {"fault": "error500NotAccepted", "action": "GetRole"},
    "RAM hangs up": {"fault": "dropBeforeAccept", "action": "GetRole"},
    "RAM asks for fewer requests": {"fault": "throttle", "action": "GetRole"},
    "the list of policies does not come": {"fault": "htmlBody", "action": "ListPoliciesForRole"},
    "a policy does not come": {"fault": "unknownCode", "action": "GetPolicyVersion"},
}


@pytest.mark.parametrize("fault", UNREAD.values(), ids=UNREAD)
async def test_what_cannot_be_read_is_not_held_against_the_role(
    standing_cloud: Cloud, provider: ImageProvider, fault: dict[str, str]
) -> None:
    """The check is a warning: where it cannot be made, the cloud itself is asked."""
    _grant(standing_cloud, [_allow("oss:GetObject")])
    standing_cloud.script(**fault)
    assert (await meant(provider, standing_cloud.job("plain7", roleName=ROLE))).role_name == ROLE


async def test_a_key_that_may_not_read_ram_exports_all_the_same(standing_cloud: Cloud) -> None:
    """Least privilege is no hindrance; what is wrong with the role, the refused submission tells."""
    _grant(standing_cloud, [_allow("ecs:*", "oss:*")])
    keys = Keys(key_id="LTAI-FAKE-WITHOUT-RAM", secret="fake-secret-without-ram")
    stored = {"id": keys.key_id, "secret": keys.secret, "policies": ["policy-0"]}
    standing_cloud.emulator.admin(
        "POST", "/accounts", {"id": standing_cloud.emulator.info["accountID"], "keys": [stored]}
    )
    connection = standing_cloud.connection(keys=keys)
    provider = connection.provider(EXPORT, standing_cloud.region)
    job = standing_cloud.job("plain8", roleName="NoSuchRole")
    resolved = await meant(provider, job)
    with pytest.raises(Blocked) as blocked:
        await provider.submit(job, claimed(), resolved, repeat=0)
    await connection.aclose()
    assert blocked.value.reason is Reason.ROLE_MISSING
    assert blocked.value.code == "NoSetRoletoECSServiceAcount"
    assert "NoPermission" in [code for action, _, code in standing_cloud.reports if action == "GetRole"]

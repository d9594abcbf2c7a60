"""The object store holds every request to the policies of the key that signs it: of a user, of a role, of a session."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import alibabacloud_oss_v2 as oss
import pytest

from tests.emulator.bucket_clients import Signer, call, sdk
from tests.emulator.cloud import assumed, sts

if TYPE_CHECKING:
    from tests.emulator.bucket_clients import Answer
    from tests.emulator_process import EmulatorProcess

TENANT = "1000000000000007"
BUCKET, OTHER = "ferry-rights", "ferry-rights-other"
OWNER, USER = Signer("LTAI-FAKE-TENANT", "fake"), Signer("LTAI-FAKE-LIMITED", "fake")


def allow(actions: str | list[str], resource: str | list[str] = "*", effect: str = "Allow") -> dict[str, Any]:
    """One statement."""
    return {"Effect": effect, "Action": actions, "Resource": resource}


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    """A policy."""
    return {"Version": "1", "Statement": list(statements)}


@pytest.fixture(scope="module")
def cloud(slow_emulator: EmulatorProcess) -> EmulatorProcess:
    """Two buckets of an account of its own, with an object each."""
    key = {"id": OWNER.key_id, "secret": OWNER.secret}
    slow_emulator.admin("POST", "/accounts", {"id": TENANT, "keys": [key]})
    for bucket in (BUCKET, OTHER):
        slow_emulator.admin("POST", "/buckets", {"name": bucket, "region": "cn-hangzhou", "account": TENANT})
        assert call(slow_emulator, OWNER, "PUT", f"/{bucket}/held", body=b"held").status == 200
    return slow_emulator


def user(cloud: EmulatorProcess, *statements: dict[str, Any]) -> Signer:
    """A user of the account with one policy of these statements."""
    key = {"id": USER.key_id, "secret": USER.secret, "user": "limited", "policies": ["limited"]}
    policy = {"name": "limited", "document": document(*statements)}
    cloud.admin("POST", "/accounts", {"id": TENANT, "keys": [key], "policies": [policy]})
    return USER


ALONE: dict[str, tuple[str, str, str, dict[str, str], bytes]] = {
    "listing buckets": ("oss:ListBuckets", "GET", "/", {}, b""),
    "listing objects": ("oss:ListObjects", "GET", f"/{BUCKET}/", {"list-type": "2"}, b""),
    "asking about a bucket": ("oss:GetBucketInfo", "GET", f"/{BUCKET}/", {"bucketInfo": ""}, b""),
    "asking for a bucket's place": ("oss:GetBucketLocation", "GET", f"/{BUCKET}/", {"location": ""}, b""),
    "reading": ("oss:GetObject", "GET", f"/{BUCKET}/held", {}, b""),
    "looking at an object": ("oss:GetObject", "HEAD", f"/{BUCKET}/held", {}, b""),
    "writing": ("oss:PutObject", "PUT", f"/{BUCKET}/written", {}, b"x"),
    "beginning an upload in parts": ("oss:PutObject", "POST", f"/{BUCKET}/parts", {"uploads": ""}, b""),
    "listing uploads": ("oss:ListMultipartUploads", "GET", f"/{BUCKET}/", {"uploads": ""}, b""),
    "reading tags": ("oss:GetObjectTagging", "GET", f"/{BUCKET}/held", {"tagging": ""}, b""),
    "deleting": ("oss:DeleteObject", "DELETE", f"/{BUCKET}/written", {}, b""),
    "deleting many": (
        "oss:DeleteObject",
        "POST",
        f"/{BUCKET}/",
        {"delete": ""},
        b"<Delete><Object><Key>written</Key></Object></Delete>",
    ),
    "making a bucket": ("oss:PutBucket", "PUT", "/ferry-made-by-right/", {}, b""),
    "deleting a bucket": ("oss:DeleteBucket", "DELETE", "/ferry-made-by-right/", {}, b""),
}


@pytest.mark.parametrize(("right", "method", "resource", "query", "body"), ALONE.values(), ids=ALONE)
def test_an_operation_needs_its_right_and_no_other(
    cloud: EmulatorProcess, right: str, method: str, resource: str, query: dict[str, str], body: bytes
) -> None:
    """With every right but this one it is refused, with this one alone it is not."""
    others = user(cloud, allow("*"), allow(right, effect="Deny"))
    refused = call(cloud, others, method, resource, query=query, body=body)
    assert refused.status == 403
    if method != "HEAD":
        assert (refused.code, refused.xml.findtext("Message")) == (
            "AccessDenied",
            "You have no right to access this object.",
        )
    alone = user(cloud, allow(right))
    assert call(cloud, alone, method, resource, query=query, body=body).status < 300


def reading(cloud: EmulatorProcess, by: Signer, resource: str) -> Answer:
    """GetObject."""
    return call(cloud, by, "GET", resource)


WITHIN: dict[str, tuple[str, bool]] = {
    "everything": ("*", True),
    "all of OSS": ("acs:oss:*:*:*", True),
    "the bucket's objects": (f"acs:oss:*:*:{BUCKET}/*", True),
    "this account's bucket": (f"acs:oss:oss-cn-hangzhou:{TENANT}:{BUCKET}/*", True),
    "names that begin alike": (f"acs:oss:*:*:{BUCKET}/he*", True),
    "a letter left open": (f"acs:oss:*:*:{BUCKET}/hel?", True),
    "the object alone": (f"acs:oss:*:*:{BUCKET}/held", True),
    "the bucket, and not what is in it": (f"acs:oss:*:*:{BUCKET}", False),
    "another bucket": (f"acs:oss:*:*:{OTHER}/*", False),
    "another account": (f"acs:oss:*:1000000000000009:{BUCKET}/*", False),
    "another region": (f"acs:oss:oss-eu-central-1:*:{BUCKET}/*", False),
    "a name in other letters": (f"acs:oss:*:*:{BUCKET}/HELD", False),
    "brackets, which are no pattern": (f"acs:oss:*:*:{BUCKET}/hel[d]", False),
}


@pytest.mark.parametrize(("resource", "granted"), WITHIN.values(), ids=WITHIN)
def test_a_right_reaches_as_far_as_its_resource(cloud: EmulatorProcess, resource: str, granted: bool) -> None:  # noqa: FBT001 (a column of the table)
    """What a policy allows it allows on what it names, and on nothing else."""
    by = user(cloud, allow("oss:GetObject", resource))
    assert reading(cloud, by, f"/{BUCKET}/held").status == (200 if granted else 403)


def test_an_explicit_no_wins_where_it_reaches(cloud: EmulatorProcess) -> None:
    """A Deny on one bucket leaves the other as it was."""
    by = user(cloud, allow("oss:*"), allow("oss:*", f"acs:oss:*:*:{OTHER}/*", "Deny"))
    assert reading(cloud, by, f"/{BUCKET}/held").status == 200
    assert reading(cloud, by, f"/{OTHER}/held").status == 403


def test_who_may_not_read_does_not_learn_what_there_is(cloud: EmulatorProcess) -> None:
    """An object that there is not is refused in the same words as one that there is."""
    by = user(cloud, allow("oss:ListObjects"))
    assert reading(cloud, by, f"/{BUCKET}/nothing").code == reading(cloud, by, f"/{BUCKET}/held").code == "AccessDenied"


def test_a_copy_needs_to_read_there_and_to_write_here(cloud: EmulatorProcess) -> None:
    """Either right alone is too little."""
    here, there = f"acs:oss:*:*:{BUCKET}/*", f"acs:oss:*:*:{OTHER}/*"
    source = {"x-oss-copy-source": f"/{OTHER}/held"}
    both = (allow("oss:PutObject", here), allow("oss:GetObject", there))
    for one in both:
        assert call(cloud, user(cloud, one), "PUT", f"/{BUCKET}/copy", headers=source).code == "AccessDenied"
    assert call(cloud, user(cloud, *both), "PUT", f"/{BUCKET}/copy", headers=source).status == 200


def test_one_key_beyond_the_right_keeps_all_from_being_deleted(cloud: EmulatorProcess) -> None:
    """DeleteMultipleObjects deletes all that is named, or nothing."""
    by = user(cloud, allow("oss:DeleteObject", f"acs:oss:*:*:{BUCKET}/mine-*"))
    assert call(cloud, OWNER, "PUT", f"/{BUCKET}/mine-1", body=b"x").status == 200

    def deleting(*keys: str) -> Answer:
        body = "".join(f"<Object><Key>{key}</Key></Object>" for key in keys)
        return call(cloud, by, "POST", f"/{BUCKET}/", query={"delete": ""}, body=f"<Delete>{body}</Delete>".encode())

    assert deleting("mine-1", "held").code == "AccessDenied"
    assert reading(cloud, OWNER, f"/{BUCKET}/mine-1").status == 200
    assert deleting("mine-1").status == 200
    assert reading(cloud, OWNER, f"/{BUCKET}/mine-1").code == "NoSuchKey"


def test_a_role_and_its_session_are_held_to_their_policies(cloud: EmulatorProcess) -> None:
    """A role that may only look may not write; a session may do no more than its own policy says as well."""
    roles, bucket = cloud.info["roles"], cloud.info["buckets"]["good"]
    looking = sts(cloud, "AssumeRole", RoleArn=roles["lookOnly"], RoleSessionName="looking")
    narrow = json.dumps(document(allow("oss:PutObject", f"acs:oss:*:*:{bucket}/narrow")))
    narrowed = sts(cloud, "AssumeRole", RoleArn=roles["operator"], RoleSessionName="narrowed", Policy=narrow)

    def written(answer: Any, key: str) -> Answer:  # noqa: ANN401 (an answer of the token service)
        by = assumed(answer)
        return call(cloud, Signer(by.key_id, by.secret, token=by.token), "PUT", f"/{bucket}/{key}", body=b"x")

    refused = written(looking, "narrow")
    assert (refused.code, refused.xml.findtext("Message")) == ("AccessDenied", "Access denied by authorizer's policy.")
    assert written(narrowed, "narrow").status == 200
    assert written(narrowed, "wide").code == "AccessDenied"


def test_a_key_without_policies_may_do_everything(cloud: EmulatorProcess) -> None:
    """As at every service: a seed that lists none grants all."""
    assert reading(cloud, OWNER, f"/{BUCKET}/held").status == 200


def test_the_vendors_client_tells_what_is_lacking(cloud: EmulatorProcess) -> None:
    """The SDK reads status, code and words of the refusal."""
    user(cloud, allow("oss:ListObjects"))
    client = sdk(cloud, key=(USER.key_id, USER.secret))
    assert [each.key for each in client.list_objects_v2(oss.ListObjectsV2Request(bucket=OTHER)).contents] == ["held"]
    with pytest.raises(oss.exceptions.OperationError) as refused:
        client.get_object(oss.GetObjectRequest(bucket=OTHER, key="held"))
    error = refused.value.unwrap()
    assert (error.status_code, error.code) == (403, "AccessDenied")

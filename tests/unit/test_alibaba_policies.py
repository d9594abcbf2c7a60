"""A role is held to be without a right only where its documents leave no doubt."""

import json
from typing import Any

import pytest

from imageferry.clouds.alibaba.policies import missing, statements, trusts

NEEDS = {"oss:GetBucketInfo": "team-images", "oss:PutObject": "team-images/webk_m-1_system.raw.tar.gz"}


def _document(*parts: dict[str, Any]) -> str:
    return json.dumps({"Version": "1", "Statement": list(parts)})


def _allow(action: object = "*", resource: object = "*", **more: object) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def _deny(action: object = "*", resource: object = "*", **more: object) -> dict[str, Any]:
    return {**_allow(action, resource, **more), "Effect": "Deny"}


TRUSTS: dict[str, tuple[dict[str, Any], bool]] = {
    "the documented form": ({"Principal": {"Service": ["ecs.aliyuncs.com"]}, "Action": "sts:AssumeRole"}, True),
    "bare texts": ({"Principal": {"Service": "ecs.aliyuncs.com"}, "Action": ["sts:AssumeRole"]}, True),
    "everything of STS": ({"Principal": {"Service": ["ecs.aliyuncs.com"]}, "Action": "sts:*"}, True),
    "another service": ({"Principal": {"Service": ["fc.aliyuncs.com"]}, "Action": "sts:AssumeRole"}, False),
    "users only": ({"Principal": {"RAM": ["acs:ram::1:root"]}, "Action": "sts:AssumeRole"}, False),
    "another action": ({"Principal": {"Service": ["ecs.aliyuncs.com"]}, "Action": "sts:Get"}, False),
    "a denial": (
        {"Effect": "Deny", "Principal": {"Service": ["ecs.aliyuncs.com"]}, "Action": "sts:AssumeRole"},
        False,
    ),
}


@pytest.mark.parametrize(("part", "expected"), TRUSTS.values(), ids=TRUSTS)
def test_a_role_trusts_ecs_if_its_trust_policy_says_so(part: dict[str, Any], expected: bool) -> None:  # noqa: FBT001 -- the value expected
    """The service and the action both count."""
    found = statements(_document({"Effect": "Allow", **part}))
    assert found is not None
    assert trusts(found) is expected


GRANTS: dict[str, tuple[list[dict[str, Any]], list[str]]] = {
    "everything": ([_allow()], []),
    "all of OSS": ([_allow("oss:*")], []),
    "the actions one by one": ([_allow(["oss:GetBucketInfo"]), _allow("oss:PutObject")], []),
    "in another case": ([_allow(["OSS:getbucketinfo", "oss:Put*"])], []),
    "nothing at all": ([], list(NEEDS)),
    "another action": ([_allow("oss:GetObject")], list(NEEDS)),
    "the bucket and its files": (
        [_allow("oss:*", ["acs:oss:*:*:team-images", "acs:oss:*:*:team-images/*"])],
        [],
    ),
    "the bucket with region and account": (
        [_allow("oss:*", ["acs:oss:oss-cn-hangzhou:1234567890123456:team-images*"])],
        [],
    ),
    "the files but not the bucket": ([_allow("oss:*", "acs:oss:*:*:team-images/*")], ["oss:GetBucketInfo"]),
    "the bucket but not its files": ([_allow("oss:*", "acs:oss:*:*:team-images")], ["oss:PutObject"]),
    "files that begin otherwise": (
        [_allow("oss:*", ["acs:oss:*:*:team-images", "acs:oss:*:*:team-images/db*"])],
        ["oss:PutObject"],
    ),
    "files that begin like ours": (
        [_allow("oss:*", ["acs:oss:*:*:team-images", "acs:oss:*:*:team-images/web*"])],
        [],
    ),
    "another bucket": ([_allow("oss:*", "acs:oss:*:*:other*")], list(NEEDS)),
    "a denial beside it": ([_allow(), _deny("oss:PutObject")], ["oss:PutObject"]),
    "a denial of other files": ([_allow(), _deny("oss:*", "acs:oss:*:*:team-images/secret*")], []),
    "under a condition": ([_allow(Condition={"IpAddress": {"acs:SourceIp": "10.0.0.0/8"}})], []),
    "a denial under a condition": ([_allow(), _deny(Condition={"Bool": {"acs:SecureTransport": "false"}})], []),
    "all but some actions": ([{"Effect": "Allow", "NotAction": "ram:*", "Resource": "*"}], []),
    "all but some resources": ([{"Effect": "Allow", "Action": "*", "NotResource": "acs:oss:*:*:other"}], []),
    "a denial of all but some": ([_allow(), {"Effect": "Deny", "NotAction": "oss:*", "Resource": "*"}], []),
}


@pytest.mark.parametrize(("parts", "expected"), GRANTS.values(), ids=GRANTS)
def test_what_a_role_lacks_is_named_only_without_a_doubt(parts: list[dict[str, Any]], expected: list[str]) -> None:
    """An action is missing if nothing allows it on the resource, or something plainly denies it."""
    found = statements(_document(*parts))
    assert found is not None
    assert missing(found, NEEDS) == expected


@pytest.mark.parametrize("document", ["", "{", "[]", "null", '{"Statement": {}}', '{"Statement": ["x"]}', "{}"])
def test_a_document_that_is_not_understood_says_nothing(document: str) -> None:
    """It is not taken for one that allows nothing, nor are those beside it taken for all there is."""
    assert statements(document) is None
    assert statements(_document(_allow()), document, _document(_deny())) is None


def test_policies_are_read_together() -> None:
    """A role may do what any of them allows and none denies; one without policies may do nothing."""
    found = statements(_document(_allow("oss:GetBucketInfo")), _document(_allow("oss:PutObject"), _deny("oss:Get*")))
    assert found is not None
    assert missing(found, NEEDS) == ["oss:GetBucketInfo"]
    assert statements() == ()


@pytest.mark.parametrize("part", [{}, {"Effect": 1, "Action": None}, {"Principal": 7}, {"Action": [1], "Resource": {}}])
def test_a_strange_statement_grants_nothing_and_breaks_nothing(part: dict[str, Any]) -> None:
    """Whatever JSON stands there, the answer is no more than that the right is missing."""
    found = statements(_document(part))
    assert found is not None
    assert not trusts(found)
    assert missing(found, NEEDS) == list(NEEDS)

"""A refusal of an account names who refuses what, and where that can be changed; a pattern admits no more than it says."""

import pytest

from imageferry.core.account import Endpoints, Grants, Limits, barred, parse_account
from imageferry.core.errors import Refusal
from imageferry.core.job import Job
from imageferry.core.reasons import Reason
from tests.builders import a_job, an_account

IMAGE = "m-bp67acfmxazb4p0a"
NOT_ALLOWED = {
    "region": (Grants(regions=()), a_job(), "region cn-hangzhou (spec.allow.regions)"),
    "role": (Grants(role_names=()), a_job(role_name="admin"), "role admin (spec.allow.roleNames)"),
    "bucket": (Grants(buckets=()), a_job(), "bucket team-images (spec.allow.buckets)"),
    "prefix": (Grants(object_prefixes=("db",)), a_job(), "object key web (spec.allow.objectPrefixes)"),
    "image": (Grants(image_ids=()), a_job(), f"image {IMAGE} (spec.allow.imageIDs)"),
}


@pytest.mark.parametrize(("grants", "job", "what"), NOT_ALLOWED.values(), ids=NOT_ALLOWED)
def test_a_missing_grant_is_told_by_value_and_field(grants: Grants, job: Job, what: str) -> None:
    """Whoever may change it knows what to extend."""
    refusal = barred(an_account(grants=grants), job, {}, IMAGE)
    assert refusal
    assert refusal.message == f"CloudAccount alibaba-prod does not allow {what}."


def test_a_namespace_that_is_not_admitted_is_named() -> None:
    """With the account that would have to admit it."""
    refusal = barred(an_account(), a_job(namespace="other"), {}, IMAGE)
    assert refusal == Refusal(Reason.ACCOUNT_NOT_PERMITTED, "CloudAccount alibaba-prod does not admit namespace other.")


@pytest.mark.parametrize(
    ("pattern", "admitted"),
    [
        pytest.param("m-bp67acfmxazb4p0a", True, id="the id itself"),
        pytest.param("m-bp67*", True, id="a beginning"),
        pytest.param("*", True, id="every image"),
        pytest.param("m-bp68*", False, id="a beginning that differs in its last letter"),
        pytest.param("m-bq*", False, id="another beginning"),
        pytest.param("m-bp67", False, id="a beginning without a star"),
        pytest.param("m-*p0a", False, id="a star inside"),
    ],
)
def test_a_pattern_admits_what_it_says(pattern: str, *, admitted: bool) -> None:
    """The last star stands for any end; anything else is taken by the letter."""
    refusal = barred(an_account(grants=Grants(image_ids=(pattern,))), a_job(), {}, IMAGE)
    assert (refusal is None) is admitted


def test_what_an_account_leaves_out_is_empty() -> None:
    """No region, no namespaces, no narrowing, no limits, and the cloud's own addresses."""
    spec = {"provider": "Alibaba", "credentials": {"secretRef": {"name": "key"}}}
    account = parse_account({"metadata": {"name": "a", "uid": "u"}, "spec": spec})
    assert (account.generation, account.deleting, account.guarded, account.region) == (0, False, False, "")
    assert (account.namespaces_from, account.namespace_names, dict(account.namespace_selector)) == ("", (), {})
    assert (account.grants, account.limits, account.endpoints) == (Grants(), Limits(), Endpoints())


def test_namespaces_are_admitted_by_name() -> None:
    """All that are listed."""
    spec = {
        "provider": "Alibaba",
        "credentials": {"secretRef": {"name": "key"}},
        "allowedNamespaces": {"from": "Names", "names": ["images", "golden"]},
    }
    account = parse_account({"metadata": {"name": "a", "uid": "u"}, "spec": spec})
    assert (account.namespaces_from, account.namespace_names) == ("Names", ("images", "golden"))

"""An account admits exactly whom and what it says, and no key of it travels in the clear."""

from typing import Any

import pytest

from imageferry.core.account import (
    ACCOUNT_FINALIZER,
    Account,
    AssumedRole,
    Endpoints,
    Grants,
    InstanceRole,
    Limits,
    StoredKey,
    WorkloadIdentity,
    barred,
    insecure_endpoint,
    parse_account,
    selects,
)
from imageferry.core.job import Job
from imageferry.core.reasons import Reason
from tests.builders import a_job, an_account

ALL = "All"
LABELS = {"team": "images", "tier": "golden"}


def granted(**grants: tuple[str, ...]) -> Account:
    """The usual account with narrowing lists."""
    return an_account(grants=Grants(**grants))


def selecting(**selector: object) -> Account:
    """An account that admits namespaces by their labels."""
    return an_account(namespaces_from="Selector", namespace_names=(), namespace_selector=selector)


CASES: dict[str, tuple[Account, Job, Reason | None]] = {
    "a namespace that is named is admitted": (an_account(), a_job(), None),
    "one that is not named is not": (an_account(), a_job(namespace="other"), Reason.ACCOUNT_NOT_PERMITTED),
    "without allowedNamespaces nobody is": (an_account(namespaces_from=""), a_job(), Reason.ACCOUNT_NOT_PERMITTED),
    "All admits every namespace": (an_account(namespaces_from=ALL), a_job(namespace="other"), None),
    "a selector admits by label": (selecting(matchLabels={"team": "images"}), a_job(namespace="x"), None),
    "a selector keeps others out": (
        selecting(matchLabels={"team": "web"}), a_job(), Reason.ACCOUNT_NOT_PERMITTED),
    "names do not count beside a selector": (
        an_account(namespaces_from="Selector", namespace_selector={"matchLabels": {"team": "web"}}),
        a_job(), Reason.ACCOUNT_NOT_PERMITTED),
    "an unknown way of admitting admits nobody": (
        an_account(namespaces_from="Everyone"), a_job(), Reason.ACCOUNT_NOT_PERMITTED),
    "a listed region is allowed": (granted(regions=("cn-hangzhou",)), a_job(), None),
    "another region is not": (
        granted(regions=("cn-hangzhou",)), a_job(region="cn-beijing"), Reason.REGION_NOT_PERMITTED),
    "the account's own region is checked where the job names none": (
        granted(regions=("cn-beijing",)), a_job(region=""), Reason.REGION_NOT_PERMITTED),
    "an empty list allows nothing": (granted(regions=()), a_job(), Reason.REGION_NOT_PERMITTED),
    "a listed bucket is allowed": (granted(buckets=("team-images",)), a_job(), None),
    "another bucket is not": (granted(buckets=("team-image",)), a_job(), Reason.BUCKET_NOT_PERMITTED),
    "a prefix that begins as allowed is allowed": (granted(object_prefixes=("db", "we")), a_job(), None),
    "another prefix is not": (granted(object_prefixes=("db",)), a_job(), Reason.OBJECT_NOT_PERMITTED),
    "no prefix is not one that is allowed": (
        granted(object_prefixes=("web",)), a_job(prefix=""), Reason.OBJECT_NOT_PERMITTED),
    "the cloud's default role needs no grant": (granted(role_names=("exporter",)), a_job(), None),
    "a listed role is allowed": (granted(role_names=("exporter",)), a_job(role_name="exporter"), None),
    "another role is not": (
        granted(role_names=("exporter",)), a_job(role_name="admin"), Reason.ROLE_NOT_PERMITTED),
    "an image with an allowed beginning is allowed": (granted(image_ids=("m-bp1*", "m-bp67*")), a_job(), None),
    "an image is named whole without a star": (granted(image_ids=("m-bp67",)), a_job(), Reason.IMAGE_NOT_PERMITTED),
}  # fmt: skip


@pytest.mark.parametrize(("account", "job", "reason"), [pytest.param(*case, id=name) for name, case in CASES.items()])
def test_a_job_may_what_the_account_grants(account: Account, job: Job, reason: Reason | None) -> None:
    """The first grant that is missing is told, and nothing else stands in the way."""
    refusal = barred(account, job, LABELS, "m-bp67acfmxazb4p0a")
    assert (refusal.reason if refusal else None) == reason


def test_a_refusal_names_account_value_and_field() -> None:
    """Whoever reads it knows what to extend."""
    refusal = barred(granted(buckets=("b1",)), a_job(), LABELS, "")
    assert refusal
    assert refusal.message == "CloudAccount alibaba-prod does not allow bucket team-images (spec.allow.buckets)."


def test_an_image_that_is_not_known_yet_is_not_judged() -> None:
    """A name is resolved first; the grant is asked again with what it means."""
    assert barred(granted(image_ids=("m-none",)), a_job(), LABELS, "") is None


def test_the_clouds_default_role_needs_the_grant_too() -> None:
    """A wish that names no role is held to the list once it is known which role it will take."""
    account = granted(role_names=("OurRole",))
    assert barred(account, a_job(), LABELS, "m-1") is None
    refusal = barred(account, a_job(), LABELS, "m-1", "DefaultRole")
    assert refusal is not None
    assert refusal.reason is Reason.ROLE_NOT_PERMITTED


@pytest.mark.parametrize(
    ("selector", "fits"),
    [
        pytest.param({}, True, id="an empty one fits everything"),
        pytest.param({"matchLabels": {"team": "images"}}, True, id="a label"),
        pytest.param({"matchLabels": {"team": "images", "tier": "silver"}}, False, id="all labels are needed"),
        pytest.param({"matchExpressions": [{"key": "team", "operator": "In", "values": ["a", "images"]}]}, True, id="in"),
        pytest.param({"matchExpressions": [{"key": "none", "operator": "In", "values": ["a"]}]}, False, id="in, absent"),
        pytest.param({"matchExpressions": [{"key": "team", "operator": "NotIn", "values": ["images"]}]}, False, id="not in"),
        pytest.param({"matchExpressions": [{"key": "none", "operator": "NotIn", "values": ["a"]}]}, True, id="not in, absent"),
        pytest.param({"matchExpressions": [{"key": "team", "operator": "Exists"}]}, True, id="exists"),
        pytest.param({"matchExpressions": [{"key": "none", "operator": "Exists"}]}, False, id="exists, absent"),
        pytest.param({"matchExpressions": [{"key": "team", "operator": "DoesNotExist"}]}, False, id="does not exist"),
        pytest.param({"matchExpressions": [{"key": "none", "operator": "DoesNotExist"}]}, True, id="does not exist, absent"),
        pytest.param({"matchExpressions": [{"key": "team", "operator": "Like"}]}, False, id="an unknown operator"),
    ],
)  # fmt: skip
def test_a_selector_means_what_it_means_to_kubernetes(selector: dict[str, Any], *, fits: bool) -> None:
    """The rules are those of a LabelSelector; an operator of a later release admits nobody."""
    assert selects(selector, LABELS) is fits


def test_an_account_is_read_whole() -> None:
    """Every field of spec that the operator uses arrives."""
    account = parse_account(
        {
            "metadata": {
                "name": "alibaba-prod",
                "uid": "u1",
                "generation": 4,
                "finalizers": [ACCOUNT_FINALIZER],
                "deletionTimestamp": "2026-11-21T12:00:00Z",
            },
            "spec": {
                "provider": "Alibaba",
                "region": "cn-hangzhou",
                "credentials": {"secretRef": {"name": "key"}},
                "assumeRole": {"roleARN": "acs:ram::1:role/x"},
                "allowedNamespaces": {"from": "Selector", "selector": {"matchLabels": {"team": "images"}}},
                "allow": {"regions": ["r1"], "buckets": ["b1"], "imageIDs": ["m-*"], "objectPrefixes": ["w"], "roleNames": ["x"]},
                "limits": {"concurrentExports": 5, "concurrentImports": 4, "requestsPerSecond": 3},
                "endpoints": {"compute": "https://c", "objectStore": "https://o", "sts": "https://s"},
            },
        }
    )  # fmt: skip
    assert account == Account(
        name="alibaba-prod",
        uid="u1",
        generation=4,
        deleting=True,
        guarded=True,
        provider="Alibaba",
        region="cn-hangzhou",
        source=StoredKey("key"),
        assumed=AssumedRole("acs:ram::1:role/x", "", "imageferry"),
        namespaces_from="Selector",
        namespace_names=(),
        namespace_selector={"matchLabels": {"team": "images"}},
        grants=Grants(regions=("r1",), buckets=("b1",), image_ids=("m-*",), object_prefixes=("w",), role_names=("x",)),
        limits=Limits(concurrent_exports=5, concurrent_imports=4, requests_per_second=3),
        endpoints=Endpoints(compute="https://c", object_store="https://o", sts="https://s"),
    )


def test_the_smallest_account_restricts_nothing_and_admits_nobody() -> None:
    """What is absent is no grant of namespaces, and no narrowing of the rest."""
    account = parse_account(
        {
            "metadata": {"name": "a", "uid": "u"},
            "spec": {"provider": "Alibaba", "region": "cn-hangzhou", "credentials": {"instanceRole": {"name": "r"}}},
        }
    )
    assert (account.namespaces_from, account.grants, account.limits) == ("", Grants(), Limits())
    assert (account.source, account.assumed) == (InstanceRole("r"), None)


def test_a_workload_identity_names_role_and_provider() -> None:
    """The role to take and who vouches for the cluster; a role on top keeps its external id and session name."""
    role = {"roleARN": "acs:ram::2:role/y", "externalID": "team", "sessionName": "exports"}
    account = parse_account(
        {
            "metadata": {"name": "a", "uid": "u"},
            "spec": {
                "provider": "Alibaba",
                "region": "cn-hangzhou",
                "credentials": {"workloadIdentity": {"roleARN": "acs:ram::1:role/x", "providerARN": "acs:ram::1:oidc-provider/p"}},
                "assumeRole": role,
            },
        }
    )  # fmt: skip
    assert account.source == WorkloadIdentity("acs:ram::1:role/x", "acs:ram::1:oidc-provider/p")
    assert account.assumed == AssumedRole("acs:ram::2:role/y", "team", "exports")


@pytest.mark.parametrize(
    ("address", "safe"),
    [
        pytest.param("", True, id="the cloud's own"),
        pytest.param("https://ecs.example.com", True, id="https"),
        pytest.param("http://127.0.0.1:8787", True, id="http on this machine"),
        pytest.param("http://[::1]:8787", True, id="http on this machine by IPv6"),
        pytest.param("http://localhost:1", True, id="http on this machine by name"),
        pytest.param("http://ecs.example.com", False, id="http elsewhere"),
        pytest.param("http://127.0.0.1.example.com", False, id="a name that begins like loopback"),
        pytest.param("https://[:::]", False, id="no address at all"),
    ],
)
def test_keys_travel_in_the_clear_on_this_machine_only(address: str, *, safe: bool) -> None:
    """An address that would show keys to a network, or is none, is named."""
    found = [
        insecure_endpoint(an_account(endpoints=Endpoints(**{field: address})))
        for field in ("compute", "object_store", "sts")
    ]
    assert found == [None if safe else address] * 3

"""A CloudAccount as a frozen value, and the grants it gives: which jobs may use it, and for what.

Addresses, credentials and grants exist on this cluster-scoped kind alone; nothing a tenant writes is an address, a path,
the name of a Secret or a namespace.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from imageferry.core.errors import Refusal
from imageferry.core.job import Job, Kind
from imageferry.core.reasons import Reason

ACCOUNT_FINALIZER: Final = "imageferry.dev/account"

SESSION_NAME: Final = "imageferry"
"""The name under which the cloud's audit log shows a session, unless the account names another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """Addresses in place of the cloud's own; empty means the cloud's own."""

    compute: str = ""
    object_store: str = ""
    sts: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grants:
    """Narrowing lists; an absent list (None) restricts nothing."""

    regions: tuple[str, ...] | None = None
    buckets: tuple[str, ...] | None = None
    image_ids: tuple[str, ...] | None = None
    object_prefixes: tuple[str, ...] | None = None
    role_names: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Tasks at a time per region, and requests per second per region and action; None means learned."""

    concurrent_exports: int | None = None
    concurrent_imports: int | None = None
    requests_per_second: int | None = None

    def concurrent(self, kind: Kind) -> int | None:
        """Tasks of one direction at a time."""
        return self.concurrent_exports if kind is Kind.EXPORT else self.concurrent_imports


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key that lies in a Secret of the operator's own namespace."""

    secret: str


@dataclass(frozen=True, slots=True)
class WorkloadIdentity:
    """A role taken with the operator's projected service account token; no key is stored anywhere."""

    role_arn: str
    provider_arn: str


@dataclass(frozen=True, slots=True)
class InstanceRole:
    """The role of the virtual machine that the operator runs on."""

    name: str


@dataclass(frozen=True, slots=True)
class AssumedRole:
    """A role assumed on top of the account's own credentials; `external_id` is empty where none is asked for."""

    role_arn: str
    external_id: str
    session_name: str


Source = StoredKey | WorkloadIdentity | InstanceRole
"""Where an account's credentials come from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Who pays and who may."""

    name: str
    uid: str
    generation: int
    deleting: bool
    guarded: bool
    provider: str
    region: str
    source: Source
    assumed: AssumedRole | None
    namespaces_from: str
    """Names, Selector or All; empty means that nobody may refer to the account."""
    namespace_names: tuple[str, ...]
    namespace_selector: Mapping[str, Any]
    grants: Grants
    limits: Limits
    endpoints: Endpoints


def parse_account(manifest: Mapping[str, Any]) -> Account:
    """The account of a CloudAccount object as the API server returns it."""
    metadata, spec = manifest["metadata"], manifest["spec"]
    namespaces, limits, endpoints = (spec.get(field) or {} for field in ("allowedNamespaces", "limits", "endpoints"))
    return Account(
        name=metadata["name"],
        uid=metadata["uid"],
        generation=metadata.get("generation", 0),
        deleting="deletionTimestamp" in metadata,
        guarded=ACCOUNT_FINALIZER in metadata.get("finalizers", ()),
        provider=spec["provider"],
        region=spec.get("region", ""),
        source=_source(spec["credentials"]),
        assumed=_assumed(spec.get("assumeRole")),
        namespaces_from=namespaces.get("from", ""),
        namespace_names=tuple(namespaces.get("names", ())),
        namespace_selector=namespaces.get("selector", {}),
        grants=_grants(spec.get("allow") or {}),
        limits=Limits(
            concurrent_exports=limits.get("concurrentExports"),
            concurrent_imports=limits.get("concurrentImports"),
            requests_per_second=limits.get("requestsPerSecond"),
        ),
        endpoints=Endpoints(
            compute=endpoints.get("compute", ""),
            object_store=endpoints.get("objectStore", ""),
            sts=endpoints.get("sts", ""),
        ),
    )


def _source(credentials: Mapping[str, Any]) -> Source:
    """The one source that the schema lets stand there."""
    match credentials:
        case {"workloadIdentity": {"roleARN": role_arn, "providerARN": provider_arn}}:
            return WorkloadIdentity(role_arn, provider_arn)
        case {"instanceRole": {"name": name}}:
            return InstanceRole(name)
        case _:
            return StoredKey(credentials["secretRef"]["name"])


def _assumed(role: Mapping[str, Any] | None) -> AssumedRole | None:
    if role is None:
        return None
    return AssumedRole(role["roleARN"], role.get("externalID", ""), role.get("sessionName", SESSION_NAME))


def _grants(allow: Mapping[str, Any]) -> Grants:
    fields = ("regions", "buckets", "imageIDs", "objectPrefixes", "roleNames")
    lists = [tuple(allow[field]) if field in allow else None for field in fields]
    return Grants(regions=lists[0], buckets=lists[1], image_ids=lists[2], object_prefixes=lists[3], role_names=lists[4])


def barred(
    account: Account, job: Job, namespace_labels: Mapping[str, str], image_id: str, role_name: str = ""
) -> Refusal | None:
    """The first grant that the job lacks, or None. Image and role are those that it resolves to, empty while not known yet."""
    grants = account.grants
    if not _admits(account, job.namespace, namespace_labels):
        return Refusal(
            Reason.ACCOUNT_NOT_PERMITTED,
            f"CloudAccount {account.name} does not admit namespace {job.namespace}.",
        )
    region = job.region or account.region
    if not _listed(region, grants.regions):
        return _lacks(Reason.REGION_NOT_PERMITTED, account, "region", region, "regions")
    role = role_name or job.role_name
    if role and not _listed(role, grants.role_names):
        return _lacks(Reason.ROLE_NOT_PERMITTED, account, "role", role, "roleNames")
    for bucket, key in job.places:
        if not _listed(bucket, grants.buckets):
            return _lacks(Reason.BUCKET_NOT_PERMITTED, account, "bucket", bucket, "buckets")
        if grants.object_prefixes is not None and not key.startswith(grants.object_prefixes):
            return _lacks(Reason.OBJECT_NOT_PERMITTED, account, "object key", key, "objectPrefixes")
    if image_id and not _matches(image_id, grants.image_ids):
        return _lacks(Reason.IMAGE_NOT_PERMITTED, account, "image", image_id, "imageIDs")
    return None


def _lacks(reason: Reason, account: Account, what: str, value: str, field: str) -> Refusal:
    return Refusal(reason, f"CloudAccount {account.name} does not allow {what} {value} (spec.allow.{field}).")


def _listed(value: str, allowed: tuple[str, ...] | None) -> bool:
    return allowed is None or value in allowed


def _matches(value: str, patterns: tuple[str, ...] | None) -> bool:
    """Exact, or a trailing star."""
    return patterns is None or any(
        value.startswith(pattern[:-1]) if pattern.endswith("*") else value == pattern for pattern in patterns
    )


def _admits(account: Account, namespace: str, labels: Mapping[str, str]) -> bool:
    match account.namespaces_from:
        case "All":
            return True
        case "Names":
            return namespace in account.namespace_names
        case "Selector":
            return selects(account.namespace_selector, labels)
        case _:
            return False


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a Kubernetes LabelSelector fits; an empty selector fits everything, an unknown operator nothing."""
    exact = selector.get("matchLabels") or {}
    return all(labels.get(key) == value for key, value in exact.items()) and all(
        _meets(expression, labels) for expression in selector.get("matchExpressions") or ()
    )


def _meets(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    value = labels.get(expression["key"])
    match expression["operator"]:
        case "In":
            return value in expression["values"]
        case "NotIn":
            return value not in expression["values"]
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case _:
            return False


def insecure_endpoint(account: Account) -> str | None:
    """The first address that would send keys in the clear beyond this machine, or is none, or None."""
    addresses = (account.endpoints.compute, account.endpoints.object_store, account.endpoints.sts)
    return next((address for address in addresses if address and not _is_safe(address)), None)


def _is_safe(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:  # brackets around what is no IPv6 address
        return False
    return parts.scheme == "https" or parts.hostname in _LOOPBACK


_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})

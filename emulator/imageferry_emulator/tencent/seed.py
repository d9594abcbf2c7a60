"""What Tencent Cloud's part of a new world holds: the default seed, and the planting of a given one. The README gives the format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imageferry_emulator.cam import defaults as access
from imageferry_emulator.cos.models import STANDARD
from imageferry_emulator.cvm import defaults as compute
from imageferry_emulator.shapes import ShapeError, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from imageferry_emulator.world import World

GUANGZHOU, SINGAPORE = "ap-guangzhou", "ap-singapore"
OWNER, OTHER = "100000000001", "100000000002"
APP_ID, OTHER_APP_ID = "1250000001", "1250000002"
USER = "100000000101"
"""The user below the first account to whom its key belongs."""


def default() -> dict[str, Any]:
    """Two accounts, two regions, and an image and a bucket for each rule worth trying."""
    return {
        "accounts": [
            {
                "id": OWNER,
                "appID": APP_ID,
                "keys": [{"id": "AKID-FAKE-EMULATOR-KEY", "secret": "fake-secret-of-the-emulator", "user": USER}],
                **access.of(OWNER),
            },
            {
                "id": OTHER,
                "appID": OTHER_APP_ID,
                "keys": [{"id": "AKID-FAKE-OTHER-KEY", "secret": "fake-secret-of-the-other"}],
            },
        ],
        "regions": [
            {"id": GUANGZHOU, "name": "South China (Guangzhou)"},
            {"id": SINGAPORE, "name": "Southeast Asia Pacific (Singapore)", "mainland": False},
        ],
        "images": compute.images(OWNER, OTHER, GUANGZHOU, SINGAPORE),
        "buckets": [
            {"as": "good", "name": f"ferry-good-{APP_ID}", "region": GUANGZHOU, "account": OWNER},
            {
                "as": "encrypted",
                "name": f"ferry-encrypted-{APP_ID}",
                "region": GUANGZHOU,
                "account": OWNER,
                "sse": "AES256",
            },
            {"as": "otherRegion", "name": f"ferry-singapore-{APP_ID}", "region": SINGAPORE, "account": OWNER},
            {"as": "foreign", "name": f"ferry-foreign-{OTHER_APP_ID}", "region": GUANGZHOU, "account": OTHER},
        ],
        "instance": access.instance(OWNER, GUANGZHOU),
    }


def plant(world: World, given: dict[str, Any]) -> None:
    """Fill this part of a new world; a part that is left out is the default's. Raises ValueError for a wrong shape."""
    unknown = set(given) - set(default())
    if unknown:
        raise ShapeError(f"the seed's part tencent has {', '.join(default())}; not {', '.join(sorted(unknown))}")
    parts = {**default(), **given}
    for account in parts["accounts"]:
        put_account(world, account)
    for region in parts["regions"]:
        put_region(world, region)
    for image in parts["images"]:
        put_image(world, {name: value for name, value in image.items() if name != "as"})
    for bucket in parts["buckets"]:
        put_bucket(world, bucket)
    put_instance(world, parts["instance"])
    world.journal.put("info", "tencent", _info(world, parts))


def info(world: World) -> dict[str, Any]:
    """What a client must know to begin: keys, regions, and the images and buckets by the names that the seed gives them."""
    stored: dict[str, Any] = world.journal.table("info")["tencent"]
    return {**stored, "regions": [region.id for region in world.tencent.regions.all()]}


def put_account(world: World, account: dict[str, Any]) -> None:
    """Add or change an account with its keys, roles, policies and identity providers. Raises ValueError for a wrong shape."""
    known = world.tencent.accounts.account(text(account, "id"))
    if not str(account.get("appID", known.app_id if known else "")).isdigit():
        raise ShapeError("appID must be given as digits")
    world.tencent.directory.put(account)
    world.tencent.accounts.put_account(account)


def put_bucket(world: World, bucket: dict[str, Any]) -> None:
    """Make a bucket: {name, region, account, sse?, acl?}; one that exists stays as it is. Raises ShapeError."""
    name, region, owner = text(bucket, "name"), text(bucket, "region"), text(bucket, "account")
    account = world.tencent.accounts.account(owner)
    if account is None or not name.endswith(f"-{account.app_id}"):
        raise ShapeError(f"the name of a bucket ends in its account's appID, unlike {name}")
    if name not in [existing.name for existing in world.tencent.objects.buckets()]:
        world.tencent.objects.create_bucket(
            name,
            region=region,
            owner=owner,
            sse=bucket.get("sse", "None"),
            acl=bucket.get("acl", "private"),
            storage_class=STANDARD,
        )


def put_region(world: World, region: dict[str, Any]) -> None:
    """Add or replace a region. Raises ShapeError."""
    world.tencent.regions.put(region)


def put_image(world: World, image: dict[str, Any]) -> None:
    """Add or replace an image. Raises ShapeError."""
    world.tencent.compute.put_image(image)


def put_instance(world: World, instance: dict[str, Any]) -> None:
    """Be another instance to the metadata service. Raises ShapeError."""
    world.tencent.machine.put(instance)


PARTS: dict[str, Callable[[World, dict[str, Any]], None]] = {
    "accounts": put_account,
    "regions": put_region,
    "images": put_image,
    "buckets": put_bucket,
    "instance": put_instance,
}
"""What can be added or changed later, by the name that the admin API has for it."""


def _info(world: World, parts: dict[str, Any]) -> dict[str, Any]:
    first, *others = parts["accounts"]
    named = [role for role in first.get("roles", []) if isinstance(role, dict)]
    known_as = {role["name"]: role.get("as", role["name"]) for role in named}
    provider: dict[str, Any] = next(iter(first.get("oidcProviders", [])), {})
    return {
        **_key(first),
        "images": {image.get("as", image["id"]): image["id"] for image in parts["images"]},
        "buckets": {bucket.get("as", bucket["name"]): bucket["name"] for bucket in parts["buckets"]},
        "roles": {known_as.get(role.name, role.name): role.arn for role in world.tencent.directory.roles(first["id"])},
        "oidcProviderID": provider.get("name", ""),
        "oidcIssuer": provider.get("issuer", ""),
        "oidcAudience": next(iter(provider.get("clientIDs", [])), ""),
        **({"otherAccount": _key(others[0])} if others else {}),
    }


def _key(account: dict[str, Any]) -> dict[str, str]:
    """The first key of an account."""
    key = account["keys"][0]
    return {
        "ownerUin": account["id"],
        "appID": account["appID"],
        "secretID": key["id"],
        "secretKey": key["secret"],
    }

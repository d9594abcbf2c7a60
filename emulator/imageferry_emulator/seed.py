"""What a new world holds: the default seed, and the reading of a seed file. The README gives the format.

A seed is used once, when the state directory is new; afterwards the state is what counts.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from imageferry_emulator.ram import defaults as access
from imageferry_emulator.shapes import ShapeError, text
from imageferry_emulator.tencent import seed as tencent

if TYPE_CHECKING:
    from pathlib import Path

    from imageferry_emulator.world import World

HANGZHOU, FRANKFURT = "cn-hangzhou", "eu-central-1"
OWNER, OTHER = "1000000000000001", "1000000000000002"
PUBLIC = "1000000000000000"
"""The vendor's own account, which owns the public images."""
RESOURCE_GROUP = "rg-acfmemulator0001"
PLAIN_IMAGES = 12
GIB_OF_DATA_DISK = 100


def default() -> dict[str, Any]:
    """The seed without a file: two accounts, two regions, and an image and a bucket for each rule worth trying."""
    return {
        "accounts": [
            {
                "id": OWNER,
                "keys": [{"id": "LTAI-FAKE-EMULATOR-KEY", "secret": "fake-secret-of-the-emulator"}],
                "resourceGroups": [RESOURCE_GROUP],
                **access.of(OWNER),
            },
            {"id": OTHER, "keys": [{"id": "LTAI-FAKE-OTHER-KEY", "secret": "fake-secret-of-the-other"}]},
        ],
        "regions": [
            {"id": HANGZHOU, "name": "China (Hangzhou)", "formats": ["raw"]},
            {"id": FRANKFURT, "name": "Germany (Frankfurt)", "formats": ["raw", "vhd", "qcow2", "vmdk", "vdi"]},
        ],
        "images": [
            _image("plain", "m-bp1plain00000000001"),
            *(_image(f"plain{n}", f"m-bp1plain{n:011}") for n in range(2, PLAIN_IMAGES + 1)),
            _image("dataDisks", "m-bp1datadisks0000001", disks=_disks(2)),
            _image("encrypted", "m-bp1encrypted0000001", disks=[{"encrypted": True}]),
            _image("marketplace", "m-bp1marketplace00001", productCode="cmjj00000001"),
            _image("windows", "m-bp1windows000000001", osType="windows", platform="Windows Server 2022"),
            _image("creating", "m-bp1creating00000001", status="Creating"),
            _image("tooManyDisks", "m-bp1toomanydisks0001", disks=_disks(5)),
            _image("tooLarge", "m-bp1toolarge00000001", disks=[{}, {"sizeGiB": 501}]),
            _image("frankfurt", "m-gw8frankfurt0000001", region=FRANKFURT),
            _image("frankfurt2", "m-gw8frankfurt0000002", region=FRANKFURT, disks=_disks(1)),
            _image("foreign", "m-bp1foreign000000001", account=OTHER),
            _image("inUse", "m-bp1inuse000000000001", usedByInstances=True),
            _image("shared", "m-bp1shared00000000001", sharedWith=[OTHER]),
            _image("sharedByOther", "m-bp1sharedbyother0001", account=OTHER, sharedWith=[OWNER]),
            _image("system", "m-bp1system00000000001", account=PUBLIC, ownerAlias="system"),
        ],
        "buckets": [
            {"as": "good", "name": "ferry-good", "region": HANGZHOU, "account": OWNER},
            {"as": "encrypted", "name": "ferry-encrypted", "region": HANGZHOU, "account": OWNER, "sse": "AES256"},
            {"as": "otherRegion", "name": "ferry-frankfurt", "region": FRANKFURT, "account": OWNER},
            {"as": "foreign", "name": "ferry-foreign", "region": HANGZHOU, "account": OTHER},
        ],
        "instance": access.instance(OWNER, HANGZHOU),
        "tencent": {},
        "settings": {},
    }


def read(file: Path | None) -> dict[str, Any]:
    """The default seed with the parts replaced that a file gives. Raises ValueError for a part that no seed has."""
    seed = default()
    given = json.loads(file.read_text(encoding="utf-8")) if file else {}
    unknown = set(given) - set(seed)
    if unknown:
        raise ShapeError(f"a seed has {', '.join(seed)}; not {', '.join(sorted(unknown))}")
    return {**seed, **given}


def plant(world: World, seed: dict[str, Any]) -> None:
    """Fill a new world. Raises ValueError if the seed is not of its shape."""
    with world.journal.together():
        world.settings.change({"speed": world.settings.values.speed, **seed["settings"]})
        for account in seed["accounts"]:
            put_account(world, account)
        for region in seed["regions"]:
            world.compute.put_region(region)
        for image in seed["images"]:
            world.compute.put_image({name: value for name, value in image.items() if name != "as"})
        world.instance.put(seed["instance"])
        tencent.plant(world, seed["tencent"])
        world.journal.put("info", "access", _access(world, seed["accounts"]))
        world.journal.put("info", "images", _named(seed["images"], "id"))
        world.journal.put("info", "buckets", _named(seed["buckets"], "name"))
        world.journal.put("info", "accounts", [_first_key(account) for account in seed["accounts"]])
        for bucket in seed["buckets"]:
            put_bucket(world, bucket)


def planted(world: World) -> bool:
    """Whether the world was filled before."""
    return bool(world.journal.table("info"))


def info(world: World) -> dict[str, Any]:
    """What a client must know to begin: keys, regions, and the images and buckets by the names that the seed gives them."""
    stored = world.journal.table("info")
    first, *others = stored["accounts"]
    return {
        **first,
        "regions": [region.id for region in world.compute.regions()],
        "images": stored["images"],
        "buckets": stored["buckets"],
        **stored.get("access", {}),
        **({"otherAccount": others[0]} if others else {}),
        "tencent": tencent.info(world),
    }


def put_account(world: World, account: dict[str, Any]) -> None:
    """Add or change an account with its keys, roles, policies and identity providers. Raises ValueError for a wrong shape."""
    world.access.put(account)
    world.accounts.put_account(account)


def put_bucket(world: World, bucket: dict[str, Any]) -> None:
    """Make a bucket: {name, region, account, sse?, acl?, storageClass?}; one that exists stays as it is. Raises ShapeError."""
    name, region, owner = text(bucket, "name"), text(bucket, "region"), text(bucket, "account")
    if name not in [existing.name for existing in world.objects.buckets()]:
        world.objects.create_bucket(
            name,
            region=region,
            owner=owner,
            sse=bucket.get("sse", "None"),
            acl=bucket.get("acl", "private"),
            storage_class=bucket.get("storageClass", "Standard"),
        )


def back_by_file(world: World, file: Path) -> None:
    """Let the system disk of the seed's first image be a user's file, which is only read."""
    first = next(iter(world.journal.table("info")["images"].values()))
    stored = dict(world.journal.table("images")[first])
    system, *rest = stored.get("disks") or [{}]
    world.journal.put("images", first, {**stored, "disks": [{**system, "file": str(file.resolve())}, *rest]})


def _image(known_as: str, image_id: str, **rest: Any) -> dict[str, Any]:  # noqa: ANN401 (any JSON value)
    name = f"{known_as.lower()}-image"
    return {"as": known_as, "id": image_id, "region": HANGZHOU, "account": OWNER, "name": name, **rest}


def _disks(data: int) -> list[dict[str, Any]]:
    return [{}, *({"device": f"/dev/xvd{chr(ord('b') + n)}", "sizeGiB": GIB_OF_DATA_DISK} for n in range(data))]


def _named(entries: list[dict[str, Any]], key: str) -> dict[str, str]:
    return {entry.get("as", entry[key]): entry[key] for entry in entries}


def _access(world: World, accounts: list[dict[str, Any]]) -> dict[str, Any]:
    """The ARNs of the first account's roles by the names that the seed gives them, and its first identity provider."""
    first = accounts[0]
    named = [role for role in first.get("roles", []) if isinstance(role, dict)]
    known_as = {role["name"]: role.get("as", role["name"]) for role in named}
    roles = {known_as.get(role.name, role.name): role.arn for role in world.access.roles(first["id"])}
    given = first.get("oidcProviders", [])
    provider = world.access.provider(first["id"], given[0]["name"]) if given else None
    return {
        "roles": roles,
        "oidcProviderARN": provider.arn if provider else "",
        "oidcIssuer": provider.issuer if provider else "",
        "oidcAudience": next(iter(provider.client_ids), "") if provider else "",
    }


def _first_key(account: dict[str, Any]) -> dict[str, str]:
    key = account["keys"][0]
    return {"accountID": account["id"], "accessKeyID": key["id"], "accessKeySecret": key["secret"]}

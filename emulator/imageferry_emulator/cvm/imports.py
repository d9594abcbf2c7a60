"""Imports: the rules for accepting one. What an accepted one then does is in importer.py. No HTTP here.

Rules: https://www.tencentcloud.com/document/product/213/33270 (parameters, error codes).
"""

from __future__ import annotations

import secrets
import string
from typing import TYPE_CHECKING, Any

from imageferry_emulator.cvm import crossings, errors, parameters, sources
from imageferry_emulator.cvm.models import IMPORTING
from imageferry_emulator.cvm.sources import UnreadableError
from imageferry_emulator.tencent.errors import RefusedError

if TYPE_CHECKING:
    from imageferry_emulator.cvm.models import Image
    from imageferry_emulator.cvm.parameters import Wish
    from imageferry_emulator.tencent.actions import Request
    from imageferry_emulator.world import World

ID_LETTERS = string.ascii_lowercase + string.digits


def accept(request: Request, world: World) -> dict[str, Any]:
    """Check an ImportImage request by the documented rules, make its image and start its task; its answer. Raises RefusedError.

    The task has the image's id.
    """
    region = world.tencent.regions.get(request.region)
    if region is None or not region.import_supported:
        raise RefusedError(errors.REGION_IMPORTS)
    wish = parameters.read(request)
    for url in wish.urls:
        _check_url(url, wish)
    _check_tags(request, world, wish)
    check_name(request, world, wish.name)
    verdicts = [_verdict(url, request, world) for url in wish.urls]
    if request.flag("DryRun"):
        return crossings.dry_run_passed(world)
    most = int(world.settings.values.cvm_images)
    if len(world.tencent.compute.custom(request.caller.account.id, request.region)) >= most:
        raise RefusedError(errors.QUOTA, str(most))
    for url in wish.urls:
        sources.use_up(url, world)
    image = _image(request, world, wish)
    _start(request, world, image, {"disks": verdicts, "force": wish.force})
    return {"ImageId": image.id}


def check_name(request: Request, world: World, name: str) -> None:
    """Whether a name is still to be had among the caller's images, whatever their state. Raises RefusedError."""
    if name in [image.name for image in world.tencent.compute.custom(request.caller.account.id, request.region)]:
        raise RefusedError(errors.NAME_TAKEN)


def _check_url(url: str, wish: Wish) -> None:
    """The form of a URL alone. Raises RefusedError."""
    place = sources.place(url)
    if place is None:
        raise RefusedError(errors.URL, "it is not that of an object in COS")
    if not sources.APP_ID.fullmatch(place.bucket):
        raise RefusedError(errors.APP_ID, place.bucket)
    if place.key.lower().endswith(".iso") and not wish.force:
        raise RefusedError(errors.ISO)


def _check_tags(request: Request, world: World, wish: Wish) -> None:
    if world.settings.values.cvm_unknown_tag_key == "created":
        return
    own = world.tencent.compute.custom(request.caller.account.id, request.region)
    known = {key for image in own for key, _ in image.tags}
    unknown = next((key for key in wish.tags if key not in known), None)
    if unknown is not None:
        raise RefusedError(errors.TAG_KEY, unknown)


def _verdict(url: str, request: Request, world: World) -> dict[str, str]:
    """Where the bytes of a disk are, and what keeps the service from reading them ('' if nothing does).

    Raises RefusedError if it is to be told at once.
    """
    try:
        stored = sources.resolve(url, request.region, world)
    except UnreadableError as unreadable:
        if world.settings.values.cvm_url_checked == "atOnce":
            raise RefusedError(errors.URL, str(unreadable)) from None
        return {"bucket": "", "key": "", "unreadable": str(unreadable)}
    return {"bucket": stored.bucket, "key": stored.key, "unreadable": ""}


def _image(request: Request, world: World, wish: Wish) -> Image:
    shown = "tags" if world.settings.values.import_tags_shown == "atOnce" else "tagsOnceNormal"
    return world.tencent.compute.put_image(
        {
            "id": "img-" + "".join(secrets.choice(ID_LETTERS) for _ in range(8)),
            "region": request.region,
            "account": request.caller.account.id,
            "name": wish.name,
            "description": wish.description,
            "family": wish.family,
            "state": IMPORTING,
            "accepted": world.clock.real_seconds(),
            "osName": f"{wish.system.name} {wish.os_version}",
            "platform": wish.system.name,
            "architecture": "arm" if wish.architecture.startswith("arm") else wish.architecture,
            "licenseType": wish.license_type,
            "source": "EXTERNAL_IMPORT",
            shown: wish.tags,
            "disks": [],
        }
    )


def _start(request: Request, world: World, image: Image, detail: dict[str, Any]) -> None:
    values = world.settings.values
    crossings.start(
        request,
        world,
        image.id,
        action=crossings.IMPORT,
        about=image.id,
        steps=len(detail["disks"]),
        pace=crossings.Pace(values.waiting_seconds, values.seconds_per_disk),
        detail=detail,
    )

"""Tencent Cloud's metadata service over HTTP: items as plain text, directories as lists, the keys of a role as JSON.

It is told from the other cloud's by its host, or by items that only it has; what both have belongs to the other.
https://www.tencentcloud.com/document/product/213/4934
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aiohttp import web

from imageferry_emulator.metadata.machine import ROLES
from imageferry_emulator.metadata.routes import META_DATA, listed, path, plain
from imageferry_emulator.tencent.sts import wire as sts_wire

if TYPE_CHECKING:
    from imageferry_emulator.world import World

HOST = "metadata.tencentyun.com"
VERSIONS = ("latest", "1.0", "2017-09-19")
OWN_ITEMS = ("app-id", "cam", "placement", "uuid")


def is_metadata(request: web.Request) -> bool:
    """Whether a request is one to this cloud's metadata service."""
    version, _, rest = path(request).removeprefix("/").partition("/")
    if version not in VERSIONS or not f"{rest}/".startswith(META_DATA):
        return False
    return _host(request) == HOST or rest.removeprefix(META_DATA).partition("/")[0] in OWN_ITEMS


def handle(request: web.Request, world: World) -> web.Response:
    """Answer one request."""
    if request.method != "GET":
        return plain(405, "Method Not Allowed")
    item = path(request).removeprefix("/").partition("/")[2].removeprefix(META_DATA.rstrip("/")).removeprefix("/")
    if item.startswith(ROLES) and item != ROLES:
        return _credentials(item.removeprefix(ROLES), world)
    return listed(item, world.tencent.machine.items(world))


def _host(request: web.Request) -> str:
    """The host that is asked; one who takes the emulator for a proxy names it in the request line."""
    shown = request.raw_path.removeprefix("http://").partition("/")[0] if "://" in request.raw_path else ""
    return (shown or request.headers.get("Host", "")).partition(":")[0]


def _credentials(role_name: str, world: World) -> web.Response:
    key = world.tencent.machine.key(role_name, world)
    if key is None:
        return plain(404, "Not Found")
    named = {"TmpSecretId": key.id, "TmpSecretKey": key.secret, "Token": key.token}
    return plain(200, json.dumps({**named, **sts_wire.life(key), "Code": "Success"}))

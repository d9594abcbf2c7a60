"""The metadata service over HTTP: items as plain text, directories as lists, access tokens, and the hardened mode.

https://www.alibabacloud.com/help/en/ecs/user-guide/view-instance-metadata (paths, headers, statuses)
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aiohttp import web

from imageferry_emulator.accounts import DATE
from imageferry_emulator.sts import wire as sts_wire

if TYPE_CHECKING:
    from imageferry_emulator.world import World

VERSIONS = ("latest", "2016-01-01")
TTL = "X-aliyun-ecs-metadata-token-ttl-seconds"
TOKEN = "X-aliyun-ecs-metadata-token"  # noqa: S105 (the name of a header)
MOST_SECONDS = 21600
META_DATA = "meta-data/"
SLASHES = 2
"""In front of the host."""
ROLES = "ram/security-credentials/"


def is_metadata(request: web.Request) -> bool:
    """Whether a request is one to the metadata service."""
    version, _, rest = path(request).removeprefix("/").partition("/")
    return version in VERSIONS and (rest == "api/token" or f"{rest}/".startswith(META_DATA))


def handle(request: web.Request, world: World) -> web.Response:
    """Answer one request."""
    rest = path(request).removeprefix("/").partition("/")[2]
    if rest == "api/token":
        return _give_token(request, world)
    if request.method != "GET":
        return plain(405, "Method Not Allowed")
    shown = request.headers.get(TOKEN)
    if shown is None and world.settings.values.metadata_hardened:
        return plain(403, "Forbidden")
    if shown is not None and not world.instance.admits(shown):
        return plain(401, "Unauthorized")
    return _item(rest.removeprefix(META_DATA.rstrip("/")).removeprefix("/"), world)


def path(request: web.Request) -> str:
    """The path of a request; one that was sent as to a proxy names the host first (RFC 9112, section 3.2.2).

    So clients reach the emulator that know only the fixed address of the real service, if they can be given a proxy.
    """
    shown = request.raw_path.partition("?")[0]
    return "/" + shown.split("/", 3)[3] if shown.startswith("http://") and shown.count("/") > SLASHES else shown


def plain(status: int, text: str) -> web.Response:
    """An answer in plain text."""
    return web.Response(status=status, text=text)


def _give_token(request: web.Request, world: World) -> web.Response:
    if request.method != "PUT":
        return plain(405, "Method Not Allowed")
    if "X-Forwarded-For" in request.headers:
        return plain(403, "Forbidden")
    seconds = request.headers.get(TTL, "")
    if not seconds.isdecimal() or not 1 <= int(seconds) <= MOST_SECONDS:
        return plain(400, "Missing or Invalid Parameters")
    return plain(200, world.instance.token(int(seconds)))


def _item(item: str, world: World) -> web.Response:
    if item.startswith(ROLES) and item != ROLES:
        return _credentials(item.removeprefix(ROLES), world)
    return listed(item, world.instance.items())


def listed(item: str, items: dict[str, str]) -> web.Response:
    """An item by its path, or the list of what lies below it if it is a directory."""
    if item in items:
        return plain(200, items[item])
    directory = item if item.endswith("/") or not item else f"{item}/"
    below = (known.removeprefix(directory) for known in items if known.startswith(directory))
    entries = dict.fromkeys("".join(entry.partition("/")[:2]) for entry in below)
    if not entries:
        return plain(404, "Not Found")
    return plain(200, items[directory] if directory in items else "\n".join(sorted(entries)))


def _credentials(role_name: str, world: World) -> web.Response:
    key = world.instance.key(role_name, world)
    if key is None:
        return plain(404, "Not Found")
    told = {**sts_wire.credentials(key), "LastUpdated": world.clock.real_now().strftime(DATE), "Code": "Success"}
    return plain(200, json.dumps(told))

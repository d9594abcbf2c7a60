"""Requests that come again with the same ClientToken: they get the same answer, and nothing is done a second time.

https://www.alibabacloud.com/help/en/ecs/developer-reference/how-to-ensure-idempotence
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imageferry_emulator.ecs import errors
from imageferry_emulator.rpc.actions import Repeated
from imageferry_emulator.rpc.errors import RefusedError

if TYPE_CHECKING:
    from imageferry_emulator.rpc.actions import Request
    from imageferry_emulator.world import World

_TABLE = "clientTokens"
_MOST_CHARACTERS = 64
_NOT_COMPARED = frozenset(
    (
        *("AccessKeyId", "Action", "ClientToken", "Format", "SecurityToken", "Signature", "SignatureMethod"),
        *("SignatureNonce", "SignatureType", "SignatureVersion", "Timestamp", "Version"),
    )
)
"""Parameters that say how a request is sent and not what it asks for; the first version of the signature has them among the others."""


def check_token(request: Request) -> None:
    """Refuse a ClientToken that is none. Raises RefusedError."""
    token = request.text("ClientToken")
    if len(token) > _MOST_CHARACTERS or not token.isascii():
        raise RefusedError(errors.CLIENT_TOKEN)


def answered(request: Request, world: World) -> Repeated | None:
    """The answer that a request with this token got before, or None.

    Raises RefusedError: the token came with other parameters, or its first request is still being worked on.
    """
    if not request.text("ClientToken"):
        return None
    kept = world.journal.table(_TABLE).get(_key(request))
    now = world.clock.real_seconds()
    if kept is None or now >= kept["time"] + world.settings.values.client_token_life_seconds:
        return None
    if kept["params"] != _compared(request):
        raise RefusedError(errors.TOKEN_OF_ANOTHER)
    if now < kept["time"] + kept["processingSeconds"]:
        raise RefusedError(errors.TOKEN_PROCESSING)
    return Repeated(kept["answer"])


def keep(request: Request, world: World, answer: dict[str, Any]) -> None:
    """Remember the answer to an accepted request, if it came with a token."""
    if not request.text("ClientToken"):
        return
    now, life = world.clock.real_seconds(), world.settings.values.client_token_life_seconds
    for key in [key for key, kept in world.journal.table(_TABLE).items() if now >= kept["time"] + life]:
        world.journal.drop(_TABLE, key)
    slow = request.effects.get("tokenProcessing")
    kept = {
        "time": now,
        "params": _compared(request),
        "processingSeconds": 0.0 if slow is None else float(slow.get("seconds", 5)),
        "answer": answer,
    }
    world.journal.put(_TABLE, _key(request), kept)


def _key(request: Request) -> str:
    return "/".join((request.caller.account.id, request.text("RegionId"), request.text("ClientToken")))


def _compared(request: Request) -> dict[str, str]:
    return {name: value for name, value in sorted(request.params.items()) if value and name not in _NOT_COMPARED}

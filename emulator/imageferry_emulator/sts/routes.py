"""The actions of the token service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imageferry_emulator.rpc.actions import Action, Service
from imageferry_emulator.sts import wire

if TYPE_CHECKING:
    from imageferry_emulator.rpc.actions import Request
    from imageferry_emulator.world import World


def get_caller_identity(request: Request, _: World) -> dict[str, Any]:
    """GetCallerIdentity: who signed this."""
    return wire.identity(request.caller)


SERVICE = Service(name="sts", actions={"GetCallerIdentity": Action(get_caller_identity)})

"""From an RPC call to the service that answers it, by version and action. No rule of a service here."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from imageferry_emulator.ecs import routes as ecs
from imageferry_emulator.ram import routes as ram
from imageferry_emulator.rpc import errors, models, wire
from imageferry_emulator.rpc.actions import Asked, OpenAction, Repeated, Request
from imageferry_emulator.rpc.errors import RefusedError
from imageferry_emulator.sts import routes as sts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp import web

    from imageferry_emulator.rpc.actions import Service
    from imageferry_emulator.rpc.wire import Call
    from imageferry_emulator.world import World

LOG = logging.getLogger(__name__)

SERVICES: dict[str, Service] = {
    "2014-05-26": ecs.SERVICE,
    "2015-04-01": sts.SERVICE,
    "2015-05-01": ram.SERVICE,
}


METHODS = ("GET", "POST")


@dataclass(frozen=True, slots=True)
class Outcome:
    """An answer and its error code, '' for success."""

    response: web.Response
    code: str


def service_name(call: Call) -> str:
    """The service that a call's version names, or `rpc` if there is none."""
    service = SERVICES.get(call.version)
    return service.name if service else "rpc"


def handle(call: Call, world: World, effects: Mapping[str, dict[str, Any]]) -> Outcome:
    """Verify and answer one call; `effects` are the faults that stick to what it starts.

    Runs to its end without a pause, so that no other request sees it half done.
    """
    try:
        with world.journal.together():
            body = _perform(call, world, effects)
    except RefusedError as refused:
        refusal = refused.refusal
        return refuse(call, status=refusal.status, code=refusal.code, message=refused.message, more=refused.more)
    except Exception:
        LOG.exception("%s broke", call.action)
        broken = errors.INTERNAL_ERROR
        return refuse(call, status=broken.status, code=broken.code, message=broken.text)
    return Outcome(wire.answer(call, body), "")


def refuse(
    call: Call,
    *,
    status: int,
    code: str,
    message: str,
    headers: Mapping[str, str] | None = None,
    more: Mapping[str, Any] | None = None,
) -> Outcome:
    """An error answer to a call; `more` are further fields of its body."""
    answer = wire.error(call, status=status, code=code, message=message, headers=headers, more=more)
    return Outcome(answer, code)


def _perform(call: Call, world: World, effects: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    if call.method not in METHODS:
        raise RefusedError(errors.UNSUPPORTED_METHOD)
    if not call.action:
        raise RefusedError(errors.MISSING_PARAMETER, "Action")
    service = SERVICES.get(call.version)
    if service is None:
        raise RefusedError(errors.NO_SUCH_VERSION)
    action = service.actions.get(call.action)
    if action is None:
        raise RefusedError(errors.NO_SUCH_ACTION)
    if isinstance(action, OpenAction):
        return action.perform(Asked(call.params), world)
    caller = models.authenticate(call, world)
    right = f"{service.name}:{call.action}"
    if action.needs_right and not world.access.allows(caller.key, right):
        raise RefusedError(service.denied, more=wire.denial(right, caller))
    body = action.perform(Request(params=call.params, caller=caller, effects=effects), world)
    if action.mutates and not isinstance(body, Repeated):
        world.ledger.record(
            service=service.name,
            action=call.action,
            account_id=caller.account.id,
            access_key_id=caller.key.id,
            params=dict(call.params),
            request_id=call.request_id,
            result=body,
        )
    return body

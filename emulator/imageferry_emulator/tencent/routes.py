"""From a call of the API 3.0 to the service that answers it, by version and action. No rule of a service here."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from imageferry_emulator.cam import routes as cam
from imageferry_emulator.cvm import routes as cvm
from imageferry_emulator.tencent import errors, models, wire
from imageferry_emulator.tencent.actions import Asked, OpenAction, Request, Unchanged
from imageferry_emulator.tencent.errors import RefusedError
from imageferry_emulator.tencent.sts import routes as sts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp import web

    from imageferry_emulator.tencent.actions import Action, Service
    from imageferry_emulator.tencent.wire import Call
    from imageferry_emulator.world import World

LOG = logging.getLogger(__name__)

SERVICES: dict[str, Service] = {
    "2017-03-12": cvm.SERVICE,
    "2018-08-13": sts.SERVICE,
    "2019-01-16": cam.SERVICE,
}
BODIES = {
    # by whether the common parameters are in headers (signature TC3), and method: the content types taken
    (True, "GET"): (wire.FORM,),
    (True, "POST"): (wire.JSON_TYPE,),
    (False, "GET"): None,
    (False, "POST"): (wire.FORM,),
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """An answer and its error code, '' for success."""

    response: web.Response
    code: str


def service_name(call: Call) -> str:
    """What the service that a call's version names is booked as, or `tencent` if there is none."""
    service = SERVICES.get(call.version)
    return service.booked_as if service else "tencent"


def handle(call: Call, world: World, effects: Mapping[str, dict[str, Any]]) -> Outcome:
    """Verify and answer one call; `effects` are the faults that stick to what it starts.

    Runs to its end without a pause, so that no other request sees it half done.
    """
    try:
        with world.journal.together():
            body = _perform(call, world, effects)
    except RefusedError as refused:
        return refuse(call, code=refused.refusal.code, message=refused.message)
    except Exception:
        LOG.exception("%s broke", call.action)
        return refuse(call, code=errors.INTERNAL_ERROR.code, message=errors.INTERNAL_ERROR.text)
    return Outcome(wire.answer(call, body), "")


def refuse(call: Call, *, code: str, message: str, status: int = 200) -> Outcome:
    """An error answer to a call."""
    return Outcome(wire.error(call, code, message, status=status), code)


def _perform(call: Call, world: World, effects: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    _check_form(call)
    service, action = _found(call)
    region = _region(call, service, world)
    if isinstance(action, OpenAction):
        _check_names(call, action)
        return action.perform(Asked(call.params), world)
    caller = models.authenticate(call, world)
    right = f"{service.name}:{call.action}"
    if action.needs_right and not world.tencent.directory.allows(caller.key, right):
        raise RefusedError(service.denied, right)
    _check_names(call, action)
    request = Request(params=call.params, caller=caller, region=region, effects=effects)
    body = action.perform(request, world)
    if action.mutates and not isinstance(body, Unchanged):
        world.ledger.record(
            service=service.booked_as,
            action=call.action,
            account_id=caller.account.id,
            access_key_id=caller.key.id,
            params=call.booked,
            request_id=call.request_id,
            result=body,
        )
    return body


def _check_form(call: Call) -> None:
    if (call.headed, call.method) not in BODIES:
        raise RefusedError(errors.UNSUPPORTED_PROTOCOL, call.method)
    taken, shown = BODIES[call.headed, call.method], call.headers.get("content-type", "").partition(";")[0].strip()
    if taken is not None and shown.lower() not in taken:
        raise RefusedError(errors.UNSUPPORTED_PROTOCOL, f"{call.method} with {shown or 'none'}")
    required = {"Action": call.action, "Timestamp": call.timestamp, "Version": call.version}
    for name, value in required.items():
        if not value:
            raise RefusedError(errors.MISSING_PARAMETER, name)
    if call.broken:
        raise RefusedError(errors.INVALID_PARAMETER, call.broken)


def _found(call: Call) -> tuple[Service, Action | OpenAction]:
    service = SERVICES.get(call.version)
    if service is None:
        raise RefusedError(errors.NO_SUCH_VERSION, call.version)
    action = service.actions.get(call.action)
    if action is None:
        raise RefusedError(errors.INVALID_ACTION, call.action)
    return service, action


def _region(call: Call, service: Service, world: World) -> str:
    if not service.regional:
        return ""
    if not call.region:
        raise RefusedError(errors.MISSING_PARAMETER, "Region")
    if world.tencent.regions.get(call.region) is None:
        raise RefusedError(errors.UNSUPPORTED_REGION, call.region)
    return call.region


def _check_names(call: Call, action: Action | OpenAction) -> None:
    unknown = next((name for name in call.params if name not in action.parameters), None)
    if unknown is not None:
        raise RefusedError(errors.UNKNOWN_PARAMETER, unknown)

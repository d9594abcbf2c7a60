"""The one port: takes each request, lets scripted faults and gates happen to it, hands it on and books it.

What an answer says is the services' business; this room only decides whether, when and how whole it is sent.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

from aiohttp import hdrs, web

from imageferry_emulator import admin
from imageferry_emulator.dispatch import identify
from imageferry_emulator.faults import Position
from imageferry_emulator.incoming import Dialect, Reply, Trouble

if TYPE_CHECKING:
    from imageferry_emulator.faults import Fault, Script
    from imageferry_emulator.incoming import Incoming
    from imageferry_emulator.world import World

LOG = logging.getLogger(__name__)
MOST_RPC_BYTES = 1 << 26
HUGE_BYTES = 10 * 1024 * 1024
STREAMED = ("OSS:GetObject", "COS:GetObject")
"""Answered while they are being worked on: here a fault of the answer strikes before a byte is sent."""
LOST_FIELDS = {"successWithoutTaskID": "TaskId", "successWithoutImageID": "ImageId"}
HUNG_UP = "(connection closed)"
"""Booked in place of an error code where no answer was sent."""

REFUSALS = {
    # fault: status and code by the form in which a service tells of errors
    "error500NotAccepted": dict.fromkeys(Dialect, (500, "InternalError")),
    "error500Accepted": dict.fromkeys(Dialect, (500, "InternalError")),
    "throttle": {
        Dialect.RPC: (400, "Throttling.User"),
        Dialect.OSS: (503, "QpsLimitExceeded"),
        Dialect.API3: (200, "RequestLimitExceeded"),
        Dialect.COS: (503, "SlowDown"),
    },
    "unknownCode": {
        Dialect.RPC: (400, "Emulated.NeverDocumented"),
        Dialect.OSS: (400, "EmulatedNeverDocumented"),
        Dialect.API3: (200, "Emulated.NeverDocumented"),
        Dialect.COS: (400, "EmulatedNeverDocumented"),
    },
    "expiredKey": {
        Dialect.RPC: (400, "InvalidSecurityToken.Expired"),
        Dialect.OSS: (403, "SecurityTokenExpired"),
        Dialect.API3: (200, "AuthFailure.TokenFailure"),
        Dialect.COS: (403, "ExpiredToken"),
    },
}


class Server:
    """Answers every request to the emulator's port."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._late: set[asyncio.Task[None]] = set()

    def application(self) -> web.Application:
        """The aiohttp application: the admin API below `/_emulator/`, the clouds everywhere else."""
        app = web.Application(client_max_size=MOST_RPC_BYTES)
        app.add_subapp(admin.PREFIX, admin.application(self._world))
        app.router.add_route("*", "/{rest:.*}", self.handle)
        app.on_response_prepare.append(self._date)
        return app

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Take one request of a cloud's client from arrival to answer."""
        incoming = await identify(request)
        action, params = incoming.action, dict(incoming.params)
        booked = {"service": incoming.service, "action": action, "params": params, **incoming.sender}
        seen = self._world.ledger.see(booked)
        script = self._world.faults.take(action, params)
        if script.names:
            seen["faults"] = script.names
        await asyncio.sleep(script.delay_seconds)
        reply = await self._run(request, incoming, script, seen)
        if reply is None:
            self._world.ledger.answered(seen, status=None, code=HUNG_UP)
            return _hang_up(request)
        if script.content_type:
            reply.response.headers[hdrs.CONTENT_TYPE] = script.content_type
        self._world.ledger.answered(seen, status=reply.response.status, code=reply.code)
        return reply.response

    async def _run(
        self, request: web.Request, incoming: Incoming, script: Script, seen: dict[str, Any]
    ) -> Reply | None:
        """The answer, or None where the connection is to be closed without one."""
        faults = self._world.faults
        if not await faults.pass_gate(Position.BEFORE, incoming.action, seen["params"], seen):
            return None
        if script.arrival is not None:
            return self._arrive(incoming, script, script.arrival, seen)
        if script.answer is not None and incoming.action in STREAMED:
            return await _spoil(request, incoming, Reply(web.Response(), ""), script.answer)
        reply = await incoming.answer(self._world, script.effects)
        if reply.code:
            return reply
        seen["accepted"] = True
        if not await faults.pass_gate(Position.AFTER, incoming.action, seen["params"], seen):
            return None
        if script.answer is not None:
            return await _spoil(request, incoming, reply, script.answer)
        return reply

    def _arrive(self, incoming: Incoming, script: Script, fault: Fault, seen: dict[str, Any]) -> Reply | None:
        match fault.name:
            case "dropBeforeAccept":
                return None
            case "acceptedLate":
                later = asyncio.create_task(self._accept_late(incoming, script, fault, seen))
                self._late.add(later)
                later.add_done_callback(self._late.discard)
                return None
            case "htmlBody":
                text = "<html><body><h1>502 Bad Gateway</h1></body></html>"
                status = int(fault.options.get("status", 502))
                return Reply(web.Response(status=status, text=text, content_type="text/html"), "(html)")
            case _:
                return incoming.refuse(_trouble(incoming, fault))

    async def _accept_late(self, incoming: Incoming, script: Script, fault: Fault, seen: dict[str, Any]) -> None:
        await asyncio.sleep(float(fault.options.get("seconds", 30)))
        reply = await incoming.answer(self._world, script.effects)
        seen["late"] = {"time": self._world.clock.real_now().isoformat(), "code": reply.code}
        seen["accepted"] = not reply.code

    async def _date(self, _: web.Request, response: web.StreamResponse) -> None:
        response.headers[hdrs.DATE] = format_datetime(self._world.clock.real_now(), usegmt=True)


def _trouble(incoming: Incoming, fault: Fault) -> Trouble:
    status, code = REFUSALS[fault.name][incoming.dialect]
    retry_after = fault.options.get("retryAfter")
    return Trouble(
        status=int(fault.options.get("status", status)),
        code=str(fault.options.get("code", code)),
        message=str(fault.options.get("message", f"The scripted fault {fault.name}.")),
        headers={} if retry_after is None else {"x-acs-retry-after": str(retry_after)},
    )


async def _spoil(request: web.Request, incoming: Incoming, reply: Reply, fault: Fault) -> Reply | None:
    body = reply.response.body if isinstance(reply.response, web.Response) else None
    whole = body if isinstance(body, bytes) else b""
    match fault.name:
        case "answerLost":
            return None
        case "error500Accepted":
            return incoming.refuse(_trouble(incoming, fault))
        case "cutBody":
            return Reply(await _cut(request, reply, whole), reply.code)
        case "hugeBody":
            padded = whole + b" " * int(fault.options.get("bytes", HUGE_BYTES))
            return Reply(_with_body(reply, padded), reply.code)
        case _:
            return Reply(_with_body(reply, _without(LOST_FIELDS[fault.name], whole)), reply.code)


def _without(field: str, whole: bytes) -> bytes:
    if whole.startswith(b"<"):
        return re.sub(f"<{field}>[^<]*</{field}>".encode(), b"", whole)
    answered = json.loads(whole)
    for part in (answered, answered.get("Response", {})):
        part.pop(field, None)
    return json.dumps(answered).encode()


def _with_body(reply: Reply, body: bytes) -> web.Response:
    headers = reply.response.headers.copy()
    headers.pop(hdrs.CONTENT_LENGTH, None)
    return web.Response(status=reply.response.status, headers=headers, body=body)


async def _cut(request: web.Request, reply: Reply, whole: bytes) -> web.StreamResponse:
    headers = reply.response.headers.copy()
    headers[hdrs.CONTENT_LENGTH] = str(len(whole))
    cut = web.StreamResponse(status=reply.response.status, headers=headers)
    await cut.prepare(request)
    await cut.write(whole[: len(whole) // 2])
    _hang_up(request)
    return cut


def _hang_up(request: web.Request) -> web.Response:
    """Close the connection; what aiohttp then tries to send goes nowhere."""
    if request.transport is not None:
        request.transport.close()
    return web.Response()

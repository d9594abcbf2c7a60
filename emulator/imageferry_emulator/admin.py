"""The admin API below `/_emulator/`: scripts faults and gates, changes settings and seed, shows the ledger.

Unauthenticated, and therefore for callers on this machine only. The README is its reference.
"""

from __future__ import annotations

import ipaddress
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from aiohttp import web

from imageferry_emulator import seed
from imageferry_emulator.issuer import SECONDS
from imageferry_emulator.shapes import ShapeError, mapping, text
from imageferry_emulator.tencent import seed as tencent

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from imageferry_emulator.faults import Fault, Gate
    from imageferry_emulator.objects.store import ObjectStore
    from imageferry_emulator.world import World

PREFIX = "/_emulator"
MOST_WAIT_SECONDS = 60.0


class Admin:
    """The handlers, one per method and path."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[web.RouteDef]:
        """The table of methods and paths."""
        return [
            web.get("/info", self.info),
            web.get("/ledger", self.ledger),
            web.get("/requests", self.requests),
            web.get("/state", self.state),
            web.get("/settings", self.settings),
            web.post("/settings", self.change_settings),
            web.get("/faults", self.faults),
            web.post("/faults", self.add_fault),
            web.delete("/faults", self.drop_faults),
            web.delete("/faults/{id}", self.drop_faults),
            web.get("/gates", self.gates),
            web.post("/gates", self.add_gate),
            web.post("/gates/release", self.release_gates),
            web.get("/tasks", self.tasks),
            web.post("/tasks/{id}", self.affect_task),
            web.post("/accounts", self.put_account),
            web.delete("/keys/{id}", self.drop_key),
            web.post("/instance", self.put_instance),
            web.post("/oidc-token", self.oidc_token),
            web.get("/oidc-keys", self.oidc_keys),
            web.post("/regions", self.put_region),
            web.post("/images", self.put_image),
            web.delete("/images/{id}", self.drop_image),
            web.post("/buckets", self.put_bucket),
            web.post("/tencent/{part}", self.put_tencent),
            web.delete("/tencent/keys/{id}", self.drop_tencent_key),
        ]

    async def info(self, _: web.Request) -> web.Response:
        """What the start line says, apart from the endpoint."""
        return web.json_response(seed.info(self._world))

    async def ledger(self, _: web.Request) -> web.Response:
        """Accepted mutating requests, oldest first."""
        return web.json_response({"entries": self._world.ledger.entries()})

    async def requests(self, _: web.Request) -> web.Response:
        """All requests since the start, and how often which ended how."""
        return web.json_response({"requests": list(self._world.ledger.seen()), "counts": self._world.ledger.counts()})

    async def state(self, _: web.Request) -> web.Response:
        """Everything there is, without secrets."""
        world = self._world
        return web.json_response(
            {
                "clock": {
                    "real": world.clock.real_now().isoformat(),
                    "taskSeconds": world.clock.task_seconds(),
                    "speed": world.clock.speed,
                },
                "settings": world.settings.shown(),
                "accounts": world.accounts.shown(),
                "access": world.access.shown(),
                **world.compute.shown(),
                "tasks": self._tasks(),
                "buckets": _buckets(world.objects),
                "tencent": {**world.tencent.shown(), "buckets": _buckets(world.tencent.objects)},
            }
        )

    async def settings(self, _: web.Request) -> web.Response:
        """All settings."""
        return web.json_response(self._world.settings.shown())

    async def change_settings(self, request: web.Request) -> web.Response:
        """Change some settings; answers with all."""
        self._world.settings.change(await _object(request))
        self._world.tasks.wake()
        return web.json_response(self._world.settings.shown())

    async def faults(self, _: web.Request) -> web.Response:
        """The faults still to strike."""
        return web.json_response({"faults": [_fault(fault) for fault in self._world.faults.faults()]})

    async def add_fault(self, request: web.Request) -> web.Response:
        """Script a fault."""
        return web.json_response(_fault(self._world.faults.add(await _object(request))), status=201)

    async def drop_faults(self, request: web.Request) -> web.Response:
        """Forget one fault, or all."""
        self._world.faults.clear(request.match_info.get("id"))
        return web.Response(status=204)

    async def gates(self, request: web.Request) -> web.Response:
        """The gates; with `?wait=SECONDS` once one (`&id=`: that one) holds a request, or when the time is up."""
        wait = min(float(request.query.get("wait", "0")), MOST_WAIT_SECONDS)
        if wait:
            await self._world.faults.wait_held(request.query.get("id"), wait)
        return web.json_response({"gates": [_gate(gate) for gate in self._world.faults.gates()]})

    async def add_gate(self, request: web.Request) -> web.Response:
        """Set up a gate."""
        return web.json_response(_gate(self._world.faults.add_gate(await _object(request))), status=201)

    async def release_gates(self, request: web.Request) -> web.Response:
        """Open one gate (`id`) or all; `outcome` is `continue` or `drop`."""
        wish = await _object(request)
        outcome = wish.get("outcome", "continue")
        if outcome not in ("continue", "drop"):
            raise ShapeError(f"outcome must be continue or drop, not {outcome!r}")
        return web.json_response({"released": await self._world.faults.release(wish.get("id"), outcome)})

    async def tasks(self, _: web.Request) -> web.Response:
        """All tasks, newest first, whatever clients can see of them."""
        return web.json_response({"tasks": self._tasks()})

    async def affect_task(self, request: web.Request) -> web.Response:
        """Let a fault stick to a task that exists: {fault, ...options}."""
        wish = await _object(request)
        task = self._world.tasks.get(request.match_info["id"])
        if task is None:
            raise web.HTTPNotFound(text="no such task")
        self._world.tasks.affect(task, self._world.faults.effect(wish))
        self._world.tasks.wake()
        return web.Response(status=204)

    async def put_account(self, request: web.Request) -> web.Response:
        """Add or change an account and its keys."""
        seed.put_account(self._world, await _object(request))
        return web.Response(status=204)

    async def drop_key(self, request: web.Request) -> web.Response:
        """Forget an access key."""
        self._world.accounts.drop_key(request.match_info["id"])
        return web.Response(status=204)

    async def put_instance(self, request: web.Request) -> web.Response:
        """Be another instance to the metadata service."""
        self._world.instance.put(await _object(request))
        return web.Response(status=204)

    async def oidc_token(self, request: web.Request) -> web.Response:
        """A token as the seed's identity provider signs them: {sub, aud?, iss?, expiresIn?}."""
        wish, info = await _object(request), seed.info(self._world)
        token = self._world.issuer.token(
            issuer=str(wish.get("iss", info["oidcIssuer"])),
            subject=text(wish, "sub"),
            audience=str(wish.get("aud", info["oidcAudience"])),
            seconds=float(wish.get("expiresIn", SECONDS)),
        )
        return web.json_response({"token": token})

    async def oidc_keys(self, _: web.Request) -> web.Response:
        """The public key that tokens are signed with."""
        return web.json_response({"keys": [self._world.issuer.jwk()]})

    async def put_region(self, request: web.Request) -> web.Response:
        """Add or replace a region."""
        self._world.compute.put_region(await _object(request))
        return web.Response(status=204)

    async def put_image(self, request: web.Request) -> web.Response:
        """Add or replace an image."""
        image = self._world.compute.put_image(await _object(request))
        return web.json_response({"id": image.id}, status=201)

    async def drop_image(self, request: web.Request) -> web.Response:
        """Forget an image."""
        self._world.compute.drop_image(request.match_info["id"])
        return web.Response(status=204)

    async def put_bucket(self, request: web.Request) -> web.Response:
        """Make a bucket."""
        seed.put_bucket(self._world, await _object(request))
        return web.Response(status=204)

    async def put_tencent(self, request: web.Request) -> web.Response:
        """Add or change a part of Tencent Cloud's world."""
        put = tencent.PARTS.get(request.match_info["part"])
        if put is None:
            raise web.HTTPNotFound(text="no such part")
        put(self._world, await _object(request))
        return web.Response(status=204)

    async def drop_tencent_key(self, request: web.Request) -> web.Response:
        """Forget a key of Tencent Cloud."""
        self._world.tencent.accounts.drop_key(request.match_info["id"])
        return web.Response(status=204)

    def _tasks(self) -> list[dict[str, Any]]:
        now = self._world.clock.task_seconds()
        return [
            {**asdict(task), "status": task.status(now), "percent": task.percent(now)}
            for task in self._world.tasks.all()
        ]


def application(world: World) -> web.Application:
    """The admin API as a sub-application."""
    app = web.Application(middlewares=[_local_only, _explain])
    app.add_routes(Admin(world).routes())
    return app


@web.middleware
async def _local_only(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    if not request.remote or not ipaddress.ip_address(request.remote).is_loopback:
        raise web.HTTPForbidden(text="the admin API is for callers on this machine")
    return await handler(request)


@web.middleware
async def _explain(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        return await handler(request)
    except ValueError as wrong:
        return web.json_response({"error": str(wrong)}, status=400)


async def _object(request: web.Request) -> dict[str, Any]:
    body = await request.text()
    return mapping(json.loads(body) if body else {}, "the body")


def _fault(fault: Fault) -> dict[str, Any]:
    return {
        "id": fault.id,
        "fault": fault.name,
        "action": fault.target.action,
        "params": fault.target.params,
        "times": fault.times,
        "skip": fault.skip,
        **fault.options,
    }


def _gate(gate: Gate) -> dict[str, Any]:
    return {
        "id": gate.id,
        "action": gate.target.action,
        "params": gate.target.params,
        "position": gate.position.value,
        "held": gate.held,
    }


def _buckets(store: ObjectStore) -> list[dict[str, Any]]:
    return [
        {
            "name": bucket.name,
            "region": bucket.region,
            "account": bucket.owner,
            "sse": bucket.sse,
            "objects": [
                {"key": stored.key, "size": stored.size, "etag": stored.etag}
                for stored in store.list(bucket.name).objects
            ],
        }
        for bucket in store.buckets()
    ]

"""A request to COS as the frame sees it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from aiohttp import web

from imageferry_emulator.cos import errors, routes, signature, wire
from imageferry_emulator.incoming import Dialect, Reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imageferry_emulator.incoming import Trouble
    from imageferry_emulator.world import World

CODE = re.compile(rb"<Code>([^<]*)</Code>")
KEY = re.compile(r"q-ak=([^&]*)")


def is_signed(request: web.Request) -> bool:
    """Whether a request is signed as those to COS are, in its header or in its URL."""
    scheme = request.headers.get("Authorization", "")
    return scheme.startswith(f"{signature.ALGORITHM}=") or signature.ALGORITHM in request.rel_url.query


@dataclass(frozen=True, slots=True)
class CosIncoming:
    """A request to the object store; its body is still unread."""

    request: web.Request

    @property
    def service(self) -> str:
        """As `Incoming` says."""
        return "cos"

    @property
    def dialect(self) -> Dialect:
        """As `Incoming` says."""
        return Dialect.COS

    @property
    def action(self) -> str:
        """As `Incoming` says."""
        return f"COS:{routes.name(self.request)}"

    @property
    def params(self) -> Mapping[str, str]:
        """As `Incoming` says."""
        try:
            target = wire.target(self.request.raw_path, self.request.headers.get("Host", ""))
        except errors.CosError:
            return {}
        return {"bucket": target.bucket, "key": target.key, **dict(target.query)}

    @property
    def sender(self) -> dict[str, str]:
        """As `Incoming` says."""
        shown = KEY.search(self.request.headers.get("Authorization", ""))
        return {"accessKeyID": shown[1] if shown else self.request.rel_url.query.get("q-ak", "")}

    async def answer(self, world: World, effects: Mapping[str, dict[str, Any]]) -> Reply:
        """As `Incoming` says."""
        del effects  # nothing in the object store outlives its request
        response = await routes.handle(self.request, world)
        return Reply(response, _code(response))

    def refuse(self, trouble: Trouble) -> Reply:
        """As `Incoming` says."""
        fault = errors.Fault(trouble.status, trouble.code, trouble.message)
        response = routes.refuse(self.request, errors.CosError(fault), identity=wire.request_id())
        return Reply(response, trouble.code)


def _code(response: web.StreamResponse) -> str:
    if response.status < HTTPStatus.BAD_REQUEST:
        return ""
    body = response.body if isinstance(response, web.Response) else None
    shown = CODE.search(body) if isinstance(body, bytes) else None
    return shown[1].decode() if shown else str(response.status)

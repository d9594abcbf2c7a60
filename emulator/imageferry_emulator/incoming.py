"""What a request is to the frame, whichever service it is for: the words that `server.py`, `dispatch.py` and the services share."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp import web

    from imageferry_emulator.world import World


class Dialect(StrEnum):
    """In which form a service tells of errors; scripted faults have a status and a code for each."""

    RPC = "status and JSON or XML"
    OSS = "status and XML"
    API3 = "status 200 and JSON"
    COS = "status and XML, with the codes of COS"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer and its error code, '' for success."""

    response: web.StreamResponse
    code: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """An error that the frame itself answers with, on behalf of a scripted fault."""

    status: int
    code: str
    message: str
    headers: Mapping[str, str]


class Incoming(Protocol):
    """A request on its way to its service; `action` is what faults and gates call it."""

    @property
    def service(self) -> str:
        """`ecs`, `sts`, `ram`, `oss`, `metadata`, `cvm`, `cam`, `tencent-sts`, `cos`; where the version is unknown `rpc` or `tencent`."""

    @property
    def dialect(self) -> Dialect:
        """How its service tells of errors."""

    @property
    def action(self) -> str:
        """`ExportImage`, `OSS:HeadObject`, ..."""

    @property
    def params(self) -> Mapping[str, str]:
        """The parameters, or bucket and key."""

    @property
    def sender(self) -> dict[str, str]:
        """What the request claims about itself, unverified: accessKeyID, requestID, nonce, date."""

    async def answer(self, world: World, effects: Mapping[str, dict[str, Any]]) -> Reply:
        """Hand it to its service."""

    def refuse(self, trouble: Trouble) -> Reply:
        """Answer it with an error of its service's form."""

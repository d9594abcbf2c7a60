"""A call of the API 3.0 as the frame sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from imageferry_emulator.incoming import Dialect, Reply
from imageferry_emulator.tencent import routes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imageferry_emulator.incoming import Trouble
    from imageferry_emulator.tencent.wire import Call
    from imageferry_emulator.world import World


@dataclass(frozen=True, slots=True)
class CallIncoming:
    """A call of CVM, STS or CAM."""

    call: Call

    @property
    def service(self) -> str:
        """As `Incoming` says."""
        return routes.service_name(self.call)

    @property
    def dialect(self) -> Dialect:
        """As `Incoming` says."""
        return Dialect.API3

    @property
    def action(self) -> str:
        """As `Incoming` says."""
        return self.call.action

    @property
    def params(self) -> Mapping[str, str]:
        """As `Incoming` says; lists are flat: `ImageIds.0`."""
        return self.call.booked

    @property
    def sender(self) -> dict[str, str]:
        """As `Incoming` says."""
        return {
            "accessKeyID": self.call.secret_id,
            "requestID": self.call.request_id,
            "nonce": self.call.flat.get("Nonce", ""),
            "date": self.call.timestamp,
        }

    async def answer(self, world: World, effects: Mapping[str, dict[str, Any]]) -> Reply:
        """As `Incoming` says."""
        outcome = routes.handle(self.call, world, effects)
        return Reply(outcome.response, outcome.code)

    def refuse(self, trouble: Trouble) -> Reply:
        """As `Incoming` says."""
        outcome = routes.refuse(self.call, code=trouble.code, message=trouble.message, status=trouble.status)
        return Reply(outcome.response, outcome.code)

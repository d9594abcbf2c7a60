"""Temporary keys for a role, as far as both clouds go about it alike: the projected token, and one request on a deadline."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from imageferry.clouds.answers import Answer
from imageferry.clouds.faults import Fault, Refused
from imageferry.clouds.metadata import NoRoleError
from imageferry.clouds.provider import Exchange
from imageferry.clouds.threads import NeverBegunError, OverdueError, Threads
from imageferry.core.errors import Blocked, Failure, Transient
from imageferry.core.reasons import Reason

T = TypeVar("T")


def token(file: Path) -> str:
    """The service account token in a projected file. Raises Blocked if there is none."""
    try:
        found = file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        found = ""
    if not found:
        raise Blocked(
            Reason.CREDENTIALS_MISSING,
            f"There is no service account token at {file}: have one projected there (chart value workloadIdentity).",
        )
    return found


async def ask(
    exchange: Exchange,
    action: str,
    call: Callable[[float], T],
    *,
    region: str,
    fault: Callable[[Exception], Fault],
    judge: Callable[[str, Fault], Failure],
) -> T:
    """One call of the token service, counted as every other call of the cloud is. Raises what `judge` makes of its fault."""
    try:
        answer = await Threads(exchange.pool).ask(call, seconds=exchange.deadline_seconds)
    except (NeverBegunError, OverdueError):
        exchange.report(action, region, "Unreachable")
        raise Transient(Reason.CLOUD_UNAVAILABLE, f"The cloud gave no answer to {action} in time.") from None
    except Blocked:
        raise
    except Exception as error:  # noqa: BLE001 -- an SDK raises what it likes, and its text may hold the token
        found = fault(error)
        exchange.report(action, region, found.code if isinstance(found, Refused) else "Unreachable")
        raise judge(action, found) from None
    exchange.report(action, region, "OK")
    return answer


async def of_instance(
    exchange: Exchange, role: str, role_keys: Callable[[str, str, float], Answer], *, service: str
) -> Answer:
    """What the metadata service of a machine of `service` answers for a role; `role_keys` is given address, role and seconds.

    Raises Blocked if the machine has no such role, Transient if nobody answers.
    """
    call = Threads(exchange.pool).ask(
        lambda left: role_keys(exchange.metadata_endpoint, role, left), seconds=exchange.deadline_seconds
    )
    try:
        return await call
    except NoRoleError:
        raise Blocked(
            Reason.CREDENTIALS_MISSING,
            f"The instance has no role {role}: attach it to every node that the operator may run on.",
        ) from None
    except (OSError, NeverBegunError, OverdueError):
        raise Transient(
            Reason.CLOUD_UNAVAILABLE,
            f"The instance metadata service does not answer: the operator must run on an instance of {service} and be let "
            "through to it.",
        ) from None

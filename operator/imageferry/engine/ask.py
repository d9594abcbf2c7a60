"""One call to a cloud for one job; whether the cloud answered is remembered for the deletion bounds."""

from collections.abc import Awaitable
from typing import TypeVar

from imageferry.core.errors import Transient
from imageferry.engine.store import JobRecord

_T = TypeVar("_T")


async def ask(record: JobRecord, call: Awaitable[_T]) -> _T:
    """The call's answer. Raises what it raises."""
    try:
        answer = await call
    except Transient:
        record.memory.cloud_away = True
        raise
    record.memory.cloud_away = False
    return answer

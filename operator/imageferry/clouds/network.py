"""What every SDK's transport tells, whichever cloud it speaks to: whether a request ever left, and the cloud's clock."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from urllib3.exceptions import ConnectTimeoutError, NewConnectionError


def never_connected(error: BaseException) -> bool:
    """Whether the chain of causes ends in a connection that never came about (or a name that did not resolve).

    SDKs turn the cause into text on the way: darabonba keeps it in `inner_exception`, Tencent Cloud's and COS's keep nothing,
    but the chain of contexts remains.
    """
    return any(isinstance(link, NewConnectionError | ConnectTimeoutError) for link in chain(error))


def chain(error: BaseException) -> list[BaseException]:
    """An error and everything that led to it, each once."""
    found: dict[int, BaseException] = {}
    links: list[BaseException | None] = [error]
    while links:
        link = links.pop()
        if link is not None and id(link) not in found:
            found[id(link)] = link
            links += [getattr(link, "inner_exception", None), link.__cause__, link.__context__]
    return list(found.values())


def moment(headers: Mapping[str, str]) -> datetime | None:
    """The cloud's clock as an answer's Date header (its name in lower case) tells it; None where it does not."""
    try:
        return parsedate_to_datetime(headers.get("date", "")).astimezone(UTC)
    except (TypeError, ValueError):
        return None

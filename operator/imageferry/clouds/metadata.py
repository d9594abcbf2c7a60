"""A virtual machine's metadata service, asked over a plain connection with a time limit of our own.

The vendors' libraries cannot be pointed elsewhere, start threads of their own, or wait for an answer without end.
"""

from collections.abc import Mapping
from http.client import HTTPConnection
from typing import Any, Final

_MOST_BYTES: Final = 65536
OK: Final = 200
NOT_FOUND: Final = 404


class NoRoleError(Exception):
    """The instance has no such role."""


def request(
    connection: HTTPConnection, method: str, path: str, headers: Mapping[str, str]
) -> tuple[int, bytes, Mapping[str, Any]]:
    """Status, body and headers (their names in lower case) of one answer."""
    connection.request(method, path, headers=dict(headers))
    answer = connection.getresponse()
    return answer.status, answer.read(_MOST_BYTES), {name.lower(): value for name, value in answer.getheaders()}

"""The metadata service of an ECS instance: the keys of the role that is attached to the instance.

Asked in its hardened mode alone, with a token that a forwarded request cannot have got. The vendor's own library cannot be
pointed elsewhere (alibabacloud-credentials 1.0.12 fixes the address) and starts a thread of its own. Source:
https://www.alibabacloud.com/help/en/ecs/user-guide/view-instance-metadata
"""

import json
from http.client import HTTPConnection, HTTPException
from typing import Final
from urllib.parse import quote, urlsplit

from imageferry.clouds.answers import Answer
from imageferry.clouds.metadata import NOT_FOUND, OK, NoRoleError, request
from imageferry.clouds.network import moment

ADDRESS: Final = "http://100.100.100.200"
_TOKEN: Final = "/latest/api/token"  # noqa: S105 -- a path
_ROLE: Final = "/latest/meta-data/ram/security-credentials/"
_TOKEN_SECONDS: Final = 60


def role_keys(endpoint: str, role: str, seconds: float) -> Answer:
    """The answer for a role, with AccessKeyId, AccessKeySecret, SecurityToken and Expiration.

    Raises NoRoleError, or OSError if the service does not answer as documented.
    """
    address = urlsplit(endpoint or ADDRESS)
    try:
        return _ask(HTTPConnection(address.netloc, timeout=seconds), role)
    except (HTTPException, ValueError) as error:
        raise OSError("the metadata service gave no readable answer") from error


def _ask(connection: HTTPConnection, role: str) -> Answer:
    with_limit = {"X-aliyun-ecs-metadata-token-ttl-seconds": str(_TOKEN_SECONDS)}
    try:
        _, token, _ = request(connection, "PUT", _TOKEN, with_limit)
        proof = {"X-aliyun-ecs-metadata-token": token.decode("ascii").strip()}
        status, body, headers = request(connection, "GET", _ROLE + quote(role, safe=""), proof)
    finally:
        connection.close()
    if status == NOT_FOUND:
        raise NoRoleError
    found = json.loads(body)
    if status != OK or not isinstance(found, dict):
        raise ValueError("no keys in the answer")
    return Answer(found, moment(headers))

"""The metadata service of a CVM instance: the keys of the role that is attached to the instance.

The vendor's own library waits for it without a time limit and swallows its failures (tencentcloud-sdk-python-common 3.1.195,
`CVMRoleCredential`). Source: https://www.tencentcloud.com/document/product/213/4934
"""

import json
from http.client import HTTPConnection, HTTPException
from typing import Final
from urllib.parse import quote, urlsplit

from imageferry.clouds.answers import Answer
from imageferry.clouds.metadata import NOT_FOUND, OK, NoRoleError, request
from imageferry.clouds.network import moment

ADDRESS: Final = "http://metadata.tencentyun.com"
_ROLE: Final = "/latest/meta-data/cam/security-credentials/"


def role_keys(endpoint: str, role: str, seconds: float) -> Answer:
    """The answer for a role, with TmpSecretId, TmpSecretKey, Token and ExpiredTime.

    Raises NoRoleError, or OSError if the service does not answer as documented.
    """
    address = urlsplit(endpoint or ADDRESS)
    try:
        return _ask(HTTPConnection(address.netloc, timeout=seconds), role)
    except (HTTPException, ValueError) as error:
        raise OSError("the metadata service gave no readable answer") from error


def _ask(connection: HTTPConnection, role: str) -> Answer:
    try:
        status, body, headers = request(connection, "GET", _ROLE + quote(role, safe=""), {})
    finally:
        connection.close()
    if status == NOT_FOUND:
        raise NoRoleError
    found = json.loads(body)
    if status != OK or not isinstance(found, dict):
        raise ValueError("no keys in the answer")
    return Answer(found, moment(headers))

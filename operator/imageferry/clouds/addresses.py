"""Addresses in place of a cloud's own: none on this very machine is reached through a proxy.

Some SDKs take HTTP_PROXY and HTTPS_PROXY from the environment without a look at NO_PROXY, or with a look of their own, and none
lets a single call go around them. A loopback endpoint is therefore refused while one of them is set: its requests, and the
keys that sign them, would go to the proxy.
"""

import ipaddress
import os
from typing import Final
from urllib.parse import SplitResult, urlsplit

from imageferry.core.errors import Blocked
from imageferry.core.reasons import Reason

_PROXIES: Final = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")


def direct(endpoint: str) -> SplitResult:
    """The parts of an address. Raises Blocked for a loopback address while a proxy is set."""
    address = urlsplit(endpoint)
    if loopback(address) and any(os.environ.get(name) for name in _PROXIES):
        raise Blocked(
            Reason.CLOUD_UNAVAILABLE,
            "A loopback endpoint cannot be used while a proxy is set: start the operator without HTTP_PROXY, HTTPS_PROXY "
            "and ALL_PROXY.",
        )
    return address


def loopback(address: SplitResult) -> bool:
    """Whether an address leads to this very machine."""
    host = address.hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def beside(endpoint: str, vendor: str, usual: str) -> str:
    """Where a service is that accounts do not name: with whatever stands in for another one, or else where it always is.

    The vendor's hosts (those that end in `vendor`) serve one service each. Whatever else answers for STS, an emulator or a
    gateway, is asked for the others too: so no request for a made-up account ever goes to the real cloud.
    """
    host = urlsplit(endpoint).hostname or ""
    return endpoint if host and not host.endswith(vendor) else usual

"""Where each service is reached: the account's own endpoints in place of the cloud's, and no loopback through a proxy.

The ECS, STS and RAM SDK takes HTTP_PROXY and HTTPS_PROXY from the environment and ignores NO_PROXY, and its `no_proxy`
argument has no effect on synchronous calls (darabonba-core 1.0.9, `DaraCore.do_action`): a loopback endpoint is therefore
refused while one of them is set, as its requests would go to the proxy.
"""

import ipaddress
import os
from typing import Final
from urllib.parse import SplitResult, urlsplit

from imageferry.core.account import Endpoints
from imageferry.core.errors import Blocked
from imageferry.core.reasons import Reason

_STS: Final = "https://sts.aliyuncs.com"
_RAM: Final = "https://ram.aliyuncs.com"
_VENDOR: Final = ".aliyuncs.com"
_PROXIES: Final = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")


def sts(endpoints: Endpoints) -> str:
    """The address of STS."""
    return endpoints.sts or _STS


def ram(endpoints: Endpoints) -> str:
    """The address of RAM, which accounts do not name.

    The vendor's hosts serve one service each. Whatever else answers for STS (an emulator, a gateway) is asked for RAM too:
    so no request for a made-up account ever goes to the real cloud.
    """
    host = urlsplit(endpoints.sts).hostname or ""
    return endpoints.sts if host and not host.endswith(_VENDOR) else _RAM


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

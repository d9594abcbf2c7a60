"""Where each service is reached: the account's own endpoints in place of the cloud's.

The ECS, STS and RAM SDK takes HTTP_PROXY and HTTPS_PROXY from the environment and ignores NO_PROXY, and its `no_proxy`
argument has no effect on synchronous calls (darabonba-core 1.0.9, `DaraCore.do_action`): see clouds/addresses.py.
"""

from typing import Final

from imageferry.clouds.addresses import beside
from imageferry.core.account import Endpoints

_STS: Final = "https://sts.aliyuncs.com"
_RAM: Final = "https://ram.aliyuncs.com"
_VENDOR: Final = ".aliyuncs.com"


def sts(endpoints: Endpoints) -> str:
    """The address of STS."""
    return endpoints.sts or _STS


def ram(endpoints: Endpoints) -> str:
    """The address of RAM, which accounts do not name: that of whatever stands in for STS, or RAM's own."""
    return beside(endpoints.sts, _VENDOR, _RAM)

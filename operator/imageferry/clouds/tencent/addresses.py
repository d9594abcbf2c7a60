"""Where each service is reached: the account's own endpoints in place of the cloud's."""

from dataclasses import dataclass
from typing import Any, Final

from imageferry.clouds.addresses import beside, direct
from imageferry.core.account import Endpoints

_VENDOR: Final = ".tencentcloudapi.com"
_STORES: Final = (".myqcloud.com", ".tencentcos.cn")


@dataclass(frozen=True, slots=True)
class Address:
    """Host with port, and protocol; an empty host is that of the SDK."""

    host: str
    protocol: str


def compute(endpoints: Endpoints) -> Address:
    """The address of CVM. Raises Blocked."""
    return _address(endpoints.compute)


def sts(endpoints: Endpoints) -> Address:
    """The address of STS. Raises Blocked."""
    return _address(endpoints.sts)


def cam(endpoints: Endpoints) -> Address:
    """The address of CAM, which accounts do not name: that of whatever stands in for STS, or CAM's own. Raises Blocked."""
    return _address(beside(endpoints.sts, _VENDOR, ""))


def object_store(endpoints: Endpoints) -> dict[str, Any]:
    """The arguments of COS's configuration that say where it is. Raises Blocked.

    A bucket is known by the request's Host alone, `bucket.cos.region.myqcloud.com`. The vendor's own hosts resolve with a
    bucket's name in front; to whatever else stands in for COS requests are sent as they are, under the Host of the real one.
    """
    address = direct(endpoints.object_store)
    host = address.hostname or ""
    if not host:
        return {"Scheme": "https"}
    if host.endswith(_STORES):
        return {"Scheme": address.scheme, "Endpoint": address.netloc}
    return {"Scheme": address.scheme, "IP": f"[{host}]" if ":" in host else host, "Port": address.port}


def _address(endpoint: str) -> Address:
    address = direct(endpoint)
    return Address(address.netloc, address.scheme or "https")

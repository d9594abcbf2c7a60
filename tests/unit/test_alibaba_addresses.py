"""Each service is asked where it is, and an account with endpoints of its own never reaches the real cloud by accident."""

import pytest

from imageferry.clouds.addresses import direct
from imageferry.clouds.alibaba import addresses
from imageferry.core.account import Endpoints
from imageferry.core.errors import Blocked

RAM = {
    "no endpoints": (Endpoints(), "https://ram.aliyuncs.com"),
    "STS of a region": (Endpoints(sts="https://sts.cn-hangzhou.aliyuncs.com"), "https://ram.aliyuncs.com"),
    "STS inside a private network": (
        Endpoints(sts="https://sts-vpc.cn-hangzhou.aliyuncs.com"),
        "https://ram.aliyuncs.com",
    ),
    "an emulator": (Endpoints(sts="http://127.0.0.1:8787"), "http://127.0.0.1:8787"),
    "a gateway": (Endpoints(sts="https://gateway.example/"), "https://gateway.example/"),
    "a name that only looks like the vendor's": (
        Endpoints(sts="https://aliyuncs.com.example"),
        "https://aliyuncs.com.example",
    ),
}


@pytest.mark.parametrize(("endpoints", "expected"), RAM.values(), ids=RAM)
def test_ram_is_asked_where_sts_is_unless_that_is_the_vendors(endpoints: Endpoints, expected: str) -> None:
    """The vendor's hosts serve one service each; whatever else serves STS serves RAM."""
    assert addresses.ram(endpoints) == expected


def test_sts_has_an_address_of_its_own_or_the_clouds() -> None:
    """An account may name another, such as the one of a region."""
    assert addresses.sts(Endpoints()) == "https://sts.aliyuncs.com"
    assert (
        addresses.sts(Endpoints(sts="https://sts.eu-central-1.aliyuncs.com")) == "https://sts.eu-central-1.aliyuncs.com"
    )


LOOPBACK = {
    "http://127.0.0.1:8787": True,
    "http://127.9.9.9": True,
    "http://[::1]:8787": True,
    "http://localhost:8787": True,
    "https://ecs.cn-hangzhou.aliyuncs.com": False,
    "https://10.0.0.1": False,
    "https://localhost.example": False,
}


@pytest.mark.parametrize(("address", "expected"), LOOPBACK.items(), ids=LOOPBACK)
def test_only_a_loopback_address_is_refused_while_a_proxy_is_set(
    address: str,
    expected: bool,  # noqa: FBT001 -- the value expected
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Requests to the cloud may go through a proxy, those to this machine would be lost in it."""
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    if expected:
        with pytest.raises(Blocked):
            direct(address)
    else:
        assert direct(address).geturl() == address

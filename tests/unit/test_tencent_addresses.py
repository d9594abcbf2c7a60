"""Where Tencent Cloud's services are reached, and what happens where its SDKs are not installed."""

import sys
from collections.abc import Callable

import pytest

from imageferry.clouds import registry
from imageferry.clouds.tencent import addresses, client
from imageferry.clouds.tencent.addresses import Address
from imageferry.clouds.tencent.client import Action, Client
from imageferry.core.account import Endpoints
from imageferry.core.errors import Blocked
from imageferry.core.reasons import Reason
from imageferry.core.secret import Keys

HERE = "http://127.0.0.1:8787"
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)


def test_without_endpoints_the_sdk_finds_the_clouds_own() -> None:
    """An empty host is the SDK's."""
    assert addresses.compute(Endpoints()) == addresses.sts(Endpoints()) == addresses.cam(Endpoints())
    assert addresses.compute(Endpoints()) == Address("", "https")
    assert addresses.object_store(Endpoints()) == {"Scheme": "https"}


def test_an_endpoint_stands_in_for_the_clouds_own() -> None:
    """With its protocol and port; whatever answers for STS is asked for CAM too."""
    here = Endpoints(compute=HERE, object_store=HERE, sts=HERE)
    assert addresses.compute(here) == addresses.cam(here) == Address("127.0.0.1:8787", "http")
    assert addresses.object_store(here) == {"Scheme": "http", "IP": "127.0.0.1", "Port": 8787}


def test_the_vendors_own_hosts_serve_one_service_each() -> None:
    """A regional STS is not asked for CAM; a regional COS is given the bucket in front of its name."""
    theirs = Endpoints(
        sts="https://sts.ap-guangzhou.tencentcloudapi.com", object_store="https://cos.ap-guangzhou.myqcloud.com"
    )
    assert addresses.cam(theirs) == Address("", "https")
    assert addresses.object_store(theirs) == {"Scheme": "https", "Endpoint": "cos.ap-guangzhou.myqcloud.com"}


@pytest.mark.parametrize("proxy", PROXIES)
def test_no_key_for_a_loopback_endpoint_goes_to_a_proxy(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    """The SDK takes NO_PROXY for a text to look for the address in."""
    monkeypatch.setenv(proxy, "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "localhost")
    for ask in (addresses.compute, addresses.sts, addresses.cam, addresses.object_store):
        with pytest.raises(Blocked) as refused:
            ask(Endpoints(compute=HERE, object_store=HERE, sts=HERE))
        assert refused.value.reason is Reason.CLOUD_UNAVAILABLE


def test_the_registry_knows_both_clouds() -> None:
    """Each with the functions that obtain keys and that connect."""
    assert set(registry.CLOUDS) == {"Alibaba", "Tencent"}
    for name in registry.CLOUDS:
        assert registry.connector(name) is not None
        assert registry.obtainer(name) is not None
    assert registry.connector("Nobody") is None


Ask = Callable[[Client], object]

ASKS: dict[str, Ask] = {
    "tencentcloud": lambda cloud: cloud.cvm(Action.DESCRIBE_REGIONS, {}, 1.0),
    "qcloud_cos": lambda cloud: cloud.bucket("b-1250000000", 1.0),
}


@pytest.mark.parametrize(("package", "ask"), ASKS.items(), ids=ASKS)
def test_an_installation_without_the_sdks_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, package: str, ask: Ask
) -> None:
    """They are an extra: an installation for Alibaba Cloud alone has neither."""
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    client._sdk.cache_clear()
    cloud = Client(Keys(key_id="AKIDabc", secret="secret"), Endpoints(compute=HERE, object_store=HERE), "ap-guangzhou")
    try:
        with pytest.raises(Blocked, match=r"imageferry\[tencent\]") as refused:
            ask(cloud)
    finally:
        client._sdk.cache_clear()
    assert refused.value.reason is Reason.NOT_YET_SUPPORTED

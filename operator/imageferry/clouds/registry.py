"""Which clouds there are: the provider names of the CRD, each with the function that connects to it.

A cloud's module is imported on first use: an installation pays only for the SDKs of the clouds it talks to.
"""

from importlib import import_module
from typing import Final, cast

from imageferry.clouds.provider import Connect

CLOUDS: Final = {
    "Alibaba": "imageferry.clouds.alibaba.provider:connect",
}
"""The name in spec.provider -> "module:function"."""


def connector(name: str) -> Connect | None:
    """The function that connects to the cloud `name`, or None if this release does not know it."""
    if name not in CLOUDS:
        return None
    module, _, function = CLOUDS[name].partition(":")
    return cast("Connect", getattr(import_module(module), function))

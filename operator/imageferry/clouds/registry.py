"""Which clouds there are: the provider names of the CRD, each with the functions that obtain keys and that connect.

A cloud's modules are imported on first use: an installation pays only for the SDKs of the clouds it talks to.
"""

from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final, cast

from imageferry.clouds.provider import Connect, Obtain


@dataclass(frozen=True, slots=True)
class Cloud:
    """A cloud's two functions, each as "module:function"."""

    connect: str
    obtain: str


CLOUDS: Final = {
    "Alibaba": Cloud(
        connect="imageferry.clouds.alibaba.provider:connect", obtain="imageferry.clouds.alibaba.identity:obtain"
    ),
    "Tencent": Cloud(
        connect="imageferry.clouds.tencent.provider:connect", obtain="imageferry.clouds.tencent.identity:obtain"
    ),
}
"""By the name in spec.provider."""


def connector(name: str) -> Connect | None:
    """The function that connects to the cloud `name`, or None if this release does not know it."""
    return cast("Connect", _function(CLOUDS[name].connect)) if name in CLOUDS else None


def obtainer(name: str) -> Obtain | None:
    """The function that obtains temporary keys from the cloud `name`, or None if this release does not know it."""
    return cast("Obtain", _function(CLOUDS[name].obtain)) if name in CLOUDS else None


def _function(path: str) -> Any:  # noqa: ANN401 -- what the table names
    module, _, function = path.partition(":")
    return getattr(import_module(module), function)

"""The parameters of ImportImage: read, and held against the documents. What they name is looked for elsewhere.

https://www.tencentcloud.com/document/product/213/33270
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from imageferry_emulator.cvm import errors, systems
from imageferry_emulator.tencent.errors import INVALID_PARAMETER_VALUE, RefusedError

if TYPE_CHECKING:
    from imageferry_emulator.cvm.systems import System
    from imageferry_emulator.tencent.actions import Asked, Request

NAMES = (
    "Architecture",
    "OsType",
    "OsVersion",
    "ImageUrl",
    "ImageName",
    "ImageDescription",
    "DryRun",
    "Force",
    "TagSpecification",
    "LicenseType",
    "BootMode",
    "ImageFamily",
    "ImportImageDataDiskList",
)
BOOT_MODES = ("Legacy BIOS", "UEFI")
LICENSES = ("TencentCloud", "BYOL")
FAMILY = re.compile(r"[A-Za-z][\w.-]{0,62}", re.ASCII)
MOST_NAME, MOST_DESCRIPTION = 60, 256
MOST_DATA_DISKS = 5


@dataclass(frozen=True, slots=True)
class Wish:
    """A well-formed wish for an import; the first URL is that of the system disk."""

    architecture: str
    system: System
    os_version: str
    urls: tuple[str, ...]
    name: str
    description: str
    family: str
    license_type: str
    force: bool
    tags: dict[str, str]


def read(request: Request) -> Wish:
    """The wish of a request. Raises RefusedError."""
    mandatory = {name: request.need(name) for name in ("Architecture", "OsType", "OsVersion", "ImageUrl", "ImageName")}
    data_disks = [disk.need("ImageUrl") for disk in request.items("ImportImageDataDiskList")]
    if len(data_disks) > MOST_DATA_DISKS:
        raise RefusedError(errors.TOO_MANY, "ImportImageDataDiskList")
    if request.text("BootMode", BOOT_MODES[0]) not in BOOT_MODES:
        raise RefusedError(errors.BOOT_MODE)
    return Wish(
        architecture=_architecture(mandatory["Architecture"]),
        system=_system(mandatory),
        os_version=mandatory["OsVersion"],
        urls=(mandatory["ImageUrl"], *data_disks),
        name=name(request),
        description=description(request),
        family=family(request),
        license_type=_license(request),
        force=request.flag("Force"),
        tags=_tags(request),
    )


def name(request: Asked) -> str:
    """ImageName, '' if it is not given. Raises RefusedError."""
    return _short(request, "ImageName", MOST_NAME)


def description(request: Asked) -> str:
    """ImageDescription, '' if it is not given. Raises RefusedError."""
    return _short(request, "ImageDescription", MOST_DESCRIPTION)


def family(request: Asked) -> str:
    """ImageFamily, '' if it is not given. Raises RefusedError."""
    found = request.text("ImageFamily")
    if found and not FAMILY.fullmatch(found):
        raise RefusedError(errors.FAMILY)
    return found


def _short(request: Asked, parameter: str, most: int) -> str:
    found = request.text(parameter)
    if len(found) > most:
        raise RefusedError(errors.TOO_LONG, parameter)
    return found


def _architecture(given: str) -> str:
    if given not in systems.ARCHITECTURES:
        raise RefusedError(INVALID_PARAMETER_VALUE, "Architecture")
    return given


def _system(given: dict[str, str]) -> System:
    found = systems.find(given["OsType"])
    if found is None:
        raise RefusedError(errors.OS_TYPE)
    if given["OsVersion"] not in found.versions or given["Architecture"] not in found.architectures:
        raise RefusedError(errors.OS_VERSION)
    return found


def _license(request: Request) -> str:
    found = request.text("LicenseType", LICENSES[0])
    if found not in LICENSES:
        raise RefusedError(errors.LICENSE)
    return found


def _tags(request: Request) -> dict[str, str]:
    specifications = request.items("TagSpecification")
    if any(each.need("ResourceType") != "image" for each in specifications):
        raise RefusedError(INVALID_PARAMETER_VALUE, "TagSpecification.ResourceType")
    pairs = [(tag.need("Key"), tag.text("Value")) for each in specifications for tag in each.items("Tags")]
    if len(dict(pairs)) < len(pairs):
        raise RefusedError(errors.TAGS_TWICE)
    return dict(pairs)

"""The parameters of ImportImage: each read, held against what its description allows, and refused with its own code.

Nothing here looks at the world; what the account has and what is in the buckets is asked in imports.py.
https://www.alibabacloud.com/help/en/ecs/developer-reference/api-ecs-2014-05-26-importimage
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from imageferry_emulator.ecs import errors, tags
from imageferry_emulator.oss.models import names_bucket, names_object
from imageferry_emulator.rpc.errors import INVALID_PARAMETER, MISSING_PARAMETER, RefusedError

if TYPE_CHECKING:
    from imageferry_emulator.rpc.actions import Request
    from imageferry_emulator.rpc.errors import Refusal

MOST_DISKS = 17
MOST_GIB = 2048
FORMATS = ("raw", "vhd", "qcow2", "vmdk")
_ARM = "arm64"
_ARCHITECTURES = ("x86_64", "i386", _ARM)
_SYSTEMS = ("linux", "windows")
_WINDOWS = "windows"
_OTHER_WINDOWS = "Other Windows"
_PLATFORMS = frozenset(
    (
        *(
            "Aliyun",
            "Anolis",
            "CentOS",
            "Ubuntu",
            "CoreOS",
            "SUSE",
            "Debian",
            "OpenSUSE",
            "FreeBSD",
            "RedHat",
            "Kylin",
            "UOS",
        ),
        *(
            "Fedora",
            "Fedora CoreOS",
            "CentOS Stream",
            "AlmaLinux",
            "Rocky Linux",
            "Gentoo",
            "Customized Linux",
            "Others Linux",
        ),
        *(f"Windows Server {year}" for year in (2003, 2008, 2012, 2016, 2019, 2022)),
        _OTHER_WINDOWS,
    )
)
_BOOT_MODES = ("BIOS", "UEFI")
_BYOL = "BYOL"
_LICENSES = ("Auto", "Aliyun", _BYOL)  # Auto: the default until 2025, still sent by clients of that time
_NVME = ("unsupported", "supported")
_IMDS = ("v1", "v2")
_NAME = re.compile(r"[^\W\d_][\w.:-]{1,127}")
_NEVER_AT_START = ("aliyun", "acs:")
_LINKS = ("http://", "https://")
_DESCRIPTION = range(2, 257)
_DEVICE = re.compile(r"/dev/xvd[a-z]{1,2}")


@dataclass(frozen=True, slots=True)
class DiskWish:
    """A disk that is asked for: its file, the format in lower case ('' if it is to be found out), GiB and device if given."""

    bucket: str
    key: str
    format: str
    size_gib: int | None
    device: str


@dataclass(frozen=True, slots=True)
class Wish:
    """An image that is asked for; the name is '' if none was given."""

    name: str
    description: str
    architecture: str
    os_type: str
    platform: str
    boot_mode: str
    license_type: str
    nvme: str
    imds: str
    resource_group: str
    tags: dict[str, str]
    disks: tuple[DiskWish, ...]


def read(request: Request) -> Wish:
    """What the request asks for. Raises RefusedError with the code of the first parameter that is wrong, in this order."""
    disks = _disks(request)
    name, description = _name(request), _description(request)
    architecture = _one_of(request, "Architecture", _ARCHITECTURES, errors.ARCHITECTURE)
    os_type = _one_of(request, "OSType", _SYSTEMS, errors.OS_TYPE)
    platform = request.text("Platform", "Others Linux")
    if platform not in _PLATFORMS:
        raise RefusedError(errors.PLATFORM)
    if architecture == _ARM and _is_windows(os_type, platform):
        raise RefusedError(errors.ARCHITECTURE_OF_PLATFORM)
    if request.text("StorageLocationArn"):
        raise RefusedError(errors.CLOUD_BOX)
    _check_detection(request, os_type, platform)
    return Wish(
        name=name,
        description=description,
        architecture=architecture,
        os_type=os_type,
        platform=platform,
        boot_mode=_boot_mode(request, architecture),
        license_type=_license(request, os_type, platform),
        nvme=_nvme(request),
        imds=_one_of(request, "Features.ImdsSupport", _IMDS, errors.IMDS),
        resource_group=request.text("ResourceGroupId"),
        tags=tags.given(request, twice=errors.TAG_TWICE_ON_IMPORT),
        disks=disks,
    )


def _disks(request: Request) -> tuple[DiskWish, ...]:
    """The disks up to the first number that is not there; the first is the system disk."""
    found: list[DiskWish] = []
    given = [name for name, value in request.params.items() if value]
    while len(found) < MOST_DISKS and any(name.startswith(_of_disk(len(found))) for name in given):
        found.append(_disk(request, len(found)))
    if not found:
        raise RefusedError(errors.DISKS_MISSING)
    return tuple(found)


def _disk(request: Request, index: int) -> DiskWish:
    at = _of_disk(index)
    for name in (f"{at}OSSBucket", f"{at}OSSObject"):
        if not request.text(name):
            raise RefusedError(MISSING_PARAMETER, name)
    bucket, key = request.text(f"{at}OSSBucket"), request.text(f"{at}OSSObject")
    if not names_bucket(bucket):
        raise RefusedError(errors.BUCKET_MALFORMED)
    if not names_object(key):
        raise RefusedError(errors.OBJECT_MALFORMED)
    image_format = request.text(f"{at}Format").lower()
    if image_format and image_format not in FORMATS:
        raise RefusedError(errors.FORMAT_MALFORMED)
    device = request.text(f"{at}Device", f"/dev/xvd{chr(ord('a') + index)}")
    if not _DEVICE.fullmatch(device):
        raise RefusedError(errors.DEVICE)
    return DiskWish(bucket, key, image_format, _size(request, index), device)


def _size(request: Request, index: int) -> int | None:
    """GiB; the older of the two names counts where the newer one is not given."""
    at = _of_disk(index)
    shown = request.text(f"{at}DiskImageSize") or request.text(f"{at}DiskImSize")
    if not shown:
        return None
    if not shown.isdecimal() or not 1 <= int(shown) <= MOST_GIB:
        if index:
            raise RefusedError(errors.DATA_DISK_SIZE)
        raise RefusedError(errors.IMAGE_SIZE, f"the system disk is to be 1 to {MOST_GIB} GiB")
    return int(shown)


def _of_disk(index: int) -> str:
    return f"DiskDeviceMapping.{index + 1}."


def _name(request: Request) -> str:
    name = request.text("ImageName")
    if name and (not _NAME.fullmatch(name) or name.startswith(_NEVER_AT_START)):
        raise RefusedError(errors.NAME)
    return name


def _description(request: Request) -> str:
    description = request.text("Description")
    if description and (len(description) not in _DESCRIPTION or description.startswith(_LINKS)):
        raise RefusedError(errors.DESCRIPTION)
    return description


def _boot_mode(request: Request, architecture: str) -> str:
    modes = _BOOT_MODES if architecture != _ARM else _BOOT_MODES[::-1]
    mode = _one_of(request, "BootMode", modes, errors.BOOT_MODE)
    if architecture == _ARM and mode != modes[0]:
        raise RefusedError(errors.BOOT_MODE_OF_ARCHITECTURE)
    return mode


def _license(request: Request, os_type: str, platform: str) -> str:
    given = request.text("LicenseType")
    if (given and given not in _LICENSES) or (os_type == _WINDOWS and not given):
        raise RefusedError(errors.LICENSE)
    if platform == _OTHER_WINDOWS and given != _BYOL:
        raise RefusedError(errors.LICENSE_BYOL)
    return given or "Aliyun"


def _check_detection(request: Request, os_type: str, platform: str) -> None:
    strategy = request.text("DetectionStrategy")
    if strategy not in ("", "Standard"):
        raise RefusedError(errors.DETECTION)
    if strategy and _is_windows(os_type, platform):
        raise RefusedError(errors.DETECTION_OF_WINDOWS)


def _nvme(request: Request) -> str:
    value = request.text("Features.NvmeSupport", _NVME[0])
    if value not in _NVME:
        raise RefusedError(INVALID_PARAMETER, "Features.NvmeSupport")
    return value


def _is_windows(os_type: str, platform: str) -> bool:
    return os_type == _WINDOWS or platform.startswith("Windows") or platform == _OTHER_WINDOWS


def _one_of(request: Request, name: str, values: tuple[str, ...], refusal: Refusal) -> str:
    """A parameter that has one of some values, the first of which is its default."""
    value = request.text(name, values[0])
    if value not in values:
        raise RefusedError(refusal)
    return value

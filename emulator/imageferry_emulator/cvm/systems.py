"""The operating systems that can be imported, as DescribeImportImageOs lists them.

https://www.tencentcloud.com/document/product/213/33271 has the form of the list. What is on the vendor's own changes; this one is
the emulator's.
"""

from __future__ import annotations

from dataclasses import dataclass

X86, I386, ARM = "x86_64", "i386", "arm_64"
ARCHITECTURES = (X86, I386, ARM)
_INTEL = (X86, I386)


@dataclass(frozen=True, slots=True)
class System:
    """An operating system: its versions, and the architectures on which it is taken."""

    name: str
    versions: tuple[str, ...]
    architectures: tuple[str, ...]


LINUX = (
    System("CentOS", ("6", "7", "8"), _INTEL),
    System("CentOS Stream", ("8", "9"), (X86, ARM)),
    System("Debian", ("9", "10", "11", "12"), ARCHITECTURES),
    System("FreeBSD", ("12", "13"), (X86,)),
    System("OpenSUSE", ("42", "15"), (X86,)),
    System("SUSE", ("12", "15"), (X86,)),
    System("TencentOS", ("2", "3", "4"), (X86, ARM)),
    System("Ubuntu", ("16", "18", "20", "22", "24"), ARCHITECTURES),
    System("Other Linux", ("-",), ARCHITECTURES),
)
WINDOWS = (System("Windows", ("2012", "2016", "2019", "2022"), (X86,)),)


def find(name: str) -> System | None:
    """The system of that name, or None."""
    return next((system for system in (*LINUX, *WINDOWS) if system.name == name), None)

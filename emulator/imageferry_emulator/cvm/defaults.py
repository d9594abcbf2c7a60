"""The images of Tencent Cloud's default seed: plain ones, and one for each rule that exports are refused by.

Only seed values; what they mean is decided in exports.py and images.py.
"""

from __future__ import annotations

from typing import Any

VENDOR = "100000000000"
"""The vendor's own account, which owns the public images."""
PLAIN_IMAGES = 12


def images(owner: str, other: str, region: str, elsewhere: str) -> list[dict[str, Any]]:
    """Images of the first account and its neighbour, in two regions."""

    def image(known_as: str, mark: str, **rest: Any) -> dict[str, Any]:  # noqa: ANN401 (any JSON value)
        name = f"{known_as.lower()}-image"
        return {"as": known_as, "id": f"img-{mark:0>8}", "region": region, "account": owner, "name": name, **rest}

    return [
        image("plain", "plain001"),
        *(image(f"plain{n}", f"plain{n:03}") for n in range(2, PLAIN_IMAGES + 1)),
        image("dataDisks", "twodata1", disks=_disks(2)),
        image("encrypted", "encrypt1", disks=[{"encrypted": True}]),
        image("windows", "windows1", platform="Windows", osName="Windows Server 2022 64bit"),
        image("redhat", "redhat01", platform="RedHat", osName="Red Hat Enterprise Linux 9 64bit"),
        image("market", "market01", ofMarket=True),
        image("tooLarge", "toolarge", disks=[{}, {"sizeGiB": 501}]),
        image("tooManyDisks", "manydata", disks=_disks(6)),
        image("busy", "busy0001", busy=True),
        image("creating", "creating", state="CREATING"),
        image("syncing", "syncing1", state="SYNCING"),
        image("createFailed", "failed01", state="CREATEFAILED"),
        image("singapore", "singap01", region=elsewhere),
        image("foreign", "foreign1", account=other),
        image("sharedOut", "shareout", sharedWith=[other]),
        image("shared", "sharedin", account=other, sharedWith=[owner]),
        image("public", "public01", account=VENDOR, public=True, source="OFFICIAL"),
    ]


def _disks(data: int) -> list[dict[str, Any]]:
    return [{}, *({"sizeGiB": 100} for _ in range(data))]

"""One emulator for many tests: each is given an account and a bucket of its own, and settings as they were at the start."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.emulator_process import EmulatorProcess

HANGZHOU, FRANKFURT = "cn-hangzhou", "eu-central-1"


class Tenants:
    """Gives out accounts of an emulator that runs."""

    def __init__(self, emulator: EmulatorProcess) -> None:
        self._emulator = emulator
        self._settings = emulator.admin("GET", "/settings")
        self._given = 0

    def another(self) -> EmulatorProcess:
        """The emulator with a new account as its first one; tests that share it do not see each other's images and tasks."""
        self._given += 1
        self._emulator.admin("POST", "/settings", self._settings)
        self._emulator.admin("DELETE", "/faults")
        account = f"2{self._given:015}"
        key = {"id": f"LTAI-FAKE-TENANT-{self._given}", "secret": "fake-secret-of-a-tenant"}
        self._emulator.admin("POST", "/accounts", {"id": account, "keys": [key], **self._grants(account)})
        tenant = copy.copy(self._emulator)
        tenant.info = {
            **self._emulator.info,
            "accountID": account,
            "accessKeyID": key["id"],
            "accessKeySecret": key["secret"],
            "buckets": {
                "good": self._bucket(account, HANGZHOU),
                "otherRegion": self._bucket(account, FRANKFURT),
            },
            "images": {"plain": self._image(account)},
        }
        return tenant

    def _grants(self, account: str) -> dict[str, Any]:
        """What the seed grants its first account, without what names that account."""
        shown = self._emulator.admin("GET", "/state")
        first = self._emulator.info["accountID"]
        granted = dict(shown["access"][first])
        granted["roles"] = [role for role in granted["roles"] if isinstance(role, str) or first not in str(role)]
        (seeded,) = [each for each in shown["accounts"] if each["id"] == first]
        return {**granted, "resourceGroups": seeded["resourceGroups"], "id": account}

    def _bucket(self, account: str, region: str) -> str:
        name = f"tenant-{self._given}-{region}"
        self._emulator.admin("POST", "/buckets", {"name": name, "region": region, "account": account})
        return name

    def _image(self, account: str) -> str:
        image = {"id": f"m-tenant{self._given:014}", "region": HANGZHOU, "account": account, "name": "plain-image"}
        return str(self._emulator.admin("POST", "/images", image)["id"])

"""What the tests of `imageferry check` share: the command as a process, its findings, objects in files, and a cloud to ask."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tests.emulator_process import EmulatorProcess, environment_without_proxy

TENANT = "1000000000000003"
KEY, LIMITED_KEY = "LTAI-CHECK", "LTAI-LIMITED"
CANARY = "canary-Secret-0123456789"

Manifest = dict[str, Any]


@dataclass(frozen=True)
class Told:
    """What one check said: its exit status, its findings, and all it wrote."""

    status: int
    findings: list[dict[str, str]]
    written: str

    @classmethod
    def of(cls, done: subprocess.CompletedProcess[str]) -> Self:
        """What a process wrote as JSON lines."""
        findings = [json.loads(line) for line in done.stdout.splitlines()]
        assert findings, done.stderr
        return cls(done.returncode, findings, done.stdout + done.stderr)

    def about(self, title: str, subject: str) -> dict[str, str]:
        """The one finding about a subject."""
        (found,) = [each for each in self.findings if each["object"] == title and each["subject"] == subject]
        return found

    def missing(self) -> set[tuple[str, str]]:
        """Object and subject of what is missing."""
        return {(each["object"], each["subject"]) for each in self.findings if each["verdict"] == "missing"}


def check(*args: str, input_text: str = "") -> subprocess.CompletedProcess[str]:
    """The command, as a process of its own."""
    command = [sys.executable, "-m", "imageferry", "check", *args]
    environment = {name: value for name, value in environment_without_proxy().items() if name != "KUBECONFIG"}
    return subprocess.run(
        command, env=environment, input=input_text, capture_output=True, text=True, timeout=120, check=False
    )


def told(*args: str, documents: list[Manifest]) -> Told:
    """A check of objects that stand in a file (here the standard input), its findings as JSON lines."""
    return Told.of(
        check("-f", "-", "--output", "json", *args, input_text=json.dumps({"kind": "List", "items": documents}))
    )


def objects(emulator: EmulatorProcess, key_id: str, *jobs: Manifest) -> list[Manifest]:
    """A CloudAccount with its Secret, and what uses it."""
    endpoints = dict.fromkeys(("compute", "objectStore", "sts"), emulator.endpoint)
    account = {
        "kind": "CloudAccount",
        "metadata": {"name": "prod"},
        "spec": {
            "provider": "Alibaba",
            "region": "cn-hangzhou",
            "credentials": {"secretRef": {"name": "key"}},
            "allowedNamespaces": {"from": "All"},
            "endpoints": endpoints,
        },
    }
    key = {"accessKeyID": key_id, "accessKeySecret": CANARY}
    return [account, {"kind": "Secret", "metadata": {"name": "key"}, "stringData": key}, *jobs]


def wish(name: str, image: str, bucket: str, **spec: Any) -> Manifest:  # noqa: ANN401 -- fields of the spec
    """An ImageExport in the namespace `images`."""
    usual = {
        "accountRef": {"name": "prod"},
        "source": {"imageID": image},
        "destination": {"bucket": bucket, "prefix": "web"},
    }
    return {"kind": "ImageExport", "metadata": {"name": name, "namespace": "images"}, "spec": usual | spec}


def import_wish(name: str, bucket: str, *keys: str, **spec: Any) -> Manifest:  # noqa: ANN401 -- fields of the spec
    """An ImageImport of files into an image of the same name, in the namespace `images`."""
    disks = [{"bucket": bucket, "key": key} for key in keys]
    usual = {"accountRef": {"name": "prod"}, "source": {"disks": disks}, "image": {"name": name}}
    return {"kind": "ImageImport", "metadata": {"name": name, "namespace": "images"}, "spec": usual | spec}


@contextmanager
def cloud(folder: Path) -> Iterator[EmulatorProcess]:
    """A cloud whose first account has a key with the canary."""
    running = EmulatorProcess(folder / "state", "--speed", "1")
    try:
        running.start()
        owner = running.info["accountID"]
        running.admin("POST", "/accounts", {"id": owner, "keys": [{"id": KEY, "secret": CANARY}]})
        yield running
    finally:
        running.stop()


def everything_left_as_it_was(emulator: EmulatorProcess, before: list[Manifest]) -> bool:
    """The ledger has not grown, and every export and import that was asked for was a dry run."""
    asked = [each for each in emulator.admin("GET", "/requests")["requests"] if each["accessKeyID"] == KEY]
    tries = [each["params"] for each in asked if each["action"] in ("ExportImage", "ImportImage")]
    same: bool = emulator.admin("GET", "/ledger")["entries"] == before
    return same and bool(tries) and all(each.get("DryRun") == "true" for each in tries)


def allow(action: str) -> Manifest:
    """A statement that allows one action."""
    return {"Effect": "Allow", "Action": action, "Resource": "*"}


def attach(emulator: EmulatorProcess, document: Manifest) -> None:
    """Give the tenant's limited key a policy in place of the one before."""
    key = {"id": LIMITED_KEY, "secret": CANARY, "user": "ferry", "policies": ["ferry"]}
    emulator.admin(
        "POST", "/accounts", {"id": TENANT, "keys": [key], "policies": [{"name": "ferry", "document": document}]}
    )

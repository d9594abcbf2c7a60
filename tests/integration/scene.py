"""A stage on which many exports run side by side, each told apart by its own image and its own file prefix.

So one operator and one emulator serve a whole module, and no test waits while another one could.
"""

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from controlplane import ControlPlane
from tests.stage import ACCOUNT, OPERATOR_NAMESPACE, SECRET, Manifest, Stage, reason

SPEED: Final = 60
KEY_LENGTH: Final = 13
HANGZHOU, FRANKFURT = "cn-hangzhou", "eu-central-1"
RETRY, CANCEL = "imageferry.dev/retry-requested-at", "imageferry.dev/cancel-requested-at"
PLENTY: Final = {"concurrent": 60, "weekly": 1000}

Seen = dict[str, Manifest]


class Scene:
    """A stage with images made to measure. An export's name without dashes is the prefix of its files."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.emulator = stage.emulator
        self.emulator.admin("POST", "/settings", {"quota": PLENTY})

    # Setting the scene

    def image(self, name: str, *, disks: int = 1, seconds: float = 0.5, region: str = HANGZHOU) -> str:
        """A new image with that many disks, each exported in `seconds` real seconds; its id."""
        image = {
            "id": f"m-{_plain(name)}",
            "region": region,
            "account": self.emulator.info["accountID"],
            "name": f"{name}-image",
            "waitingSeconds": 0.2 * SPEED,
            "secondsPerDisk": seconds * SPEED,
            "disks": [{"sizeGiB": 20, "bytes": 65536} for _ in range(disks)],
        }
        return str(self.emulator.admin("POST", "/images", image)["id"])

    def fault(self, name: str, fault: str, **options: Any) -> None:  # noqa: ANN401 -- a fault's options
        """Script a fault for the submission of that export."""
        wish = {"fault": fault, "action": "ExportImage", "params": {"ImageId": f"m-{_plain(name)}"}}
        self.emulator.admin("POST", "/faults", wish | options)

    def export(
        self,
        name: str,
        *,
        disks: int = 1,
        seconds: float = 0.5,
        region: str = HANGZHOU,
        image: str = "",
        **spec: Any,  # noqa: ANN401 -- fields of the spec
    ) -> str:
        """Apply an export of an image of its own (or of `image`); its uid."""
        image = image or self.image(name, disks=disks, seconds=seconds, region=region)
        buckets = self.emulator.info["buckets"]
        bucket = buckets["good"] if region == HANGZHOU else buckets["otherRegion"]
        usual = {"destination": {"bucket": bucket, "prefix": _plain(name)}, "region": region}
        return self.stage.export(name, image, **(usual | spec))

    def request(self, name: str, annotation: str, value: str = "2026-01-01T00:00:00Z") -> None:
        """Ask for a cancel or a retry."""
        self.stage.annotate(name, annotation, value)

    def delete(self, *names: str) -> None:
        """Ask for the exports' deletion, and do not wait."""
        self._kubectl("delete", "imageexport", *names, "--wait=false")

    def write_status(self, name: str, path: str, value: object) -> None:
        """Put a value into the export's status, as a person with the right to do so would."""
        operation = {"op": "replace", "path": f"/status{path}", "value": value}
        self._kubectl(
            "patch", "imageexport", name, "--subresource=status", "--type=json", "-p", json.dumps([operation])
        )

    def wipe(self, name: str) -> None:
        """Make the export's status what it was at birth."""
        self.write_status(name, "", {"observedGeneration": -1})

    # Looking

    def all(self) -> Seen:
        """Every export of the namespace, by name."""
        items = json.loads(self._kubectl("get", "imageexport", "-o", "json"))["items"]
        return {item["metadata"]["name"]: item for item in items}

    def until_all(self, holds: Callable[[Seen], bool], what: str, seconds: float = 60.0) -> Seen:
        """All exports, once the predicate holds for them; an AssertionError with their statuses otherwise."""
        deadline = time.monotonic() + seconds
        while not holds(seen := self.all()):
            if time.monotonic() > deadline:
                raise AssertionError(f"not reached in {seconds} s: {what}\n{_told(seen)}\n{self._logs()}")
            time.sleep(0.2)
        return seen

    def until_reason(self, seconds: float = 60.0, /, **reasons: str) -> Seen:
        """All exports, once each of the named (a_b for a-b) shows its reason at Ready."""
        wanted = {name.replace("_", "-"): wish for name, wish in reasons.items()}
        return self.until_all(
            lambda seen: all(name in seen and reason(seen[name]) == wish for name, wish in wanted.items()),
            f"the reasons {wanted}",
            seconds,
        )

    def until_gone(self, *names: str, seconds: float = 60.0) -> None:
        """Wait until the exports are no more."""
        self.until_all(lambda seen: not set(names) & set(seen), f"{', '.join(names)} gone", seconds)

    def submissions(self, name: str) -> list[Manifest]:
        """The export's submissions that the cloud accepted, oldest first."""
        return [entry for entry in self.stage.submissions() if _bears(entry["params"]["OSSPrefix"], name)]

    def asked(self, name: str) -> list[Manifest]:
        """The export's submissions that reached the cloud, accepted or not, oldest first."""
        requests = self.emulator.admin("GET", "/requests")["requests"]
        return [
            each
            for each in requests
            if each["action"] == "ExportImage" and _bears(each["params"].get("OSSPrefix", ""), name)
        ]

    def written(self, name: str) -> list[Manifest]:
        """Every status that was written for the export, oldest first."""
        path = f"/namespaces/{self.stage.namespace}/imageexports/{name}/status"
        passed = [request for request, code in list(self.stage.tap.requests) if code == HTTPStatus.OK]
        return [request.written_status for request in passed if request.path.endswith(path) and request.written_status]

    def log_lines(self) -> list[Manifest]:
        """What the operators of the stage logged, line by line."""
        lines = [line for operator in self.stage.operators for line in operator.log().splitlines()]
        return [json.loads(line) for line in lines if line.startswith("{")]

    def tasks(self, name: str) -> list[Manifest]:
        """The cloud's tasks that were started for the export, newest first."""
        ids = {entry["result"]["TaskId"] for entry in self.submissions(name)}
        return [task for task in self.emulator.admin("GET", "/tasks")["tasks"] if task["id"] in ids]

    def runs(self, name: str) -> bool:
        """Whether a task of the export has not ended."""
        return any(task["status"] in ("Waiting", "Processing") for task in self.tasks(name))

    def files(self, name: str) -> dict[str, int]:
        """The sizes of all files in all buckets that bear one of the export's keys, by their names."""
        buckets = self.emulator.admin("GET", "/state")["buckets"]
        return {
            file["key"]: file["size"]
            for bucket in buckets
            for file in bucket["objects"]
            if _bears(file["key"].partition("_")[0], name)
        }

    def _kubectl(self, *args: str) -> str:
        return self.stage.plane.kubectl_run(*args, "-n", self.stage.namespace)

    def _logs(self) -> str:
        return "\n".join(operator.log()[-8000:] for operator in self.stage.operators)

    # The account

    def other_accounts(self, specs: dict[str, Manifest]) -> None:
        """Apply further CloudAccounts, each like the first but for these fields; they go with the stage."""
        self.stage.accounts |= specs.keys()
        kind, usual = {"apiVersion": "imageferry.dev/v1alpha1", "kind": "CloudAccount"}, self.stage.account()["spec"]
        items = [kind | {"metadata": {"name": name}, "spec": usual | spec} for name, spec in specs.items()]
        self.stage.apply({"apiVersion": "v1", "kind": "List", "items": items})

    def account(self, name: str) -> Manifest:
        """A further CloudAccount as it is now."""
        found: Manifest = json.loads(self.stage.plane.kubectl_run("get", "cloudaccount", name, "-o", "json"))
        return found

    def give_credentials(self, of: str = "") -> None:
        """Put the first account's key into the Secret, or that of the one that the start line calls `of`."""
        owner = self.emulator.info[of] if of else self.emulator.info
        self.stage.write_secret(owner["accessKeyID"], owner["accessKeySecret"])

    def take_credentials(self) -> None:
        """Delete the Secret."""
        self.stage.plane.kubectl_run("delete", "secret", SECRET, "-n", OPERATOR_NAMESPACE)

    def delete_account(self) -> None:
        """Ask for the account's deletion, and do not wait."""
        self.stage.plane.kubectl_run("delete", "cloudaccount", ACCOUNT, "--wait=false")

    def account_exists(self) -> bool:
        """Whether the account is still there."""
        return ACCOUNT in self.stage.plane.kubectl_run("get", "cloudaccount", "-o", "name")

    def orphans(self) -> list[Manifest]:
        """The rows of the account's orphans."""
        rows: list[Manifest] = self.stage.account().get("status", {}).get("orphans", [])
        return rows


@contextlib.contextmanager
def scene(plane: ControlPlane, folder: Path, limit: int = 50, **settings: str) -> Iterator[Scene]:
    """A stage without an operator yet; its account allows `limit` exports at one time."""
    with Stage(plane, folder, "--speed", str(SPEED), **settings) as stage:
        stage.write_account(limits={"concurrentExports": limit})
        shown = Scene(stage)
        yield shown


def one_submission(shown: Scene, name: str, done: Manifest) -> Manifest:
    """The ledger is the judge: one submission, its task and its files are the ones in the status. Returns the ledger's entry."""
    accepted = shown.submissions(name)
    assert len(accepted) == 1
    assert accepted[0]["params"]["OSSPrefix"] == done["status"]["attempt"]["objectPrefix"]
    assert accepted[0]["result"]["TaskId"] == done["status"]["task"]["id"]
    assert {item["key"]: item["sizeBytes"] for item in done["status"]["artifacts"]} == shown.files(name)
    return accepted[0]


def _plain(name: str) -> str:
    return name.replace("-", "")


def _bears(prefix: str, name: str) -> bool:
    return prefix.startswith(_plain(name)) and len(prefix) == len(_plain(name)) + KEY_LENGTH


def _told(seen: Seen) -> str:
    return "\n".join(f"{name}: {json.dumps(each.get('status'))[:1500]}" for name, each in seen.items())

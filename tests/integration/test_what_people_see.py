"""What kubectl shows of an export: columns, events, waiting, and conditions that other tools can rely on all its life."""

import json
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from controlplane import ControlPlane
from imageferry.core.conditions import FLAWS
from imageferry.core.reasons import Reason
from tests.kstatus import Status, kstatus
from tests.stage import ACCOUNT, Manifest, Stage, condition, reason

MOST_EVENTS = 8
TERMINAL_COLUMNS = 80
ALWAYS = {"Ready", "Succeeded"}
SOMETIMES = {"Reconciling", "Stalled", "Validated", "Submitted", "Verified"}
GOOD, BAD, ASKED, NEVER = "web-2026-11", "fails", "cancelled", "impossible"
ENDED = (GOOD, BAD, ASKED)


@dataclass(frozen=True)
class Show:
    """A stage after a few lives, and every version of every object that a watch has seen meanwhile."""

    stage: Stage
    versions: dict[str, list[Manifest]]
    waited: dict[str, int]


@pytest.fixture(scope="module")
def show(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Show]:
    """One that succeeds after waiting for a slot, one that fails twice, one that is cancelled, one that can never work."""
    folder = tmp_path_factory.mktemp("people")
    with Stage(plane, folder) as stage:
        stage.write_account(limits={"concurrentExports": 2})
        stage.emulator.admin("POST", "/settings", {"secondsPerDisk": 120})
        fails = {"fault": "taskFails", "action": "ExportImage", "params": {"ImageId": "m-bp1plain00000000002"}}
        stage.emulator.admin("POST", "/faults", fails | {"times": 2})
        watch = watching(stage, folder / "watched")
        stage.export(ASKED, image="plain3")
        stage.export(BAD, image="plain2", backoffLimit=1)
        stage.start_operator()
        stage.until(ASKED, lambda found: reason(found) == "Running")
        stage.export(GOOD)
        stage.export(NEVER, image="encrypted")
        waiters = [waiting(stage, name) for name in ENDED]
        stage.annotate(ASKED, "imageferry.dev/cancel-requested-at", "now")
        for name in ENDED:
            stage.until(name, lambda found: "completionTime" in found.get("status", {}))
        stage.until(NEVER, lambda found: condition(found, "Stalled") == "True")
        waited = {name: waiter.wait(30) for name, waiter in zip(ENDED, waiters, strict=True)}
        stage.until_true(lambda: len(events(stage, GOOD)) > 4, "events are written")
        watch.terminate()
        watch.wait()
        yield Show(stage, versions(folder / "watched"), waited)


def kubectl(stage: Stage, *args: str) -> list[str | Path]:
    """A kubectl command in the stage's namespace."""
    kubeconfig = f"--kubeconfig={stage.plane.admin_kubeconfig}"
    return [stage.plane.kubectl, kubeconfig, f"--namespace={stage.namespace}", *args]


def watching(stage: Stage, file: Path) -> subprocess.Popen[bytes]:
    """Kubectl, writing down every version of every export from now on."""
    with file.open("wb") as output:
        return subprocess.Popen(kubectl(stage, "get", "imgexp", "--watch", "--output=json"), stdout=output)


def waiting(stage: Stage, name: str) -> subprocess.Popen[bytes]:
    """Kubectl, waiting for the export's end, good or bad."""
    what = "--for=jsonpath={.status.completionTime}"
    return subprocess.Popen(kubectl(stage, "wait", f"imgexp/{name}", what, "--timeout=60s"), stdout=subprocess.DEVNULL)


def versions(file: Path) -> dict[str, list[Manifest]]:
    """The objects in a stream of JSON documents, by name, in their order."""
    text, decoder, found = file.read_text(), json.JSONDecoder(), dict[str, list[Manifest]]()
    while text := text.lstrip():
        manifest, end = decoder.raw_decode(text)
        found.setdefault(manifest["metadata"]["name"], []).append(manifest)
        text = text[end:]
    return found


def events(stage: Stage, name: str) -> list[Manifest]:
    """The events about an export, oldest first."""
    about = f"--field-selector=involvedObject.name={name}"
    items = json.loads(stage.plane.kubectl_run("get", "events", "-n", stage.namespace, about, "-o", "json"))["items"]
    return sorted(items, key=lambda each: int(each["metadata"]["resourceVersion"]))


def of(manifest: Manifest) -> dict[str, Any]:
    """The conditions of a version by type."""
    listed = manifest["status"].get("conditions", [])
    return {each["type"]: each for each in listed}


def table(show: Show, *options: str) -> dict[str, list[str]]:
    """The rows of `kubectl get imgexp`, split at blanks, by name; the header is among them."""
    shown = show.stage.plane.kubectl_run("get", "imgexp", "-n", show.stage.namespace, *options)
    return {line.split()[0]: line.split() for line in shown.splitlines()}


def test_a_list_fits_a_terminal_and_says_how_each_stands(show: Show) -> None:
    """Name, Ready, Reason, Progress, Age, within 80 columns."""
    shown = show.stage.plane.kubectl_run("get", "imgexp", "-n", show.stage.namespace)
    assert max(map(len, shown.splitlines())) <= TERMINAL_COLUMNS
    rows = table(show)
    assert rows.pop("NAME") == ["NAME", "READY", "REASON", "PROGRESS", "AGE"]
    assert {name: row[:3] for name, row in rows.items()} == {
        GOOD: [GOOD, "True", "Exported"],
        BAD: [BAD, "False", "TaskFailed"],
        ASKED: [ASKED, "False", "Cancelled"],
        NEVER: [NEVER, "False", "EncryptedSnapshot"],
    }


def test_a_wide_list_says_what_and_where(show: Show) -> None:
    """Image, account, region, task, bucket, attempts and the message too."""
    rows, found = table(show, "-o", "wide"), show.stage.get(GOOD)["status"]
    wide = ["IMAGE", "ACCOUNT", "REGION", "TASK", "BUCKET", "ATTEMPTS", "MESSAGE"]
    assert rows["NAME"] == ["NAME", "READY", "REASON", "PROGRESS", "AGE", *wide]
    for shown in (found["resolved"]["imageID"], ACCOUNT, "cn-hangzhou", found["task"]["id"], "ferry-good", "1"):
        assert shown in rows[GOOD]


@pytest.mark.parametrize("name", ENDED)
def test_whoever_waits_for_an_end_is_told(show: Show, name: str) -> None:
    """`kubectl wait` for the completion time returns at a good end and at a bad one."""
    assert show.waited[name] == 0


def test_whoever_waits_for_success_is_told(show: Show) -> None:
    """`kubectl wait --for=condition=Succeeded` returns at once where it is so."""
    wait = ("wait", f"imgexp/{GOOD}", "--for=condition=Succeeded", "-n", show.stage.namespace, "--timeout=5s")
    assert "condition met" in show.stage.plane.kubectl_run(*wait)


@pytest.mark.parametrize("name", [*ENDED, NEVER])
def test_events_tell_each_change_of_reason_once(show: Show, name: str) -> None:
    """A handful, in the words of the conditions, and `kubectl describe` shows them."""
    told = [each["reason"] for each in events(show.stage, name)]
    shown = [of(version)["Ready"]["reason"] for version in show.versions[name] if of(version)]
    changes = [shown[0], *(after for before, after in pairwise(shown) if before != after)]
    assert told == changes[:MOST_EVENTS]
    assert set(told) <= set(Reason)
    described = show.stage.plane.kubectl_run("describe", "imgexp", name, "-n", show.stage.namespace)
    assert [each for each in told if each not in described.split("Events:")[1]] == []


@pytest.mark.parametrize("name", [*ENDED, NEVER])
def test_conditions_keep_their_rules_all_life_long(show: Show, name: str) -> None:
    """In each version: all that must be there, one outlook, a reason of the enum, and the generation that was looked at."""
    seen = [version for version in show.versions[name] if of(version)]
    assert seen
    for version in seen:
        rows = of(version)
        assert ALWAYS <= rows.keys() <= ALWAYS | SOMETIMES
        assert {each["reason"] for each in rows.values()} <= set(Reason)
        assert {each["observedGeneration"] for each in rows.values()} == {version["status"]["observedGeneration"]}
        assert version["status"]["observedGeneration"] >= 1
        assert outlook(rows) == allowed(version)


def outlook(rows: dict[str, Any]) -> tuple[str, str, tuple[str, ...]]:
    """Ready, Succeeded, and which of Reconciling and Stalled are there."""
    shown = tuple(kind for kind in ("Reconciling", "Stalled") if kind in rows)
    assert [rows[kind]["status"] for kind in shown] == ["True"] * len(shown)
    return rows["Ready"]["status"], rows["Succeeded"]["status"], shown


def allowed(version: Manifest) -> tuple[str, str, tuple[str, ...]]:
    """What the outlook has to be by the rest of the status, and what kstatus then makes of it."""
    status, rows = version["status"], of(version)
    if "completionTime" not in status:
        stuck = "Stalled" in rows
        assert kstatus(version) is (Status.FAILED if stuck else Status.IN_PROGRESS)
        assert "Verified" not in rows
        return "False", "Unknown", ("Stalled",) if stuck else ("Reconciling",)
    if "lastError" in status:
        assert kstatus(version) is Status.FAILED
        assert ("Verified" in rows) is (status["lastError"]["reason"] in FLAWS)
        return "False", "False", ("Stalled",)
    assert kstatus(version) is Status.CURRENT
    assert rows["Verified"]["status"] == rows["Submitted"]["status"] == "True"
    return "True", "True", ()


def test_conditions_appear_with_the_first_word(show: Show) -> None:
    """A version without conditions has a generation of -1, which no waiter takes for looked at; none comes later."""
    for seen in show.versions.values():
        said = [bool(of(version)) for version in seen]
        assert said == sorted(said)
        assert {version["status"]["observedGeneration"] for version in seen if not of(version)} <= {-1}


def test_a_transition_time_moves_with_its_status_only(show: Show) -> None:
    """Between neighbouring versions of each condition, the time changes if and only if the status may have."""
    compared = 0
    for seen in show.versions.values():
        for before, after in pairwise(map(of, seen)):
            for kind in before.keys() & after.keys():
                compared += 1
                if before[kind]["status"] == after[kind]["status"]:
                    assert before[kind]["lastTransitionTime"] == after[kind]["lastTransitionTime"]
    assert compared > 50


def test_progress_goes_forward(show: Show) -> None:
    """Within one attempt the percent never falls; an end is a hundred."""
    for seen in show.versions.values():
        steps = [(version["status"]["attempt"]["number"], percent(version)) for version in seen if percent(version)]
        assert all(first[1] <= then[1] for first, then in pairwise(steps) if first[0] == then[0])
    assert percent(show.stage.get(GOOD)) == 100


def percent(version: Manifest) -> int:
    """How far it is; 0 where nothing is said."""
    return int(version["status"].get("progress", {}).get("percent", 0))


@pytest.mark.parametrize("name", [*ENDED, NEVER])
def test_the_operator_owns_nothing_of_a_users_wish(show: Show, name: str) -> None:
    """It writes the status by its own subresource, and of the rest the finalizers alone."""
    written = owned(show.stage.plane.kubectl_run(*("get", "imgexp", name, "-n", show.stage.namespace, *MANAGED)))
    assert written <= {("status", "f:status"), ("", "f:metadata/f:finalizers")}
    assert ("status", "f:status") in written


def test_the_operator_owns_nothing_of_an_administrators_wish(show: Show) -> None:
    """The same for the account."""
    written = owned(show.stage.plane.kubectl_run("get", "cloudaccount", ACCOUNT, *MANAGED))
    assert written <= {("status", "f:status"), ("", "f:metadata/f:finalizers")}
    assert ("status", "f:status") in written


MANAGED: Sequence[str] = ("-o", "json", "--show-managed-fields")


def owned(shown: str) -> set[tuple[str, str]]:
    """What the operator is written down as the owner of: subresource and field, of metadata its second level."""
    found = set()
    for entry in json.loads(shown)["metadata"]["managedFields"]:
        if entry["manager"] == "imageferry":
            for field, below in entry["fieldsV1"].items():
                parts = [f"{field}/{each}" for each in below if each != "."] if field == "f:metadata" else [field]
                found |= {(entry.get("subresource", ""), part) for part in parts}
    return found

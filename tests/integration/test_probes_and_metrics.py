"""What a monitoring system reads of a running operator: probes, metrics that cannot explode, one JSON object to a line."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from controlplane import ControlPlane
from imageferry.core.reasons import Reason
from tests.operator_process import OperatorProcess
from tests.stage import Stage, reason

LANE = {"provider": "Alibaba", "account": "1000000000000001", "region": "cn-hangzhou", "kind": "ImageExport"}
ID = re.compile(r"m-[a-z0-9]{10,}|t-[a-z0-9]{10,}|[0-9a-f]{8}-[0-9a-f]{4}-|ferry-|stage-|://")
LINT_KNOWS = "promtool"

Labels = frozenset[tuple[str, str]]


@pytest.fixture(scope="module")
def stage(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One slot: an export that runs, one that waits for it; before them one that failed and one whose deletion had to delete."""
    with Stage(plane, tmp_path_factory.mktemp("probes")) as stage:
        stage.write_account(limits={"concurrentExports": 1})
        stage.start_operator()
        fails = {"fault": "taskFails", "action": "ExportImage", "params": {"ImageId": "m-bp1plain00000000002"}}
        stage.emulator.admin("POST", "/faults", fails)
        stage.export("failed", image="plain2", backoffLimit=0)
        stage.until("failed", lambda each: "completionTime" in each["status"])
        stage.export("deleted", image="plain3", deletionPolicy="Delete")
        stage.until_succeeded("deleted")
        stage.delete("deleted")
        stage.until_true(lambda: not stage.exists("deleted"), "the export and its files are gone")
        stage.emulator.admin("POST", "/settings", {"secondsPerDisk": 6_000})
        stage.export("cancelled", image="plain4")
        stage.until("cancelled", lambda each: reason(each) == "Running")
        stage.annotate("cancelled", "imageferry.dev/cancel-requested-at", "now")
        stage.until("cancelled", lambda each: "completionTime" in each["status"])
        stage.export("running")
        stage.until("running", lambda each: reason(each) == "Running")
        stage.export("queued", image="plain5")
        stage.until("queued", lambda each: reason(each) == "Queued")
        yield stage


@pytest.fixture
def operator(stage: Stage) -> OperatorProcess:
    """The operator of the stage."""
    return stage.operators[0]


def samples(operator: OperatorProcess) -> dict[str, dict[Labels, float]]:
    """Every sample by its name and labels."""
    found: dict[str, dict[Labels, float]] = {}
    for family in text_string_to_metric_families(operator.get("/metrics")):
        for each in family.samples:
            found.setdefault(each.name, {})[frozenset(each.labels.items())] = each.value
    return found


def one(labels: dict[str, str]) -> Labels:
    """The labels as a key."""
    return frozenset(labels.items())


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_working_operator_says_so(operator: OperatorProcess, path: str) -> None:
    """Each probe is one word."""
    assert operator.get(path) == "ok\n"


def test_a_lane_shows_its_running_its_limit_and_its_queue(operator: OperatorProcess) -> None:
    """One task runs in the one slot, one export waits for it."""
    found, lane = samples(operator), one(LANE)
    assert found["imageferry_quota_in_use"] == {lane: 1.0}
    assert found["imageferry_quota_limit"] == {lane: 1.0}
    assert found["imageferry_queue_depth"] == {lane: 1.0}
    assert found["imageferry_leader"] == {one({}): 1.0}


def test_tasks_are_counted_by_how_they_ended(operator: OperatorProcess) -> None:
    """One of each end so far."""
    ends = {dict(labels)["outcome"]: value for labels, value in samples(operator)["imageferry_tasks_total"].items()}
    assert ends == {"Succeeded": 1.0, "TaskFailed": 1.0, "Cancelled": 1.0}


def test_cloud_requests_are_counted_by_action_and_code(stage: Stage, operator: OperatorProcess) -> None:
    """What the operator counts of mutating requests is what the cloud has seen."""
    counted = samples(operator)["imageferry_cloud_requests_total"]
    seen = {
        (each["action"], each["code"] or "OK"): each["count"]
        for each in stage.emulator.admin("GET", "/requests")["counts"]
    }
    for action in ("ExportImage", "CancelTask", "DeleteObject"):
        mine = {"provider": "Alibaba", "region": "cn-hangzhou", "action": action, "code": "OK"}
        theirs = [count for (name, code), count in seen.items() if name.removeprefix("OSS:") == action and code == "OK"]
        assert [counted[one(mine)]] == theirs


def test_no_label_grows_with_the_number_of_objects(operator: OperatorProcess) -> None:
    """No name, id, bucket or address is a label; reasons are of the closed enum."""
    for name, rows in samples(operator).items():
        for labels in rows:
            assert [value for _, value in labels if ID.search(value)] == [], name
            assert {value for key, value in labels if key == "reason"} <= {*Reason, "Unseen"}


def test_the_metrics_follow_the_conventions(operator: OperatorProcess) -> None:
    """Every family has a type and a help text, counters end in _total; Prometheus' own linter is content where it is there."""
    text = operator.get("/metrics")
    families = [family for family in text_string_to_metric_families(text) if family.name.startswith("imageferry")]
    assert [family.name for family in families if not family.documentation or family.type == "unknown"] == []
    counters = [sample.name for family in families if family.type == "counter" for sample in family.samples]
    assert [name for name in counters if not name.endswith("_total")] == []
    linter = shutil.which(LINT_KNOWS)
    if linter:
        done = subprocess.run([linter, "check", "metrics"], input=text, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout + done.stderr) == (0, "")


def lines(operator: OperatorProcess) -> list[dict[str, Any]]:
    """The log, line by line."""
    return [json.loads(line) for line in operator.log().splitlines()]


def test_every_log_line_is_one_json_object(operator: OperatorProcess) -> None:
    """Each with what happened, how grave it is, when and where."""
    assert [each for each in lines(operator) if not {"event", "level", "timestamp", "logger"} <= each.keys()] == []


@pytest.mark.parametrize(
    ("event", "name"), [("export submitted", "running"), ("cancel requested", "cancelled"), ("file deleted", None)]
)
def test_every_change_in_the_cloud_can_be_traced(
    stage: Stage, operator: OperatorProcess, event: str, name: str | None
) -> None:
    """The log line of each mutating call names the object, its attempt, the account and the cloud's request id."""
    told = [each for each in lines(operator) if each["event"] == event]
    heard = {each.get("requestID") for each in stage.emulator.admin("GET", "/requests")["requests"]}
    assert told
    assert [each for each in told if each["attempt"] != 1 or each["account"] != LANE["account"]] == []
    assert [each for each in told if not each["uid"] or not each["request_id"]] == []
    if name:
        assert stage.get(name)["metadata"]["uid"] in {each["uid"] for each in told}
        assert {each["request_id"] for each in told} <= heard

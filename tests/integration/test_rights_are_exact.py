"""Every right that is granted is used, and the loss of any one is told in plain words while the process lives on."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from controlplane import ControlPlane
from tests.apitap import Position, Request
from tests.integration.rights import Right, granted, leave_without, used, without
from tests.operator_process import OperatorProcess
from tests.stage import ACCOUNT, OPERATOR_NAMESPACE, Stage, condition

KINDS = ("cloudaccounts", "imageexports", "imageimports")
DEAF_SECONDS = 120.0
SETTINGS = {"resync_seconds": "3", "window_seconds": "900", "lost_journal_age_seconds": "600"}
"""Lists now and then; and whoever waits for a submission's window although nothing was sent waits in vain."""
LEASES = [right for right in granted() if right.resource == "leases"]
OTHERS = [right for right in granted() if right.resource != "leases"]
READ_ACCOUNTS = Right("imageferry.dev", "cloudaccounts", "get")
ORPHAN = {
    "operation": "Export",
    "key": "aaaaaaaaaaaaa",
    "objectPrefix": "webaaaaaaaaaaaaa",
    "imageID": "m-bp1plain00000000001",
    "bucket": "ferry-good",
    "region": "cn-hangzhou",
    "accountID": "1000000000000001",
    "namespace": "images",
    "name": "web",
    "uid": "6a1f0c9e-3d1b-4f5e-9d3a-2b7c8e901234",
    "deletionPolicy": "Retain",
    "claimedAt": f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}",
}
ORPHANED = {"status": {"orphans": [ORPHAN]}}
"""An open claim of yesterday, of which the cloud has no task."""
NAMES = (f"web-{number}" for number in count(1))
SOURCE = "source"
"""The export whose file the imports take."""


@pytest.fixture(scope="module")
def stage(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One system for all tests of this module; its account grants by a namespace's labels."""
    with Stage(plane, tmp_path_factory.mktemp("rights"), "--speed", "300", **SETTINGS) as stage:
        grant_by_label(stage)
        forget_the_lease(plane)
        stage.start_operator()
        stage.until_true(lambda: "took over" in the_operator(stage).log(), "the operator acts")
        stage.export(SOURCE)
        stage.until_succeeded(SOURCE)
        yield stage


def the_operator(stage: Stage) -> OperatorProcess:
    """The one there is."""
    (operator,) = stage.operators
    return operator


def end_the_operator(stage: Stage) -> None:
    """In good order: the Lease is let go."""
    stage.operators.pop().stop()


def grant_by_label(stage: Stage) -> None:
    """Namespaces with the stage's label may use the account."""
    label = {"kubernetes.io/metadata.name": stage.namespace}
    stage.write_account(allowedNamespaces={"from": "Selector", "selector": {"matchLabels": label}})


def forget_the_lease(plane: ControlPlane) -> None:
    """As in a new installation."""
    plane.kubectl_run("delete", "lease", "imageferry", "-n", OPERATOR_NAMESPACE, "--ignore-not-found")


@pytest.mark.parametrize("right", OTHERS, ids=str)
def test_without_a_right_the_operator_names_it_and_with_it_goes_on(stage: Stage, right: Right) -> None:
    """The right's loss is told by a log line or a condition, the process stays, and its return is enough."""
    operator, name = the_operator(stage), next(NAMES)
    pid, before = operator.pid, len(operator.log())
    with without(stage.plane, right):
        need(stage, right, name)
        stage.until_true(lambda: is_named(stage, right, operator.log()[before:]), f"{right} is missed", 30)
        assert operator.get("/healthz") == "ok\n"
    stage.until_succeeded(name, kind=kind_of(right.resource))
    assert operator.running
    assert operator.pid == pid


def kind_of(resource: str) -> str:
    """The kind of job that uses a resource; all but imports' own are used by exports."""
    return "imageimport" if resource.startswith("imageimports") else "imageexport"


def begin(stage: Stage, resource: str, name: str) -> None:
    """A job that uses the resource."""
    if kind_of(resource) == "imageimport":
        stage.import_(name, source={"exportRef": {"name": SOURCE}})
    else:
        stage.export(name)


def need(stage: Stage, right: Right, name: str) -> None:
    """Bring about what takes the right."""
    if right.verb == "watch":
        stage.tap.cut()
    if right.resource == "cloudaccounts/status":
        edit_the_account(stage)
    if right.verb == "get" and right.resource in KINDS:
        leave_unanswered(stage, right.resource, name)
    else:
        begin(stage, right.resource, name)


def leave_unanswered(stage: Stage, resource: str, name: str) -> None:
    """A status write of this kind is carried out, and its answer lost: only a read can tell then."""
    hold = stage.tap.hold(Position.APPLIED, lambda request: writes_status(request, resource))
    if resource == "cloudaccounts":
        edit_the_account(stage)
    begin(stage, resource, name)
    assert hold.reached.wait(30)
    stage.tap.release(hold)


def edit_the_account(stage: Stage) -> None:
    """To and fro: what is to be written then is that it was observed."""
    stage.write_account(region="eu-central-1")
    grant_by_label(stage)


def writes_status(request: Request, resource: str) -> bool:
    """It is a PATCH of a status of this kind; of a job's once its task is known."""
    late = resource == "cloudaccounts" or "task" in request.written_status
    return late and request.method == "PATCH" and f"/{resource}/" in request.path and request.path.endswith("/status")


def is_named(stage: Stage, right: Right, log: str) -> bool:
    """A log line tells what is missing in the API server's words, or (for a Secret) a condition in ours."""
    if right.resource == "secrets":
        said = stage.account()["status"]["conditions"][0]
        return (said["status"], said["reason"]) == ("False", "CredentialsMissing") and "may not read" in said["message"]
    return any(right.refusal in line.replace('\\"', '"') for line in log.splitlines())


def test_an_orphan_that_may_not_be_read_again_ends_nobody(stage: Stage) -> None:
    """The write that strikes it off gets no answer, and the account may not be read: that is told, and waited for."""
    operator = the_operator(stage)
    pid, before = operator.pid, len(operator.log())
    stage.until_true(lambda: not stage.account()["status"].get("lanes"), "the account has nothing else to write")
    with without(stage.plane, READ_ACCOUNTS):
        hold = stage.tap.hold(Position.APPLIED, strikes_orphans_off)
        stage.plane.kubectl_run(
            "patch", "cloudaccount", ACCOUNT, "--subresource=status", "--type=merge", "-p", json.dumps(ORPHANED)
        )
        assert hold.reached.wait(30)
        stage.tap.release(hold)
        stage.until_true(lambda: is_named(stage, READ_ACCOUNTS, operator.log()[before:]), "the account is not read", 30)
    name = next(NAMES)
    stage.export(name)
    stage.until_succeeded(name)
    assert operator.running
    assert operator.pid == pid


def strikes_orphans_off(request: Request) -> bool:
    """It writes an account's status with no orphan left."""
    return writes_status(request, "cloudaccounts") and request.written_status.get("orphans") == []


def test_a_replica_without_a_right_on_the_lease_waits_and_names_it(stage: Stage) -> None:
    """A standby that cannot read, make or renew the Lease says so, stays, and acts once it can."""
    assert sorted(right.verb for right in LEASES) == ["create", "get", "update"]
    get, update, create = (
        next(right for right in LEASES if right.verb == verb) for verb in ("get", "update", "create")
    )
    end_the_operator(stage)
    with without(stage.plane, *LEASES):
        operator = stage.start_operator()
        pid = operator.pid
        stage.until_true(lambda: is_named(stage, get, operator.log()), "get leases is missed", 30)
        leave_without(stage.plane, update, create)
        stage.until_true(lambda: is_named(stage, update, operator.log()), "update leases is missed", 30)
        forget_the_lease(stage.plane)
        stage.until_true(lambda: is_named(stage, create, operator.log()), "create leases is missed", 30)
    name = next(NAMES)
    stage.export(name)
    stage.until_succeeded(name)
    assert operator.running
    assert operator.pid == pid


def test_two_minutes_without_list_and_watch_end_by_themselves(stage: Stage) -> None:
    """What was known is carried on, what came meanwhile is heard of later, and the process stays and is healthy."""
    operator, deaf = the_operator(stage), [right for right in OTHERS if right.verb in ("list", "watch")]
    pid, known, unheard = operator.pid, next(NAMES), next(NAMES)
    stage.emulator.admin("POST", "/settings", {"secondsPerDisk": 60 * 300})
    stage.export(known)
    stage.until(known, lambda found: condition(found, "Submitted") == "True")
    stage.emulator.admin("POST", "/settings", {"secondsPerDisk": 60})
    before = len(operator.log())
    with without(stage.plane, *deaf):
        stage.tap.cut()
        stage.export(unheard, image="plain2")
        listens_again = time.monotonic() + DEAF_SECONDS
        while time.monotonic() < listens_again:
            assert operator.get("/healthz") == "ok\n"
            time.sleep(0.5)
        assert condition(stage.get(known), "Succeeded") == "True"
        assert "conditions" not in stage.get(unheard)["status"]
        missed = [right for right in deaf if not is_named(stage, right, operator.log()[before:])]
        assert [right for right in missed if right.verb != "list" or right.resource == "cloudaccounts"] == []
        mark = len(stage.tap.requests)
    stage.until_succeeded(unheard)
    stage.until_true(lambda: watched_since(stage, mark) == set(KINDS), "all kinds are watched again")
    assert operator.running
    assert operator.pid == pid


def watched_since(stage: Stage, mark: int) -> set[str]:
    """The kinds for which a stream was opened since then."""
    return {
        request.path.split("/")[-1]
        for request, status in stage.tap.requests[mark:]
        if request.watches and status == 200
    }


def test_a_whole_life_uses_every_right_and_is_refused_none(plane: ControlPlane, stage: Stage) -> None:
    """Success, lost answers, an orphan, the account's end: every right is needed, and no other is asked for."""
    end_the_operator(stage)
    stage.tap.requests.clear()
    forget_the_lease(plane)
    stage.start_operator()
    for resource in KINDS:
        name = next(NAMES)
        leave_unanswered(stage, resource, name)
        stage.until_succeeded(name, kind=kind_of(resource))
    orphan(stage, next(NAMES))
    plane.kubectl_run("delete", "cloudaccount", ACCOUNT, "--timeout=60s")
    grant_by_label(stage)
    assert used(stage.tap) == set(granted())


def orphan(stage: Stage, name: str) -> None:
    """An export whose task cannot be cancelled goes within its bound, and its account takes the task over until its end."""
    stage.emulator.admin("POST", "/settings", {"secondsPerDisk": 15 * 300})
    stage.emulator.admin("POST", "/faults", {"fault": "notCancellable", "action": "ExportImage"})
    stage.export(name)
    stage.until(name, lambda found: condition(found, "Submitted") == "True")
    stage.emulator.admin("POST", "/settings", {"secondsPerDisk": 60})
    stage.delete(name)
    stage.until_true(lambda: not stage.exists(name), "the export is gone")
    assert [each["name"] for each in stage.account()["status"]["orphans"]] == [name]
    stage.until_true(lambda: not stage.account()["status"].get("orphans"), "the orphan has ended")
    assert json.dumps(stage.running_tasks()) == "[]"

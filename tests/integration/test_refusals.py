"""What the cloud refuses: no attempt is spent on it, it is waited out or named with its remedy, and never sent twice."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

import pytest

from controlplane import ControlPlane
from imageferry.core.job import parse_time
from tests.integration.scene import FRANKFURT, HANGZHOU, PLENTY, Scene, one_submission, scene
from tests.operator_process import OperatorProcess
from tests.stage import Manifest, condition, reason

TOKYO = "ap-northeast-1"
TRIES = 3
ENOUGH = 1000
"""As often as a fault strikes that is taken away by hand."""

# A submission may take longer than the cloud accepts its signature.
PATIENT: Final = {
    "call_deadline_seconds": "4",
    "lease_duration_seconds": "6",
    "lease_give_up_seconds": "5",
}

PASSING: Final[dict[str, tuple[str, Manifest]]] = {
    "throttled": ("Throttled", {"fault": "throttle", "times": TRIES}),
    "late": ("ClockSkew", {"fault": "delay", "seconds": 3}),
    "skewed": ("ClockSkew", {"fault": "unknownCode", "status": 400, "code": "InvalidTimeStamp.Expired"}),
    "odd": ("CloudUnavailable", {"fault": "unknownCode", "status": 400, "code": "NeverHeardOf"}),
}
"""What a submission meets that proves that nothing started and passes by itself: the reason shown, and the fault."""


@pytest.fixture(scope="module")
def shown(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A scene with a third region: Frankfurt runs one export at a time, Tokyo takes one a week."""
    with scene(plane, tmp_path_factory.mktemp("refusals"), 50, **PATIENT) as ready:
        owner = ready.emulator.info["accountID"]
        ready.emulator.admin("POST", "/regions", {"id": TOKYO, "formats": ["raw"]})
        ready.emulator.admin("POST", "/buckets", {"name": "ferry-tokyo", "region": TOKYO, "account": owner})
        quotas = {FRANKFURT: {"concurrent": 1, "weekly": 100}, TOKYO: {"concurrent": 5, "weekly": 1}}
        ready.emulator.admin("POST", "/settings", {"regionQuotas": quotas, "quota": PLENTY})
        yield ready


@pytest.fixture(scope="module", autouse=True)
def operator(shown: Scene) -> OperatorProcess:
    """The one operator of the module."""
    return shown.stage.start_operator()


def _message(each: Manifest, kind: str = "Ready") -> str:
    return next(str(found["message"]) for found in each["status"]["conditions"] if found["type"] == kind)


@pytest.fixture(scope="module")
def passing(shown: Scene) -> dict[str, list[Manifest]]:
    """What was written into the status of each of these exports while it was refused; then the cause goes away."""
    shown.emulator.admin("POST", "/settings", {"signatureLifeSeconds": 2})
    for name, (said, fault) in PASSING.items():
        region = FRANKFURT if said == "Throttled" else HANGZHOU
        shown.image(name, region=region)
        options: Manifest = {"times": ENOUGH} | fault
        shown.fault(name, **options)
        shown.export(name, image=f"m-{name}", region=region, backoffLimit=0)
    shown.stage.until_true(
        lambda: all(len(_refused(shown, name)) >= TRIES for name in PASSING), "refusals of each", seconds=60
    )
    refusals = {name: _refused(shown, name) for name in PASSING}
    shown.emulator.admin("DELETE", "/faults")
    shown.emulator.admin("POST", "/settings", {"signatureLifeSeconds": 15})
    return refusals


def _refused(shown: Scene, name: str) -> list[Manifest]:
    return [each for each in shown.written(name) if _says(each) == PASSING[name][0]]


def _says(status: Manifest) -> str:
    return reason({"status": status})


@pytest.mark.parametrize("name", PASSING)
def test_a_refusal_that_passes_costs_nothing_and_says_when_it_is_tried_again(
    shown: Scene, passing: dict[str, list[Manifest]], name: str
) -> None:
    """The claim is closed at once, no failure is counted, the next submission bears a new key, and nobody is asked to act."""
    for status in passing[name]:
        assert set(status["attempt"]) == {"number", "failures"}
        assert status["attempt"]["failures"] == 0
        assert "task" not in status
        assert condition({"status": status}, "Reconciling") == "True"
        assert condition({"status": status}, "Stalled") == ""
        assert parse_time(status["queue"]["nextTryTime"]) >= parse_time(status["queue"]["since"])
        assert status["lastError"]["reason"] == PASSING[name][0]
    done = shown.stage.until_succeeded(name)
    one_submission(shown, name, done)
    asked = shown.asked(name)
    assert len({each["params"]["OSSPrefix"] for each in asked}) == len(asked) == done["status"]["attempt"]["number"]
    assert done["status"]["attempt"]["failures"] == 0
    assert "queue" not in done["status"]


def test_the_pauses_between_refused_submissions_grow(shown: Scene, passing: dict[str, list[Manifest]]) -> None:
    """The first comes again after a fraction of a second, a later one after a multiple of that: no hot loop."""
    assert passing["skewed"]
    said = [line for line in shown.log_lines() if line.get("event") == "submission refused"]
    assert len(said) >= len(PASSING)
    pauses = [line["again_seconds"] for line in said if line["code"] == "InvalidTimeStamp.Expired"]
    assert max(pauses) > 2 * min(pauses)


def test_a_throttled_submission_comes_again_when_the_cloud_says_so(shown: Scene) -> None:
    """With a Retry-After the next try is at that time, as the status says."""
    shown.image("patient")
    shown.fault("patient", "throttle", retryAfter=3000)
    shown.export("patient", image="m-patient")
    done = shown.stage.until_succeeded("patient")
    one_submission(shown, "patient", done)
    (told,) = [each for each in shown.written("patient") if _says(each) == "Throttled"]
    queue = told["queue"]
    assert parse_time(queue["nextTryTime"]) - parse_time(queue["since"]) >= timedelta(seconds=3)


def test_a_wrong_clock_is_told_waited_out_and_heard_of_rarely(shown: Scene) -> None:
    """ClockSkew on what is new, an account and exports alike; nobody is asked to act, nothing is asked in a hot loop."""
    shown.export("before", seconds=3)
    shown.stage.until("before", lambda each: "task" in each["status"])
    shown.emulator.admin("POST", "/settings", {"clockOffsetSeconds": 3600})
    shown.other_accounts({"fresh": {}})
    shown.export("apart")
    shown.export("apart-too", accountRef={"name": "fresh"})
    seen = shown.until_reason(apart="ClockSkew", apart_too="ClockSkew")
    shown.stage.until_true(lambda: reason(shown.account("fresh")) == "ClockSkew", "the account's reason")
    for each in (seen["apart"], seen["apart-too"], shown.account("fresh")):
        assert (condition(each, "Reconciling"), condition(each, "Stalled")) == ("True", "")
    assert (shown.asked("apart"), shown.asked("apart-too")) == ([], [])
    shown.emulator.admin("POST", "/settings", {"clockOffsetSeconds": 0})
    for name in ("before", "apart", "apart-too"):
        one_submission(shown, name, shown.stage.until_succeeded(name))
    assert shown.stage.get("before")["status"]["attempt"]["failures"] == 0
    shown.stage.until_true(lambda: condition(shown.account("fresh"), "Ready") == "True", "a ready account")


def test_the_clouds_concurrent_quota_is_waited_out(shown: Scene) -> None:
    """Where the cloud allows fewer than the account's limit, the rest waits, spends no attempt and then succeeds."""
    for name in ("slot-a", "slot-b"):
        shown.export(name, region=FRANKFURT, seconds=4, backoffLimit=0)
    shown.until_all(
        lambda seen: any(reason(seen[name]) == "ConcurrentQuotaExceeded" for name in ("slot-a", "slot-b")),
        "a refusal for the concurrent quota",
    )
    waiting = next(each for each in shown.all().values() if reason(each) == "ConcurrentQuotaExceeded")
    assert condition(waiting, "Reconciling") == "True"
    assert condition(waiting, "Stalled") == ""
    assert "key" not in waiting["status"]["attempt"]
    assert waiting["status"]["queue"]["nextTryTime"]
    shown.stage.until_true(lambda: _closed(shown, FRANKFURT) == "ConcurrentQuotaExceeded", "the lane's row")
    for name in ("slot-a", "slot-b"):
        done = shown.stage.until_succeeded(name)
        one_submission(shown, name, done)
        assert done["status"]["attempt"]["failures"] == 0
        assert "queue" not in done["status"]
    assert sorted(len(shown.asked(name)) for name in ("slot-a", "slot-b")) == [1, 2]


def test_the_clouds_weekly_quota_closes_the_lane(shown: Scene) -> None:
    """The refused export and those after it wait with the time of the next try; only one of them has asked the cloud."""
    destination = {"bucket": "ferry-tokyo"}
    shown.export("week-a", region=TOKYO, destination=destination | {"prefix": "weeka"})
    one_submission(shown, "week-a", shown.stage.until_succeeded("week-a"))
    shown.export("week-b", region=TOKYO, destination=destination | {"prefix": "weekb"})
    shown.until_reason(week_b="WeeklyQuotaExceeded")
    shown.export("week-c", region=TOKYO, destination=destination | {"prefix": "weekc"})
    seen = shown.until_reason(week_b="WeeklyQuotaExceeded", week_c="WeeklyQuotaExceeded")
    for name in ("week-b", "week-c"):
        assert condition(seen[name], "Stalled") == ""
        assert seen[name]["status"]["queue"]["nextTryTime"] > seen[name]["status"]["queue"]["since"]
    assert seen["week-b"]["status"]["attempt"] == {"number": 1, "failures": 0}
    assert (len(shown.asked("week-b")), shown.asked("week-c")) == (1, [])
    shown.stage.until_true(lambda: _closed(shown, TOKYO) == "WeeklyQuotaExceeded", "the lane's row")


def _closed(shown: Scene, region: str) -> str:
    """Why the region's lane is closed, as the account shows it beside the time at which it is tried again."""
    rows = [row for row in shown.stage.account()["status"].get("lanes", []) if row["region"] == region]
    return "".join(row["closedReason"] for row in rows if row.get("closedUntil"))


def test_a_lasting_refusal_is_remembered_over_a_restart(shown: Scene, operator: OperatorProcess) -> None:
    """An account that may not export stalls with the remedy, is not asked about again, and goes on once the spec changes.

    Nor is a lane whose week is over asked about before its time.
    """
    shown.image("barred")
    shown.fault("barred", "unknownCode", status=403, code="UserNotInTheWhiteList", message="Not allowed.")
    shown.export("barred", image="m-barred", backoffLimit=0)
    held = shown.until_reason(barred="NotWhitelisted")["barred"]
    assert condition(held, "Stalled") == "True"
    assert "open a ticket" in _message(held, "Stalled")
    assert held["status"]["lastRefusal"]["reason"] == "NotWhitelisted"
    assert held["status"]["attempt"] == {"number": 1, "failures": 0}
    operator.kill()
    operator.start()
    shown.export("witness")
    shown.stage.until_succeeded("witness")
    assert reason(shown.stage.get("barred")) == "NotWhitelisted"
    assert len(shown.asked("barred")) == 1
    assert shown.asked("week-c") == []
    assert len(shown.asked("week-b")) == 1
    shown.stage.patch("barred", {"priority": 1})
    done = shown.stage.until_succeeded("barred")
    one_submission(shown, "barred", done)
    assert "lastRefusal" not in done["status"]


def test_a_missing_role_is_named_with_its_remedy(shown: Scene) -> None:
    """The role that the spec names does not exist: RoleMissing says what to create, before anything is submitted."""
    shown.export("roleless", roleName="NoSuchRole")
    held = shown.until_reason(roleless="RoleMissing")["roleless"]
    assert condition(held, "Stalled") == "True"
    assert "NoSuchRole" in _message(held, "Stalled")
    assert shown.asked("roleless") == []
    shown.stage.patch("roleless", {"roleName": "AliyunECSImageExportDefaultRole"})
    one_submission(shown, "roleless", shown.stage.until_succeeded("roleless"))


def test_credentials_of_another_owner_hold_what_runs_and_submit_nothing(shown: Scene) -> None:
    """With the keys of another account nothing is asked for the attempt; with the right ones it is followed to its end."""
    shown.export("owned", seconds=6)
    shown.stage.until("owned", lambda each: "task" in each["status"])
    shown.give_credentials("otherAccount")
    held = shown.until_reason(owned="AccountChanged")["owned"]
    assert condition(held, "Stalled") == "True"
    assert shown.emulator.info["accountID"] in _message(held, "Stalled")
    other = shown.emulator.info["otherAccount"]["accountID"]
    shown.stage.until_true(lambda: shown.stage.account()["status"]["accountID"] == other, "the new owner's id")
    shown.stage.until_true(lambda: not shown.runs("owned"), "the task's end")
    assert reason(shown.stage.get("owned")) == "AccountChanged"
    shown.give_credentials()
    done = shown.stage.until_succeeded("owned")
    one_submission(shown, "owned", done)
    assert len(shown.asked("owned")) == 1


def test_a_wrong_key_stalls_account_and_export_until_it_is_right(shown: Scene) -> None:
    """CredentialsRejected is told on both, nothing is submitted, and no restart is needed once the key is right."""
    shown.stage.write_secret(shown.emulator.info["accessKeyID"], "wrong")
    shown.stage.until_true(lambda: reason(shown.stage.account()) == "CredentialsRejected", "the account's refusal")
    assert condition(shown.stage.account(), "Stalled") == "True"
    shown.export("locked")
    held = shown.until_reason(locked="CredentialsRejected")["locked"]
    assert condition(held, "Stalled") == "True"
    assert shown.asked("locked") == []
    shown.give_credentials()
    one_submission(shown, "locked", shown.stage.until_succeeded("locked"))
    shown.stage.until_true(lambda: condition(shown.stage.account(), "Ready") == "True", "a ready account")

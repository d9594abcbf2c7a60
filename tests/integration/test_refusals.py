"""What the cloud refuses: no attempt is spent on it, it is waited out or named with its remedy, and never sent twice."""

from collections.abc import Iterator

import pytest

from controlplane import ControlPlane
from tests.integration.scene import FRANKFURT, PLENTY, Scene, one_submission, scene
from tests.operator_process import OperatorProcess
from tests.stage import Manifest, condition, reason

TOKYO = "ap-northeast-1"


@pytest.fixture(scope="module")
def shown(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A scene with a third region: Frankfurt runs one export at a time, Tokyo takes one a week."""
    with scene(plane, tmp_path_factory.mktemp("refusals")) as ready:
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


def test_a_throttled_submission_is_made_anew_and_costs_nothing(shown: Scene) -> None:
    """Throttling proves that nothing started: the claim is closed at once, no failure is counted."""
    shown.image("throttled")
    shown.fault("throttled", "throttle", times=2)
    shown.export("throttled", image="m-throttled", backoffLimit=0)
    done = shown.stage.until_succeeded("throttled")
    one_submission(shown, "throttled", done)
    assert (done["status"]["attempt"]["number"], done["status"]["attempt"]["failures"]) == (3, 0)
    assert len({each["params"]["OSSPrefix"] for each in shown.asked("throttled")}) == 3


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
    shown.stage.until_true(lambda: "WeeklyQuotaExceeded" in _closed(shown), "the lane's row")


def _closed(shown: Scene) -> list[str]:
    return [row.get("closedReason", "") for row in shown.stage.account()["status"].get("lanes", [])]


def test_a_lasting_refusal_is_remembered_over_a_restart(shown: Scene, operator: OperatorProcess) -> None:
    """An account that may not export stalls with the remedy, is not asked about again, and goes on once the spec changes."""
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
    shown.stage.patch("barred", {"priority": 1})
    done = shown.stage.until_succeeded("barred")
    one_submission(shown, "barred", done)
    assert "lastRefusal" not in done["status"]


def test_a_missing_role_is_named_with_its_remedy(shown: Scene) -> None:
    """The role that the spec names does not exist: RoleMissing says what to create; another role in the spec goes on."""
    shown.export("roleless", roleName="NoSuchRole")
    held = shown.until_reason(roleless="RoleMissing")["roleless"]
    assert condition(held, "Stalled") == "True"
    assert "create the role" in _message(held, "Stalled")
    assert held["status"]["attempt"] == {"number": 1, "failures": 0}
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

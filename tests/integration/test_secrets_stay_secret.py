"""A canary for a key: whatever is called, answered and refused, it shows in nothing that anybody can read."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from controlplane import ControlPlane
from tests.stage import ACCOUNT, SECRET, Stage, condition, reason

KEY_ID, KEY_SECRET = "LTAI5tCanaryKeyIdOfTheTest", "Canary+Secret/Of=TheTest0123"
WRONG_ID, WRONG_SECRET = "LTAI5tCanaryThatNobodyKnows", "Canary/Wrong+Secret=4567"
CANARIES = (KEY_ID, KEY_SECRET, WRONG_ID, WRONG_SECRET)
FAULTS = ("error500NotAccepted", "htmlBody", "cutBody", "throttle", "expiredKey", "dropBeforeAccept", "unknownCode")
CALLS = (
    "DescribeImages",
    "DescribeTasks",
    "DescribeTaskAttribute",
    "OSS:HeadObject",
    "OSS:GetBucketInfo",
    "OSS:GetObject",
)


@pytest.fixture(scope="module")
def stage(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A run with failing calls of every kind, then with a secret that is wrong, then with a key that nobody knows."""
    with Stage(plane, tmp_path_factory.mktemp("canary"), hold_recheck_seconds="1") as stage:
        keys = [{"id": KEY_ID, "secret": KEY_SECRET}]
        stage.emulator.admin("POST", "/accounts", {"id": stage.emulator.info["accountID"], "keys": keys})
        stage.write_secret(KEY_ID, KEY_SECRET)
        for number, call in enumerate(CALLS):
            for fault in (FAULTS[number], FAULTS[-1 - number]):
                echo = f"{KEY_ID} signed StringToSign with {KEY_SECRET}"
                options = {"message": echo, "code": "Unheard.Of"} if fault == "unknownCode" else {}
                stage.emulator.admin("POST", "/faults", {"fault": fault, "action": call} | options)
        stage.export("good")
        stage.export("lost", image="plain2")
        refusal = {"fault": "answerLost", "action": "ExportImage", "params": {"ImageId": "m-bp1plain00000000002"}}
        stage.emulator.admin("POST", "/faults", refusal)
        stage.start_operator()
        for name in ("good", "lost"):
            stage.until_succeeded(name)
        for number, (key_id, secret) in enumerate([(KEY_ID, WRONG_SECRET), (WRONG_ID, WRONG_SECRET)]):
            stage.write_secret(key_id, secret)
            stage.export(f"refused-{number}", image="plain3", suspend=True)
            stage.until(f"refused-{number}", lambda found: reason(found) == "CredentialsRejected")
        stage.until_true(lambda: condition(stage.account(), "Ready") == "False", "the account says so too")
        yield stage


def found_in(text: str) -> list[str]:
    """The canaries in a text: plain, quoted for a URL, or in base64."""
    forms = {each: (each, quote(each, safe=""), base64.b64encode(each.encode()).decode()) for each in CANARIES}
    return [each for each, shapes in forms.items() if any(shape in text for shape in shapes)]


def token_of(stage: Stage) -> str:
    """The operator's own token for the API server."""
    return Path(stage.folder / "kubeconfig.token").read_text().strip()


def test_the_run_was_worth_looking_at(stage: Stage) -> None:
    """The canary was used, calls failed, and the log is at its most talkative."""
    requests = stage.emulator.admin("GET", "/requests")["requests"]
    assert {KEY_ID, WRONG_ID} <= {each["accessKeyID"] for each in requests}
    struck = {fault for each in requests for fault in each.get("faults", ())}
    assert {*FAULTS, "answerLost"} <= struck
    assert stage.operators[0].settings.get("log_level", "debug") == "debug"
    assert found_in(f"... {quote(KEY_SECRET, safe='')} ...") == [KEY_SECRET]


def test_no_log_line_holds_a_canary(stage: Stage) -> None:
    """Nor the operator's own token; errors of the cloud that echo the key included."""
    log = stage.operators[0].log()
    assert found_in(log) == []
    assert token_of(stage) not in log
    assert "Unheard.Of" in log


def test_no_object_of_the_api_holds_a_canary(stage: Stage) -> None:
    """Exports, accounts and events, with status, annotations and managedFields."""
    kinds = "imageexports,events"
    shown = stage.plane.kubectl_run("get", kinds, "-n", stage.namespace, "-o", "json", "--show-managed-fields")
    account = stage.plane.kubectl_run("get", "cloudaccount", ACCOUNT, "-o", "json", "--show-managed-fields")
    lease = stage.plane.kubectl_run("get", "lease", "imageferry", "-n", "imageferry-system", "-o", "json")
    assert {each["kind"] for each in json.loads(shown)["items"]} == {"ImageExport", "Event"}
    assert found_in(shown + account + lease) == []
    assert SECRET in account


@pytest.mark.parametrize("path", ["/metrics", "/healthz", "/readyz"])
def test_no_probe_holds_a_canary(stage: Stage, path: str) -> None:
    """Nor does the text of the metrics."""
    shown = stage.operators[0].get(path)
    assert found_in(shown) == []
    assert token_of(stage) not in shown


@pytest.mark.parametrize("file", ["cmdline", "environ"])
def test_the_process_carries_no_canary_where_ps_looks(stage: Stage, file: str) -> None:
    """Neither arguments nor environment."""
    shown = Path(f"/proc/{stage.operators[0].pid}/{file}").read_bytes().decode(errors="replace")
    assert "imageferry" in shown.lower()
    assert found_in(shown) == []
    assert token_of(stage) not in shown


def test_no_file_of_the_process_holds_a_canary(stage: Stage) -> None:
    """What it has open, and what it left in the folder for temporary files."""
    fds = Path(f"/proc/{stage.operators[0].pid}/fd")
    files = {fd.resolve() for fd in fds.iterdir()}
    texts = [file.read_bytes().decode(errors="replace") for file in files if file.is_file()]
    assert texts
    assert [found_in(text) for text in texts if found_in(text)] == []

"""Where an account's keys come from: every source exports, is renewed in time, and says what is wrong with it."""

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from controlplane import ControlPlane
from tests.operator_process import OperatorProcess
from tests.stage import Manifest, Stage, condition

SUBJECT = "system:serviceaccount:imageferry-system:imageferry"
LIFE_SECONDS = 6.0
"""How long the cloud's temporary keys live here: several generations pass in one export."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the projected tokens lie."""
    return tmp_path_factory.mktemp("tokens")


@pytest.fixture(scope="module")
def stage(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory, folder: Path) -> Iterator[Stage]:
    """A stage on which an export takes several lives of a key."""
    with Stage(plane, tmp_path_factory.mktemp("stage"), "--speed", "5") as stage:
        stage.emulator.admin("POST", "/settings", {"tokenLifeSeconds": LIFE_SECONDS})
        (folder / "Alibaba").write_text(token(stage))
        yield stage


@pytest.fixture(scope="module")
def operator(stage: Stage, folder: Path) -> OperatorProcess:
    """An operator that finds tokens in the folder, and the metadata service at the emulator."""
    return stage.start_operator(
        identity_token_folder=str(folder), instance_metadata_endpoint=stage.emulator.endpoint, look_again_seconds="1"
    )


def token(stage: Stage, **wish: int) -> str:
    """A service account token of the cluster that the cloud's identity provider vouches for."""
    return str(stage.emulator.admin("POST", "/oidc-token", {"sub": SUBJECT, **wish})["token"])


def sources(stage: Stage) -> dict[str, Manifest]:
    """Each source with its spec; the last lets another key assume the role."""
    info = stage.emulator.info
    operator = info["roles"]["operator"]
    workload = {"workloadIdentity": {"roleARN": operator, "providerARN": info["oidcProviderARN"]}}
    return {
        "workload": {"credentials": workload},
        "instance": {"credentials": {"instanceRole": {"name": "imageferry-operator"}}},
        "assumed": {"assumeRole": {"roleARN": operator}},
    }


def test_every_source_follows_a_task_beyond_the_life_of_its_keys(stage: Stage, operator: OperatorProcess) -> None:
    """The keys end several times while the export runs; nobody notices, and no task is submitted twice."""
    for number, (name, spec) in enumerate(sources(stage).items(), 1):
        stage.write_account(name=name, **spec)
        stage.export(name, image=f"plain{number}" if number > 1 else "plain", accountRef={"name": name})
    for name in sources(stage):
        done = stage.until_succeeded(name)
        keys = {each["accessKeyID"] for each in stage.requests() if each["action"] == "DescribeTasks"}
        assert done["status"]["attempt"]["accountID"] == stage.emulator.info["accountID"]
    assert len(stage.submissions()) == len(sources(stage))
    assert len([key for key in keys if key.startswith("STS.")]) > len(sources(stage))
    assert "Traceback" not in operator.log()


def test_a_lost_token_stops_nothing_for_good(stage: Stage, operator: OperatorProcess, folder: Path) -> None:
    """The account says which file is missing, and is ready again once the token is back."""
    info, file = stage.emulator.info, folder / "Alibaba"
    stage.write_account(name="later", **sources(stage)["workload"])
    stage.until_true(lambda: condition(stage.account("later"), "Ready") == "True", "the account is ready")
    file.unlink()
    stage.until_true(lambda: "CredentialsMissing" in str(stage.account("later")["status"]), "the loss is told")
    assert str(file) in str(stage.account("later")["status"]["conditions"])
    file.write_text(token(stage, expiresIn=-60))
    stage.until_true(lambda: "token has expired" in str(stage.account("later")["status"]), "the next loss is told")
    assert file.read_text() not in operator.log()
    file.write_text(token(stage))
    stage.until_true(lambda: condition(stage.account("later"), "Ready") == "True", "the account is ready again")
    assert stage.account("later")["status"]["accountID"] == info["accountID"]
    assert operator.running


def test_a_role_that_does_not_trust_us_is_named(stage: Stage, operator: OperatorProcess) -> None:
    """The account is stalled with the remedy; its exports say the same."""
    arn = stage.emulator.info["roles"]["exportUntrusted"]
    stage.write_account(name="untrusted", assumeRole={"roleARN": arn})
    stage.until_true(lambda: condition(stage.account("untrusted"), "Stalled") == "True", "the account is stalled")
    told = next(each for each in stage.account("untrusted")["status"]["conditions"] if each["type"] == "Stalled")
    assert (told["reason"], "trust policy" in told["message"]) == ("CredentialsRejected", True)
    assert operator.running


def test_what_was_lent_shows_nowhere(stage: Stage, operator: OperatorProcess, folder: Path) -> None:
    """Neither a temporary key nor the token it was lent for: not in the log at its most talkative, nor in what anybody can read."""
    secrets = [*lent(stage), (folder / "Alibaba").read_text()]
    assert len(secrets) > 2 * len(sources(stage))
    kinds = "imageexports,events"
    shown = [
        operator.log(),
        operator.get("/metrics"),
        stage.plane.kubectl_run("get", kinds, "-n", stage.namespace, "-o", "json", "--show-managed-fields"),
        stage.plane.kubectl_run("get", "cloudaccounts", "-o", "json", "--show-managed-fields"),
        *(Path(f"/proc/{operator.pid}/{file}").read_text(errors="replace") for file in ("cmdline", "environ")),
    ]
    assert "AuthenticationFail" in shown[0] or "NoPermission" in shown[0]
    for text in shown:
        assert [secret[:12] for secret in secrets if secret in text or quote(secret, safe="") in text] == []


def lent(stage: Stage) -> list[str]:
    """The secrets and tokens of all temporary keys that the cloud has lent."""
    journal = stage.folder / "emulator" / "journal.jsonl"
    found = []
    for line in journal.read_text().splitlines():
        for table, _, *value in json.loads(line):
            if table == "keys" and value and value[0].get("token"):
                found += [value[0]["secret"], value[0]["token"]]
    return found

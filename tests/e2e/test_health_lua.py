"""What GitOps tools say about objects: Argo CD by the health script, in its own Lua engine; Flux by kstatus, the real one."""

import json
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from charttools import programs
from charttools.generated import ARGO_CD, KINDS
from tests.kstatus import Status, kstatus

CORPUS: Final = Path(__file__).parents[1] / "corpus"
TREE: Final = ARGO_CD / "resource_customizations" / "imageferry.dev"
SCRIPT: Final = ARGO_CD / "health.lua"
HEALTH: Final = {
    Status.CURRENT: "Healthy",
    Status.FAILED: "Degraded",
    Status.IN_PROGRESS: "Progressing",
    Status.TERMINATING: "Progressing",
}
"""Argo CD's word for each of kstatus', but for waits that no work ends."""
WAITS: Final = {"Suspended", "WeeklyQuotaExceeded"}

Manifest = dict[str, Any]


def load(file: Path) -> Manifest:
    """The content of a file."""
    return dict(yaml.safe_load(file.read_text(encoding="utf-8")))


OBJECTS: Final = {
    file.relative_to(root): load(file)
    for root, pattern in ((CORPUS, "v*/*/*.yaml"), (TREE, "*/testdata/*.yaml"))
    for file in sorted(root.glob(pattern))
}
"""Every state that a release leaves behind, and the samples for Argo CD."""
CASES: Final = [
    pytest.param(file.parent.name, each, id=f"{file.parent.name} {each['inputPath']}")
    for file in sorted(TREE.glob("*/health_test.yaml"))
    for each in load(file)["tests"]
]


def judge(script: Path, objects: list[Manifest]) -> list[Manifest]:
    """What the tools say about objects."""
    command = [programs.ready(programs.VERDICTS), script]
    done = subprocess.run(command, input=json.dumps(objects), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return list(json.loads(done.stdout))


@pytest.fixture(scope="module")
def verdicts() -> dict[Path, Manifest]:
    """What the tools say about each of the objects."""
    return dict(zip(OBJECTS, judge(SCRIPT, list(OBJECTS.values())), strict=True))


def waits_for_nobodys_work(manifest: Manifest) -> bool:
    """Whether the object is working, in name only: until a person or the calendar lets it go on."""
    working = [each for each in manifest["status"].get("conditions", ()) if each["type"] == "Reconciling"]
    return any(each["reason"] in WAITS for each in working)


@pytest.mark.parametrize("file", OBJECTS, ids=str)
def test_the_tools_agree_with_the_conditions(file: Path, verdicts: dict[Path, Manifest]) -> None:
    """Stalled is Degraded and Failed, Reconciling is Progressing and InProgress, Ready is Healthy and Current."""
    manifest, said = OBJECTS[file], verdicts[file]
    expected = kstatus(manifest)
    waits = expected is Status.IN_PROGRESS and waits_for_nobodys_work(manifest)
    assert said["kstatus"] == expected
    assert said["health"]["status"] == ("Suspended" if waits else HEALTH[expected])
    assert said["health"]["message"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_verdict_occurs_for_every_kind(kind: str, verdicts: dict[Path, Manifest]) -> None:
    """The states of no kind are all of one sort; accounts alone are never suspended."""
    said = [verdict for file, verdict in verdicts.items() if OBJECTS[file]["kind"] == kind]
    suspended = set() if kind == "CloudAccount" else {"Suspended"}
    assert {each["kstatus"] for each in said} == set(Status)
    assert {each["health"]["status"] for each in said} == {*HEALTH.values()} | suspended


@pytest.mark.parametrize(("kind", "case"), CASES)
def test_argo_cds_own_test_would_pass(kind: str, case: Manifest) -> None:
    """Status and message are those of the case, as Argo CD's test of its resource_customizations compares them."""
    folder = TREE / kind
    (said,) = judge(folder / "health.lua", [load(folder / case["inputPath"])])
    assert said["health"] == case["healthStatus"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_samples_and_every_sample_is_used(kind: str) -> None:
    """There is no sample without a case, and no kind without either."""
    samples = {f"testdata/{file.name}" for file in (TREE / kind / "testdata").iterdir()}
    assert samples == {each["inputPath"] for each in load(TREE / kind / "health_test.yaml")["tests"]}


@pytest.mark.parametrize("library", ["string.upper('x')", "('x'):upper()", "math.floor(1)", "io.read()", "os.exit()"])
def test_the_engine_here_has_no_more_than_argo_cds(tmp_path: Path, library: str) -> None:
    """A script that uses what Argo CD keeps closed fails here too, so that ours would show it."""
    script = tmp_path / "health.lua"
    script.write_text(f"local x = {library}\nreturn {{ status = 'Healthy', message = '' }}\n", encoding="utf-8")
    with pytest.raises(RuntimeError, match=r"attempt to (index|call)"):
        judge(script, [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}])

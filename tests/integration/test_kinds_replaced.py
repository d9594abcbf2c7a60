"""The kinds themselves go and come again, or are another release's: the operator stays up, and what runs in the cloud is followed."""

import json
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from controlplane import ControlPlane
from tests.integration.scene import SPEED, Scene, one_submission, scene
from tests.stage import Manifest

EXPORTS: Final = "imageexports.imageferry.dev"
CRD: Final = Path(__file__).parents[2] / "crds" / "imageexports.yaml"
MOST_REQUESTS: Final = 60
"""For a kind that is gone, from all streams and writes together until it is back."""

NEWER: Final[dict[str, Any]] = {
    "/novelty": {"since": "1.9"},
    "/attempt/lane": "fast",
    "/task/state": "Hibernating",
    "/lastRefusal": {"reason": "NotYetInvented", "class": "Unheard", "generation": 1},
    "/conditions/-": {
        "type": "Blessed",
        "status": "True",
        "reason": "NotYetInvented",
        "message": "By a newer release.",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    },
}
"""What a newer release may have put into a status, path by path."""


@pytest.fixture(scope="module")
def shown(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A scene without an operator yet, whose kinds are the shipped ones again afterwards."""
    with scene(plane, tmp_path_factory.mktemp("kinds")) as ready:
        try:
            yield ready
        finally:
            install(ready)


def install(shown: Scene, definition: Manifest | None = None) -> None:
    """Have the kind served, as shipped unless told otherwise."""
    text = CRD.read_text(encoding="utf-8") if definition is None else json.dumps(definition)
    shown.stage.plane.kubectl_run("apply", "-f", "-", input=text)
    shown.stage.plane.kubectl_run("wait", "--for=condition=Established", f"crd/{EXPORTS}", "--timeout=60s")


def served(shown: Scene) -> bool:
    """Whether there is such a kind."""
    return EXPORTS in shown.stage.plane.kubectl_run("get", "crd", "-o", "name")


def asked_for_what_is_gone(shown: Scene) -> int:
    """How often the operator was told that there is no such kind."""
    return sum(
        code == HTTPStatus.NOT_FOUND and "imageexports" in request.path
        for request, code in list(shown.stage.tap.requests)
    )


def own_errors(shown: Scene) -> list[Manifest]:
    """What the operator itself called an error; kopf says of its own accord that a kind went."""
    bad = [line for line in shown.log_lines() if line.get("level") in ("error", "critical")]
    return [line for line in bad if line.get("logger", "").startswith("imageferry")]


def test_a_kind_that_is_deleted_and_made_again_is_served_again(shown: Scene) -> None:
    """Row 66: its objects are deleted by their policies, the operator lives on, and the next export is one like any other."""
    operator = shown.stage.start_operator()
    shown.export("before", seconds=1)
    shown.export("running", disks=3, seconds=20)
    shown.stage.until_succeeded("before")
    shown.stage.until("running", lambda each: "task" in each["status"])
    shown.stage.plane.kubectl_run("delete", "crd", EXPORTS, "--wait=false")
    shown.stage.until_true(lambda: not served(shown), "the kind has gone with its objects")
    assert [task["status"] for task in shown.tasks("running")] == ["Deleted"]
    shown.stage.until_true(lambda: any("missing" in line for line in shown.log_lines()), "the operator waits for it")
    assert operator.running
    install(shown)
    shown.export("after")
    one_submission(shown, "after", shown.stage.until_succeeded("after"))
    assert len(shown.submissions("before")) == len(shown.submissions("running")) == 1
    assert operator.stop() == 0
    assert asked_for_what_is_gone(shown) < MOST_REQUESTS
    assert own_errors(shown) == []


def of_a_newer_release() -> Manifest:
    """The definition, with a status that holds what this release does not know."""
    definition: Manifest = yaml.safe_load(CRD.read_text(encoding="utf-8"))
    schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    for part in ("status", "status.attempt"):
        found = schema
        for name in part.split("."):
            found = found["properties"][name]
        found["x-kubernetes-preserve-unknown-fields"] = True
    del schema["properties"]["status"]["properties"]["lastRefusal"]
    return definition


def test_what_a_newer_release_wrote_is_followed_after_a_rollback(shown: Scene) -> None:
    """Row 66: fields, words and conditions that this release does not know cost neither the task nor a second submission.

    The operator goes back first, as with Helm, which leaves definitions alone; then the kinds go back under its feet.
    """
    newer = shown.stage.start_operator()
    shown.export("web", seconds=600)
    shown.stage.until("web", lambda each: "task" in each["status"])
    newer.kill()
    install(shown, of_a_newer_release())
    for path, value in NEWER.items():
        operation = json.dumps([{"op": "add", "path": f"/status{path}", "value": value}])
        shown.stage.plane.kubectl_run(
            *("patch", "imageexport", "web", "-n", shown.stage.namespace),
            *("--subresource=status", "--type=json", "-p", operation),
        )
    assert shown.stage.get("web")["status"]["novelty"] == {"since": "1.9"}
    shown.stage.start_operator()
    shown.export("witness")
    one_submission(shown, "witness", shown.stage.until_succeeded("witness"))
    assert shown.runs("web")
    install(shown)
    shown.emulator.admin("POST", "/settings", {"speed": 100 * SPEED})
    done = shown.stage.until_succeeded("web")
    one_submission(shown, "web", done)
    assert done["status"]["attempt"]["number"] == 1
    assert {each["reason"] for each in done["status"]["conditions"] if each["type"] == "Ready"} == {"Exported"}
    assert own_errors(shown) == []

"""A source that is a name or a family is resolved once: every further attempt exports the same image, whatever came meanwhile."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from controlplane import ControlPlane
from tests.integration.scene import HANGZHOU, RETRY, Scene, scene
from tests.stage import Manifest, condition


@pytest.fixture
def shown(plane: ControlPlane, tmp_path: Path) -> Iterator[Scene]:
    """A scene with an operator."""
    with scene(plane, tmp_path) as ready:
        ready.stage.start_operator()
        yield ready


def image(shown: Scene, image_id: str, created: str, **more: Any) -> None:  # noqa: ANN401 -- fields of an image
    """An image that was made at that time."""
    usual = {"region": HANGZHOU, "account": shown.emulator.info["accountID"], "created": created}
    quick = {"waitingSeconds": 12, "secondsPerDisk": 120, "disks": [{"bytes": 65536}]}
    shown.emulator.admin("POST", "/images", usual | quick | {"id": image_id} | more)


def exported(shown: Scene, name: str) -> list[str]:
    """The images of the export's submissions that the cloud accepted, oldest first."""
    return [entry["params"]["ImageId"] for entry in shown.submissions(name)]


def ended_badly(each: Manifest) -> bool:
    """Whether the export is over and failed."""
    return condition(each, "Succeeded") == "False"


def test_every_attempt_exports_the_image_that_the_family_meant_at_first(shown: Scene) -> None:
    """A newer image of the family changes neither the next attempt, nor one that is asked for, nor what a restart does."""
    image(shown, "m-family1", "2026-01-01T00:00:00Z", name="web-1", family="web")
    fault = {"fault": "taskFails", "action": "ExportImage", "params": {"ImageId": "m-family1"}, "times": 3}
    shown.emulator.admin("POST", "/faults", fault)
    shown.stage.export("family", source={"imageFamily": "web"}, destination={"bucket": "ferry-good", "prefix": "family"},
                       backoffLimit=1)  # fmt: skip
    shown.stage.until("family", lambda each: "task" in each["status"])
    image(shown, "m-family2", "2026-02-01T00:00:00Z", name="web-2", family="web")
    failed = shown.stage.until("family", ended_badly)
    assert exported(shown, "family") == ["m-family1"] * 2
    assert failed["status"]["resolved"]["imageID"] == "m-family1"
    shown.stage.operators[0].kill()
    shown.stage.start_operator()
    shown.request("family", RETRY)
    done = shown.stage.until_succeeded("family")
    assert exported(shown, "family") == ["m-family1"] * 4
    assert done["status"]["resolved"]["imageID"] == "m-family1"


def test_a_name_that_another_image_takes_over_still_means_the_first(shown: Scene) -> None:
    """The image is renamed and its name given to another while the first attempt runs: the second is not ambiguous."""
    image(shown, "m-named1", "2026-01-01T00:00:00Z", name="golden")
    fault = {"fault": "taskFails", "action": "ExportImage", "params": {"ImageId": "m-named1"}}
    shown.emulator.admin("POST", "/faults", fault)
    shown.stage.export("named", source={"imageName": "golden"}, destination={"bucket": "ferry-good", "prefix": "named"})
    shown.stage.until("named", lambda each: "task" in each["status"])
    image(shown, "m-named2", "2026-02-01T00:00:00Z", name="golden")
    shown.stage.until_succeeded("named")
    assert exported(shown, "named") == ["m-named1"] * 2

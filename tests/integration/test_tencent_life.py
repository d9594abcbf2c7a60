"""The round trip on Tencent Cloud: a cloud that can neither list nor cancel its tasks, on the same road."""

from collections.abc import Iterator
from typing import Any

import pytest

from controlplane import ControlPlane
from tests.stage import Manifest, Stage, condition, reason

ACCOUNT = "tencent"
KIND = "imageimport"


@pytest.fixture(scope="module")
def stage(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A stage with an account of Tencent Cloud, and an operator."""
    with Stage(plane, tmp_path_factory.mktemp("tencent"), signature_life_seconds="120", window_seconds="130") as stage:
        tencent, endpoint = stage.emulator.info["tencent"], stage.emulator.endpoint
        stage.write_secret(tencent["secretID"], tencent["secretKey"])
        stage.write_account(
            ACCOUNT,
            provider="Tencent",
            region=tencent["regions"][0],
            endpoints={"compute": endpoint, "objectStore": endpoint, "sts": endpoint},
        )
        stage.start_operator()
        yield stage


def export(stage: Stage, name: str, image: str, **spec: object) -> None:
    """Apply an export of one of the emulator's images (or of the image of that id) into the good bucket."""
    tencent = stage.emulator.info["tencent"]
    usual = {
        "accountRef": {"name": ACCOUNT},
        "source": {"imageID": tencent["images"].get(image, image)},
        "destination": {"bucket": tencent["buckets"]["good"], "prefix": "web"},
    }
    stage.export(name, image, **(usual | spec))


def accepted(stage: Stage, action: str) -> list[Manifest]:
    """What CVM accepted."""
    return stage.submissions(action)


def test_an_image_goes_to_the_bucket_and_comes_back(stage: Stage) -> None:
    """Export, import of that export, export of the image that came back: one task each, each checked."""
    export(stage, "there", "plain")
    there = stage.until_succeeded("there", 40)
    assert (reason(there), condition(there, "Verified")) == ("Exported", "True")
    (file,) = there["status"]["artifacts"]
    assert (file["role"], file["format"], int(file["sizeBytes"]) > 0) == ("System", "RAW", True)
    wish: dict[str, Any] = {
        "accountRef": {"name": ACCOUNT},
        "source": {"exportRef": {"name": "there"}},
        "image": {
            "name": "web-back",
            "osType": "Linux",
            "platform": "Ubuntu",
            "osVersion": "20",
            "architecture": "x86_64",
        },
    }
    stage.import_("back", **wish)
    back = stage.until_succeeded("back", 120, KIND)
    assert (reason(back), condition(back, "Verified")) == ("Imported", "True")
    export(stage, "again", back["status"]["imageID"])
    again = stage.until_succeeded("again", 120)
    (second,) = again["status"]["artifacts"]
    assert second["crc64"] == file["crc64"]
    assert len(accepted(stage, "ExportImages")) == 2
    assert len(accepted(stage, "ImportImage")) == 1


def test_a_public_image_is_refused_before_anything_is_submitted(stage: Stage) -> None:
    """The reason names the remedy, and the cloud is asked for nothing."""
    before = len(accepted(stage, "ExportImages"))
    export(stage, "public", "public")
    held = stage.until("public", lambda each: condition(each, "Stalled") == "True")
    assert reason(held) in {"ImageNotOwned", "ImageNotSupported"}
    assert len(accepted(stage, "ExportImages")) == before


def test_a_lost_answer_leads_to_no_second_export(stage: Stage) -> None:
    """The files that appear under the attempt's prefix tell that it was taken."""
    fault = {"fault": "answerLost", "action": "ExportImages", "params": {}}
    stage.emulator.admin("POST", "/faults", fault)
    before = len(accepted(stage, "ExportImages"))
    export(stage, "lost", "plain2")
    stage.until_succeeded("lost", 120)
    assert len(accepted(stage, "ExportImages")) == before + 1

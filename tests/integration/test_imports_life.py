"""The life of an import: what it becomes when all goes well, what it waits for, and how it ends when it cannot."""

from collections.abc import Iterator
from typing import Any

import pytest

from controlplane import ControlPlane
from tests.integration.scene import CANCEL, RETRY
from tests.stage import Manifest, Stage, condition, reason

KIND = "imageimport"
MARK = "imageferry.dev/attempt"


class Port:
    """A stage with a finished export whose files can be imported."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        stage.emulator.admin("POST", "/settings", {"waitingSeconds": 12, "secondsPerDisk": 30})
        stage.export("web")
        self.files = stage.until_succeeded("web")["status"]["artifacts"]

    def disks(self) -> list[Manifest]:
        """The files of the export as an import names them."""
        return [{"bucket": file["bucket"], "key": file["key"], "format": file["format"]} for file in self.files]

    def import_(self, name: str, **spec: Any) -> str:  # noqa: ANN401 -- fields of the spec
        """Apply an import of these files into an image of the same name; its uid."""
        return self.stage.import_(name, **({"source": {"disks": self.disks()}} | spec))

    def until(self, name: str, status: str = "True") -> Manifest:
        """The import, once it ended well; with `status` False, badly."""
        return self.stage.until(name, lambda each: condition(each, "Succeeded") == status, kind=KIND)

    def until_reason(self, name: str, wanted: str) -> Manifest:
        """The import, once it shows the reason."""
        return self.stage.until(name, lambda each: reason(each) == wanted, kind=KIND)

    def fault(self, name: str, fault: str, **options: object) -> None:
        """Script a fault for the submission of the import into this image."""
        wish = {"fault": fault, "action": "ImportImage", "params": {"ImageName": name}}
        self.stage.emulator.admin("POST", "/faults", wish | options)

    def submissions(self, name: str) -> list[Manifest]:
        """What the cloud accepted for the image, oldest first."""
        return [each for each in self.stage.submissions("ImportImage") if each["params"]["ImageName"] == name]

    def images(self, name: str) -> list[Manifest]:
        """The images that bear the name, in any state."""
        images = self.stage.emulator.admin("GET", "/state")["images"]
        return [image for image in images if image["name"] == name]


@pytest.fixture(scope="module")
def port(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Port]:
    """A port with an operator."""
    with Stage(plane, tmp_path_factory.mktemp("imports")) as stage:
        stage.start_operator()
        yield Port(stage)


def test_a_plain_import_ends_ready_with_its_image_and_snapshots(port: Port) -> None:
    """Ready, Succeeded and Verified are true; image and snapshots are those that the cloud made, and no second one is there."""
    port.import_("plain")
    done = port.until("plain")
    status = done["status"]
    (entry,) = port.submissions("plain")
    (image,) = port.images("plain")
    assert (status["imageID"], status["task"]["id"]) == (entry["result"]["ImageId"], entry["result"]["TaskId"])
    assert (image["id"], image["status"]) == (status["imageID"], "Available")
    assert image["tags"][MARK] == status["attempt"]["key"]
    assert len(status["snapshots"]) == len(port.files)
    shows = {kind: condition(done, kind) for kind in ("Ready", "Verified", "Submitted", "Validated", "Reconciling")}
    assert shows == {"Ready": "True", "Verified": "True", "Submitted": "True", "Validated": "True", "Reconciling": ""}
    assert reason(done) == "Imported"
    assert [disk["etag"] for disk in status["resolved"]["disks"]] == [file["etag"] for file in port.files]


def test_an_import_waits_for_the_export_it_names_and_takes_its_files(port: Port) -> None:
    """First there is no such export, then it runs, then its files become the image."""
    port.import_("follower", source={"exportRef": {"name": "followed"}})
    port.until_reason("follower", "ExportNotFound")
    port.stage.export("followed")
    done = port.until("follower")
    artifacts = port.stage.get("followed")["status"]["artifacts"]
    assert [disk["key"] for disk in done["status"]["resolved"]["disks"]] == [file["key"] for file in artifacts]
    assert len(port.submissions("follower")) == 1


def test_an_export_that_failed_is_named_as_the_reason(port: Port) -> None:
    """Nothing is imported of what is not whole; a retry of the export sets the import going again."""
    fault = {
        "fault": "taskFails",
        "action": "ExportImage",
        "params": {"ImageId": port.stage.emulator.info["images"]["plain"]},
    }
    port.stage.emulator.admin("POST", "/faults", fault)
    port.stage.export("bad", backoffLimit=0)
    port.import_("of-bad", source={"exportRef": {"name": "bad"}})
    held = port.until_reason("of-bad", "ExportFailed")
    assert condition(held, "Stalled") == "True"
    port.stage.annotate("bad", RETRY, "now")
    port.until("of-bad")


def test_an_image_of_the_same_name_is_never_touched(port: Port) -> None:
    """It is somebody else's, whatever state it is in."""
    stage = port.stage
    stranger = {
        "id": "m-taken",
        "region": "cn-hangzhou",
        "account": stage.emulator.info["accountID"],
        "name": "taken",
        "status": "CreateFailed",
    }
    image_id = stage.emulator.admin("POST", "/images", stranger)["id"]
    port.import_("taken", deletionPolicy="Delete")
    held = port.until_reason("taken", "NameConflict")
    assert image_id in next(each["message"] for each in held["status"]["conditions"] if each["type"] == "Ready")
    stage.delete("taken", KIND)
    stage.until_true(lambda: not stage.exists("taken", KIND), "the import is gone")
    assert [image["id"] for image in port.images("taken")] == [image_id]
    assert port.submissions("taken") == []


def test_a_lost_answer_never_leaves_two_images(port: Port) -> None:
    """The image that the cloud made is found by its mark and adopted."""
    port.fault("lost", "answerLost")
    port.import_("lost")
    done = port.until("lost")
    (entry,) = port.submissions("lost")
    assert [image["id"] for image in port.images("lost")] == [done["status"]["imageID"]] == [entry["result"]["ImageId"]]
    assert done["status"]["attempt"]["failures"] == 0


def test_a_request_that_was_never_taken_is_repeated_under_the_same_token(port: Port) -> None:
    """Looking shows nothing; the token makes the repeat safe."""
    port.fault("repeated", "dropBeforeAccept")
    port.import_("repeated")
    done = port.until("repeated")
    (entry,) = port.submissions("repeated")
    asked = [
        each
        for each in port.stage.requests()
        if each["params"].get("ImageName") == "repeated" and each["action"] == "ImportImage"
    ]
    assert len(asked) == 2
    assert {each["params"]["ClientToken"] for each in asked} == {done["status"]["attempt"]["key"]}
    assert len({each["nonce"] for each in asked}) == 2
    assert entry["result"]["ImageId"] == done["status"]["imageID"]
    assert done["status"]["attempt"]["number"] == 1


def test_a_late_submission_and_its_repeat_make_one_image(port: Port) -> None:
    """Whichever of the two arrives first."""
    port.fault("late", "acceptedLate", seconds=2)
    port.import_("late")
    done = port.until("late")
    assert [image["id"] for image in port.images("late")] == [done["status"]["imageID"]]
    assert len(port.submissions("late")) == 1


def test_a_failed_image_is_cleared_away_before_the_next_attempt(port: Port) -> None:
    """It would keep the name; nothing of the first attempt is left behind."""
    port.fault("second", "taskFails")
    port.import_("second", backoffLimit=1)
    done = port.until("second")
    first, second = port.submissions("second")
    assert first["result"]["ImageId"] != second["result"]["ImageId"]
    assert [image["id"] for image in port.images("second")] == [second["result"]["ImageId"]]
    assert done["status"]["attempt"]["failures"] == 1


def test_a_retry_on_request_clears_the_failed_image_away(port: Port) -> None:
    """After an end only preflight meets it."""
    port.fault("asked", "taskFails")
    port.import_("asked", backoffLimit=0)
    failed = port.until("asked", "False")
    assert failed["status"]["imageID"] == port.submissions("asked")[0]["result"]["ImageId"]
    port.stage.annotate("asked", RETRY, "now", KIND)
    done = port.until("asked")
    assert [image["id"] for image in port.images("asked")] == [done["status"]["imageID"]]


def test_a_cancelled_import_ends_as_cancelled_and_makes_no_image(port: Port) -> None:
    """Its task is ended first: an image in the making cannot be deleted."""
    port.import_("stopped", deletionPolicy="Delete")
    port.stage.until("stopped", lambda each: "task" in each["status"], kind=KIND)
    port.stage.annotate("stopped", CANCEL, "now", KIND)
    port.until_reason("stopped", "Cancelled")
    port.stage.delete("stopped", KIND)
    port.stage.until_true(lambda: not port.stage.exists("stopped", KIND), "the import is gone")
    assert port.images("stopped") == []


def test_delete_removes_image_and_snapshots_and_retain_keeps_both(port: Port) -> None:
    """What the cloud bills goes with the object, if its policy says so."""
    for name, policy in (("removed", "Delete"), ("kept", "Retain")):
        port.import_(name, deletionPolicy=policy)
    made = {name: port.until(name)["status"] for name in ("removed", "kept")}
    for name in made:
        port.stage.delete(name, KIND)
    port.stage.until_true(lambda: not any(port.stage.exists(name, KIND) for name in made), "both imports are gone")
    assert port.images("removed") == []
    assert [image["id"] for image in port.images("kept")] == [made["kept"]["imageID"]]
    left = {snapshot["id"] for snapshot in port.stage.emulator.admin("GET", "/state")["snapshots"]}
    assert left & {each["id"] for each in made["removed"]["snapshots"]} == set()
    assert left >= {each["id"] for each in made["kept"]["snapshots"]}

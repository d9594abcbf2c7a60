"""Bad inputs that only the operator can know, row by row of bad_input_rows.py: a stable reason, a remedy, and no hot loop.

One operator meets all rows at once, as a cluster would; then the logs and the books of API server and cloud are read.
"""

import ast
import contextlib
import itertools
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from controlplane import ControlPlane
from imageferry.core.errors import MESSAGE_LIMIT
from imageferry.core.job import TASK_FINALIZER
from imageferry.core.reasons import MEANINGS, Reason
from tests.integration.bad_input_rows import ADMISSION, CONDITIONS, ELSEWHERE, LAST_ROW, LEFT_OUT
from tests.integration.bad_input_scene import DELETE_BOUND_SECONDS, LOOK_AGAIN_SECONDS, BadInputs, bad_inputs
from tests.integration.scene import one_submission
from tests.stage import Manifest, condition, reason

LOOKS_PER_HOLD: Final = 5
"""At the image of what waits for a person: when it is first seen, when its account comes, and around a submission."""
WRITES_PER_HOLD: Final = 8


class Held(NamedTuple):
    """One object that waits for a person: the row it belongs to, the reason it shows, and words of its message."""

    row: int
    reason: Reason
    words: str


HELD: Final[dict[str, Held]] = {
    "other-cloud": Held(8, Reason.IMAGE_NOT_FOUND, "img-pq5pau1w"),
    "nowhere": Held(9, Reason.REGION_NOT_FOUND, "no such region"),
    "no-exports": Held(10, Reason.REGION_NOT_SUPPORTED, "does not offer image export"),
    "no-format": Held(13, Reason.FORMAT_NOT_SUPPORTED_IN_REGION, "QCOW2"),
    "no-image": Held(37, Reason.IMAGE_NOT_FOUND, "m-noimage"),
    "foreign": Held(38, Reason.IMAGE_NOT_FOUND, "m-foreign"),
    "public": Held(38, Reason.IMAGE_NOT_OWNED, "m-public"),
    "market": Held(39, Reason.IMAGE_NOT_SUPPORTED, "marketplace"),
    "encrypted": Held(40, Reason.ENCRYPTED_SNAPSHOT, "encrypted snapshots"),
    "many-disks": Held(41, Reason.TOO_MANY_DISKS, "5"),
    "large-disk": Held(42, Reason.DISK_TOO_LARGE, "501 GiB"),
    "windows": Held(43, Reason.LICENSE_NOT_EXPORTABLE, "Windows"),
    "licence": Held(43, Reason.LICENSE_NOT_EXPORTABLE, "licence"),
    "barred": Held(48, Reason.NOT_WHITELISTED, "open a ticket"),
    "roleless": Held(48, Reason.ROLE_MISSING, "role"),
    "no-bucket": Held(49, Reason.BUCKET_NOT_FOUND, "does not exist"),
    "far-bucket": Held(49, Reason.BUCKET_REGION_MISMATCH, "eu-central-1"),
    "their-bucket": Held(49, Reason.NOT_AUTHORIZED, "another account"),
    "sealed-bucket": Held(50, Reason.BUCKET_ENCRYPTED, "another bucket"),
    "denied-bucket": Held(50, Reason.ROLE_PERMISSION_MISSING, "may not write"),
    "frozen-bucket": Held(50, Reason.OBJECT_INVALID, "restored"),
    "keyless": Held(56, Reason.CREDENTIALS_MALFORMED, "accessKeySecret is missing"),
    "marked": Held(56, Reason.CREDENTIALS_MALFORMED, "accessKeyID"),
    "doubled": Held(56, Reason.CREDENTIALS_MALFORMED, "base64 inside base64"),
    "bloated": Held(56, Reason.CREDENTIALS_MALFORMED, "accessKeySecret"),
    "wrong-key": Held(57, Reason.CREDENTIALS_REJECTED, "does not accept"),
    "disabled-key": Held(57, Reason.CREDENTIALS_REJECTED, "does not accept"),
    "expired-token": Held(57, Reason.CREDENTIALS_REJECTED, "security token"),
    # The grants of an account, of which row 59 is one: a policy's no, before the cloud is asked for anything.
    "not-admitted": Held(59, Reason.ACCOUNT_NOT_PERMITTED, "closed"),
    "grant-region": Held(59, Reason.REGION_NOT_PERMITTED, "allow.regions"),
    "grant-bucket": Held(59, Reason.BUCKET_NOT_PERMITTED, "allow.buckets"),
    "grant-image": Held(59, Reason.IMAGE_NOT_PERMITTED, "allow.imageIDs"),
    "grant-prefix": Held(59, Reason.OBJECT_NOT_PERMITTED, "allow.objectPrefixes"),
    "grant-role": Held(59, Reason.ROLE_NOT_PERMITTED, "allow.roleNames"),
}
AWAITED: Final[dict[str, Held]] = {
    "unborn": Held(44, Reason.IMAGE_NOT_READY, "Creating"),
    "broken-image": Held(44, Reason.IMAGE_NOT_READY, "CreateFailed"),
    "no-secret": Held(55, Reason.CREDENTIALS_MISSING, "later"),
    "no-account": Held(55, Reason.ACCOUNT_NOT_FOUND, "nobody"),
}
"""What may yet come: while the object is young nobody is asked to act."""

GOOD: Final[dict[str, int]] = {"labelled": 18, "newborn": 44, "odd-code": 54, "odd-state": 54, "newline": 56, "cut": 66}
"""What looks wrong and is none of the user's business: it succeeds, by the row that it belongs to."""

REFUSED_BY_THE_CLOUD: Final = frozenset({"no-exports", "licence", "barred", "denied-bucket", "frozen-bucket"})
"""Whom the cloud itself may have to refuse; for all others nothing is submitted."""


@pytest.fixture(scope="module")
def shown(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BadInputs]:
    """All rows at once, before one operator."""
    with bad_inputs(plane, tmp_path_factory.mktemp("bad-inputs")) as ready:
        ready.stage.start_operator()
        yield ready


@pytest.fixture(scope="module")
def seen(shown: BadInputs) -> dict[str, Manifest]:
    """Every object once all rows show their reasons."""
    shown.stage.until("cut", lambda each: "task" in each["status"])
    shown.stage.plane.kubectl_run(
        *("patch", "imageexport", "cut", "-n", shown.stage.namespace),
        *("--type=merge", "-p", '{"metadata":{"finalizers":null}}'),
    )
    rows = HELD | AWAITED
    with contextlib.suppress(AssertionError):  # each row is judged by its own test
        shown.until_all(
            lambda each: (
                all(reason(each[name]) == row.reason for name, row in rows.items())
                and all(condition(each[name], "Succeeded") == "True" for name in GOOD)
            ),
            "all rows",
            40,
        )
    return shown.all()


def _message(each: Manifest) -> str:
    return next(str(found["message"]) for found in each["status"]["conditions"] if found["type"] == "Ready")


def _row(name: str) -> str:
    row = (HELD | AWAITED)[name].row if name in HELD | AWAITED else GOOD[name]
    return f"row {row} {CONDITIONS.get(row) or ADMISSION[row]}: {name}"


@pytest.mark.parametrize("name", HELD, ids=_row)
def test_what_a_person_has_to_change_stalls_with_its_remedy(
    shown: BadInputs, seen: dict[str, Manifest], name: str
) -> None:
    """The reason is the row's, the message says what is wrong and what to do, no attempt is spent, nothing was started."""
    held, row = seen[name], HELD[name]
    assert reason(held) == row.reason
    assert (condition(held, "Stalled"), condition(held, "Ready"), condition(held, "Reconciling")) == (
        "True",
        "False",
        "",
    )
    assert row.words in _message(held)
    assert MEANINGS[row.reason].remedy in _message(held)
    assert len(_message(held)) <= MESSAGE_LIMIT
    assert held["status"]["observedGeneration"] == held["metadata"]["generation"]
    assert held["status"].get("attempt", {}).get("failures", 0) == 0
    assert "key" not in held["status"].get("attempt", {})
    assert len(shown.asked(name)) <= (name in REFUSED_BY_THE_CLOUD)
    assert shown.submissions(name) == []


@pytest.mark.parametrize("name", AWAITED, ids=_row)
def test_what_may_yet_come_is_awaited(shown: BadInputs, seen: dict[str, Manifest], name: str) -> None:
    """The reason is the row's, and a GitOps tool does not give up on it."""
    waiting, row = seen[name], AWAITED[name]
    assert reason(waiting) == row.reason
    assert (condition(waiting, "Reconciling"), condition(waiting, "Stalled")) == ("True", "")
    assert row.words in _message(waiting)
    assert shown.asked(name) == []


@pytest.mark.parametrize("name", GOOD, ids=_row)
def test_what_only_looks_wrong_succeeds(shown: BadInputs, seen: dict[str, Manifest], name: str) -> None:
    """One submission, one task, one file."""
    one_submission(shown, name, seen[name])
    assert reason(seen[name]) == "Exported"


def test_a_cut_finalizer_is_not_missed(seen: dict[str, Manifest]) -> None:
    """Row 66: what runs is followed without it; a finished export needs none."""
    assert TASK_FINALIZER not in seen["cut"]["metadata"].get("finalizers", [])


def test_nothing_held_is_asked_about_in_a_hot_loop(shown: BadInputs, seen: dict[str, Manifest]) -> None:
    """In total a few visits; and while another export runs its course, no write, and no call but those that are due."""
    assert seen
    asked, wrote = _asked(shown), _wrote(shown)
    crowded = {name: count for name, count in wrote.items() if name in HELD and count > WRITES_PER_HOLD}
    assert crowded == {}
    assert {image: count for image, count in asked.items() if image in _images() and count > LOOKS_PER_HOLD} == {}
    began, mark = time.monotonic(), shown.emulator.admin("GET", "/requests")["requests"][-1]["number"]
    shown.export("witness", seconds=5)
    shown.stage.until_succeeded("witness")
    looks = (time.monotonic() - began) / LOOK_AGAIN_SECONDS + 1
    later = _asked(shown, after=mark)
    assert {image: count for image, count in later.items() if image in _images()} == {}
    assert (_wrote(shown) - wrote).keys() & (HELD | AWAITED).keys() == set()
    assert 0 < later["m-unborn"] <= looks
    assert later["m-brokenimage"] <= looks
    for key in ("LTAI-FAKE-EMULATOR-KEY-WRONG", "LTAI-FAKE-DISABLED", "STS.FAKE-EXPIRED"):
        assert later[key] <= looks


def _images() -> frozenset[str]:
    return frozenset(f"m-{name.replace('-', '')}" for name in HELD)


def _asked(shown: BadInputs, after: int = 0) -> Counter[str]:
    """How often the cloud was asked what each image is, and how often each key was used, after the request of that number."""
    requests = [each for each in shown.emulator.admin("GET", "/requests")["requests"] if each["number"] > after]
    named = (each["params"].get("ImageId", "") for each in requests if each["action"] == "DescribeImages")
    images = Counter(image for images in named for image in images.split(","))  # one call may ask for many
    return images + Counter(each["accessKeyID"] for each in requests)


def _wrote(shown: BadInputs) -> Counter[str]:
    """How often each export was written."""
    folder = f"/namespaces/{shown.stage.namespace}/imageexports/"
    requests = [request for request, _ in list(shown.stage.tap.requests) if request.method == "PATCH"]
    return Counter(each.path.partition(folder)[2].partition("/")[0] for each in requests if folder in each.path)


def test_what_comes_is_seen(shown: BadInputs, seen: dict[str, Manifest]) -> None:
    """Rows 44, 55 to 57 and 59: image, Secret, account, key and grant come, or are put right, and the exports go on."""
    assert seen
    shown.come_right()
    for name in ("unborn", "no-secret", "no-account", "keyless", "wrong-key", "not-admitted", "grant-image"):
        one_submission(shown, name, shown.stage.until_succeeded(name, 60))


def test_a_bucket_that_goes_during_the_run_is_named_and_the_evidence_kept(shown: BadInputs) -> None:
    """Row 51: the cloud ends the task, which costs its attempt; the next one is not begun while the bucket is missing."""
    shown.doomed_bucket("washed-away")
    lost = shown.stage.until("washed-away", lambda each: condition(each, "Stalled") == "True")
    assert reason(lost) == "BucketNotFound"
    assert lost["status"]["attempt"] == {"number": 1, "failures": 1}
    assert lost["status"]["lastError"]["reason"] == "BucketNotFound"
    assert len(shown.submissions("washed-away")) == 1


def test_a_task_that_finds_no_room_in_the_bucket_ends_with_the_clouds_words(shown: BadInputs) -> None:
    """Row 50: a bucket over its quota has no code of its own in the documents: what the cloud says is what is told."""
    shown.image("no-room")
    shown.fault("no-room", "taskFails", errorCode="OSSBucketFull", errorMessage="The bucket has reached its quota.")
    shown.export("no-room", image="m-noroom", backoffLimit=0)
    failed = shown.stage.until("no-room", lambda each: condition(each, "Succeeded") == "False")
    assert (reason(failed), condition(failed, "Stalled")) == ("TaskFailed", "True")
    assert "OSSBucketFull: The bucket has reached its quota." in _message(failed)
    assert len(shown.submissions("no-room")) == 1


def test_files_that_the_bucket_freezes_are_waited_for_and_then_verified(shown: BadInputs) -> None:
    """Row 50: a bucket of an archive class. The files are there and cannot be read until somebody restores them."""
    with shown.frozen("frozen") as bucket:
        shown.export("frozen", destination={"bucket": bucket, "prefix": "frozen"})
        held = shown.stage.until("frozen", lambda each: condition(each, "Stalled") == "True")
        assert reason(held) == Reason.OBJECT_INVALID
        assert "restored" in _message(held)
        assert held["status"]["attempt"]["failures"] == 0
    one_submission(shown, "frozen", shown.stage.until_succeeded("frozen"))


def test_a_bucket_that_lets_nothing_be_deleted_holds_up_no_deletion_for_ever(shown: BadInputs) -> None:
    """Row 50: a retention policy (WORM). The reason is told, the object goes within its bound, and what stays is on record."""
    bucket = shown.retaining_bucket("kept")
    shown.export("kept", destination={"bucket": bucket, "prefix": "kept"}, deletionPolicy="Delete")
    one_submission(shown, "kept", shown.stage.until_succeeded("kept"))
    shown.delete("kept")
    shown.until_gone("kept")
    told = [line for line in shown.log_lines() if line.get("code") == "FileImmutable" and "message" in line]
    assert {(line["reason"], "retention policy" in line["message"]) for line in told} == {("NotAuthorized", True)}
    assert [row["name"] for row in shown.orphans()] == ["kept"]
    assert len(shown.files("kept")) == 1
    tries = [
        each for each in shown.emulator.admin("GET", "/requests")["requests"] if each["action"] == "OSS:DeleteObject"
    ]
    assert {each["code"] for each in tries} == {"FileImmutable"}
    assert len(tries) <= 2 * (DELETE_BOUND_SECONDS / LOOK_AGAIN_SECONDS + 1)


def test_no_log_line_is_a_traceback(shown: BadInputs, seen: dict[str, Manifest]) -> None:
    """None of all these is a fault of the operator's own."""
    assert seen
    operator = shown.stage.operators[0]
    assert "Traceback" not in operator.log()
    assert [line for line in shown.log_lines() if line.get("level") in ("error", "critical")] == []
    assert "InternalError" not in {reason(each) for each in shown.all().values()}


def test_every_row_has_its_test_or_its_excuse() -> None:
    """No row of the list is forgotten, and what is said to stand elsewhere does."""
    promised = ADMISSION.keys() | CONDITIONS.keys() | ELSEWHERE.keys()
    assert promised | LEFT_OUT.keys() == set(range(1, LAST_ROW + 1))
    assert promised & LEFT_OUT.keys() == set()
    shown_here = {row.row for row in (HELD | AWAITED).values()} | set(GOOD.values()) | {51}
    assert CONDITIONS.keys() <= shown_here <= CONDITIONS.keys() | {59}
    for module, name in itertools.chain.from_iterable(ELSEWHERE.values()):
        tree = ast.parse(Path(__file__).with_name(f"{module}.py").read_text(encoding="utf-8"))
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}

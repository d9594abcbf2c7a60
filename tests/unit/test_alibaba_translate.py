"""Answers are understood in every documented spelling, and nothing is made up where something is missing."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imageferry.clouds.alibaba.requests import export_request
from imageferry.clouds.alibaba.translate import (
    detail,
    images,
    listed,
    owned,
    percent,
    seen,
    task,
    total,
)
from imageferry.clouds.values import parse_time
from imageferry.core.journal import Claim
from imageferry.core.observation import Cancelled, Failed, Running, Succeeded, Task
from imageferry.core.reasons import Reason
from imageferry.core.resolved import ResolvedExport

FIELDS = [
    "TaskSet",
    "TaskId",
    "TaskStatus",
    "OperationProgressSet",
    "Images",
    "TaskProcess",
    "CreationTime",
    "TotalCount",
]
NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
KNOWN = Task(id="t-1", key="k3v6qzd2x7m4a", object_prefix="webk3v6qzd2x7m4a")
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def _row(**fields: Any) -> dict[str, Any]:  # noqa: ANN401 -- JSON
    return {"TaskId": "t-1", "TaskStatus": "Processing", "ResourceId": "m-1", **fields}


def _operation(*items: tuple[str, str], code: str = "", text: str = "") -> dict[str, Any]:
    related = [{"Name": name, "Value": value} for name, value in items]
    return {"ErrorCode": code, "ErrorMsg": text, "RelatedItemSet": {"RelatedItem": related}}


def _attribute(*operations: dict[str, Any], **fields: Any) -> dict[str, Any]:  # noqa: ANN401 -- JSON
    return {**_row(**fields), "OperationProgressSet": {"OperationProgress": list(operations)}}


def test_a_request_is_made_of_what_was_pinned() -> None:
    """The parameters come from the resolved wish and the claim's mark alone."""
    resolved = ResolvedExport(region="r", image_id="m-1", bucket="b", format="QCOW2", role_name="Role")
    claim = Claim(key="k", object_prefix="webk", account_id="1", claimed_at=NOW, claimed_by="p")
    assert export_request(resolved, claim) == {
        "ImageId": "m-1",
        "OSSBucket": "b",
        "OSSPrefix": "webk",
        "ImageFormat": "qcow2",
        "RoleName": "Role",
    }


TIMES = {
    "with seconds": ("2026-11-24T12:50:31Z", datetime(2026, 11, 24, 12, 50, 31, tzinfo=UTC)),
    "without seconds": ("2026-11-24T12:50Z", datetime(2026, 11, 24, 12, 50, tzinfo=UTC)),
    "empty": ("", None),
    "missing": (None, None),
    "no time": ("soon", None),
}


@pytest.mark.parametrize(("text", "expected"), TIMES.values(), ids=TIMES)
def test_times_come_with_and_without_seconds(text: str | None, expected: datetime | None) -> None:
    """Both forms stand in the samples."""
    assert parse_time(text) == expected


PERCENTS = {"35%": 35, "100%": 100, "7": 7, "": None, "half": None, "120%": 100, "-1%": None, "²%": None}


@pytest.mark.parametrize(("text", "expected"), PERCENTS.items(), ids=repr)
def test_a_percent_is_a_number_or_nothing(text: str, expected: int | None) -> None:
    """What is no percent is no failure."""
    assert percent(text) == expected


FLAGS = {"true": True, "True": True, "false": False, "": None}


@pytest.mark.parametrize(("value", "expected"), [*FLAGS.items(), (True, True), (False, False), (None, None)], ids=repr)
def test_cancellable_comes_as_text_and_as_a_flag(value: object, expected: bool | None) -> None:  # noqa: FBT001 -- the value expected
    """The model has a string, other samples a boolean."""
    (found,) = listed({"TaskSet": {"Task": [_row(SupportCancel=value)]}})
    assert found.cancellable is expected


def test_tasks_are_listed_wrapped_and_bare() -> None:
    """One sample shows a bare list; a row without an id is none."""
    rows = [_row(), {"TaskStatus": "Finished"}, "nonsense"]
    assert [each.id for each in listed({"TaskSet": {"Task": rows}})] == ["t-1"]
    assert [each.id for each in listed({"TaskSet": rows})] == ["t-1"]
    assert total({"TotalCount": 7}) == 7
    assert total({}) == 0


DISKS = [("OSSObject", "webk_m-1_system.raw.tar.gz"), ("OSSObject", "webk_m-1_data_xvdb.raw.tar.gz")]


@pytest.mark.parametrize(
    "operations",
    [
        pytest.param([_operation(("OSSBucket", "b"), *DISKS)], id="one operation for all disks"),
        pytest.param([_operation(("OSSBucket", "b"), disk) for disk in DISKS], id="one operation for each disk"),
        pytest.param([_operation(), _operation(("OSSBucket", "b"), *DISKS, DISKS[0])], id="repeated and empty ones"),
    ],
)
def test_all_files_of_a_task_are_read(operations: list[dict[str, Any]]) -> None:
    """However the cloud groups disks into operations, every file is known once."""
    found = detail(_attribute(*operations, TaskProcess="35%"))
    assert found.objects == tuple(name for _, name in DISKS)
    assert (found.bucket, found.percent) == ("b", 35)


def test_the_error_of_any_disk_is_read() -> None:
    """The operation that failed need not be the first."""
    found = detail(_attribute(_operation(), _operation(code="InternalError", text="broken"), TaskStatus="Failed"))
    assert (found.error_code, found.error_text) == ("InternalError", "broken")


OWNED = {
    "our file": ("webk_m-1_system.raw", True),
    "a prefix that begins with ours": ("webkx_m-1_system.raw", False),
    "a file of another": ("theirs_m-1_system.raw", False),
}


@pytest.mark.parametrize(("name", "expected"), OWNED.values(), ids=OWNED)
def test_a_task_is_ours_by_the_names_of_its_files(name: str, expected: bool) -> None:  # noqa: FBT001 -- the value expected
    """Nothing else proves it."""
    shown = detail(_attribute(_operation(("OSSBucket", "b"), ("OSSObject", name))))
    assert owned(shown, "webk") is expected


def test_a_task_that_shows_no_files_may_be_ours() -> None:
    """It can be told later."""
    assert owned(detail(_attribute()), "webk") is None


STATES = {
    "Finished": Succeeded,
    "Failed": Failed,
    "Deleted": Cancelled,
    "Waiting": Running,
    "Processing": Running,
    "Paused": Running,
    "Defragmenting": Running,
    "": Running,
}


@pytest.mark.parametrize(("state", "kind"), STATES.items(), ids=repr)
def test_an_unknown_state_runs(state: str, kind: type) -> None:
    """Only the three documented ends are ends."""
    shown = detail(_attribute(_operation(code="InternalError", text="broken"), TaskStatus=state))
    found = seen(shown.listed, KNOWN, NOW, shown)
    assert type(found) is kind
    assert (found.task.id, found.task.key, found.task.state) == ("t-1", KNOWN.key, state)


def test_a_failed_task_keeps_its_code() -> None:
    """The code goes to lastError, the words to the user."""
    shown = detail(_attribute(_operation(code="InternalError", text="broken"), TaskStatus="Failed"))
    found = seen(shown.listed, KNOWN, NOW, shown)
    assert isinstance(found, Failed)
    assert (found.code, found.reason, found.retryable) == ("InternalError", Reason.TASK_FAILED, True)


def test_a_task_that_ended_cannot_be_cancelled() -> None:
    """Whatever SupportCancel still says."""
    (found,) = listed({"TaskSet": {"Task": [_row(TaskStatus="Finished", SupportCancel="true")]}})
    assert task(found, "k", "webk").cancellable is False


def test_an_image_is_read_with_its_disks() -> None:
    """Sizes come as text, kinds in lower case; what is missing is empty."""
    disks = [
        {"Type": "system", "Size": "40", "Encrypted": False},
        {"Type": "data", "Size": "100", "Encrypted": True},
        {"Type": "data", "Size": 7},
    ]
    body = {"Images": {"Image": [{"ImageId": "m-1", "Size": 40, "DiskDeviceMappings": {"DiskDeviceMapping": disks}}]}}
    (found,) = images(body)
    assert (found.size_gib, found.data_disks_gib, found.encrypted, found.platform) == (40, (100, 7), True, "")


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no fault of the reader
@given(st.dictionaries(st.sampled_from(FIELDS), ANYTHING))
def test_no_answer_breaks_the_reader(body: dict[str, Any]) -> None:
    """Whatever JSON comes, it is read as far as it makes sense."""
    assert isinstance(listed(body), tuple)
    assert isinstance(images(body), tuple)
    assert isinstance(total(body), int)
    assert isinstance(detail(body).objects, tuple)

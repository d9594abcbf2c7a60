"""Which image a source means, and which images can be exported: each limit at its edge."""

from datetime import UTC, datetime
from typing import Any

import pytest

from imageferry.clouds import selection
from imageferry.clouds.alibaba import images
from imageferry.clouds.alibaba.translate import Image
from imageferry.core.errors import Blocked, Failure, Rejected
from imageferry.core.reasons import Reason

SPRING, AUTUMN = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 9, 1, tzinfo=UTC)


def _image(image_id: str = "m-1", **changes: Any) -> Image:  # noqa: ANN401 -- fields of any type
    usual: dict[str, Any] = {
        "name": "web",
        "status": "Available",
        "owner_alias": "self",
        "product_code": "",
        "platform": "Ubuntu",
        "os_type": "linux",
        "architecture": "x86_64",
        "size_gib": 40,
        "created_at": SPRING,
        "data_disks_gib": (),
        "encrypted": False,
    }
    return Image(id=image_id, **{**usual, **changes})


EXPORTED: dict[str, dict[str, Any]] = {
    "a plain image": {},
    "four data disks of 500 GiB": {"data_disks_gib": (500,) * 4},
    "a system disk beyond the limit of data disks": {"size_gib": 2048},
    "an image whose owner is not told": {"owner_alias": ""},
}


@pytest.mark.parametrize("changes", EXPORTED.values(), ids=EXPORTED)
def test_what_the_cloud_exports_passes(changes: dict[str, Any]) -> None:
    """Nothing is refused that the cloud would take."""
    images.check(_image(**changes))


REFUSED: dict[str, tuple[dict[str, Any], type[Failure], Reason]] = {
    "of the marketplace": ({"product_code": "cmjj1"}, Rejected, Reason.IMAGE_NOT_SUPPORTED),
    "owned by the marketplace": ({"owner_alias": "marketplace"}, Rejected, Reason.IMAGE_NOT_SUPPORTED),
    "public": ({"owner_alias": "system"}, Rejected, Reason.IMAGE_NOT_OWNED),
    "shared": ({"owner_alias": "others"}, Rejected, Reason.IMAGE_NOT_OWNED),
    "Windows by its system": ({"os_type": "windows"}, Rejected, Reason.LICENSE_NOT_EXPORTABLE),
    "Windows by its platform": ({"platform": "Windows Server 2022"}, Rejected, Reason.LICENSE_NOT_EXPORTABLE),
    "encrypted": ({"encrypted": True}, Rejected, Reason.ENCRYPTED_SNAPSHOT),
    "of five data disks": ({"data_disks_gib": (40,) * 5}, Rejected, Reason.TOO_MANY_DISKS),
    "of a disk of 501 GiB": ({"data_disks_gib": (40, 501)}, Rejected, Reason.DISK_TOO_LARGE),
    "failed": ({"status": "CreateFailed"}, Rejected, Reason.IMAGE_NOT_READY),
    "unavailable": ({"status": "UnAvailable"}, Rejected, Reason.IMAGE_NOT_READY),
    "being made": ({"status": "Creating"}, Blocked, Reason.IMAGE_NOT_READY),
    "waiting": ({"status": "Waiting"}, Blocked, Reason.IMAGE_NOT_READY),
    "deprecated": ({"status": "Deprecated"}, Blocked, Reason.IMAGE_NOT_READY),
    "in a state of the future": ({"status": "Resting"}, Blocked, Reason.IMAGE_NOT_READY),
    "in no state": ({"status": ""}, Blocked, Reason.IMAGE_NOT_READY),
}


@pytest.mark.parametrize(("changes", "kind", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_the_cloud_does_not_export_is_refused_by_its_limit(
    changes: dict[str, Any], kind: type[Failure], reason: Reason
) -> None:
    """The image is named, so that whoever reads the message knows which one is meant."""
    with pytest.raises(kind) as refused:
        images.check(_image(**changes))
    assert refused.value.reason is reason
    assert "Image m-1 " in refused.value.message


def test_an_unknown_id_is_not_found() -> None:
    """The id is in the message."""
    with pytest.raises(Rejected) as rejected:
        selection.by_id("m-9", None)
    assert rejected.value.reason is Reason.IMAGE_NOT_FOUND
    assert "m-9" in rejected.value.message


def test_a_name_means_one_image() -> None:
    """What only looks like the name is not meant, and two of one name are told by their ids."""
    like = _image("m-2", name="web-2")
    assert selection.by_name("web", [_image(), like]).id == "m-1"
    with pytest.raises(Rejected) as nowhere:
        selection.by_name("web", [like])
    with pytest.raises(Rejected) as several:
        selection.by_name("web", [_image("m-3"), _image()])
    assert (nowhere.value.reason, several.value.reason) == (Reason.IMAGE_NOT_FOUND, Reason.IMAGE_AMBIGUOUS)
    assert several.value.message == "2 images are named web: m-1, m-3."


def test_a_family_means_its_newest_available_image() -> None:
    """Images that are being made, failed or deprecated are passed over; one without a date is the oldest."""
    old, new, undated = _image("m-1"), _image("m-2", created_at=AUTUMN), _image("m-3", created_at=None)
    newer = datetime(2026, 10, 1, tzinfo=UTC)
    others = [_image(f"m-{s}", status=s, created_at=newer) for s in ("Creating", "CreateFailed", "Deprecated")]
    assert images.by_family("web", [undated, new, old, *others]).id == "m-2"
    assert images.by_family("web", [undated, *others]).id == "m-3"
    assert images.by_family("web", [_image("m-b"), _image("m-a")]).id == "m-b"


def test_a_family_without_an_available_image_is_waited_for() -> None:
    """The first image of a family may be in the making; a family that has none is not found."""
    with pytest.raises(Blocked) as blocked:
        images.by_family("web", [_image(status="Creating")])
    with pytest.raises(Rejected) as rejected:
        images.by_family("web", [_image(status="Deprecated")])
    assert (blocked.value.reason, rejected.value.reason) == (Reason.IMAGE_NOT_READY, Reason.IMAGE_NOT_FOUND)

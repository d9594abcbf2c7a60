"""What the tests of CVM share: accounts of their own, the vendor's SDK, hand-signed calls, and looks at what they made."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from tencentcloud.common.credential import Credential
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from tencentcloud.cvm.v20170312.cvm_client import CvmClient

from tests.emulator.cloud import until
from tests.emulator.tencent import REGION, Answer, Api, api, cos

if TYPE_CHECKING:
    from tests.emulator_process import EmulatorProcess

VERSION = "2017-03-12"
ELSEWHERE = "ap-singapore"
STOPPED = {"speed": 0.001, "waitingSeconds": 0}
FAST = {"speed": 1000}
MARK = b"\x55\xaa"
DISK = (bytes(range(251)) * 4096)[:510] + MARK + bytes(range(256)) * 2046
"""A disk of a little more than 500 KiB that bears the mark of a boot record and of no format."""
ENDED = ("NORMAL", "IMPORTFAILED")


class Accounts:
    """Gives out accounts of an emulator that runs; settings and faults are then as they were at the start."""

    def __init__(self, emulator: EmulatorProcess) -> None:
        self._emulator = emulator
        self._settings = emulator.admin("GET", "/settings")
        self._given = 0

    def another(self) -> EmulatorProcess:
        """The emulator with a new account as its first one, with buckets and images that no other test sees."""
        self._given += 1
        emulator, number = self._emulator, f"{self._given:03}"
        emulator.admin("POST", "/settings", self._settings)
        emulator.admin("DELETE", "/faults")
        account, app_id = f"200000000{number}", f"1310000{number}"
        key = {"id": f"AKID-FAKE-ACCOUNT-{number}", "secret": "fake-secret-of-an-account"}
        emulator.admin("POST", "/tencent/accounts", {"id": account, "appID": app_id, "keys": [key]})
        known = {
            "ownerUin": account,
            "appID": app_id,
            "secretID": key["id"],
            "secretKey": key["secret"],
            "buckets": {"good": f"ours-{app_id}", "otherRegion": f"theirs-{app_id}"},
            "images": {"plain": f"img-plain{number}", "dataDisks": f"img-disks{number}"},
        }
        for name, region in ((f"ours-{app_id}", REGION), (f"theirs-{app_id}", ELSEWHERE)):
            emulator.admin("POST", "/tencent/buckets", {"name": name, "region": region, "account": account})
        another = copy.copy(emulator)
        another.info = {**emulator.info, "tencent": {**emulator.info["tencent"], **known}}
        put_image(another, f"img-plain{number}", name="plain")
        put_image(another, f"img-disks{number}", name="disks", disks=[{}, {}])
        return another


def put_image(emulator: EmulatorProcess, image_id: str, **rest: Any) -> str:  # noqa: ANN401 (JSON)
    """An image of the account's, added as a seed has it; its id."""
    image = {"id": image_id, "region": REGION, "account": emulator.info["tencent"]["ownerUin"], **rest}
    emulator.admin("POST", "/tencent/images", image)
    return image_id


def signer(emulator: EmulatorProcess) -> Api:
    """A signer with the account's key."""
    return api(emulator).but(version=VERSION)


def ask(emulator: EmulatorProcess, action: str, by: Api | None = None, /, **params: Any) -> Answer:  # noqa: ANN401 (JSON)
    """A hand-signed call; a parameter of None is not sent."""
    return (by or signer(emulator)).call(emulator, action, {n: v for n, v in params.items() if v is not None})


def sdk(emulator: EmulatorProcess) -> CvmClient:
    """The vendor's client with the account's key."""
    known = emulator.info["tencent"]
    profile = ClientProfile(
        httpProfile=HttpProfile(protocol="http", endpoint=emulator.address, reqTimeout=30), language="en-US"
    )
    return CvmClient(Credential(known["secretID"], known["secretKey"]), REGION, profile)


def image_id(emulator: EmulatorProcess, image: str) -> str:
    """The id of an image by its name in the seed, or any other text."""
    return str(emulator.info["tencent"]["images"].get(image, image))


def export(emulator: EmulatorProcess, image: str = "plain", **changes: Any) -> Answer:  # noqa: ANN401 (JSON)
    """Ask for an export that is accepted unless the changes forbid it; None takes a parameter away."""
    bucket = emulator.info["tencent"]["buckets"]["good"]
    return ask(emulator, "ExportImages", **{"BucketName": bucket, "ImageIds": [image_id(emulator, image)], **changes})


def keys(answer: Answer) -> list[str]:
    """The keys of the files that an accepted export names."""
    assert answer.code == "", answer.body
    return [path.removeprefix("/") for path in answer.body["CosPaths"]]


def objects(emulator: EmulatorProcess, bucket: str = "good") -> dict[str, int]:
    """Sizes of the objects in a bucket by key."""
    name = emulator.info["tencent"]["buckets"][bucket]
    found = emulator.admin("GET", "/state")["tencent"]["buckets"]
    return {entry["key"]: entry["size"] for each in found if each["name"] == name for entry in each["objects"]}


def uploads(emulator: EmulatorProcess) -> list[str]:
    """The keys of the uploads in parts that run into the account's bucket."""
    answer = cos(emulator).call(emulator, "GET", "", {"uploads": ""})
    return [found.text or "" for found in answer.xml.iter("Key")]


def content(emulator: EmulatorProcess, key: str) -> bytes:
    """The bytes of an object."""
    answer = cos(emulator).call(emulator, "GET", key)
    assert answer.status == 200, answer.content
    return answer.content


def exported(emulator: EmulatorProcess, *names: str) -> dict[str, int]:
    """Wait until these files are there; the sizes of all there are."""
    return until(lambda: objects(emulator), lambda seen: set(names) <= set(seen))


def put(emulator: EmulatorProcess, key: str = "disk.raw", body: bytes = DISK, **headers: str) -> str:
    """Put an object into the account's bucket, private unless told otherwise; a URL that is signed for it."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = cos(emulator).call(emulator, "PUT", key, headers=given, body=body)
    assert answer.status == 200, answer.content
    return cos(emulator).url(key)


def take_in(emulator: EmulatorProcess, url: str, /, **changes: Any) -> Answer:  # noqa: ANN401 (JSON)
    """Ask for an import that is accepted unless the changes forbid it; None takes a parameter away."""
    wish = {
        "Architecture": "x86_64",
        "OsType": "CentOS",
        "OsVersion": "7",
        "ImageName": "taken-in",
        "ImageUrl": url,
    }
    return ask(emulator, "ImportImage", **{**wish, **changes})


def images(emulator: EmulatorProcess, **params: Any) -> list[dict[str, Any]]:  # noqa: ANN401 (JSON)
    """What DescribeImages shows."""
    answer = ask(emulator, "DescribeImages", **params)
    assert answer.code == "", answer.body
    return list(answer.body["ImageSet"])


def taken_in(emulator: EmulatorProcess, answer: Answer) -> dict[str, Any]:
    """Wait until an import has ended; its image."""
    assert answer.code == "", answer.body
    return became(emulator, answer.body["ImageId"])


def became(emulator: EmulatorProcess, image_id: str) -> dict[str, Any]:
    """Wait until an image is no longer being imported; what it shows then."""
    return until(lambda: images(emulator, ImageIds=[image_id])[0], lambda image: image["ImageState"] in ENDED)


def task(emulator: EmulatorProcess, task_id: str) -> dict[str, Any]:
    """A task as only the admin API shows it."""
    (found,) = [each for each in emulator.admin("GET", "/tasks")["tasks"] if each["id"] == task_id]
    return dict(found)


def ended(emulator: EmulatorProcess, task_id: str) -> dict[str, Any]:
    """Wait until a task has ended, as only the admin API can tell."""
    return until(lambda: task(emulator, task_id), lambda seen: seen["outcome"] is not None)


def accepted(emulator: EmulatorProcess, action: str) -> list[dict[str, Any]]:
    """What the ledger says was accepted of the account."""
    owner = emulator.info["tencent"]["ownerUin"]
    entries = emulator.admin("GET", "/ledger")["entries"]
    return [entry for entry in entries if entry["action"] == action and entry["accountID"] == owner]

"""Where a bucket is named, which host names are endpoints, and the switches that say how strict the service is about both."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.emulator.bucket_clients import call, send, signer

if TYPE_CHECKING:
    from tests.emulator_process import EmulatorProcess

HOSTS = [
    "{}.oss-cn-hangzhou.aliyuncs.com",
    "{}.oss-cn-hangzhou-internal.aliyuncs.com",
    "{}.cn-hangzhou.oss.aliyuncs.com",
    "{}.oss-accelerate.aliyuncs.com",
    "{}.oss.aliyuncs.com",
    "{}.localhost",
    "{}.localhost:8787",
    "{}.127.0.0.1:8787",
    "{}.[::1]:8787",
]


@pytest.mark.parametrize("host", HOSTS)
def test_a_bucket_in_front_of_an_endpoint_is_the_bucket(slow_emulator: EmulatorProcess, host: str) -> None:
    """The path is then the key alone, and the bucket is still part of what is signed."""
    bucket = slow_emulator.info["buckets"]["good"]
    headers = {"host": host.format(bucket)}

    put = call(slow_emulator, signer(slow_emulator), "PUT", f"/{bucket}/a/k", target="/a/k", headers=headers, body=b"x")
    listed = call(slow_emulator, signer(slow_emulator), "GET", f"/{bucket}/", target="/", headers=headers)

    assert (put.status, listed.xml.findtext("Name")) == (200, bucket)
    assert call(slow_emulator, signer(slow_emulator), "GET", f"/{bucket}/a/k").body == b"x"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:1", "[::1]:1", "emulator", "cloud.example.com"])
def test_any_other_host_leaves_the_bucket_to_the_path(slow_emulator: EmulatorProcess, host: str) -> None:
    """Addresses, and names that are no endpoint of the vendor's."""
    bucket = slow_emulator.info["buckets"]["good"]

    answer = call(slow_emulator, signer(slow_emulator), "GET", f"/{bucket}/", headers={"host": host})

    assert answer.xml.findtext("Name") == bucket


def test_an_unsigned_request_to_a_hosted_bucket_is_for_the_object_store(slow_emulator: EmulatorProcess) -> None:
    """It is answered as the object store answers, not as an unknown call of another service."""
    bucket = slow_emulator.info["buckets"]["good"]

    answer = send(slow_emulator, "GET", "/", {"host": f"{bucket}.localhost"})

    assert (answer.status, answer.code) == (403, "AccessDenied")


def test_a_bucket_is_asked_for_at_its_own_endpoint(slow_emulator: EmulatorProcess) -> None:
    """Where the host names another region the answer tells the right endpoint."""
    bucket = slow_emulator.info["buckets"]["otherRegion"]
    host = {"host": f"{bucket}.oss-cn-hangzhou.aliyuncs.com"}

    answer = call(slow_emulator, signer(slow_emulator), "GET", f"/{bucket}/", target="/", headers=host)

    assert (answer.status, answer.code) == (403, "AccessDenied")
    assert answer.xml.findtext("Endpoint") == "oss-eu-central-1.aliyuncs.com"


@pytest.mark.parametrize(("accepted", "answered"), [(True, (200, "")), (False, (403, "SecondLevelDomainForbidden"))])
def test_a_bucket_in_the_path_is_accepted_or_not(
    emulator: EmulatorProcess, *, accepted: bool, answered: tuple[int, str]
) -> None:
    """As the switch says; the service itself and a bucket in the host are always reached."""
    bucket, by = emulator.info["buckets"]["good"], signer(emulator)
    emulator.admin("POST", "/settings", {"pathStyleAccepted": accepted})

    path = call(emulator, by, "GET", f"/{bucket}/")

    assert (path.status, path.code) == answered
    assert call(emulator, by, "GET", f"/{bucket}/", target="/", headers={"host": f"{bucket}.localhost"}).status == 200
    assert call(emulator, by, "GET", "/").status == 200


@pytest.mark.parametrize(("checked", "answered"), [(False, (200, "")), (True, (400, "InvalidArgument"))])
def test_a_signature_for_another_region_is_accepted_or_not(
    emulator: EmulatorProcess, *, checked: bool, answered: tuple[int, str]
) -> None:
    """As the switch says; one made for the bucket's own region always passes."""
    bucket, by = emulator.info["buckets"]["otherRegion"], signer(emulator)
    emulator.admin("POST", "/settings", {"signingRegionChecked": checked})

    other = call(emulator, by, "GET", f"/{bucket}/")

    assert (other.status, other.code) == answered
    assert call(emulator, replace(by, region="eu-central-1"), "GET", f"/{bucket}/").status == 200

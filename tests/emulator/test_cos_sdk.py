from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from qcloud_cos import CosConfig, CosS3Client, CosServiceError

from imageferry_emulator.objects.crc64 import crc64
from tests.emulator.tencent import assume, assumed

if TYPE_CHECKING:
    from pathlib import Path

    from tests.emulator_process import EmulatorProcess

KEY = "dir/中 a+~.raw"
HELLO = b"hello world"


def _sdk(emulator: EmulatorProcess, key: tuple[str, str] | None = None, token: str | None = None) -> Any:  # noqa: ANN401 (the SDK has no type information)
    known = emulator.info["tencent"]
    secret_id, secret_key = key or (known["secretID"], known["secretKey"])
    address, port = emulator.address.split(":")
    config = CosConfig(
        Region="ap-guangzhou", SecretId=secret_id, SecretKey=secret_key, Token=token, Scheme="http", IP=address,
        Port=int(port), ServiceDomain=emulator.address,
    )  # fmt: skip
    return CosS3Client(config, retry=0)


def _bucket(emulator: EmulatorProcess) -> str:
    return str(emulator.info["tencent"]["buckets"]["good"])


def test_the_vendors_sdk_puts_and_gets(slow_emulator: EmulatorProcess) -> None:
    """What the SDK puts it finds, whole and in part, with its sum."""
    sdk, bucket = _sdk(slow_emulator), _bucket(slow_emulator)
    put = sdk.put_object(Bucket=bucket, Key=KEY, Body=HELLO)
    assert put["x-cos-hash-crc64ecma"] == str(crc64(HELLO))
    assert sdk.head_object(Bucket=bucket, Key=KEY)["Content-Length"] == "11"
    assert sdk.get_object(Bucket=bucket, Key=KEY, Range="bytes=6-")["Body"].get_raw_stream().read() == b"world"
    listed = sdk.list_objects(Bucket=bucket, Prefix="dir/")
    assert [entry["Key"] for entry in listed["Contents"]] == [KEY]
    assert "Contents" not in sdk.list_objects(Bucket=bucket, Prefix="nothing")
    sdk.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": KEY, "Region": "ap-guangzhou"})
    sdk.delete_objects(Bucket=bucket, Delete={"Object": [{"Key": KEY}, {"Key": "copy"}]})
    assert not sdk.object_exists(Bucket=bucket, Key="copy")


def test_the_vendors_sdk_uploads_in_parts(slow_emulator: EmulatorProcess, tmp_path: Path) -> None:
    """The SDK's upload of a file goes in parts that are checked, and comes back the same."""
    sdk, bucket, file = _sdk(slow_emulator), _bucket(slow_emulator), tmp_path / "disk.raw"
    whole = bytes(range(256)) * 10_000
    file.write_bytes(whole)
    sdk.upload_file(Bucket=bucket, Key="parts", LocalFilePath=str(file), PartSize=1, MAXThread=2, EnableMD5=True)
    assert sdk.head_object(Bucket=bucket, Key="parts")["ETag"].endswith('-3"')
    assert sdk.get_object(Bucket=bucket, Key="parts")["Body"].get_raw_stream().read() == whole
    assert "Upload" not in sdk.list_multipart_uploads(Bucket=bucket)


def test_the_vendors_sdk_learns_about_buckets(slow_emulator: EmulatorProcess) -> None:
    """Region, ACL, encryption and the list of all are told in the SDK's terms."""
    sdk, bucket = _sdk(slow_emulator), _bucket(slow_emulator)
    names = [entry["Name"] for entry in sdk.list_buckets()["Buckets"]["Bucket"]]
    assert (bucket in names, sdk.get_bucket_location(Bucket=bucket)) == (True, {"LocationConstraint": "ap-guangzhou"})
    assert sdk.head_bucket(Bucket=bucket)["x-cos-bucket-region"] == "ap-guangzhou"
    assert sdk.get_bucket_acl(Bucket=bucket)["CannedACL"] == "private"
    encrypted = sdk.get_bucket_encryption(Bucket=slow_emulator.info["tencent"]["buckets"]["encrypted"])
    assert encrypted["Rule"][0]["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}


def test_the_vendors_sdk_needs_the_token_of_a_temporary_key(slow_emulator: EmulatorProcess) -> None:
    """A temporary key without its token is unknown, which is how the SDK's credential instances fail."""
    given, bucket = assumed(assume(slow_emulator)), _bucket(slow_emulator)
    key = (given["key_id"], given["secret"])
    assert _sdk(slow_emulator, key, given["token"]).head_bucket(Bucket=bucket)
    with pytest.raises(CosServiceError) as refused:
        _sdk(slow_emulator, key).list_objects(Bucket=bucket)
    assert (refused.value.get_status_code(), refused.value.get_error_code()) == (403, "InvalidAccessKeyId")


def test_the_vendors_sdk_reads_errors(slow_emulator: EmulatorProcess) -> None:
    """Codes and ids reach the SDK's exception, of a HEAD as well."""
    sdk, bucket = _sdk(slow_emulator), _bucket(slow_emulator)
    with pytest.raises(CosServiceError) as missing:
        sdk.head_object(Bucket=bucket, Key="nothing")
    assert (missing.value.get_error_code(), bool(missing.value.get_trace_id())) == ("NoSuchResource", True)
    with pytest.raises(CosServiceError) as unknown:
        sdk.list_objects(Bucket="nothing-1250000001")
    assert (unknown.value.get_error_code(), bool(unknown.value.get_request_id())) == ("NoSuchBucket", True)

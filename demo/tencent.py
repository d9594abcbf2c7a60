"""Tencent Cloud, as the demo plays it: what its manifests promise, and how to reach its emulator and its buckets."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from qcloud_cos import CosConfig, CosS3Client
from qcloud_cos.cos_exception import CosException

from demo.cloud import Access, Cloud
from demo.failure import DemoError
from demo.watch import Artifact


def access(told: Mapping[str, Any]) -> Access:
    """Return what the emulator's first line says of this cloud."""
    ours = told["tencent"]
    return Access(
        endpoint=told["endpoint"],
        region=ours["regions"][0],
        account_id=ours["ownerUin"],
        secret={"accessKeyID": ours["secretID"], "accessKeySecret": ours["secretKey"]},
    )


def download(cloud: Access, artifact: Artifact, to: Path) -> None:
    """Fetch a file from the bucket with the vendor's SDK.

    Raises:
        DemoError: the bucket does not hand it out.
    """
    place = urlsplit(cloud.endpoint)
    config = CosConfig(
        Region=cloud.region,
        SecretId=cloud.secret["accessKeyID"],
        SecretKey=cloud.secret["accessKeySecret"],
        Scheme=place.scheme,
        IP=place.hostname,
        Port=place.port,
    )
    try:
        found = CosS3Client(config).get_object(Bucket=artifact.bucket, Key=artifact.key)
        found["Body"].get_stream_to_file(str(to))
    except (CosException, OSError) as error:
        raise DemoError(f"{artifact.uri} cannot be downloaded: {error}") from error


CLOUD = Cloud(
    account="tencent-demo",
    folder="examples/demo/tencent",
    images="tencent/images",
    image="img-plain001",
    ends={
        "imgexp/shop": "Exported",
        "imgexp/stock": "Exported",
        "imgexp/safe": "EncryptedSnapshot",
        "imgimp/shop": "Imported",
        "imgexp/anew": "Exported",
    },
    first="imgexp/shop",
    back="imgimp/shop",
    again="imgexp/anew",
    accepting={"imgexp": ("cvm", "ExportImages"), "imgimp": ("cvm", "ImportImage")},
    access=access,
    download=download,
)

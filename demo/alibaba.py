"""Alibaba Cloud, as the demo plays it: what its manifests promise, and how to reach its emulator and its buckets."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import alibabacloud_oss_v2 as oss

from demo.cloud import Access, Cloud
from demo.failure import DemoError
from demo.watch import Artifact


def access(told: Mapping[str, Any]) -> Access:
    """Return what the emulator's first line says of this cloud."""
    return Access(
        endpoint=told["endpoint"],
        region=told["regions"][0],
        account_id=told["accountID"],
        secret={name: told[name] for name in ("accessKeyID", "accessKeySecret")},
    )


def download(cloud: Access, artifact: Artifact, to: Path) -> None:
    """Fetch a file from the bucket with the vendor's SDK.

    Raises:
        DemoError: the bucket does not hand it out.
    """
    config = oss.config.load_default()
    key = cloud.secret["accessKeyID"], cloud.secret["accessKeySecret"]
    config.credentials_provider = oss.credentials.StaticCredentialsProvider(*key)
    config.region, config.endpoint = cloud.region, cloud.endpoint
    request = oss.GetObjectRequest(bucket=artifact.bucket, key=artifact.key)
    try:
        oss.Client(config).get_object_to_file(request, str(to))
    except oss.exceptions.BaseError as error:
        raise DemoError(f"{artifact.uri} cannot be downloaded: {error}") from error


CLOUD = Cloud(
    account="alibaba-demo",
    folder="examples/demo/alibaba",
    images="images",
    image="m-bp1plain00000000001",
    ends={
        "imgexp/web": "Exported",
        "imgexp/batch": "Exported",
        "imgexp/vault": "EncryptedSnapshot",
        "imgimp/web": "Imported",
        "imgexp/again": "Exported",
    },
    first="imgexp/web",
    back="imgimp/web",
    again="imgexp/again",
    accepting={"imgexp": ("ecs", "ExportImage"), "imgimp": ("ecs", "ImportImage")},
    access=access,
    download=download,
)

"""What a bucket must be for its files to be exported to or imported from: pure, from what GetBucketInfo shows.

Limits: https://www.alibabacloud.com/help/en/ecs/user-guide/export-a-custom-image; the references of ExportImage and
ImportImage share the codes about buckets.
"""

from imageferry.clouds.alibaba.answers import Bucket
from imageferry.core.errors import Blocked, Rejected
from imageferry.core.reasons import Reason


def check(name: str, bucket: Bucket, *, region: str, account: str) -> None:
    """Owner, region and encryption. Raises Rejected or Blocked."""
    if bucket.owner and bucket.owner != account:
        raise Blocked(
            Reason.BUCKET_NOT_FOUND,
            f"Bucket {name} belongs to another cloud account: name a bucket of account {account}.",
        )
    if bucket.region != region:
        raise Rejected(
            Reason.BUCKET_REGION_MISMATCH,
            f"Bucket {name} is in {bucket.region}, the image in {region}: name a bucket of {region}.",
        )
    if bucket.encrypted:
        raise Blocked(
            Reason.BUCKET_ENCRYPTED,
            f"Bucket {name} encrypts on the server's side, which ECS does not support: name another bucket.",
        )

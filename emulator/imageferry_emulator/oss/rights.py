"""Which right each operation needs, and what RAM policies call the thing it is needed for. Who has a right is known in ram/.

https://www.alibabacloud.com/help/en/oss/user-guide/authorization-syntax-and-elements
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from imageferry_emulator.objects.models import Bucket

READ = "oss:GetObject"

_NAMED_OTHERWISE = {
    "AppendObject": "oss:PutObject",
    "CompleteMultipartUpload": "oss:PutObject",
    "CopyObject": "oss:PutObject",
    "DeleteMultipleObjects": "oss:DeleteObject",
    "GetObjectMeta": READ,
    "HeadBucket": "oss:ListObjects",
    "HeadObject": READ,
    "InitiateMultipartUpload": "oss:PutObject",
    "UploadPart": "oss:PutObject",
    "UploadPartCopy": "oss:PutObject",
}


def needed(operation: str) -> str:
    """The action that a policy must allow: mostly the operation's own name. A copy needs READ on its source as well."""
    return _NAMED_OTHERWISE.get(operation, f"oss:{operation}")


def resource(bucket: Bucket, key: str) -> str:
    """What policies call an object, or with an empty key the bucket itself."""
    found = f"acs:oss:oss-{bucket.region}:{bucket.owner}:{bucket.name}"
    return f"{found}/{key}" if key else found


def unmade(account_id: str, name: str) -> str:
    """What they call a bucket that is not there yet, or with an empty name all buckets of the account."""
    return f"acs:oss:*:{account_id}:{name or '*'}"

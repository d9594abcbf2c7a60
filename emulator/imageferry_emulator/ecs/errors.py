"""Refusals of the compute service; codes and statuses from the error tables of ExportImage and of the task calls.

https://www.alibabacloud.com/help/en/ecs/developer-reference/api-ecs-2014-05-26-exportimage
"""

from __future__ import annotations

from imageferry_emulator.rpc.errors import Refusal

REGION_NOT_FOUND = Refusal(400, "InvalidRegionId.NotFound", "The specified RegionId does not exist.")
REGION_NOT_FOUND_404 = Refusal(404, "InvalidRegionId.NotFound", "The specified RegionId does not exist.")
REGION_NOT_SUPPORTED = Refusal(400, "InvalidRegion.NotSupport", "The region does not support image import or export.")
PREFIX_MALFORMED = Refusal(400, "InvalidOSSPrefix.Malformed", "The OSSPrefix must be 1 to 30 letters and digits.")
FORMAT_MALFORMED = Refusal(400, "InvalidImageFormat.Malformed", "The ImageFormat is none of the known ones.")
FORMAT_NOT_IN_REGION = Refusal(
    400, "InvalidImageFormat.RegionNotSupported", "The ImageFormat is not offered in this region."
)
IMAGE_NOT_FOUND = Refusal(404, "InvalidImageId.NotFound", "The specified ImageId does not exist.")
IMAGE_NOT_AVAILABLE = Refusal(400, "IncorrectImageStatus", "The image is not available.")
IMAGE_ENCRYPTED = Refusal(400, "ImageNotSupported", "The image contains encrypted snapshots and cannot be exported.")
IMAGE_OF_MARKETPLACE = Refusal(403, "ImageNotSupported", "The image is from the marketplace and cannot be exported.")
IMAGE_LICENSE = Refusal(403, "InvalidImageLicense.NotSupported", "The licence of the image forbids its export: %s.")
IMAGE_DISKS = Refusal(400, "InvalidImage.DiskAmountOrSize", "The image cannot be exported: %s.")
IMAGE_EXPORTING = Refusal(403, "ImageIsExporting", "The image is being exported; see DescribeTasks.")
BUCKET_NOT_FOUND = Refusal(400, "InvalidOSSBucket.NotFound", "The OSS bucket does not exist in this region.")
BUCKET_NOT_MATCHED = Refusal(400, "InvalidOSSBucket.NotMatched", "The OSS bucket is incorrect: %s.")
BUCKET_ENCRYPTED = Refusal(403, "InvalidOSSBucket.EncryptUnsupported", "Encrypted OSS buckets are not supported.")
ROLE_MISSING = Refusal(
    403, "NoSetRoletoECSServiceAcount", "The ECS service has no role that lets it access your OSS: %s."
)
NOT_ALLOW_LISTED = Refusal(403, "UserNotInTheWhiteList", "The user is not in the white list of exporting images.")
CONCURRENT_QUOTA = Refusal(403, "ConcurrentQuotaExceed.ExportImage", "At most %s export tasks may run at one time.")
WEEKLY_QUOTA = Refusal(403, "WeeklyQuotaExceed.ExportImage", "At most %s images may be exported within a week.")
DRY_RUN = Refusal(400, "DryRunOperation", "The request would have been accepted; DryRun was set.")
DRY_RUN_SUCCESS = Refusal(400, "DRYRUN.SUCCESS", "The request would have been accepted; DryRun was set.")
TASK_NOT_FOUND = Refusal(400, "InvalidTaskId.NotFound", "The specified TaskId does not exist.")
TASK_NOT_CANCELLABLE = Refusal(403, "InvalidTaskId.TaskActionNotSupport", "Tasks of this action cannot be cancelled.")
TASK_ENDED = Refusal(403, "InvalidTaskId.IncorrectTaskStatus", "The task has ended and cannot be cancelled.")

"""Refusals of the compute service; codes and statuses from the error tables of each action.

https://www.alibabacloud.com/help/en/ecs/developer-reference/api-ecs-2014-05-26-exportimage and its neighbours: -deleteimage,
-importimage, -deletesnapshot, -describetasks, -canceltask, -describesnapshots, -tagresources
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
IMAGE_CATEGORY = Refusal(
    403, "InvalidImageCategory.NotSupported", "The image is not one of your own custom images and cannot be exported."
)
IMAGE_EXPORTING_CANCEL_FIRST = Refusal(403, "ImageIsExporting", "The image is being exported; cancel the task first.")
IMAGE_IMPORTING = Refusal(403, "ImageIsImporting", "The image is being imported; cancel the task first.")
IMAGE_SHARED = Refusal(403, "ImageUseShared", "The image is shared with others.")
IMAGE_IN_USE = Refusal(
    403, "ImageUsingByInstance", "Instances were made from the image; Force deletes it all the same."
)
IMAGE_EXPORTING = Refusal(403, "ImageIsExporting", "The image is being exported; see DescribeTasks.")
BUCKET_NOT_FOUND = Refusal(400, "InvalidOSSBucket.NotFound", "The OSS bucket does not exist in this region.")
BUCKET_NOT_MATCHED = Refusal(400, "InvalidOSSBucket.NotMatched", "The OSS bucket is incorrect: %s.")
BUCKET_ENCRYPTED = Refusal(403, "InvalidOSSBucket.EncryptUnsupported", "Encrypted OSS buckets are not supported.")
ROLE_MISSING = Refusal(
    403, "NoSetRoletoECSServiceAcount", "The ECS service has no role that lets it access your OSS: %s."
)
BUCKET_NOT_AUTHORIZED = Refusal(
    403, "InvalidOSS.NotAuthorized", "The specified OSS bucket or object is not allowed to be accessed."
)
NOT_ALLOW_LISTED = Refusal(403, "UserNotInTheWhiteList", "The user is not in the white list of %s images.")
CONCURRENT_QUOTA = Refusal(403, "ConcurrentQuotaExceed.ExportImage", "At most %s export tasks may run at one time.")
WEEKLY_QUOTA = Refusal(403, "WeeklyQuotaExceed.ExportImage", "At most %s images may be exported within a week.")
DRY_RUN = Refusal(400, "DryRunOperation", "The request would have been accepted; DryRun was set.")
DRY_RUN_SUCCESS = Refusal(400, "DRYRUN.SUCCESS", "The request would have been accepted; DryRun was set.")
TASK_NOT_FOUND = Refusal(400, "InvalidTaskId.NotFound", "The specified TaskId does not exist.")
TASK_NOT_CANCELLABLE = Refusal(403, "InvalidTaskId.TaskActionNotSupport", "Tasks of this action cannot be cancelled.")
TASK_ENDED = Refusal(403, "InvalidTaskId.IncorrectTaskStatus", "The task has ended and cannot be cancelled.")
SNAPSHOT_IN_USE = Refusal(403, "SnapshotCreatedImage", "An image was made of the snapshot; delete that first.")
SNAPSHOT_NOT_FOUND = Refusal(404, "InvalidSnapshotId.NotFound", "The specified snapshot does not exist.")
SNAPSHOT_IDS = Refusal(400, "InvalidSnapshotIds.Malformed", "SnapshotIds must be a JSON array of at most 100 ids.")

REGION_MISSING = Refusal(404, "MissingParameter.RegionId", "The parameter RegionId should not be null.")
RESOURCE_TYPE_MISSING = Refusal(404, "MissingParameter.ResourceType", "The parameter ResourceType should not be null.")
RESOURCES_MISSING = Refusal(404, "MissingParameter.ResourceIds", "The parameter ResourceIds should not be null.")
TAGS_MISSING = Refusal(404, "MissingParameter.Tags", "The parameter Tags should not be null.")
RESOURCE_TYPE = Refusal(404, "InvalidResourceType.NotFound", "The ResourceType does not exist.")
RESOURCE_NOT_FOUND = Refusal(404, "InvalidResourceId.NotFound", "Some of the ResourceIds do not exist.")
RESOURCES_NUMBER = Refusal(400, "NumberExceed.ResourceIds", "At most 50 ResourceIds can be given.")
TAGS_NUMBER = Refusal(400, "NumberExceed.Tags", "At most 20 Tags can be given.")
TAGS_ON_RESOURCE = Refusal(400, "OperationDenied.QuotaExceed", "A resource can have at most 20 tags.")
TAG_TWICE = Refusal(400, "Duplicate.TagKey", "Tag.N.Key contains a key twice.")
TAG_KEY = Refusal(400, "InvalidTagKey.Malformed", "A Tag.N.Key is not valid.")
TAG_VALUE = Refusal(400, "InvalidTagValue.Malformed", "A Tag.N.Value is not valid.")

CLIENT_TOKEN = Refusal(400, "InvalidClientToken.Malformed", "A ClientToken is at most 64 ASCII characters.")
TOKEN_OF_ANOTHER = Refusal(400, "IdempotentParameterMismatch", "The ClientToken came with other parameters before.")
TOKEN_PROCESSING = Refusal(403, "LastTokenProcessing", "The last request with this ClientToken is being processed.")
DISKS_MISSING = Refusal(403, "MissingParameter.DiskDeviceMapping", "No DiskDeviceMapping is given.")
BUCKET_MALFORMED = Refusal(400, "InvalidOSSBucket.Malformed", "The OSS bucket is wrongly formed.")
OBJECT_MALFORMED = Refusal(400, "InvalidOSSObject.Malformed", "The OSS object is wrongly formed.")
OBJECT_NOT_FOUND = Refusal(400, "InvalidOSSObject.NotFound", "The OSS object does not exist in this region.")
OBJECT_EMPTY = Refusal(400, "InvalidOSSObject.Size", "The size of the OSS object is zero.")
OBJECT_FROZEN = Refusal(400, "InvalidOSSObject.NeedRestore", "The OSS object is archived and must be restored first.")
OBJECT_SUFFIX = Refusal(400, "UnsupportedSuffix.OSSObject", "The suffix of the OSS object is not supported.")
CONTENT_MALFORMED = Refusal(403, "InvalidImageFormat.Malformed", "The image file cannot be imported: %s.")
BLOCK_SIZE = Refusal(403, "InvalidBlockSize.NotSupport", "The image file cannot be imported: %s.")
VHD_SIZE = Refusal(
    403,
    "InvalidVHDImage.IncorrectSize",
    "The size of the VHD does not fit its table of blocks (MaxTableEntries * BlockSize).",
)
DEVICE = Refusal(403, "InvalidParameter.Malformed", 'The parameter "DiskDeviceMapping.n.Device" is not valid.')
IMAGE_SIZE = Refusal(400, "InvalidImageSize", "The size of the image is not valid: %s.")
DATA_DISK_SIZE = Refusal(400, "InvalidDataDiskSize", "The size of a data disk is outside of the allowed range.")
NAME = Refusal(400, "InvalidImageName.Malformed", "The ImageName is wrongly formed.")
NAME_TAKEN = Refusal(400, "InvalidImageName.Duplicated", "An image of that name exists.")
NAME_BEING_IMPORTED = Refusal(403, "ImageIsImporting", "The image is being imported.")
DESCRIPTION = Refusal(400, "InvalidDescription.Malformed", "The Description is wrongly formed.")
ARCHITECTURE = Refusal(400, "InvalidArchitecture.Malformed", "The Architecture is wrongly formed.")
ARCHITECTURE_OF_PLATFORM = Refusal(
    403, "InvalidArchitecture.PlatformUnsupported", "The platform does not support the architecture."
)
OS_TYPE = Refusal(400, "InvalidOSType.Malformed", "The OSType is wrongly formed.")
PLATFORM = Refusal(400, "InvalidPlatform.Malformed", "The Platform is wrongly formed.")
BOOT_MODE = Refusal(400, "InvalidBootMode.Malformed", "The BootMode is malformed.")
BOOT_MODE_OF_ARCHITECTURE = Refusal(
    400, "InvalidBootMode.NotSupport", "The architecture of the image does not support the BootMode."
)
LICENSE = Refusal(400, "InvalidLicenseType.NotSupported", "The LicenseType is not supported.")
LICENSE_BYOL = Refusal(400, "InvalidLicenseType.BYOLOnly", "The platform supports only the LicenseType BYOL.")
DETECTION = Refusal(400, "InvalidParameter.DetectionStrategy", "The DetectionStrategy is not valid.")
DETECTION_OF_WINDOWS = Refusal(403, "ImageCheckUnsupported.WindowsImage", "Windows images cannot be checked.")
IMDS = Refusal(400, "InvalidParameter.FeaturesImdsSupport", "The value of Features.ImdsSupport is not supported.")
RESOURCE_GROUP = Refusal(404, "InvalidResourceGroup.NotFound", "The resource group does not exist.")
TAG_TWICE_ON_IMPORT = Refusal(403, "TagKey.Duplication", "A tag's key is given twice; case does not count.")
CLOUD_BOX = Refusal(
    403, "InvalidOperation.CloudBoxImageImportUnsupported", "Images of cloud boxes cannot be imported here."
)
ARREARS = Refusal(400, "Account.Arrearage", "The account has an outstanding payment.")
OSS_DISABLED = Refusal(403, "InvalidAccountStatus.OSSDisabled", "OSS is disabled for the account.")
IMAGE_QUOTA = Refusal(403, "QuotaExceed.Image", "There can be at most %s custom images in the region.")
CONCURRENT_IMPORTS = Refusal(403, "ConcurrentQuotaExceed.ImportImage", "At most %s import tasks may run at one time.")

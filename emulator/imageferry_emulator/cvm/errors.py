"""Refusals of the compute service; codes are those of the error tables of each action.

https://www.tencentcloud.com/document/product/213/47833 (ExportImages) and its neighbours: 33270 (ImportImage), 33272
(DescribeImages), 33273 (DeleteImages). Texts are the emulator's own.
"""

from __future__ import annotations

from imageferry_emulator.tencent.errors import Refusal

IMAGE_ID_MALFORMED = Refusal(
    "InvalidImageId.Malformed", "An image id is `img-` and eight letters or digits, unlike `%s`."
)
IMAGE_NOT_FOUND = Refusal("InvalidImageId.NotFound", "The image `%s` does not exist.")
IMAGE_STATE = Refusal("InvalidImageId.IncorrectState", "The state of the image forbids this: %s.")
IMAGE_IN_SHARED = Refusal("InvalidImageId.InShared", "The image `%s` is shared with others.")
IMAGE_TASK_RUNNING = Refusal("MutexOperation.TaskRunning", "A task is working on the image `%s`.")
IMAGE_OF_ANOTHER = Refusal("UnauthorizedOperation.ImageNotBelongToAccount", "The image `%s` is not the account's own.")
IMAGE_SHARED_MODIFY = Refusal(
    "UnsupportedOperation.SharedImageModifyUnsupported", "An image that another account shares cannot be changed."
)
COEXIST = Refusal(
    "InvalidParameter.InvalidParameterCoexistImageIdsFilters", "ImageIds and Filters cannot be given together."
)
FILTER = Refusal("InvalidFilter", "There is no filter `%s`.")
FILTER_VALUES = Refusal("InvalidFilterValue.LimitExceeded", "A filter takes at most %s values.")
TOO_MANY = Refusal("InvalidParameterValue.LimitExceeded", "Too many values are given: %s.")
TOO_LONG = Refusal("InvalidParameterValue.TooLarge", "The value of `%s` is too long.")

IDS_OR_SNAPSHOTS = Refusal(
    "InvalidParameter.ImageIdsSnapshotIdsMustOne", "Exactly one of ImageIds and SnapshotIds must be given."
)
PREFIX_LIST = Refusal(
    "InvalidParameterValue.InvalidFileNamePrefixList", "FileNamePrefixList must be as long as ImageIds."
)
APP_ID = Refusal("InvalidParameterValue.InvalidAppIdFormat", "The name of a bucket ends in an APPID, unlike `%s`.")
BUCKET_NOT_FOUND = Refusal("InvalidParameterValue.BucketNotFound", "The bucket does not exist in the image's region.")
BUCKET_PERMISSION = Refusal(
    "InvalidParameterValue.InvalidBucketPermissionForExport", "The role may not write into the bucket: %s."
)
ROLE = Refusal("AuthFailure.CamRoleNameAuthenticateFailed", "There is no role `%s` that the service may take on.")
IMAGE_BUSY = Refusal("InvalidParameterValue.InvalidImageState", "Another operation is working on the image `%s`.")
IMAGE_NOT_ALLOWED = Refusal("InvalidParameterValue.InvalidImageId", "The image `%s` cannot be used for this.")
IMAGE_PUBLIC = Refusal("UnsupportedOperation.PublicImageExportUnsupported", "Public images cannot be exported.")
IMAGE_OF_MARKET = Refusal(
    "UnsupportedOperation.MarketImageExportUnsupported", "Images made of one of the market cannot be exported."
)
IMAGE_SHARED = Refusal("UnsupportedOperation.SharedImageExportUnsupported", "Shared images cannot be exported.")
IMAGE_ENCRYPTED = Refusal("UnsupportedOperation.EncryptedImagesNotSupported", "Encrypted images are not supported.")
IMAGE_WINDOWS = Refusal("UnsupportedOperation.WindowsImageExportUnsupported", "Windows images cannot be exported.")
IMAGE_REDHAT = Refusal("UnsupportedOperation.RedHatImageExportUnsupported", "RedHat images cannot be exported.")
IMAGE_TOO_LARGE = Refusal(
    "UnsupportedOperation.ImageTooLargeExportUnsupported", "A disk of the image is larger than %s GiB."
)
EXPORT_TASKS = Refusal(
    "LimitExceeded.ExportImageTaskLimitExceeded", "At most %s export tasks may run at one time; try again later."
)
DRY_RUN = Refusal("DryRunOperation", "The request would have been accepted; DryRun was set.")

REGION_IMPORTS = Refusal("RegionAbilityLimit.UnsupportedToImportImage", "The region does not support image imports.")
OS_TYPE = Refusal("InvalidImageOsType.Unsupported", "The OsType is not supported; see DescribeImportImageOs.")
OS_VERSION = Refusal("InvalidImageOsVersion.Unsupported", "The OsVersion is not supported; see DescribeImportImageOs.")
URL = Refusal("InvalidParameter.InvalidParameterUrlError", "The image cannot be read from its URL: %s.")
ISO = Refusal("InvalidParameterValue.ISOMustImportByForce", "An ISO file is only imported by force.")
BOOT_MODE = Refusal("InvalidParameterValue.InvalidBootMode", "The BootMode is not supported.")
LICENSE = Refusal("InvalidParameterValue.InvalidLicenseType", "The LicenseType is not supported.")
FAMILY = Refusal("InvalidParameterValue.InvalidImageFamily", "The ImageFamily is wrongly formed.")
TAGS_TWICE = Refusal("InvalidParameterValue.DuplicateTags", "A tag's key is given twice.")
TAG_KEY = Refusal("InvalidParameterValue.TagKeyNotFound", "The tag's key `%s` does not exist.")
NAME_TAKEN = Refusal("InvalidImageName.Duplicate", "An image of that name exists.")
QUOTA = Refusal("ImageQuotaLimitExceeded", "There can be at most %s custom images in the region.")

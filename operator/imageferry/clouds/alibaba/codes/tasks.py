"""The codes of the calls about tasks, and about images and snapshots that exist."""

from typing import Final

from imageferry.clouds.rows import BAD_CALL, Table, blocked, busy, rejected, transient
from imageferry.core.reasons import Reason

TASKS: Final = Table(
    calls=("DescribeTasks", "DescribeTaskAttribute", "CancelTask"),
    source="https://www.alibabacloud.com/help/en/ecs/developer-reference/api-ecs-2014-05-26-canceltask",
    rows={
        "MissingParameter": BAD_CALL,
        "InvalidRegionId.NotFound": rejected(
            Reason.REGION_NOT_FOUND, "The cloud has no such region: correct spec.region."
        ),
        "InvalidTaskId.NotFound": transient(Reason.TASK_LOST, "The cloud does not know the task."),
        "InvalidTaskId.IncorrectTaskStatus": transient(
            Reason.CLOUD_UNAVAILABLE, "The task cannot be cancelled any more."
        ),
        "InvalidTaskId.TaskActionNotSupport": transient(
            Reason.CLOUD_UNAVAILABLE, "The cloud does not cancel this task."
        ),
        "CancelTaskFailed": transient(Reason.CLOUD_UNAVAILABLE, "The cloud could not cancel the task."),
    },
)

IMAGES: Final = Table(
    calls=("DescribeImages", "DescribeRegions", "DeleteImage"),
    source="https://www.alibabacloud.com/help/en/ecs/developer-reference/api-ecs-2014-05-26-deleteimage",
    rows={
        "InvalidRegionId.NotFound": rejected(
            Reason.REGION_NOT_FOUND, "The cloud has no such region: correct spec.region."
        ),
        "InvalidImageId.NotFound": rejected(
            Reason.IMAGE_NOT_FOUND, "The image does not exist in this account and region."
        ),
        "ImageUsingByInstance": blocked(
            Reason.IMAGE_BUSY, "Instances use the image: release them, or set spec.deletionPolicy to Retain."
        ),
        "ImageUseShared": blocked(
            Reason.IMAGE_BUSY, "The image is shared: end the sharing, or set spec.deletionPolicy to Retain."
        ),
        "ImageIsImporting": busy("The image is being imported."),
        "ImageIsExporting": busy("The image is being exported."),
        "OperationDenied.ImageCopying": busy("The image is being copied."),
    },
)

SNAPSHOTS: Final = Table(
    calls=("DeleteSnapshot", "DescribeSnapshots"),
    source="https://www.alibabacloud.com/help/en/ecs/developer-reference/api-ecs-2014-05-26-deletesnapshot",
    rows={
        "InvalidSnapshotId.NotFound": transient(Reason.OUTPUT_MISSING, "The snapshot does not exist."),
        "SnapshotCreatedImage": blocked(
            Reason.IMAGE_BUSY,
            "Another image is made of the snapshot: delete that first, or set spec.deletionPolicy to Retain.",
        ),
        "SnapshotCreatedDisk": blocked(
            Reason.IMAGE_BUSY, "Disks are made of the snapshot: release them, or set spec.deletionPolicy to Retain."
        ),
        "InvalidSnapshotIds.Malformed": BAD_CALL,
    },
)

TAGS: Final = Table(
    calls=("TagResources",),
    source="https://www.alibabacloud.com/help/en/ecs/developer-reference/api-ecs-2014-05-26-tagresources",
    rows={
        "InvalidResourceId.NotFound": transient(Reason.OUTPUT_MISSING, "A snapshot went away while it was tagged."),
        "OperationDenied.QuotaExceed": blocked(
            Reason.IMAGE_BUSY, "A snapshot bears as many tags as the cloud allows: remove one of them."
        ),
        "InvalidResourceType.NotFound": BAD_CALL,
        "InvalidTagKey.Malformed": BAD_CALL,
        "InvalidTagValue.Malformed": BAD_CALL,
    },
)

import asyncio

import pytest

from imageferry.clouds.provider import CloudConnection, ImageProvider
from imageferry.core.errors import Rejected, Throttled
from imageferry.core.reasons import Reason
from imageferry.core.resolved import ResolvedExport
from tests.conformance.clouds import EXPORT, Cloud

MOST = 100
"""Ids in one DescribeImages, from its reference."""


@pytest.fixture
def provider(cloud: Cloud, connection: CloudConnection) -> ImageProvider:
    """The verbs for exports."""
    return connection.provider(EXPORT, cloud.region)


async def test_wishes_that_are_checked_together_share_their_requests(cloud: Cloud, provider: ImageProvider) -> None:
    """Each learns of its own image; the cloud is asked once for a hundred of them, once for the bucket, once for the role."""
    images = cloud.images(MOST + 5)
    found = await asyncio.gather(*(provider.preflight(cloud.job(image)) for image in images))
    assert [each.image_id for each in found if isinstance(each, ResolvedExport)] == images
    asked = [request["params"]["ImageId"].split(",") for request in cloud.requests("DescribeImages")]
    assert sorted(len(ids) for ids in asked) == [5, MOST]
    assert sorted(image for ids in asked for image in ids) == sorted(images)
    counts = {action: len(cloud.requests(action)) for action in ("OSS:GetBucketInfo", "GetRole", "DescribeTasks")}
    assert counts == {"OSS:GetBucketInfo": 1, "GetRole": 1, "DescribeTasks": 4}


async def test_a_missing_image_is_told_to_its_own_wish_alone(cloud: Cloud, provider: ImageProvider) -> None:
    """The others in the same request are not held up by it."""
    wishes = [cloud.job(image) for image in ("plain", "m-bp1nobody", "tooManyDisks")]
    fine, missing, wrong = await asyncio.gather(*map(provider.preflight, wishes), return_exceptions=True)
    assert not isinstance(fine, BaseException)
    assert isinstance(missing, Rejected)
    assert isinstance(wrong, Rejected)
    assert (missing.reason, wrong.reason) == (Reason.IMAGE_NOT_FOUND, Reason.TOO_MANY_DISKS)
    assert len(cloud.requests("DescribeImages")) == 1


async def test_one_refusal_reaches_every_wish_that_shared_the_request(cloud: Cloud, provider: ImageProvider) -> None:
    """Each fails with a failure of its own, and the cloud heard one request."""
    cloud.script("throttle", "DescribeImages", retryAfter=1500)
    wishes = [cloud.job(image) for image in ("plain", "plain2", "plain3")]
    failures = await asyncio.gather(*map(provider.preflight, wishes), return_exceptions=True)
    throttled = [failure for failure in failures if isinstance(failure, Throttled)]
    assert [failure.retry_after_seconds for failure in throttled] == [1.5] * 3
    assert len({id(failure) for failure in throttled}) == 3
    assert len(cloud.requests("DescribeImages")) == 1

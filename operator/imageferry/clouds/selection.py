"""Which image a source means, among those that a cloud listed. Whether it can be exported is told by each cloud."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Protocol, TypeVar

from imageferry.core.errors import Blocked, Rejected
from imageferry.core.reasons import Reason


class Candidate(Protocol):
    """An image, as far as it matters here."""

    @property
    def id(self) -> str:
        """What it is known by."""

    @property
    def name(self) -> str:
        """What people call it."""

    @property
    def created_at(self) -> datetime | None:
        """When it was made, where that is told."""


Image = TypeVar("Image", bound=Candidate)


def by_id(image_id: str, found: Image | None) -> Image:
    """The image of an id. Raises Rejected(ImageNotFound)."""
    if found is None:
        raise _nowhere(f"image {image_id}")
    return found


def by_name(name: str, found: Iterable[Image]) -> Image:
    """The only image that bears exactly this name: a cloud's filter may fit more. Raises Rejected."""
    named = [image for image in found if image.name == name]
    if not named:
        raise _nowhere(f"image named {name}")
    if len(named) > 1:
        ids = ", ".join(sorted(image.id for image in named))
        raise Rejected(Reason.IMAGE_AMBIGUOUS, f"{len(named)} images are named {name}: {ids}.")
    return named[0]


def newest(family: str, members: Iterable[Image], *, ready: Callable[[Image], bool], word: str) -> Image:
    """The newest ready image of the family. Raises Rejected, or Blocked while none of its images is ready (the cloud's `word`)."""
    known = list(members)
    if not known:
        raise _nowhere(f"image of family {family}")
    available = [image for image in known if ready(image)]
    if not available:
        raise Blocked(Reason.IMAGE_NOT_READY, f"No image of family {family} is {word} yet.")
    return max(available, key=lambda image: (image.created_at is not None, image.created_at, image.id))


def _nowhere(what: str) -> Rejected:
    return Rejected(Reason.IMAGE_NOT_FOUND, f"There is no {what} in this account and region.")

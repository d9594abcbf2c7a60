"""A source is resolved once: later attempts mean the same image."""

from dataclasses import replace

import pytest

from imageferry.core import status
from imageferry.core.job import ExportJob, ImageSource, Kind
from imageferry.core.source import settled
from tests.builders import IMAGE, UID, a_closed_attempt, a_job, a_journal, an_import, resolved, resolved_import

BY_NAME = ImageSource(image_name="web")
BY_FAMILY = ImageSource(image_family="web-server")


@pytest.mark.parametrize("source", [BY_NAME, BY_FAMILY], ids=["name", "family"])
def test_a_later_attempt_means_the_image_that_the_first_one_found(source: ImageSource) -> None:
    """Whichever is the newest of the family, or bears the name, by then."""
    meaning = resolved(image_family=source.image_family)
    journal = a_journal(attempt=a_closed_attempt(), resolved=meaning)
    known = status.read(status.write(journal), UID, Kind.EXPORT)
    job = settled(a_job(source=source), known)
    assert isinstance(job, ExportJob)
    assert job.source == replace(source, image_id=IMAGE)


@pytest.mark.parametrize(
    ("source", "region"),
    [
        (ImageSource(image_name="db"), "cn-hangzhou"),
        (ImageSource(image_family="db-server"), "cn-hangzhou"),
        (ImageSource(image_id="m-2"), "cn-hangzhou"),
        (BY_FAMILY, "cn-beijing"),
    ],
    ids=["another name", "another family", "an id", "another region"],
)
def test_an_edited_source_is_resolved_anew(source: ImageSource, region: str) -> None:
    """Between two attempts the spec may be edited."""
    job = a_job(source=source, region=region)
    journal = a_journal(attempt=a_closed_attempt(), resolved=resolved(image_family="web-server"))
    assert settled(job, journal) == job


def test_a_source_that_nobody_resolved_yet_is_as_the_spec_says() -> None:
    """Nor does an import have an image as its source."""
    assert settled(a_job(source=BY_FAMILY), a_journal()) == a_job(source=BY_FAMILY)
    assert settled(an_import(), a_journal(resolved=resolved_import())) == an_import()

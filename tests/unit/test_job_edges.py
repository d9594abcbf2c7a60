"""A manifest at its edges: what the metadata leaves out, and times whatever zone a node stands in."""

import os
import time
from collections.abc import Iterator
from datetime import UTC, timedelta
from typing import Any

import pytest

from imageferry.core.job import ImageSource, Kind, format_time, parse_time
from imageferry.core.manifest import parse_export
from tests.builders import NOON, UID

METADATA = {"name": "web", "namespace": "images", "uid": UID, "creationTimestamp": "2026-11-21T12:00:00Z"}
SPEC = {
    "accountRef": {"name": "alibaba-prod"},
    "source": {"imageName": "golden"},
    "destination": {"bucket": "team-images"},
}


@pytest.fixture
def in_shanghai(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A node whose local time is eight hours ahead of UTC."""
    before = os.environ.get("TZ")
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    yield
    monkeypatch.undo()
    assert os.environ.get("TZ") == before
    time.tzset()


def test_an_export_is_known_by_kind_namespace_and_name() -> None:
    """So a person finds it, whatever is said of it."""
    job = parse_export({"metadata": METADATA | {"generation": 3}, "spec": SPEC})
    assert (job.kind, job.namespace, job.name, job.generation) == (Kind.EXPORT, "images", "web", 3)
    assert job.source == ImageSource(image_name="golden")


def test_an_object_that_counts_no_generations_is_of_generation_nought() -> None:
    """Every edit that is counted is newer."""
    assert parse_export({"metadata": METADATA, "spec": SPEC}).generation == 0


@pytest.mark.usefixtures("in_shanghai")
def test_times_are_utc_whatever_the_nodes_zone_is() -> None:
    """What one replica writes another reads as the same moment."""
    assert format_time(NOON) == "2026-11-21T12:00:00Z"
    assert parse_time("2026-11-21T20:00:00+08:00").tzinfo is UTC


@pytest.mark.parametrize("left_out", ["namespace", "name", "uid", "creationTimestamp"])
def test_an_object_without_an_identity_is_none(left_out: str) -> None:
    """No API server hands one out; nothing is made up for it."""
    metadata: dict[str, Any] = {name: value for name, value in METADATA.items() if name != left_out}
    with pytest.raises(KeyError, match=left_out):
        parse_export({"metadata": metadata, "spec": SPEC})


def test_an_age_is_counted_from_the_creation() -> None:
    """In UTC, to the second."""
    metadata = METADATA | {"creationTimestamp": "2026-11-21T13:30:00+01:00"}
    assert parse_export({"metadata": metadata, "spec": SPEC}).created_at == NOON + timedelta(minutes=30)

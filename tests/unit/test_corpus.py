"""Objects that earlier releases left behind are read and gone on with by this one."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

import imageferry
from imageferry.core import accountbook
from imageferry.core import status as status_of
from imageferry.core.decide import decide
from imageferry.core.errors import Refusal
from imageferry.core.job import Job, Kind
from imageferry.core.manifest import parse_export, parse_import
from imageferry.core.reasons import Reason
from imageferry.core.step import Hold, Step, Wait
from imageferry.core.transition import remembered_refusal
from tests.admission import refusals, status_schema
from tests.builders import NOON, facts
from tests.corpus.states import ACCOUNTS, EXPORTS, IMPORTS
from tests.kstatus import kstatus

CORPUS: Final = Path(__file__).parents[1] / "corpus"
RELEASES: Final = sorted(CORPUS.glob("v*"))


def load(file: Path) -> dict[str, Any]:
    """The content of a file."""
    return dict(yaml.safe_load(file.read_text(encoding="utf-8")))


def objects(kind: str) -> list[Any]:
    """Every object of a kind in every release, with what is expected of it."""
    return [
        pytest.param(load(release / kind / f"{name}.yaml"), expected, id=f"{release.name} {kind} {name}")
        for release in RELEASES
        for name, expected in load(release / "expected.yaml").get(kind, {}).items()
    ]


JOB: Final = pytest.mark.parametrize(("manifest", "expected"), objects("imageexport") + objects("imageimport"))
PARSERS: Final[Mapping[str, Callable[[Mapping[str, Any]], Job]]] = {
    "ImageExport": parse_export,
    "ImageImport": parse_import,
}
ACCOUNT: Final = pytest.mark.parametrize(("manifest", "expected"), objects("cloudaccount"))


def told(step: Step) -> str:
    """A step by its name, with the reason where it shows one."""
    match step:
        case Wait(reason=reason) | Hold(refusal=Refusal(reason=reason)):
            return f"{type(step).__name__}({reason})"
        case _:
            return type(step).__name__


@JOB
def test_a_job_goes_on_where_it_stood(manifest: dict[str, Any], expected: dict[str, str]) -> None:
    """A restart after an upgrade takes the step that the state calls for, and tools read the same as before."""
    job = PARSERS[manifest["kind"]](manifest)
    book = status_of.read(manifest["status"], job.uid, job.kind)
    refusal = remembered_refusal(book, job, NOON)
    refused = Refusal(Reason(refusal.reason), refusal.message) if refusal else None
    step = decide(job, book, facts(checked=None, refused=refused, guarded_here=False))
    assert (told(step), str(kstatus(manifest))) == (expected["step"], expected["kstatus"])


@JOB
def test_no_word_of_a_jobs_status_is_lost(manifest: dict[str, Any], expected: dict[str, str]) -> None:
    """What was written is admitted, read, and written again as it was."""
    status = manifest["status"]
    assert expected
    assert refusals(status_schema(f"{manifest['kind'].lower()}s"), status) == []
    assert status_of.write(status_of.read(status, manifest["metadata"]["uid"], Kind(manifest["kind"]))) == status


@ACCOUNT
def test_no_word_of_an_accounts_status_is_lost(manifest: dict[str, Any], expected: dict[str, Any]) -> None:
    """Lanes and orphans outlive an upgrade, and tools read the same as before."""
    status = manifest["status"]
    book = accountbook.read(status)
    assert refusals(status_schema("cloudaccounts"), status) == []
    assert accountbook.write(book) == status
    assert (len(book.orphans), str(kstatus(manifest))) == (expected["orphans"], expected["kstatus"])


def test_this_release_has_its_folder() -> None:
    """Every state that this release can leave behind is there for the next; `python -m tests.corpus` writes them."""
    expected = load(CORPUS / f"v{imageferry.__version__}" / "expected.yaml")
    assert set(expected["imageexport"]) == set(EXPORTS)
    assert set(expected["imageimport"]) == set(IMPORTS)
    assert set(expected["cloudaccount"]) == set(ACCOUNTS)

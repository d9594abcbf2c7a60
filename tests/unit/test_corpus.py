"""Objects that earlier releases left behind are read and gone on with by this one."""

from pathlib import Path
from typing import Any, Final

import pytest
import yaml

import imageferry
from imageferry.core import accountbook
from imageferry.core import status as status_of
from imageferry.core.decide import decide
from imageferry.core.errors import Refusal
from imageferry.core.job import parse_export
from imageferry.core.reasons import Reason
from imageferry.core.step import Hold, Step, Wait
from imageferry.core.transition import remembered_refusal
from tests.admission import refusals, status_schema
from tests.builders import NOON, facts
from tests.corpus.states import ACCOUNTS, EXPORTS
from tests.kstatus import kstatus

CORPUS: Final = Path(__file__).parents[1] / "corpus"
RELEASES: Final = sorted(CORPUS.glob("v*"))


def load(file: Path) -> dict[str, Any]:
    """The content of a file."""
    return dict(yaml.safe_load(file.read_text(encoding="utf-8")))


def objects(kind: str) -> list[Any]:
    """Every object of a kind in every release, with what is expected of it."""
    return [
        pytest.param(load(release / kind / f"{name}.yaml"), expected, id=f"{release.name} {name}")
        for release in RELEASES
        for name, expected in load(release / "expected.yaml")[kind].items()
    ]


EXPORT: Final = pytest.mark.parametrize(("manifest", "expected"), objects("imageexport"))
ACCOUNT: Final = pytest.mark.parametrize(("manifest", "expected"), objects("cloudaccount"))


def told(step: Step) -> str:
    """A step by its name, with the reason where it shows one."""
    match step:
        case Wait(reason=reason) | Hold(refusal=Refusal(reason=reason)):
            return f"{type(step).__name__}({reason})"
        case _:
            return type(step).__name__


@EXPORT
def test_an_export_goes_on_where_it_stood(manifest: dict[str, Any], expected: dict[str, str]) -> None:
    """A restart after an upgrade takes the step that the state calls for, and tools read the same as before."""
    job = parse_export(manifest)
    book = status_of.read(manifest["status"], job.uid)
    refusal = remembered_refusal(book, job, NOON)
    refused = Refusal(Reason(refusal.reason), refusal.message) if refusal else None
    step = decide(job, book, facts(checked=None, refused=refused, guarded_here=False))
    assert (told(step), str(kstatus(manifest))) == (expected["step"], expected["kstatus"])


@EXPORT
def test_no_word_of_an_exports_status_is_lost(manifest: dict[str, Any], expected: dict[str, str]) -> None:
    """What was written is admitted, read, and written again as it was."""
    status = manifest["status"]
    assert expected
    assert refusals(status_schema("imageexports"), status) == []
    assert status_of.write(status_of.read(status, manifest["metadata"]["uid"])) == status


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
    assert set(expected["cloudaccount"]) == set(ACCOUNTS)

"""What of the chart and of Argo CD's configuration is made from elsewhere is as its source."""

from pathlib import Path

import pytest

from charttools.generated import ROOT, WITHOUT_HELM


@pytest.mark.parametrize("file", WITHOUT_HELM, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_the_part_is_up_to_date(file: Path) -> None:
    """Kinds, settings and health have one source each; `python -m charttools generate` writes the parts anew."""
    assert file.read_text(encoding="utf-8") == WITHOUT_HELM[file]()

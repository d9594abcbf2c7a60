"""`python -m tests.corpus`: write the objects of this release into the folder of its version.

The folder of a release that is out is never written again: what it holds is what clusters hold.
"""

import json
from pathlib import Path
from typing import Any, Final

import yaml

import imageferry
from tests.corpus.states import ACCOUNTS, EXPORTS, IMPORTS, account_manifest, manifest

FOLDER: Final = Path(__file__).parent / f"v{imageferry.__version__}"


def main() -> None:
    """One file for each object, and one with what is expected of all of them."""
    expected: dict[str, dict[str, Any]] = {"imageexport": {}, "imageimport": {}, "cloudaccount": {}}
    for kind, states in (("imageexport", EXPORTS), ("imageimport", IMPORTS)):
        for name, state in states.items():
            _write(FOLDER / kind / f"{name}.yaml", manifest(state))
            expected[kind][name] = {"kstatus": str(state.kstatus), "step": state.step}
    for name, (status, book) in ACCOUNTS.items():
        _write(FOLDER / "cloudaccount" / f"{name}.yaml", account_manifest(status, book))
        expected["cloudaccount"][name] = {"kstatus": str(status), "orphans": len(book.orphans)}
    _write(FOLDER / "expected.yaml", expected)


def _write(file: Path, content: dict[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    plain = json.loads(json.dumps(content))  # the words of enums as text, as a request carries them
    file.write_text(yaml.safe_dump(plain, sort_keys=False, width=120), encoding="utf-8")


main()

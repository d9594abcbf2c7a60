"""The manifests that the demo applies: those of the repository, as they are but for the address and keys of a cloud."""

from pathlib import Path
from typing import Any

import yaml

from demo.cloud import Access

ROOT = Path(__file__).resolve().parents[1]
INSTALLATION = ("crds", "deploy/rbac.yaml")
ACCOUNT, EXPORTS, IMPORT, AGAIN = "account.yaml", "exports.yaml", "import.yaml", "again.yaml"


def account(file: Path, access: Access) -> str:
    """The account's manifests with the cloud's endpoint and key filled in."""
    documents = list(yaml.safe_load_all(file.read_text(encoding="utf-8")))
    for document in documents:
        _fill_in(document, access)
    return yaml.safe_dump_all(documents)


def _fill_in(document: dict[str, Any], access: Access) -> None:
    match document["kind"]:
        case "Secret":
            document["stringData"] = dict(access.secret)
        case "CloudAccount":
            document["spec"]["endpoints"] = dict.fromkeys(document["spec"]["endpoints"], access.endpoint)

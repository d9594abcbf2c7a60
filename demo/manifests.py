"""The manifests that the demo applies: those of the repository, as they are but for the address and keys of the cloud."""

from pathlib import Path
from typing import Any

import yaml

from demo.stage import Cloud

ROOT = Path(__file__).resolve().parents[1]
INSTALLATION = ("crds", "deploy/rbac.yaml")
ACCOUNT = "examples/demo/account.yaml"
EXPORTS = "examples/demo/exports.yaml"


def account(cloud: Cloud) -> str:
    """The account's manifests with the cloud's endpoint and key filled in."""
    documents = list(yaml.safe_load_all((ROOT / ACCOUNT).read_text(encoding="utf-8")))
    for document in documents:
        _fill_in(document, cloud)
    return yaml.safe_dump_all(documents)


def _fill_in(document: dict[str, Any], cloud: Cloud) -> None:
    match document["kind"]:
        case "Secret":
            document["stringData"] = {"accessKeyID": cloud.key_id, "accessKeySecret": cloud.key_secret}
        case "CloudAccount":
            document["spec"]["endpoints"] = dict.fromkeys(document["spec"]["endpoints"], cloud.endpoint)

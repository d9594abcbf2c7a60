"""What README.md tells its reader to apply is taken by a real API server."""

import re
from pathlib import Path

import pytest
import yaml

from controlplane import ControlPlane

ROOT = Path(__file__).parents[2]
MANIFESTS = re.findall(
    r"^```yaml\n(.*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
)


@pytest.fixture(scope="module")
def served(plane: ControlPlane) -> ControlPlane:
    """The plane with the kinds and the reader's namespace. They stay: others may use them too."""
    plane.kubectl_run("apply", "--server-side", "--force-conflicts", f"--filename={ROOT / 'crds'}")
    plane.kubectl_run("wait", "--for=condition=Established", f"--filename={ROOT / 'crds'}", "--timeout=60s")
    plane.kubectl_run(
        "apply", "--server-side", "--filename=-", input="{apiVersion: v1, kind: Namespace, metadata: {name: images}}"
    )
    return plane


def test_the_readme_shows_an_account_and_an_export_and_an_import_that_use_it() -> None:
    """They fit together: both name the account, which admits their namespace, and the import takes the export's files."""
    account, export, back = (yaml.safe_load(text) for text in MANIFESTS)
    assert (account["kind"], export["kind"], back["kind"]) == ("CloudAccount", "ImageExport", "ImageImport")
    for job in (export, back):
        assert job["spec"]["accountRef"]["name"] == account["metadata"]["name"]
        assert job["metadata"]["namespace"] in account["spec"]["allowedNamespaces"]["names"]
    assert back["spec"]["source"]["exportRef"]["name"] == export["metadata"]["name"]


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda text: yaml.safe_load(text)["kind"])
def test_a_manifest_of_the_readme_is_admitted(served: ControlPlane, manifest: str) -> None:
    """The server takes it as it stands, without a warning."""
    document = yaml.safe_load(manifest)
    document["metadata"]["name"] = "from-the-readme"  # others may have made the one that it names
    told = served.kubectl_run(
        "create", "--dry-run=server", "--warnings-as-errors", "--filename=-", input=yaml.safe_dump(document)
    )
    assert told.rstrip().endswith("created (server dry run)")

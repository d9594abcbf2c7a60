"""What of charts/ and deploy/ is made from elsewhere. Each part has one source; `python -m charttools generate` copies it on.

The kinds come from crds/, the settings from the operator's code, the table of values from values.yaml, the rights from the
chart, and Argo CD's configuration from the one health script.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import yaml

from charttools import programs
from imageferry.settings import Settings

ROOT: Final = Path(__file__).parents[2]
CHART: Final = ROOT / "charts" / "imageferry"
ARGO_CD: Final = ROOT / "deploy" / "argocd"
KINDS: Final[Mapping[str, str]] = {
    yaml.safe_load(file.read_text(encoding="utf-8"))["spec"]["names"]["kind"]: file.name
    for file in sorted((ROOT / "crds").glob("*.yaml"))
}
"""The name of its file by kind."""

BY_THE_CHART: Final = frozenset(
    {"namespace", "watch_namespaces", "kubeconfig", "identity", "lease_name", "identity_token_folder"}
)
"""Settings that follow from other values, and that nobody may set beside them."""

MADE: Final = "Made by `python -m charttools generate`; a test compares."
_RESTRICTED_NAMESPACE: Final = """\
apiVersion: v1
kind: Namespace
metadata:
  name: imageferry-system
  labels:
    pod-security.kubernetes.io/enforce: restricted
"""
_FIRST, _LAST = "<!-- values: begin -->\n", "<!-- values: end -->\n"
_COMMENT, _KEY = re.compile(r" *# ?(.*)"), re.compile(r"( *)([A-Za-z]+):(.*)")
_PATCH: Final = "# kubectl patch configmap argocd-cm --namespace argocd --type merge --patch-file deploy/argocd/argocd-cm.patch.yaml\n"
_BUSY_FIELDS: Final = {
    "CloudAccount": ("lanes", "orphans"),
    "ImageExport": ("progress", "queue", "task"),
    "ImageImport": ("progress", "disks", "queue", "task"),
}
"""Fields of a status that change without a change of health: Argo CD need not look at its Application for them."""


def write() -> list[Path]:
    """Write every part; return the files."""
    for file, made in PARTS.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(made(), encoding="utf-8")
    return list(PARTS)


def rights() -> str:
    """deploy/rbac.yaml: the rights as the chart grants them, for an installation without Helm and for tests.

    Raises:
        HelmError: the chart cannot be rendered.
    """
    shown = [f"--show-only=templates/{name}.yaml" for name in ("serviceaccount", "rbac")]
    chosen = ("--namespace=imageferry-system", "--set=secretNames={alibaba-demo,tencent-demo}")
    rendered = programs.helm("template", "imageferry", CHART, *chosen, *shown)
    said = f"# {MADE} The source is charts/imageferry/templates/rbac.yaml.\n"
    return said + _RESTRICTED_NAMESPACE + rendered


def schema() -> str:
    """The schema of the values, its part about settings made anew."""
    whole = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    whole["properties"]["settings"] = {
        "description": f"Settings of the operator, as in docs/settings.md. {MADE}",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            each.name: _described(each.type, each.metadata)
            for each in fields(Settings)
            if each.name not in BY_THE_CHART
        },
    }
    whole["properties"]["settings"]["properties"]["http_port"]["minimum"] = 1  # the Service cannot follow a free one
    return json.dumps(whole, indent=2) + "\n"


def readme() -> str:
    """The chart's README, its table of values made anew."""
    file = CHART / "README.md"
    before, _, rest = file.read_text(encoding="utf-8").partition(_FIRST)
    _, _, after = rest.partition(_LAST)
    rows = [f"| `{path}` | `{default}` | {why} |" for path, default, why in values()]
    table = "\n".join(["| Value | Default | What it is |", "| --- | --- | --- |", *rows])
    return f"{before}{_FIRST}{table}\n{_LAST}{after}"


def values() -> Iterator[tuple[str, str, str]]:
    """Every value of values.yaml: its path, its default as JSON, and the comment above it."""
    text = (CHART / "values.yaml").read_text(encoding="utf-8")
    defaults, said, parents = yaml.safe_load(text), list[str](), list[str]()
    for line in text.splitlines():
        if key := _KEY.fullmatch(line):
            parents = [*parents[: len(key[1]) // 2], key[2]]
            if said:
                yield ".".join(parents), json.dumps(_at(defaults, parents)), " ".join(said)
            said = []
        elif comment := _COMMENT.fullmatch(line):
            said.append(comment[1])


def health_script() -> str:
    """Argo CD's health script: all kinds follow the same conditions, so that there is one."""
    return (ARGO_CD / "health.lua").read_text(encoding="utf-8")


def configuration() -> str:
    """A patch for Argo CD's ConfigMap argocd-cm. No whole object: to apply one could take away what else is in it."""
    blocks = [f"# {MADE}\n", _PATCH, "data:\n"]
    for kind in KINDS:
        ignored = "".join(f"- /status/{field}\n" for field in _BUSY_FIELDS[kind])
        for what, text in (("health", health_script()), ("ignoreResourceUpdates", f"jsonPointers:\n{ignored}")):
            blocks.append(f"  resource.customizations.{what}.imageferry.dev_{kind}: |\n{_indented(text)}")
    return "".join(blocks)


def _crd(file: str) -> Callable[[], str]:
    return lambda: (ROOT / "crds" / file).read_text(encoding="utf-8")


def _described(kind: Any, metadata: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ANN401 -- what a dataclass field calls its type
    told: dict[str, Any] = {"description": metadata["why"]}
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return told | {"enum": [str(each) for each in kind]}
    told["type"] = {str: "string", bool: "boolean", int: "integer", float: "number"}[kind]
    bounds = {"minimum": metadata.get("least"), "maximum": metadata.get("most")}
    return told | {name: bound for name, bound in bounds.items() if bound is not None}


def _at(values: Any, path: list[str]) -> Any:  # noqa: ANN401 -- values of a chart
    for key in path:
        values = values[key]
    return values


def _indented(text: str) -> str:
    return "".join(f"    {line}".rstrip() + "\n" for line in text.splitlines())


WITHOUT_HELM: Final[Mapping[Path, Callable[[], str]]] = {
    **{CHART / "files" / "crds" / file: _crd(file) for file in KINDS.values()},
    CHART / "values.schema.json": schema,
    CHART / "README.md": readme,
    **{ARGO_CD / "resource_customizations" / "imageferry.dev" / kind / "health.lua": health_script for kind in KINDS},
    ARGO_CD / "argocd-cm.patch.yaml": configuration,
}
PARTS: Final[Mapping[Path, Callable[[], str]]] = {**WITHOUT_HELM, ROOT / "deploy" / "rbac.yaml": rights}
"""How each file is made."""

"""The CRD files as values: their kinds, fields and rules. Nothing here talks to a server or knows a case.

A path is written as users write it in `kubectl explain`, with `[]` for the items of a list and `{}` for the values of
a map: `spec.source.imageID`, `spec.allow.buckets[]`, `spec.allowedNamespaces.selector.matchLabels{}`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]
CRDS = ROOT / "crds"
OF_THE_SERVER = ("apiVersion", "kind", "metadata")

# Fields whose keys are the user's.
MAPS = ("matchLabels", "tags")

# What a description says for a number: its unit, or that it has none.
UNITS = ("in seconds", "in GiB", "in percent", "in bytes", "a count", "without a unit")
# What it says for a time, beside its example.
TIME = "an RFC 3339"
# A field whose name ends so is a number in a unit, and its description says in which.
UNIT_OF_ENDING = {
    "seconds": "in seconds",
    "percent": "in percent",
    "gib": "in GiB",
    "bytes": "in bytes",
    "persecond": "a count per second",
}


@dataclass(frozen=True, slots=True)
class Field:
    """One node of a schema: its path and the schema that stands there."""

    path: str
    schema: dict[str, Any]

    @property
    def name(self) -> str:
        """The last word of the path, without the marks for items and values."""
        return self.path.rsplit(".", maxsplit=1)[-1].rstrip("[]{}")

    @property
    def description(self) -> str:
        """The description on one line; empty without one."""
        return " ".join(self.schema.get("description", "").split())


@dataclass(frozen=True, slots=True)
class Rule:
    """One CEL rule: the kind, the path it stands at, its text and its message on one line each."""

    kind: str
    path: str
    rule: str
    message: str


@dataclass(frozen=True, slots=True)
class Definition:
    """One CRD file with its one version."""

    file: Path
    manifest: dict[str, Any]

    @property
    def kind(self) -> str:
        """The kind's name, as in `kind: ImageExport`."""
        return str(self.manifest["spec"]["names"]["kind"])

    @property
    def plural(self) -> str:
        """The resource's name, as in a path of the API."""
        return str(self.manifest["spec"]["names"]["plural"])

    @property
    def version(self) -> dict[str, Any]:
        """The one version of the kind."""
        (version,) = self.manifest["spec"]["versions"]
        return dict(version)

    @property
    def schema(self) -> dict[str, Any]:
        """The root of the schema."""
        return dict(self.version["schema"]["openAPIV3Schema"])

    def fields(self, under: str = "") -> list[Field]:
        """All fields in the file's order; with `under`, that one and what lies below it."""
        every = list(walk(self.schema))
        return [field for field in every if not under or re.match(rf"{under}(?![A-Za-z])", field.path)]

    def rules(self) -> list[Rule]:
        """All CEL rules in the file's order."""
        return [
            Rule(self.kind, field.path, " ".join(entry["rule"].split()), " ".join(entry["message"].split()))
            for field in [Field("", self.schema), *self.fields()]
            for entry in field.schema.get("x-kubernetes-validations", [])
        ]


def walk(schema: dict[str, Any], path: str = "") -> Iterator[Field]:
    """Each field below `schema`, outer before inner, the root itself left out."""
    below = [(f"{path}.{name}".lstrip("."), child) for name, child in schema.get("properties", {}).items()]
    if "items" in schema:
        below.append((f"{path}[]", schema["items"]))
    if isinstance(schema.get("additionalProperties"), dict):
        below.append((f"{path}{{}}", schema["additionalProperties"]))
    for child_path, child in below:
        yield Field(child_path, child)
        yield from walk(child, child_path)


def leaves(value: object, path: str = "") -> Iterator[tuple[str, tuple[str | int, ...]]]:
    """Each scalar of a manifest: the schema's path, and the steps that lead to it in this very manifest."""
    if isinstance(value, dict):
        for key, child in value.items():
            name = f"{path}{{}}" if path.endswith(MAPS) else f"{path}.{key}".lstrip(".")
            for schema_path, steps in leaves(child, name):
                yield schema_path, (key, *steps)
    elif isinstance(value, list):
        for index, child in enumerate(value):
            for schema_path, steps in leaves(child, f"{path}[]"):
                yield schema_path, (index, *steps)
    else:
        yield path, ()


def example_of(field: Field) -> str:
    """The text behind `Example:` that ends the description; empty without one."""
    _, _, example = field.description.rpartition("Example: ")
    return example if "Example: " in field.description else ""


def what_a_description_lacks(field: Field) -> str:
    """What `kubectl explain` would owe the reader of this field; empty if nothing."""
    if not example_of(field):
        return "no description that ends with an example"
    if field.schema.get("type") in {"integer", "number"} and not any(unit in field.description for unit in UNITS):
        return f"a number without one of {UNITS}"
    if field.schema.get("format") == "date-time" and TIME not in field.description:
        return f"a time without {TIME!r}"
    for ending, unit in UNIT_OF_ENDING.items():
        if field.name.lower().endswith(ending) and unit not in field.description:
            return f"a name that ends in {ending} without {unit!r}"
    return ""


def definitions() -> list[Definition]:
    """The CRD files, by name."""
    return [Definition(file, yaml.safe_load(file.read_text())) for file in sorted(CRDS.glob("*.yaml"))]

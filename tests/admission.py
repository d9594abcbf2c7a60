"""What the API server admits into a status, and what it makes of it: the schema of a CRD, read as the server reads it.

Only the words that the schemas of status use are known here; another one is an error, so that none is passed over. The
form of a time is taken from the library that the API server validates with (strfmt's IsDateTime), which admits more than
RFC 3339 does: that is the point.
"""

import re
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml
from hypothesis import strategies as st

CRDS: Final = Path(__file__).parents[1] / "crds"

_KNOWN: Final = {
    "type", "format", "properties", "required", "items", "enum", "pattern", "minimum", "maximum", "minLength",
    "maxLength", "maxItems", "maxProperties", "additionalProperties", "default", "description",
    "x-kubernetes-list-type", "x-kubernetes-list-map-keys",
}  # fmt: skip
_TIME: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}t([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?(z|[+-]\d{2}:\d{2})", re.IGNORECASE
)


@cache
def status_schema(plural: str) -> dict[str, Any]:
    """The schema of `.status` of a kind, by the kind's plural."""
    manifest = yaml.safe_load((CRDS / f"{plural}.yaml").read_text(encoding="utf-8"))
    (version,) = manifest["spec"]["versions"]
    return dict(version["schema"]["openAPIV3Schema"]["properties"]["status"])


def refusals(schema: dict[str, Any], value: Any, path: str = "status") -> list[str]:  # noqa: ANN401 -- any JSON value
    """Why the server would refuse or prune a value: one line for each place, or none."""
    if unknown := schema.keys() - _KNOWN:
        raise NotImplementedError(f"{path}: {unknown}")
    match schema["type"], value:
        case "object", dict():
            return _refusals_within(schema, value, path)
        case "array", list():
            found = [f"{path}: too many"] if len(value) > schema["maxItems"] else []
            for index, item in enumerate(value):
                found += refusals(schema["items"], item, f"{path}[{index}]")
            return found
        case "string", str():
            return [] if _admits_text(schema, value) else [f"{path}: {value[:80]!r}"]
        case "integer", int() if not isinstance(value, bool):
            return [] if schema.get("minimum", value) <= value <= schema.get("maximum", value) else [f"{path}: {value}"]
        case "boolean", bool():
            return []
        case _:
            return [f"{path}: {type(value).__name__} is no {schema['type']}"]


def _refusals_within(schema: dict[str, Any], value: dict[str, Any], path: str) -> list[str]:
    """As `refusals`, for an object with fields of its own, or with free keys."""
    each, below = schema.get("additionalProperties"), schema.get("properties", {})
    found = [f"{path}: too many"] if len(value) > schema.get("maxProperties", len(value)) else []
    found += [f"{path}.{name}: missing" for name in schema.get("required", ()) if name not in value]
    for name, child in value.items():
        if expected := below.get(name, each):
            found += refusals(expected, child, f"{path}.{name}")
        else:
            found.append(f"{path}.{name}: not in the schema, pruned")
    return found


def _admits_text(schema: dict[str, Any], value: str) -> bool:
    return (
        schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value))
        and value in schema.get("enum", [value])
        and re.search(schema.get("pattern", ""), value) is not None
        and (schema.get("format") != "date-time" or _TIME.fullmatch(value) is not None)
    )


_ODD_TIMES: Final = st.sampled_from(
    [
        "2026-11-21T13:00:00Z",
        "2026-11-21t13:00:00z",
        "2026-11-21T13:00:00.123456789Z",
        "2026-11-21T13:00:00x5Z",
        "2026-11-21T13:00:00+99:99",
        "2026-11-21T13:00:00Ztomorrow",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59Z",
        "9999-12-31T23:59:59-14:00",
    ]
)
"""Each is a date-time to the API server (strfmt: any character may stand before a fraction, and what follows a second "t"
is not read)."""


def admitted(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Any value that the server admits; fields that are not required may be absent."""
    match schema["type"]:
        case "object" if "additionalProperties" in schema:
            return st.dictionaries(st.text(max_size=8), admitted(schema["additionalProperties"]), max_size=2)
        case "object":
            required = {name: admitted(schema["properties"][name]) for name in schema.get("required", ())}
            rest = {name: admitted(child) for name, child in schema["properties"].items() if name not in required}
            return st.fixed_dictionaries(required, optional=rest)
        case "array":
            return st.lists(admitted(schema["items"]), max_size=2)
        case "integer":
            return st.integers(schema.get("minimum", 0), schema.get("maximum", 2**63 - 1))
        case "boolean":
            return st.booleans()
        case _ if "enum" in schema:
            return st.sampled_from(schema["enum"])
        case _ if schema.get("format") == "date-time":
            return _ODD_TIMES
        case _ if "pattern" in schema:
            return st.from_regex(re.compile(schema["pattern"], re.ASCII), fullmatch=True).filter(
                lambda text: len(text) <= schema["maxLength"]
            )
        case _:
            return st.text(st.characters(codec="utf-8"), min_size=schema.get("minLength", 0), max_size=8)

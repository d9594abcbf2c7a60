"""Laws of the CRD files that need no server: everything bounded, everything described, the lock of spec complete."""

import re
from typing import Any

import pytest
import yaml

from tests.integration.crd_cases.manifests import FULL, FULL_STATUS
from tests.integration.crd_cases.rules import CASES
from tests.integration.crd_cases.schema import (
    OF_THE_SERVER,
    ROOT,
    Definition,
    Field,
    definitions,
    example_of,
    leaves,
    walk,
    what_a_description_lacks,
)

KINDS = pytest.mark.parametrize("crd", [pytest.param(crd, id=crd.kind) for crd in definitions()])

EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))

SCOPES = {"CloudAccount": "Cluster", "ImageExport": "Namespaced", "ImageImport": "Namespaced"}
SHORT_NAMES = {"CloudAccount": ["cacct"], "ImageExport": ["imgexp"], "ImageImport": ["imgimp"]}
WAYS = ("ImageExport", "ImageImport")
OF_BOTH_WAYS = ["Ready", "Reason", "Progress", "Age"]
WIDE_OF_BOTH_WAYS = ["Image", "Account", "Region", "Task", "Bucket", "Attempts", "Message"]
DEFAULT_COLUMNS = {
    "CloudAccount": ["Ready", "Reason", "Provider", "Region", "Age"],
    "ImageExport": OF_BOTH_WAYS,
    "ImageImport": OF_BOTH_WAYS,
}
WIDE_COLUMNS = {
    "CloudAccount": ["Account ID", "Namespaces", "Message"],
    "ImageExport": WIDE_OF_BOTH_WAYS,
    "ImageImport": WIDE_OF_BOTH_WAYS,
}
SELECTABLE = {
    "CloudAccount": [],
    "ImageExport": [".spec.accountRef.name", ".spec.source.imageID", ".status.task.id"],
    "ImageImport": [".spec.accountRef.name", ".spec.source.exportRef.name", ".status.task.id", ".status.imageID"],
}
MUTABLE = {
    "suspend",
    "priority",
    "backoffLimit",
    "activeDeadlineSeconds",
    "deletionPolicy",
    "unknownOutcome",
    "unknownOutcomeSeconds",
}
OF_ONE_WAY = {
    "spec": {"source", "destination", "format", "disks", "image", "alibaba", "tencent"},
    "status": {"resolved", "artifacts", "imageID", "snapshots", "disks"},
}
"""What exports and imports have each for themselves."""
ENUMS = {
    ("CloudAccount", "spec.provider"): ["Alibaba", "Tencent"],
    ("CloudAccount", "spec.allowedNamespaces.from"): ["Names", "Selector", "All"],
    ("ImageExport", "spec.format"): ["RAW", "VHD", "QCOW2", "VMDK", "VDI"],
    ("ImageExport", "spec.disks"): ["All", "SystemOnly"],
    ("ImageImport", "spec.source.disks[].format"): ["RAW", "VHD", "QCOW2", "VMDK"],
    ("ImageImport", "spec.image.architecture"): ["x86_64", "i386", "arm64"],
    ("ImageImport", "spec.image.osType"): ["Linux", "Windows"],
    ("ImageImport", "spec.image.bootMode"): ["BIOS", "UEFI"],
    ("ImageImport", "spec.image.licenseType"): ["Auto", "Provided", "BYOL"],
    ("ImageImport", "spec.alibaba.detectionStrategy"): ["Standard"],
    ("ImageImport", "spec.alibaba.nvmeSupport"): ["Supported", "Unsupported"],
    ("ImageImport", "spec.alibaba.imdsSupport"): ["V1", "V2"],
    **{(kind, "spec.deletionPolicy"): ["Retain", "Delete", "Orphan"] for kind in WAYS},
    **{(kind, "spec.unknownOutcome"): ["Fail", "Retry"] for kind in WAYS},
}
LARGEST_SPEC_BYTES = 64 * 1024
JSON_BYTES_PER_CHARACTER = 4  # of UTF-8; the patterns bar what JSON writes longer
BYTES_OF_A_STRING = re.compile(r"size\(bytes\(self\)\) <= (\d+)")
CHARACTERS_OF_A_KEY = re.compile(r"size\(key\) <= (\d+)")
JSON_BYTES_PER_ENTRY = 6  # quotes, comma, colon, brackets

# Python's `re` knows no \p{..}: this is what they come to for examples in ASCII.
IN_ASCII = {r"\p{C}": r"\x00-\x1f", r"\p{Zl}": "", r"\p{Zp}": "", r"\p{L}": "A-Za-z", r"\p{N}": "0-9"}


def of(crd: Definition, part: str) -> list[Field]:
    """The fields of spec or of status."""
    found = crd.fields(part)
    assert found
    return found


def the(kind: str) -> Definition:
    """The definition of a kind."""
    (crd,) = [crd for crd in definitions() if crd.kind == kind]
    return crd


def below(crd: Definition, path: str) -> dict[str, Any]:
    """The properties of the object at a path."""
    (field,) = [field for field in crd.fields() if field.path == path]
    return dict(field.schema["properties"])


def offenders(fields: list[Field], kind: str, *needs: str) -> list[str]:
    """The paths of the fields of a type that lack one of these words of the schema."""
    return [
        field.path for field in fields if field.schema.get("type") == kind and any(n not in field.schema for n in needs)
    ]


@KINDS
def test_a_kind_has_its_scope_short_name_and_category(crd: Definition) -> None:
    """The kinds are found under the names that the documentation gives, and never in `kubectl get all`."""
    names = crd.manifest["spec"]["names"]
    assert crd.manifest["spec"]["scope"] == SCOPES[crd.kind]
    assert names["shortNames"] == SHORT_NAMES[crd.kind]
    assert names["categories"] == ["cloudimages"]
    assert crd.manifest["metadata"]["name"] == f"{crd.plural}.imageferry.dev"
    assert crd.version["name"] == "v1alpha1"
    assert crd.version["subresources"] == {"status": {}}


@KINDS
def test_every_node_is_typed_and_nothing_unknown_is_preserved(crd: Definition) -> None:
    """The schema is structural: a type on every node, no open object, no value of two types."""
    for field in crd.fields():
        assert field.schema.get("type") in {"object", "array", "string", "integer", "boolean"}, field.path
        assert not {name for name in field.schema if name.startswith("x-kubernetes-")} & {
            "x-kubernetes-preserve-unknown-fields",
            "x-kubernetes-int-or-string",
            "x-kubernetes-embedded-resource",
        }, field.path
    objects = [field for field in crd.fields() if field.schema["type"] == "object" and field.path != "metadata"]
    assert [f.path for f in objects if not {"properties", "additionalProperties"} & f.schema.keys()] == []


@KINDS
def test_every_string_is_bounded(crd: Definition) -> None:
    """A string has a greatest length, or is one of a few."""
    strings = [field for field in crd.fields() if "enum" not in field.schema]
    assert offenders(strings, "string", "maxLength") == []


@KINDS
def test_every_string_of_spec_has_a_form_that_bars_control_characters(crd: Definition) -> None:
    """A string of spec is one of a few, or matches a pattern from its first character to its last."""
    for field in of(crd, "spec"):
        if field.schema["type"] == "string" and "enum" not in field.schema:
            forms = [field.schema.get("pattern", ""), *re.findall(r"self\.matches\(r'(.*)'\)", rules_of(field.schema))]
            assert [form for form in forms if form.startswith("^") and form.endswith("$")], field.path


@KINDS
def test_every_list_is_bounded_and_says_how_it_merges(crd: Definition) -> None:
    """A list has a greatest length and a list-type; a map among them has its keys, which every item must carry."""
    assert offenders(crd.fields(), "array", "maxItems", "x-kubernetes-list-type") == []
    for field in crd.fields():
        if field.schema.get("x-kubernetes-list-type") == "map":
            assert set(field.schema["x-kubernetes-list-map-keys"]) <= set(field.schema["items"]["required"]), field.path


@KINDS
def test_every_map_is_bounded(crd: Definition) -> None:
    """An object with free keys has a greatest number of them."""
    maps = [field for field in crd.fields() if "additionalProperties" in field.schema]
    assert offenders(maps, "object", "maxProperties") == []


@KINDS
def test_every_number_has_a_range(crd: Definition) -> None:
    """A number of spec has both ends, one of status its lower end: what a cloud counts has no upper one."""
    assert offenders(of(crd, "spec"), "integer", "format", "minimum", "maximum") == []
    assert offenders(of(crd, "status"), "integer", "format", "minimum") == []


def rules_of(schema: dict[str, Any]) -> str:
    """The text of a field's rules."""
    return " ".join(rule["rule"] for rule in schema.get("x-kubernetes-validations", []))


def width_in(form: str) -> int:
    """The bytes that a character of this form takes at most: one, unless the form speaks of more than ASCII."""
    return JSON_BYTES_PER_CHARACTER if "\\p{" in form else 1


def largest(schema: dict[str, Any]) -> int:
    """The bytes of the largest JSON value that a schema admits."""
    match schema["type"]:
        case "object" if "additionalProperties" in schema:
            (bound,) = CHARACTERS_OF_A_KEY.findall(rules_of(schema))
            key = int(bound) * width_in(rules_of(schema)) + JSON_BYTES_PER_ENTRY
            return int(schema["maxProperties"] * (key + largest(schema["additionalProperties"])))
        case "object":
            return sum(
                len(name) + JSON_BYTES_PER_ENTRY + largest(child) for name, child in schema["properties"].items()
            )
        case "array":
            return int(schema["maxItems"] * largest(schema["items"]))
        case "string" if "enum" in schema:
            return max(map(len, schema["enum"])) + JSON_BYTES_PER_ENTRY
        case "string" if bound := BYTES_OF_A_STRING.search(rules_of(schema)):
            return int(bound[1]) + JSON_BYTES_PER_ENTRY
        case "string":
            return int(schema["maxLength"] * width_in(schema.get("pattern", ""))) + JSON_BYTES_PER_ENTRY
        case _:
            return 20 + JSON_BYTES_PER_ENTRY


@KINDS
def test_the_largest_spec_stays_under_64_kib(crd: Definition) -> None:
    """The bounds hold together: no spec that the schema admits can weigh on the API server."""
    assert largest(crd.schema["properties"]["spec"]) < LARGEST_SPEC_BYTES


@KINDS
def test_every_field_teaches_with_a_description_an_example_and_a_unit(crd: Definition) -> None:
    """What `kubectl explain` prints ends with an example, and names the unit of a number."""
    taught = [Field("", crd.schema), *of(crd, "spec"), *of(crd, "status")]  # the server itself describes the rest
    assert {field.path: lack for field in taught if (lack := what_a_description_lacks(field))} == {}


@KINDS
def test_every_example_is_one_that_the_field_admits(crd: Definition) -> None:
    """The example of a field has its type, length, range and pattern."""
    for field in [*of(crd, "spec"), *of(crd, "status")]:
        schema, example = field.schema, yaml.load(example_of(field), Loader=yaml.BaseLoader)  # noqa: S506 -- builds strings only, so that a time stays as written
        match schema["type"]:
            case "object":
                assert isinstance(example, dict), field.path
                assert set(example) <= set(schema.get("properties", example)), field.path
            case "array":
                assert isinstance(example, list), field.path
            case "boolean":
                assert example in {"true", "false"}, field.path
            case "integer":
                assert schema["minimum"] <= int(example) <= schema.get("maximum", int(example)), field.path
            case _:
                pattern = schema.get("pattern", "")
                for unicode, ascii_ in IN_ASCII.items():
                    pattern = pattern.replace(unicode, ascii_)
                assert example in schema.get("enum", [example]), field.path
                assert schema.get("minLength", 1) <= len(example) <= schema.get("maxLength", 99), field.path
                assert re.search(pattern, example), field.path


@KINDS
def test_every_rule_says_the_limit_and_the_remedy(crd: Definition) -> None:
    """A rule's message says what holds, then, behind a colon, what to do."""
    for rule in crd.rules():
        limit, _, remedy = rule.message.partition(": ")
        assert len(limit.split()) > 3, rule
        assert len(remedy.split()) > 2, rule


@KINDS
def test_every_rule_has_its_case_and_every_case_its_rule(crd: Definition) -> None:
    """A rule that comes without a case, or goes while its case stays, is noticed."""
    cases = [case for case in CASES if case.kind == crd.kind]
    rules = crd.rules()
    assert len(cases) == len(rules)
    for case in cases:
        assert [r for r in rules if r.path == case.path and r.message.startswith(case.begins)], case.begins


@KINDS
def test_an_object_is_born_unobserved(crd: Definition) -> None:
    """Status has its default on itself as well as inside: on the inner field alone it would not appear at creation."""
    status = crd.schema["properties"]["status"]
    assert status["default"] == {"observedGeneration": -1}
    assert status["properties"]["observedGeneration"]["default"] == -1


@KINDS
def test_conditions_are_a_map_by_type(crd: Definition) -> None:
    """Two writers of conditions do not overwrite each other, and one type stands there once."""
    conditions = below(crd, "status")["conditions"]
    assert conditions["x-kubernetes-list-type"] == "map"
    assert conditions["x-kubernetes-list-map-keys"] == ["type"]


@KINDS
def test_no_default_stands_beside_a_required_field(crd: Definition) -> None:
    """A field is either demanded or supplied."""
    for field in [Field("", crd.schema), *crd.fields()]:
        properties = field.schema.get("properties", {})
        assert [name for name in field.schema.get("required", []) if "default" in properties[name]] == [], field.path


@KINDS
def test_the_columns_are_those_of_the_documentation(crd: Definition) -> None:
    """Few columns by default, the rest by `-o wide`."""
    columns = crd.version["additionalPrinterColumns"]
    assert [column["name"] for column in columns if not column.get("priority")] == DEFAULT_COLUMNS[crd.kind]
    assert [column["name"] for column in columns if column.get("priority") == 1] == WIDE_COLUMNS[crd.kind]
    assert [column["name"] for column in columns if not column.get("description")] == []


@KINDS
def test_the_selectable_fields_are_those_of_the_documentation(crd: Definition) -> None:
    """`--field-selector` knows the account, the task, the image and what an import waits for."""
    assert [entry["jsonPath"] for entry in crd.version.get("selectableFields", [])] == SELECTABLE[crd.kind]


@pytest.mark.parametrize(("where", "values"), [pytest.param(k, v, id=" ".join(k)) for k, v in ENUMS.items()])
def test_a_choice_has_the_documented_values(where: tuple[str, str], values: list[str]) -> None:
    """The words that users may choose from are exactly these."""
    kind, path = where
    found = [f.schema["enum"] for crd in definitions() if crd.kind == kind for f in crd.fields() if f.path == path]
    assert found == [values]


@pytest.mark.parametrize("kind", WAYS)
def test_the_lock_covers_every_field_of_spec_that_is_not_listed_as_mutable(kind: str) -> None:
    """The rule is made of all other fields: demanded ones are compared, for others presence and value."""
    crd = the(kind)
    spec = crd.schema["properties"]["spec"]
    immutable = [name for name in spec["properties"] if name not in MUTABLE]
    assert set(spec["properties"]) >= MUTABLE
    demanded = [name for name in immutable if name in spec["required"]]
    pairs = [f"self.spec.{name} == oldSelf.spec.{name}" for name in demanded]
    for name in immutable:
        if name not in demanded:
            pairs.append(f"has(self.spec.{name}) == has(oldSelf.spec.{name})")
            pairs.append(f"(!has(self.spec.{name}) || self.spec.{name} == oldSelf.spec.{name})")
    (rule,) = [rule for rule in crd.rules() if rule.message.startswith("spec is locked")]
    head, _, body = rule.rule.partition("(self.spec.")
    unlocked = ("oldSelf.status", "oldSelf.status.attempt", "oldSelf.status.attempt.key")
    assert head == "".join(f"!has({path}) || " for path in unlocked)
    assert sorted(f"self.spec.{body.removesuffix(')')}".split(" && ")) == sorted(pairs)
    assert [name for name in MUTABLE if name not in rule.message] == []


def untold(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema without its descriptions."""
    bare = {word: value for word, value in schema.items() if word != "description"}
    for word in {"items", "additionalProperties"} & bare.keys():
        bare[word] = untold(bare[word])
    if "properties" in bare:
        bare["properties"] = {name: untold(child) for name, child in bare["properties"].items()}
    return bare


@pytest.mark.parametrize("part", OF_ONE_WAY)
def test_exports_and_imports_share_all_that_is_not_of_one_way(part: str) -> None:
    """The run policy and what the operator remembers are the same fields with the same bounds, defaults and rules."""
    there, back = (below(the(kind), part) for kind in WAYS)
    assert (there.keys() ^ back.keys()) <= OF_ONE_WAY[part] <= there.keys() | back.keys()
    shared = (there.keys() & back.keys()) - OF_ONE_WAY[part]
    assert {name: untold(there[name]) for name in shared} == {name: untold(back[name]) for name in shared}


@pytest.mark.parametrize("kind", WAYS)
def test_no_field_of_a_tenant_is_an_address_a_secret_or_a_namespace(kind: str) -> None:
    """What only an administrator may say stands on CloudAccount alone; a reference is a name and nothing more."""
    crd = the(kind)
    barred = re.compile("secret|namespace|endpoint|url|host|proxy|path|certificate|token|credential", re.IGNORECASE)
    assert [field.path for field in of(crd, "spec") if barred.search(field.name)] == []
    references = [field for field in of(crd, "spec") if field.name.endswith("Ref")]
    assert [set(field.schema["properties"]) for field in references] == [{"name"}] * len(references)


@KINDS
def test_the_full_manifests_fill_in_every_field(crd: Definition) -> None:
    """The manifests that the tests on a real server start from leave no field of spec or status out."""
    scalars = {f.path for f in crd.fields() if f.schema["type"] not in {"object", "array"}} - set(OF_THE_SERVER)
    spec = {path for manifest in FULL[crd.kind] for path, _ in leaves(manifest["spec"], "spec")}
    status = {path for path, _ in leaves(FULL_STATUS[crd.kind], "status")}
    assert spec | status == scalars


@KINDS
def test_every_kind_has_an_example_that_names_known_fields_only(crd: Definition) -> None:
    """The manifests that people copy use fields that exist."""
    documents = [document for file in EXAMPLES for document in yaml.safe_load_all(file.read_text())]
    specs = [document["spec"] for document in documents if document["kind"] == crd.kind]
    assert specs
    assert {path for spec in specs for path, _ in leaves(spec, "spec")} <= {field.path for field in crd.fields()}


def test_walking_a_schema_reaches_items_and_values() -> None:
    """The laws above see what lies in lists and maps."""
    text = {"type": "string"}
    schema = {"properties": {"a": {"items": {"properties": {"b": {"additionalProperties": text}}}}}}
    assert [field.path for field in walk(schema)] == ["a", "a[]", "a[].b", "a[].b{}"]

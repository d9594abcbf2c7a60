"""The CRDs on a real API server: taken without a warning, taught by `kubectl explain`, and every bad input refused."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from controlplane.plane import ControlPlane
from tests.integration.crd_cases.manifests import (
    ABSENT,
    FULL,
    FULL_STATUS,
    SMALLEST,
    Changes,
    Manifest,
    an_account,
    changed,
    with_leaf,
)
from tests.integration.crd_cases.rows import ADMITTED, REFUSED, REFUSED_WITHIN
from tests.integration.crd_cases.rules import CASES, RuleCase
from tests.integration.crd_cases.schema import (
    CRDS,
    OF_THE_SERVER,
    ROOT,
    Definition,
    definitions,
    leaves,
    walk,
    what_a_description_lacks,
)
from tests.integration.crd_cases.server import LABEL, NAMESPACE, Refused, Server

KINDS = pytest.mark.parametrize("crd", [pytest.param(crd, id=crd.kind) for crd in definitions()])
SHORT_NAMES = {"ImageExport": "imgexp", "ImageImport": "imgimp"}
WAYS = pytest.mark.parametrize("kind", SHORT_NAMES)
GROUP = "imageferry.dev"
CONTROL_CHARACTERS = {"a newline": "\n", "NUL": "\x00", "an ANSI sequence": "\x1b[31m", "a zero-width space": "\u200b"}
LONGEST_REASON = "FormatNotSupportedInRegion"
TERMINAL_COLUMNS = 80
CLAIMED = {"number": 1, "key": "k3v6qzd2x7m4a"}
LOCKED = "spec is locked once an attempt is claimed"


@pytest.fixture(scope="module")
def server(plane: ControlPlane) -> Iterator[Server]:
    """The plane with the CRDs and a namespace; what the tests made is removed."""
    plane.kubectl_run("apply", "--server-side", "--force-conflicts", f"--filename={CRDS}")
    for crd in definitions():
        plane.kubectl_run("wait", "--for=condition=Established", f"crd/{crd.plural}.{GROUP}", "--timeout=60s")
    plane.kubectl_run("create", "namespace", NAMESPACE)
    served = Server(plane)
    yield served
    for crd in definitions():
        served.kubectl("delete", crd.plural, f"--selector={LABEL}", "--wait=false")
    plane.kubectl_run("delete", "namespace", NAMESPACE, "--wait=false")


@KINDS
def test_a_new_server_takes_the_crd_without_a_warning(server: Server, crd: Definition) -> None:
    """Every rule is within the cost budget and no column, pattern or default is doubtful; asked under a new group."""
    manifest = yaml.safe_load(crd.file.read_text().replace(GROUP, f"new.{GROUP}"))
    server.kubectl("create", "--dry-run=server", "--warnings-as-errors", "--filename=-", given=manifest)


@KINDS
def test_the_crd_is_established_and_structural(server: Server, crd: Definition) -> None:
    """The server serves the kind and finds nothing non-structural in it."""
    conditions = json.loads(server.kubectl("get", "crd", f"{crd.plural}.{GROUP}", "--output=json"))["status"][
        "conditions"
    ]
    assert {c["type"]: c["status"] for c in conditions} == {"NamesAccepted": "True", "Established": "True"}


@KINDS
def test_the_published_openapi_teaches_every_field(server: Server, crd: Definition) -> None:
    """What tools read has every field of the file, each with description, example and unit."""
    fields = list(walk(server.published(crd.kind)))
    assert {field.path for field in fields} == {field.path for field in crd.fields()}
    own = [field for field in fields if field.path not in OF_THE_SERVER]
    assert {field.path: lack for field in own if (lack := what_a_description_lacks(field))} == {}


@KINDS
def test_kubectl_explain_prints_every_description(server: Server, crd: Definition) -> None:
    """`kubectl explain imageexport.spec.source` and the page of every other object teach what stands in it."""
    assert server.published(crd.kind)
    named = [f for f in crd.fields() if f.path not in OF_THE_SERVER and not f.path.endswith(("[]", "{}"))]
    pages = {field.path: field.path.replace("[]", "").rpartition(".")[0] for field in named}
    printed = {page: " ".join(server.explained(f"{crd.plural}.{page}".rstrip(".")).split()) for page in pages.values()}
    assert [field.path for field in named if field.description not in printed[pages[field.path]]] == []
    assert named


def of_case(case: RuleCase) -> tuple[Manifest, Manifest]:
    """The manifest that a case starts from, and its status apart."""
    given = changed(SMALLEST[case.kind](), case.given)
    return given, given.pop("status", None) or {}


def perform(server: Server, case: RuleCase, changes: Changes) -> None:
    """Create the object of a case with the changes, or edit it by them."""
    given, status = of_case(case)
    if case.of_change:
        server.edit(case.kind, server.create(given, status or None), changes)
    else:
        server.try_out(changed(given, changes))


RULES = pytest.mark.parametrize("case", [pytest.param(case, id=f"{case.kind}: {case.begins}") for case in CASES])


@RULES
def test_a_rule_admits_what_it_is_not_about(server: Server, case: RuleCase) -> None:
    """The good sample of the rule passes."""
    perform(server, case, case.admitted)


@RULES
def test_a_rule_and_it_alone_refuses_with_its_message(server: Server, case: RuleCase) -> None:
    """The bad sample is refused for one cause, which is this rule's: without the rule it would pass."""
    (crd,) = [crd for crd in definitions() if crd.kind == case.kind]
    (rule,) = [rule for rule in crd.rules() if rule.path == case.path and rule.message.startswith(case.begins)]
    with pytest.raises(Refused) as refused:
        perform(server, case, case.refused)
    (cause,) = refused.value.causes
    assert rule.message in cause


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        pytest.param(kind, path, value, id=f"{kind} {path} {'absent' if value is ABSENT else ascii(value):.40}")
        for kind, fields in REFUSED.items()
        for path, values in fields.items()
        for value in values
    ],
)
def test_a_bad_value_is_refused_at_its_field(server: Server, kind: str, path: str, value: object) -> None:
    """Nothing else is wrong with the object, and each cause that the server gives names the field."""
    with pytest.raises(Refused) as refused:
        server.try_out(changed(SMALLEST[kind](), {path: value}))
    assert refused.value.causes
    assert [cause for cause in refused.value.causes if path not in cause] == []


@pytest.mark.parametrize(
    ("kind", "changes", "path"),
    [
        pytest.param(kind, changes, path, id=ascii(f"{kind} {path} {name}"))
        for kind, name, changes, path in REFUSED_WITHIN
    ],
)
def test_a_bad_value_within_is_refused_at_its_field(server: Server, kind: str, changes: Changes, path: str) -> None:
    """The same for what lies in lists and maps, or stands for another field."""
    with pytest.raises(Refused) as refused:
        server.try_out(changed(SMALLEST[kind](), changes))
    assert refused.value.causes
    assert [cause for cause in refused.value.causes if path not in cause] == []


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        pytest.param(kind, path, value, id=f"{kind} {path} {'absent' if value is ABSENT else ascii(value):.40}")
        for kind, fields in ADMITTED.items()
        for path, values in fields.items()
        for value in values
    ],
)
def test_an_unusual_value_is_admitted_as_it_stands(server: Server, kind: str, path: str, value: object) -> None:
    """The bounds refuse nothing that one of the clouds accepts."""
    made = server.try_out(changed(SMALLEST[kind](), {path: value}))
    for step in path.split("."):
        made = made.get(step, ABSENT)
    assert made == value


def strings_of_spec() -> Iterator[Any]:
    """Each string of the full manifests: the kind, the schema's path, the manifest, the steps to the string."""
    for kind, manifests in FULL.items():
        seen = set()
        for manifest in manifests:
            for path, steps in leaves(manifest["spec"], "spec"):
                value: Any = manifest["spec"]
                for step in steps:
                    value = value[step]
                if isinstance(value, str) and path not in seen:
                    seen.add(path)
                    yield pytest.param(manifest, ("spec", *steps), value, id=f"{kind} {path}")


@pytest.mark.parametrize("character", [pytest.param(text, id=name) for name, text in CONTROL_CHARACTERS.items()])
@pytest.mark.parametrize(("manifest", "steps", "value"), list(strings_of_spec()))
def test_no_control_character_enters_a_spec(
    server: Server, manifest: Manifest, steps: tuple[str | int, ...], value: str, character: str
) -> None:
    """No string of spec can forge a log line, colour a terminal or end early; the refusal is about that string."""
    with pytest.raises(Refused) as refused:
        server.try_out(with_leaf(manifest, steps, f"{value}{character}"))
    assert [cause for cause in refused.value.causes if str(steps[-1]) not in cause.split(": ")[0]] == []


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        pytest.param(kind, path, id=f"{kind} {path}")
        for kind, path in (
            ("ImageExport", "spec.destinaton"),
            ("ImageExport", "spec.destination.endpoint"),
            ("ImageExport", "spec.accountRef.namespace"),
            ("ImageExport", "spec.accountRef.kind"),
            ("ImageExport", "spec.secretRef"),
            ("ImageExport", "spec.credentials"),
            ("ImageExport", "spec.endpoints"),
            ("ImageExport", "spec.proxy"),
            ("ImageExport", "spec.caBundle"),
            ("ImageExport", "spec.ttlSecondsAfterFinished"),
            ("ImageImport", "spec.sorce"),
            ("ImageImport", "spec.source.url"),
            ("ImageImport", "spec.source.exportRef.namespace"),
            ("ImageImport", "spec.tencent.imageURL"),
            ("ImageImport", "spec.secretRef"),
            ("ImageImport", "spec.destination"),
            ("ImageImport", "spec.ttlSecondsAfterFinished"),
            ("CloudAccount", "spec.credentials.secretRef.namespace"),
            ("CloudAccount", "spec.credentials.accessKeySecret"),
            ("CloudAccount", "spec.endpoints.proxy"),
        )
    ],
)
def test_a_field_that_does_not_exist_cannot_be_written(server: Server, kind: str, path: str) -> None:
    """A misspelt field is refused, and so is every field by which a tenant would reach further than a name."""
    with pytest.raises(Refused, match=f'unknown field "{path}"'):
        server.try_out(changed(SMALLEST[kind](), {path: "x"}))


@pytest.mark.parametrize(("kind", "third"), [("ImageExport", "destination"), ("ImageImport", "image")])
def test_a_misspelt_demanded_field_is_refused_even_where_unknown_fields_are_dropped(
    server: Server, kind: str, third: str
) -> None:
    """A client that turns strict validation off still learns that account, source and the third field are missing."""
    misspelt = {"accountReference": {"name": "a"}, "sources": {"imageID": "m-1"}, f"{third}s": {"name": "abc"}}
    with pytest.raises(Refused) as refused:
        server.kubectl(
            *("create", "--dry-run=server", "--validate=ignore", "--filename=-"),
            given=changed(SMALLEST[kind](), {"spec": misspelt}),
        )
    assert sorted(refused.value.causes) == [
        f"spec.{name}: Required value" for name in sorted(("accountRef", "source", third))
    ]


@pytest.mark.parametrize(("kind", "own"), [("ImageExport", {"format": "RAW", "disks": "All"}), ("ImageImport", {})])
def test_an_export_and_an_import_are_born_with_their_defaults(server: Server, kind: str, own: Manifest) -> None:
    """What the user leaves out is written down at creation, and nothing more."""
    assert server.try_out(SMALLEST[kind]())["spec"] == {
        **SMALLEST[kind]()["spec"],
        **own,
        "suspend": False,
        "priority": 0,
        "backoffLimit": 3,
        "deletionPolicy": "Retain",
        "unknownOutcome": "Fail",
        "unknownOutcomeSeconds": 21600,
    }


def test_an_account_is_born_as_it_was_written(server: Server) -> None:
    """Nobody is granted anything by a default, and an assumed role gets a session name."""
    assert server.try_out(an_account())["spec"] == an_account()["spec"]
    role = {"roleARN": "acs:ram::1234567890123456:role/image-exports"}
    made = server.try_out(changed(an_account(), {"spec.assumeRole": role}))
    assert made["spec"]["assumeRole"] == {**role, "sessionName": "imageferry"}


@KINDS
def test_an_object_is_born_unobserved(server: Server, crd: Definition) -> None:
    """A waiter that compares generations does not pass before the operator's first visit; a forged status is dropped."""
    forged = {"status": {"observedGeneration": 1, "conditions": FULL_STATUS[crd.kind]["conditions"]}}
    assert server.try_out(changed(SMALLEST[crd.kind](), forged))["status"] == {"observedGeneration": -1}
    name = server.create(SMALLEST[crd.kind]())
    assert server.read(crd.kind, name)["status"] == {"observedGeneration": -1}


@KINDS
def test_what_the_user_and_the_operator_write_comes_back_whole(server: Server, crd: Definition) -> None:
    """A manifest with every field, and a status with every field, lose nothing on the server."""
    for manifest in FULL[crd.kind]:
        name = server.create(manifest, FULL_STATUS[crd.kind])
        kept = server.read(crd.kind, name)
        assert kept["spec"] == manifest["spec"]
        assert kept["status"] == FULL_STATUS[crd.kind]


def cells(line: str) -> list[str]:
    """The cells of a line of kubectl's table."""
    return re.split(r" {2,}", line.strip())


@WAYS
def test_kubectl_get_shows_an_export_and_an_import_in_80_columns(server: Server, kind: str) -> None:
    """Name, readiness, reason, percent and age, with the longest reason there is."""
    ready = {**FULL_STATUS[kind]["conditions"][0], "reason": LONGEST_REASON}
    name = server.create(SMALLEST[kind](), {**FULL_STATUS[kind], "conditions": [ready]})
    header, row = server.kubectl("get", SHORT_NAMES[kind], name).splitlines()
    assert cells(header) == ["NAME", "READY", "REASON", "PROGRESS", "AGE"]
    assert cells(row)[:-1] == [name, "False", LONGEST_REASON, "62"]
    assert re.fullmatch(r"\d+[sm]", cells(row)[-1])
    assert max(len(header), len(row) + len("2026-11-21-web") - len(name)) <= TERMINAL_COLUMNS


@pytest.mark.parametrize(
    ("kind", "image"), [("ImageExport", "m-bp67acfmxazb4p0a"), ("ImageImport", "m-bp1ae72sinlrmd5mf6nd")]
)
def test_kubectl_get_wide_shows_what_is_carried_and_where(server: Server, kind: str, image: str) -> None:
    """`-o wide` adds image, account, region, task, bucket, attempts and the message."""
    name = server.create(SMALLEST[kind](), FULL_STATUS[kind])
    header, row = server.kubectl("get", SHORT_NAMES[kind], name, "--output=wide").splitlines()
    wide = ["IMAGE", "ACCOUNT", "REGION", "TASK", "BUCKET", "ATTEMPTS", "MESSAGE"]
    assert cells(header) == ["NAME", "READY", "REASON", "PROGRESS", "AGE", *wide]
    assert cells(row)[5:] == [
        *(image, "alibaba-prod", "cn-hangzhou", "t-bp67acfmxazb4p0a", "team-images", "2"),
        "the cloud says 62 %",
    ]


def test_kubectl_get_shows_an_account_in_80_columns(server: Server) -> None:
    """Readiness, reason, cloud and region; `-o wide` adds the owner, the grant and the message."""
    name = server.create(FULL["CloudAccount"][0], FULL_STATUS["CloudAccount"])
    header, row = server.kubectl("get", "cacct", name).splitlines()
    assert cells(header) == ["NAME", "READY", "REASON", "PROVIDER", "REGION", "AGE"]
    assert cells(row)[:-1] == [name, "False", "Running", "Alibaba", "cn-hangzhou"]
    assert max(map(len, (header, row))) <= TERMINAL_COLUMNS
    header, row = server.kubectl("get", "cacct", name, "--output=wide").splitlines()
    assert cells(header)[6:] == ["ACCOUNT ID", "NAMESPACES", "MESSAGE"]
    assert cells(row)[6:] == ["1234567890123456", "Names", "the cloud says 62 %"]


def test_every_kind_is_found_by_its_category(server: Server) -> None:
    """`kubectl get cloudimages` shows accounts, exports and imports alike; `kubectl get all` shows none."""
    made = {f"{crd.kind.lower()}.{GROUP}/{server.create(SMALLEST[crd.kind]())}" for crd in definitions()}
    assert made <= set(server.kubectl("get", "cloudimages", "--output=name").split())
    assert GROUP not in server.kubectl("get", "all", "--output=name")


_BY_ACCOUNT = ("spec.accountRef.name=another", {"spec.accountRef.name": "another"}, None)
_BY_TASK: tuple[str, Changes, Manifest] = ("status.task.id=t-another", {}, {"task": {"id": "t-another"}})


@pytest.mark.parametrize(
    ("kind", "selector", "spec", "status"),
    [
        ("ImageExport", *_BY_ACCOUNT),
        ("ImageExport", "spec.source.imageID=m-another", {"spec.source.imageID": "m-another"}, None),
        ("ImageExport", *_BY_TASK),
        ("ImageImport", *_BY_ACCOUNT),
        (
            "ImageImport",
            "spec.source.exportRef.name=another",
            {"spec.source": {"exportRef": {"name": "another"}}},
            None,
        ),
        ("ImageImport", *_BY_TASK),
        ("ImageImport", "status.imageID=m-another", {}, {"imageID": "m-another"}),
    ],
)
def test_an_object_is_found_by_a_field(
    server: Server, kind: str, selector: str, spec: Changes, status: Manifest | None
) -> None:
    """`--field-selector` finds the one with this account, task or image, and the imports that wait for an export."""
    server.create(SMALLEST[kind](), FULL_STATUS[kind])
    name = server.create(changed(SMALLEST[kind](), spec), status)
    found = server.kubectl("get", SHORT_NAMES[kind], f"--field-selector={selector}", "--output=name")
    assert found.split() == [f"{kind.lower()}.{GROUP}/{name}"]


_LOCKED_IN_BOTH_WAYS: dict[str, Changes] = {
    "the account": {"spec.accountRef.name": "another"},
    "the region": {"spec.region": "cn-shanghai"},
    "the region away": {"spec.region": ABSENT},
    "the role": {"spec.roleName": "another"},
    "the role away": {"spec.roleName": ABSENT},
}
_LOCKED_OF_EXPORTS: dict[str, Changes] = {
    "the image": {"spec.source.imageID": "m-another"},
    "the way the image is named": {"spec.source.imageID": ABSENT, "spec.source.imageName": "web"},
    "the bucket": {"spec.destination.bucket": "other-images"},
    "the prefix": {"spec.destination.prefix": "other"},
    "the prefix away": {"spec.destination.prefix": ABSENT},
    "the format": {"spec.format": "VHD"},
    "the format away": {"spec.format": ABSENT},
    "the disks": {"spec.disks": "All"},
    "the disks away": {"spec.disks": ABSENT},
}
_LOCKED_OF_IMPORTS: dict[str, Changes] = {
    "a file": {"spec.source.disks": [{"bucket": "team-images", "key": "golden/another.raw"}]},
    "the way the files are named": {"spec.source": {"disks": None, "exportRef": {"name": "web-2026-11"}}},
    "the image's name": {"spec.image.name": "another"},
    "the image's boot mode away": {"spec.image.bootMode": ABSENT},
    "a tag": {"spec.image.tags.team": "another"},
    "one more tag": {"spec.image.tags.tier": "golden"},
    "an option of Alibaba Cloud": {"spec.alibaba.imdsSupport": "V1"},
    "the options of Alibaba Cloud away": {"spec.alibaba": ABSENT},
    "the provider's options": {"spec.alibaba": ABSENT, "spec.tencent": {"force": True}},
}
_LOCKED_EDITS: list[tuple[str, str, Changes]] = [
    *(("ImageExport", name, edit) for name, edit in (_LOCKED_IN_BOTH_WAYS | _LOCKED_OF_EXPORTS).items()),
    *(("ImageImport", name, edit) for name, edit in (_LOCKED_IN_BOTH_WAYS | _LOCKED_OF_IMPORTS).items()),
]
_OPEN_EDITS: list[Changes] = [
    {"spec.suspend": True},
    {"spec.priority": 1000},
    {"spec.backoffLimit": 0},
    {"spec.activeDeadlineSeconds": 60},
    {"spec.activeDeadlineSeconds": ABSENT},
    {"spec.deletionPolicy": "Orphan"},
    {"spec.unknownOutcome": "Fail"},
    {"spec.unknownOutcomeSeconds": 60},
    {"metadata.labels": {"team": "images"}},
    {"metadata.annotations": {"imageferry.dev/retry-requested-at": "2026-11-21T14:00:00Z"}},
]
# Every optional field stands there, and none with its default, so that taking it away is an edit.
_LOCKABLE = {
    "ImageExport": changed(FULL["ImageExport"][0], {"spec.format": "QCOW2", "spec.disks": "SystemOnly"}),
    "ImageImport": FULL["ImageImport"][0],
}


@pytest.mark.parametrize(
    ("kind", "changes"), [pytest.param(kind, edit, id=f"{kind} {name}") for kind, name, edit in _LOCKED_EDITS]
)
def test_what_the_cloud_was_asked_for_is_locked_while_an_attempt_is_claimed(
    server: Server, kind: str, changes: Changes
) -> None:
    """The edit passes before a claim and after its withdrawal; with a key in status it is refused by the lock alone."""
    server.edit(kind, server.create(_LOCKABLE[kind]), changes)
    name = server.create(_LOCKABLE[kind], {"attempt": CLAIMED})
    with pytest.raises(Refused) as refused:
        server.edit(kind, name, changes)
    (cause,) = refused.value.causes
    assert LOCKED in cause
    server.edit(kind, name, {"status.attempt.key": ABSENT})
    server.edit(kind, name, changes)


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        ("ImageExport", "spec.region", "cn-hangzhou"),
        ("ImageExport", "spec.roleName", "web"),
        ("ImageExport", "spec.destination.prefix", "web"),
        ("ImageImport", "spec.region", "cn-hangzhou"),
        ("ImageImport", "spec.roleName", "web"),
        ("ImageImport", "spec.image.family", "web"),
        ("ImageImport", "spec.alibaba", {}),
        ("ImageImport", "spec.tencent", {"force": True}),
    ],
)
def test_what_the_cloud_was_not_asked_for_cannot_be_added_while_an_attempt_is_claimed(
    server: Server, kind: str, path: str, value: object
) -> None:
    """An optional field that was left out is locked as absent."""
    name = server.create(SMALLEST[kind](), {"attempt": CLAIMED})
    with pytest.raises(Refused, match=LOCKED):
        server.edit(kind, name, {path: value})


@WAYS
def test_how_an_attempt_is_run_can_be_changed_at_any_time(server: Server, kind: str) -> None:
    """The run policy and the user's own metadata stay open under the lock."""
    name = server.create(FULL[kind][0], {"attempt": CLAIMED})
    for changes in _OPEN_EDITS:
        server.edit(kind, name, changes)


@WAYS
def test_the_lock_does_not_hinder_the_operator(server: Server, kind: str) -> None:
    """Under the lock the operator still repairs a task id, closes the attempt and claims the next."""
    name = server.create(SMALLEST[kind](), {"attempt": CLAIMED, "task": {"id": "t-1"}})
    server.edit(kind, name, {"status.task.id": "t-2"})
    server.edit(kind, name, {"status.attempt": {"key": None, "failures": 1}, "status.task": ABSENT})
    server.edit(kind, name, {"status.attempt": {"number": 2, "key": "aaaabbbbccccd"}})
    assert server.read(kind, name)["status"]["attempt"] == {
        "number": 2,
        "failures": 1,
        "key": "aaaabbbbccccd",
    }


@pytest.mark.parametrize(
    "file", [pytest.param(file, id=file.name) for file in sorted((ROOT / "examples").glob("*.yaml"))]
)
def test_the_server_admits_the_examples(server: Server, file: Path) -> None:
    """What people copy is admitted by strict validation, under any name and in any namespace."""
    documents = [document for document in yaml.safe_load_all(file.read_text()) if document]
    assert documents
    for document in documents:
        document["metadata"] = {"name": "example"}
        server.try_out(document)

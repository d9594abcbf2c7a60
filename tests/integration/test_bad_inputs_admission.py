"""Bad inputs that the schema can know, row by row of the list in bad_input_rows.py: refused at the door, with the field and its rule.

More values for each field stand in crd_cases/rows.py; here is what a row of the list promises, and the words that its user reads.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

import pytest

from controlplane import ControlPlane
from tests.integration.bad_input_rows import ADMISSION
from tests.integration.crd_cases.manifests import ABSENT, SMALLEST, Changes, an_export, changed
from tests.integration.crd_cases.schema import CRDS, definitions
from tests.integration.crd_cases.server import LABEL, NAMESPACE, Refused, Server


class Bad(NamedTuple):
    """One bad input: what is changed, where the refusal points, and the words it uses."""

    changes: Changes
    field: str
    words: str
    kind: str = "ImageExport"


def _prefix(value: object, words: str = "in body should match '^[A-Za-z0-9]{1,17}$'") -> Bad:
    return Bad({"spec.destination.prefix": value}, "spec.destination.prefix", words)


def _bucket(value: object, words: str) -> Bad:
    return Bad({"spec.destination.bucket": value}, "spec.destination.bucket", words)


def _region(value: object, words: str) -> Bad:
    return Bad({"spec.region": value}, "spec.region", words)


def _source(value: object, field: str, words: str) -> Bad:
    return Bad({"spec.source": value}, field, words)


def _selector(value: object, field: str, words: str) -> Bad:
    grant = {"from": "Selector", "selector": value}
    return Bad({"spec.allowedNamespaces": grant}, f"spec.allowedNamespaces.selector{field}", words, "CloudAccount")


def _wish(field: str, value: object, words: str) -> Bad:
    return Bad({f"spec.{field}": value}, f"spec.{field}", words)


def _image(field: str, value: object, words: str) -> Bad:
    return Bad({f"spec.image.{field}": value}, f"spec.image.{field}", words, "ImageImport")


def _disk(field: str, value: object, words: str) -> Bad:
    disk = {"bucket": "team-images", "key": "web.raw"} | {field: value}
    return Bad({"spec.source.disks": [disk]}, f"spec.source.disks[0].{field}", words, "ImageImport")


def _disks(count: int, words: str) -> Bad:
    disks = [{"bucket": "team-images", "key": f"web-{number}.raw"} for number in range(count)]
    return Bad({"spec.source.disks": disks}, "spec.source.disks", words, "ImageImport")


_ONE_SOURCE: Final = "takes exactly one of imageID, imageName and imageFamily"
_MIB: Final = "a" * 2**20
_BUCKET_RULE: Final = "should match '^[a-z0-9][a-z0-9-]*[a-z0-9]$'"

ROWS: Final[dict[int, tuple[Bad, ...]]] = {
    1: (_prefix("", "should be at least 1 chars long"),),
    2: (_prefix("a" * 18, "may not be more than 17"), _prefix("a" * 31, "may not be more than 17")),
    3: (_prefix("wéb"), _prefix("we\u200bb"), _prefix("\u202eweb"), _prefix("web\uff11")),
    4: (_prefix("a-b"), _prefix("a_b"), _prefix("a.b")),
    5: (_prefix("../x"), _prefix("/x"), _prefix("%2e%2e")),
    6: (
        *(_source({"imageName": f"web{each}"}, "spec.source.imageName", "should match") for each in "\n\x00\x1b"),
        *(_wish("roleName", f"role{each}", "should match") for each in "\n\x00\x1b"),
    ),
    7: (
        _source({}, "spec.source", _ONE_SOURCE),
        _source({"imageID": "m-1", "imageName": "web"}, "spec.source", _ONE_SOURCE),
        _source({"imageName": "web", "imageFamily": "web"}, "spec.source", _ONE_SOURCE),
    ),
    8: (
        _source({"imageID": "i-bp67acfmxazb4p0a"}, "spec.source.imageID", "should match '^(m|img)-[a-z0-9]+$'"),
        _source({"imageID": "ami-0123"}, "spec.source.imageID", "should match '^(m|img)-[a-z0-9]+$'"),
    ),
    9: (
        _region("", "should be at least 4 chars long"),
        _region("CN-Hangzhou", "should match '^[a-z]{2}(-[a-z0-9]+)+$'"),
    ),
    11: (
        _bucket("A", "should be at least 3 chars long"),
        _bucket("Team-Images", _BUCKET_RULE),
        _bucket("1.2.3.4", _BUCKET_RULE),
        _bucket("a" * 64, "may not be more than 63"),
    ),
    12: (_wish("format", "ISO", 'supported values: "RAW", "VHD", "QCOW2", "VMDK", "VDI"'),),
    14: (
        _source({"imageName": "w"}, "spec.source.imageName", "should be at least 2 chars long"),
        _source({"imageName": "w" * 129}, "spec.source.imageName", "may not be more than 128"),
        _image("name", "w", "should be at least 2 chars long"),
        _image("name", "w" * 129, "may not be more than 128"),
    ),
    15: (
        *(
            _source({"imageName": name}, "spec.source.imageName", "begins with acs: or aliyun or holds http://")
            for name in ("acs:x", "aliyunx", "http://x")
        ),
        *(_image("name", name, "cannot begin with acs: or aliyun") for name in ("acs:x", "aliyunx")),
        _image("name", "http://x", "should match"),
    ),
    17: (
        _image("description", "d" * 257, "may not be more than 256"),
        *(
            _image("description", f"{scheme}://x", "cannot begin with http:// or https://")
            for scheme in ("http", "https")
        ),
    ),
    18: (_prefix(_MIB, "may not be more than 17"), _bucket(_MIB, "may not be more than 63")),
    20: (
        _wish("priority", "0", "must be of type integer"),
        _wish("priority", 0.5, "must be of type integer"),
        _wish("backoffLimit", 2**63, "must be of type integer"),
        _wish("suspend", "false", "must be of type boolean"),
        _wish("accountRef", None, "Required value"),
        _wish("accountRef", [], "must be of type object"),
    ),
    21: (
        _selector({"matchExpressions": [{"key": "(a+)+$", "operator": "Exists"}]}, ".matchExpressions[0].key", "match"),
        _selector({"matchExpressions": [{"key": "team", "operator": "Exists"}] * 9}, ".matchExpressions", "at most 8"),
        _selector({"matchLabels": {f"k{n}": "x" for n in range(17)}}, ".matchLabels", "at most 16"),
    ),
    22: (
        _image("tags", {f"k{number}": "x" for number in range(21)}, "must have at most 16 items"),
        *(
            _image("tags", {key: "x"}, "cannot begin with acs: or aliyun (the cloud's) or imageferry.dev")
            for key in ("acs:x", "aliyun", "imageferry.dev/attempt")
        ),
    ),
    23: (
        _disks(0, "should have at least 1 items"),
        _disks(18, "must have at most 17 items"),
        _disk("sizeGiB", 0, "greater than or equal to 1"),
        _disk("sizeGiB", 2049, "less than or equal to 2048"),
    ),
    24: (
        Bad(
            {"spec.image.architecture": "arm64", "spec.image.bootMode": "BIOS"},
            "spec.image",
            "spec.image.bootMode of an arm64 image is UEFI and nothing else",
            "ImageImport",
        ),
    ),
    25: (
        Bad(
            {"spec.image.osType": "Windows"},
            "spec.image",
            "spec.image.licenseType is required for osType Windows: say Auto, Provided or BYOL",
            "ImageImport",
        ),
    ),
    26: (
        *(
            _disk("key", address, "a key is a file's name in its bucket and no address")
            for address in (
                "https://evil.example/web.raw",
                "http://user@169.254.169.254/web.raw",
                "oss://team-images/web.raw",
            )
        ),
        _disk("key", "golden/../../other/web.raw", "a key has no part that is . or .."),
        *(
            _disk("bucket", host, _BUCKET_RULE)
            for host in (
                "evil.example",
                "team-images.evil.example",
                "evil@x",
                "evil.example.",
                "xn--80ak6aa92e.example",
            )
        ),
    ),
    36: (
        _wish("activeDeadlineSeconds", 0, "greater than or equal to 60"),
        _wish("activeDeadlineSeconds", 59, "greater than or equal to 60"),
    ),
    59: (
        Bad(
            {"spec.credentials.secretRef.name": "tenant/key"},
            "spec.credentials.secretRef.name",
            "match",
            "CloudAccount",
        ),
        Bad({"spec.accountRef.name": "alib\u0430ba-prod"}, "spec.accountRef.name", "should match"),
    ),
}
"""Every input of a row is refused at its field, and nothing else is found wrong with it."""

UNKNOWN: Final[dict[int, tuple[tuple[str, str], ...]]] = {
    19: (("ImageExport", "spec.destinaton"), ("CloudAccount", "spec.regions")),
    26: (("ImageExport", "spec.source.url"), ("ImageImport", "spec.source.url"), ("ImageImport", "spec.image.url")),
    59: (("CloudAccount", "spec.credentials.secretRef.namespace"), ("ImageExport", "spec.secretRef")),
}
"""Fields that do not exist, by the rows that they would belong to."""


@pytest.fixture(scope="module")
def server(plane: ControlPlane) -> Iterator[Server]:
    """The plane with the CRDs and a namespace; what the tests made is removed."""
    plane.kubectl_run("apply", "--server-side", "--force-conflicts", f"--filename={CRDS}")
    for crd in definitions():
        plane.kubectl_run("wait", "--for=condition=Established", f"crd/{crd.plural}.imageferry.dev", "--timeout=60s")
    plane.kubectl_run("create", "namespace", NAMESPACE)
    served = Server(plane)
    yield served
    served.kubectl("delete", "imageexports", f"--selector={LABEL}")
    plane.kubectl_run("delete", "namespace", NAMESPACE, "--wait=false")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"row {row} {ADMISSION[row]}")
def test_a_bad_input_is_refused_at_its_field_and_the_message_names_the_rule(server: Server, row: int) -> None:
    """Each input of the row is refused, every cause points at the field, and the words tell what would do."""
    for bad in ROWS[row]:
        with pytest.raises(Refused) as refused:
            server.try_out(changed(SMALLEST[bad.kind](), bad.changes))
        causes = refused.value.causes
        assert [cause for cause in causes if bad.field not in cause] == []
        assert [cause for cause in causes if bad.words in cause] != [], causes


@pytest.mark.parametrize("row", UNKNOWN, ids=lambda row: f"row {row} {ADMISSION[row]}")
def test_a_field_that_does_not_exist_is_refused_by_its_name(server: Server, row: int) -> None:
    """A slip is told, and what would let a tenant reach further than a name cannot be said at all."""
    for kind, path in UNKNOWN[row]:
        with pytest.raises(Refused, match=f'unknown field "{path}"'):
            server.try_out(changed(SMALLEST[kind](), {path: "x"}))


def test_a_dropped_slip_is_still_noticed_by_what_it_leaves_out(server: Server) -> None:
    """Row 19: without strict validation the misspelt field is dropped, and its required twin is missed."""
    slip = changed(an_export(), {"spec.destination": ABSENT, "spec.destinaton": {"bucket": "team-images"}})
    with pytest.raises(Refused, match=r"spec\.destination: Required value"):
        server.kubectl("create", "--dry-run=server", "--validate=ignore", "--filename=-", given=slip)


def test_many_labels_are_the_users_own(server: Server) -> None:
    """Row 18: ten thousand labels are admitted; every string and list of spec is bounded."""
    labels = {f"label-{n}": "x" for n in range(10_000)}
    assert server.try_out(changed(an_export(), {"metadata.labels": labels}))["metadata"]["labels"] == labels


def test_who_and_what_is_exported_cannot_be_edited_under_a_claim(server: Server) -> None:
    """Row 61: what the cloud was asked for is locked; the run policy and labels stay open."""
    name = server.create(an_export(), {"attempt": {"number": 1, "key": "k3v6qzd2x7m4a"}})
    for path in ("spec.accountRef.name", "spec.source.imageID", "spec.destination.bucket"):
        with pytest.raises(Refused, match="spec is locked once an attempt is claimed"):
            server.edit("ImageExport", name, {path: "m-another"})
    server.edit("ImageExport", name, {"spec.suspend": True, "metadata.labels": {"team": "images"}})

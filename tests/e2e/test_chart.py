"""What the chart makes of its values, and which it refuses. Nothing is installed here."""

import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml

import imageferry
from charttools import generated
from charttools.generated import CHART, ROOT
from charttools.programs import HelmError, helm
from imageferry.settings import Settings
from tests.release import FULL, Manifest, container, literal_environment, render, run_helm, the

PLAIN: Manifest = {}


@pytest.fixture(scope="module")
def plain() -> list[Manifest]:
    """The documents of a release with no value set."""
    return render("imageferry", "imageferry-system")


@pytest.fixture(scope="module")
def full() -> list[Manifest]:
    """The documents of a release with every value set."""
    return render("imageferry", "imageferry-system", **FULL)


def test_the_rights_shown_in_deploy_are_those_of_the_chart() -> None:
    """deploy/rbac.yaml is the chart rendered; `python -m charttools generate` writes it anew."""
    assert (ROOT / "deploy" / "rbac.yaml").read_text(encoding="utf-8") == generated.rights()


def test_there_is_one_version() -> None:
    """Chart and operator are released together."""
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    assert {chart["version"], chart["appVersion"]} == {imageferry.__version__}


def test_every_value_is_described() -> None:
    """The table of the chart's README has a row for each value that the schema takes."""

    def paths(schema: Manifest, *above: str) -> list[str]:
        inner = schema.get("properties", {}) if above[-1:] != ("settings",) else {}
        return [path for name, each in inner.items() for path in paths(each, *above, name)] or [".".join(above)]

    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    assert sorted(path for path, _, _ in generated.values()) == sorted(set(paths(schema)) - {"global"})


@pytest.mark.parametrize("values", [pytest.param(PLAIN, id="none"), pytest.param(FULL, id="all")])
def test_helm_finds_no_fault(values: Manifest) -> None:
    """`helm lint --strict` passes."""
    assert "1 chart(s) linted, 0 chart(s) failed" in run_helm("lint", "--strict", CHART, **values)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        pytest.param("replica", 3, id="a misspelt value"),
        pytest.param("image.name", "x", id="a misspelt value deeper down"),
        pytest.param("settings.poll_seconds", 3, id="a setting that is none"),
        pytest.param("settings.poll_max_seconds", "30", id="a setting of another type"),
        pytest.param("settings.log_level", "loud", id="a word that a setting does not know"),
        pytest.param("settings.workers", 0, id="a setting out of its range"),
        pytest.param("settings.http_port", 0, id="a port that only the process would know"),
        pytest.param("settings.watch_namespaces", "images", id="a setting that rights depend on"),
        pytest.param("settings.lease_name", "other", id="a setting that the rights name"),
        pytest.param("secretNames", ["*"], id="a name that is a wildcard"),
        pytest.param("replicas", 0, id="no replica"),
        pytest.param("runAsUser", 0, id="root"),
        pytest.param("image.digest", "sha256:1234", id="half a digest"),
    ],
)
def test_a_mistake_is_refused_before_anything_is_installed(path: str, value: Any) -> None:  # noqa: ANN401 -- any value
    """The message names the value."""
    values = value
    for part in reversed(path.split(".")):
        values = {part: values}
    with pytest.raises(HelmError, match=path.rpartition(".")[2]):
        render("imageferry", "imageferry-system", **values)


def test_the_operator_reads_its_settings_as_they_were_given(full: list[Manifest]) -> None:
    """Numbers keep their size and words their spelling on the way through the container's environment."""
    environment = literal_environment(container(the(full, "Deployment")))
    read = Settings.load(["--namespace=imageferry-system"], environment)
    assert {name: getattr(read, name) for name in FULL["settings"]} == FULL["settings"]
    assert read.watch_namespaces == ("default",)
    assert read.lease_name == "imageferry"


def test_the_operator_finds_its_identity_tokens_where_the_chart_puts_them(full: list[Manifest]) -> None:
    """One file for each provider, in the folder of the operator's setting."""
    deployment = the(full, "Deployment")
    (volume,) = deployment["spec"]["template"]["spec"]["volumes"]
    (mount,) = container(deployment)["volumeMounts"]
    settings = Settings.load(["--namespace=imageferry-system"], literal_environment(container(deployment)))
    assert (mount["name"], mount["mountPath"]) == (volume["name"], settings.identity_token_folder)
    assert volume["projected"]["sources"] == [
        {"serviceAccountToken": {"path": "Alibaba", "audience": "sts.aliyuncs.com", "expirationSeconds": 3600}}
    ]


def test_the_lease_that_the_operator_takes_is_the_one_that_it_may_take() -> None:
    """Whatever the release is called, name and right agree."""
    documents = render("blue", "imageferry-system")
    role, environment = the(documents, "Role"), literal_environment(container(the(documents, "Deployment")))
    names = [rule["resourceNames"] for rule in role["rules"] if "resourceNames" in rule]
    assert names == [[environment["IMAGEFERRY_LEASE_NAME"]]] == [["blue-imageferry"]]


@pytest.mark.parametrize("which", ["plain", "full"])
def test_the_grace_of_a_pod_outlasts_an_orderly_end(which: str, request: pytest.FixtureRequest) -> None:
    """After the calls in flight, there is time for a request to the API server and the Lease."""
    deployment = the(request.getfixturevalue(which), "Deployment")
    environment = literal_environment(container(deployment))
    settings = Settings.load(["--namespace=imageferry-system"], environment)
    grace = deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
    assert grace >= settings.shutdown_seconds + settings.call_deadline_seconds


def test_where_namespaces_are_named_nothing_but_accounts_is_granted_in_the_cluster(full: list[Manifest]) -> None:
    """One ClusterRole, for CloudAccounts; everything else by Roles in the namespaces."""
    clusterwide = the(full, "ClusterRole")["rules"]
    assert {resource for rule in clusterwide for resource in rule["resources"]} == {
        "cloudaccounts",
        "cloudaccounts/status",
    }
    roles = {role["metadata"]["namespace"]: role for role in full if role["kind"] == "Role"}
    bound = {binding["metadata"]["namespace"] for binding in full if binding["kind"] == "RoleBinding"}
    assert set(roles) == bound == {"imageferry-system", "default"}
    assert ["imageexports", "imageimports"] in [rule["resources"] for rule in roles["default"]["rules"]]


def test_no_secret_is_readable_that_is_not_named(plain: list[Manifest], full: list[Manifest]) -> None:
    """Without names there is no such right; with names it is a get of these."""
    rules = [rule for document in plain for rule in document.get("rules", ()) if "secrets" in rule["resources"]]
    assert rules == []
    (rule,) = [rule for document in full for rule in document.get("rules", ()) if "secrets" in rule["resources"]]
    assert rule == {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["one", "two"], "verbs": ["get"]}


def test_what_selects_pods_selects_the_operators(full: list[Manifest]) -> None:
    """Deployment, budget, service and network policy mean the same pods, and the monitor means the service."""
    deployment, service = the(full, "Deployment"), the(full, "Service")
    pods = deployment["spec"]["template"]["metadata"]["labels"]
    selectors = [
        deployment["spec"]["selector"]["matchLabels"],
        the(full, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        the(full, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
        service["spec"]["selector"],
    ]
    assert [selector.items() <= pods.items() for selector in selectors] == [True] * 4
    assert len({json.dumps(selector, sort_keys=True) for selector in selectors}) == 1
    monitored = the(full, "ServiceMonitor")["spec"]["selector"]["matchLabels"]
    assert monitored.items() <= service["metadata"]["labels"].items()


def test_the_network_is_closed_but_for_what_is_listed(plain: list[Manifest], full: list[Manifest]) -> None:
    """Nobody gets in unless named; out go names, the API server and the clouds, and what was added."""
    closed, opened = (the(documents, "NetworkPolicy")["spec"] for documents in (plain, full))
    assert closed["policyTypes"] == ["Ingress", "Egress"]
    assert closed["ingress"] == []
    assert [[port["port"] for port in rule["ports"]] for rule in closed["egress"]] == [[53, 53], [443, 6443]]
    assert opened["ingress"] == [{"from": FULL["networkPolicy"]["metricsFrom"], "ports": [{"port": "http"}]}]
    assert opened["egress"] == closed["egress"] + FULL["networkPolicy"]["extraEgress"]


def test_a_single_replica_does_not_tie_its_node() -> None:
    """No budget for disruptions would let it go."""
    kinds = {document["kind"] for document in render("imageferry", "imageferry-system", replicas=1)}
    assert "Deployment" in kinds
    assert "PodDisruptionBudget" not in kinds


def test_the_rendering_is_the_same_each_time(full: list[Manifest]) -> None:
    """A GitOps tool sees no change where there is none."""
    assert render("imageferry", "imageferry-system", **FULL) == full


def test_nothing_of_a_work_tree_but_the_chart_is_packed(tmp_path: Path) -> None:
    """The package holds templates, values, schema, README and the kinds."""
    helm("package", CHART, f"--destination={tmp_path}")
    (package,) = tmp_path.glob("*.tgz")
    with tarfile.open(package) as listed:
        files = {name.removeprefix("imageferry/") for name in listed.getnames()}
    wanted = {file.relative_to(CHART).as_posix() for file in CHART.rglob("*") if file.is_file()}
    assert files == wanted - {".helmignore"}

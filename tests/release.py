"""The chart, rendered: values in, documents out."""

import json
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import yaml

from charttools.generated import CHART
from charttools.programs import helm

Manifest = dict[str, Any]

FULL: Final[Manifest] = {
    "image": {"repository": "registry.example.com/ferry", "tag": "1.2.3", "digest": f"sha256:{'a' * 64}"},
    "imagePullSecrets": [{"name": "registry"}],
    "replicas": 3,
    "settings": {
        "poll_max_seconds": 30,
        "task_retention_seconds": 2_592_000,
        "shutdown_seconds": 25.5,
        "allow_insecure_endpoints": True,
        "log_level": "debug",
        "http_host": "::",
        "http_port": 9090,
    },
    "extraEnv": [{"name": "TZ", "value": "UTC"}],
    "secretNames": ["one", "two"],
    "watchNamespaces": ["default"],
    "workloadIdentity": {"tokens": [{"provider": "Alibaba", "audience": "sts.aliyuncs.com"}]},
    "serviceAccount": {"annotations": {"example.com/owner": "images"}},
    "runAsUser": None,
    "priorityClassName": "system-cluster-critical",
    "nodeSelector": {"kubernetes.io/os": "linux"},
    "tolerations": [{"key": "dedicated", "operator": "Exists"}],
    "affinity": {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [{"matchExpressions": [{"key": "dedicated", "operator": "Exists"}]}]
            }
        }
    },
    "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "rack", "whenUnsatisfiable": "ScheduleAnyway"}],
    "podLabels": {"team": "images"},
    "podAnnotations": {"example.com/note": "here"},
    "serviceMonitor": {"create": True, "labels": {"release": "prometheus"}},
    "networkPolicy": {
        "metricsFrom": [{"namespaceSelector": {"matchLabels": {"name": "monitoring"}}}],
        "extraEgress": [{"to": [{"ipBlock": {"cidr": "100.100.100.200/32"}}], "ports": [{"port": 80}]}],
    },
}
"""A value for everything that is off or empty by default."""


def run_helm(*arguments: str | Path, **values: Any) -> str:  # noqa: ANN401 -- values of the chart
    """Helm with these values in a file, as people keep them."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
        json.dump(values, file)
        file.flush()
        return helm(*arguments, f"--values={file.name}")


def render(name: str, namespace: str, **values: Any) -> list[Manifest]:  # noqa: ANN401 -- as above
    """The documents of a release. Raises HelmError where a value is refused."""
    text = run_helm("template", name, CHART, f"--namespace={namespace}", **values)
    return [document for document in yaml.safe_load_all(text) if document]


def the(documents: Iterable[Manifest], kind: str) -> Manifest:
    """The one document of a kind."""
    (found,) = [document for document in documents if document["kind"] == kind]
    return found


def container(deployment: Manifest) -> Manifest:
    """The one container of a Deployment."""
    (found,) = deployment["spec"]["template"]["spec"]["containers"]
    return dict(found)


def literal_environment(of: Manifest) -> dict[str, str]:
    """A container's variables that have their value written down."""
    return {each["name"]: each["value"] for each in of["env"] if "value" in each}

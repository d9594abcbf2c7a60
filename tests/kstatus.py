"""What Flux, Argo CD's health library and `kubectl wait`-like tools read out of an object: the rules of kstatus.

After sigs.k8s.io/cli-utils, pkg/kstatus/status (generic.go, core.go): deletion, then a generation not observed yet, then
Reconciling and Stalled in the order of the list, then Ready; an object without any of these counts as current. Its rules for
built-in kinds are left out.
"""

from collections.abc import Mapping
from enum import StrEnum, unique
from typing import Any


@unique
class Status(StrEnum):
    """What a tool tells its user."""

    IN_PROGRESS = "InProgress"
    FAILED = "Failed"
    CURRENT = "Current"
    TERMINATING = "Terminating"


def kstatus(manifest: Mapping[str, Any]) -> Status:
    """The status of an object as the API server returns it."""
    metadata, status = manifest["metadata"], manifest.get("status", {})
    if "deletionTimestamp" in metadata:
        return Status.TERMINATING
    if "observedGeneration" in status and status["observedGeneration"] != metadata["generation"]:
        return Status.IN_PROGRESS
    conditions = status.get("conditions", ())
    for condition in conditions:
        match condition["type"], condition["status"]:
            case "Reconciling", "True":
                return Status.IN_PROGRESS
            case "Stalled", "True":
                return Status.FAILED
    ready = next((condition["status"] for condition in conditions if condition["type"] == "Ready"), "True")
    return Status.CURRENT if ready == "True" else Status.IN_PROGRESS

"""The real API server, asked through the real kubectl: create, edit and read one object, or learn why it was refused."""

import itertools
import json
import time
from dataclasses import dataclass, field
from typing import Any

from controlplane.plane import ControlPlane, KubectlError
from tests.integration.crd_cases.manifests import ABSENT, Changes, Manifest, changed

NAMESPACE = "crd-cases"
LABEL = "crd-cases"
PUBLISHED_SECONDS = 60
POLL_SECONDS = 0.1
# What the API server adds when a wrong type keeps it from running the CEL rules.
_INCOMPLETE = "some validation rules were not checked"


class Refused(Exception):  # noqa: N818 -- it is the answer that was asked for, and reads so: `with pytest.raises(Refused)`
    """The API server said no: one line for each cause, each `field: what is wrong with it`."""

    def __init__(self, error: KubectlError) -> None:
        super().__init__(str(error))
        _, found, causes = str(error).partition(" is invalid: ")
        lines = [line.strip().removeprefix("* ") for line in causes.split("\n")] if found else [str(error)]
        self.causes = [line for line in lines if line and _INCOMPLETE not in line]


@dataclass(frozen=True, slots=True)
class Server:
    """The plane, the namespace of these tests, and names that were not used before."""

    plane: ControlPlane
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def kubectl(self, *args: str, given: object = None) -> str:
        """Run kubectl in the namespace; raises Refused with the server's causes."""
        text = None if given is None else json.dumps(given)
        try:
            return self.plane.kubectl_run("--namespace", NAMESPACE, *args, input=text)
        except KubectlError as error:
            raise Refused(error) from None

    def published(self, kind: str) -> dict[str, Any]:
        """The schema of a kind as the server publishes it, which it does some time after it serves the kind."""
        deadline = time.monotonic() + PUBLISHED_SECONDS
        while True:
            try:
                document = json.loads(self.kubectl("get", "--raw", "/openapi/v3/apis/imageferry.dev/v1alpha1"))
                return dict(document["components"]["schemas"][f"dev.imageferry.v1alpha1.{kind}"])
            except (Refused, KeyError):
                if time.monotonic() > deadline:
                    raise
            time.sleep(POLL_SECONDS)

    def explained(self, path: str) -> str:
        """What `kubectl explain` prints, once the server's discovery shows the kind: it lags behind a change of the CRD."""
        deadline = time.monotonic() + PUBLISHED_SECONDS
        while True:
            try:
                return self.kubectl("explain", path)
            except Refused as refused:
                if "couldn't find resource" not in str(refused) or time.monotonic() > deadline:
                    raise
            time.sleep(POLL_SECONDS)

    def read(self, kind: str, name: str) -> Manifest:
        """The object as the server has it."""
        found: Manifest = json.loads(self.kubectl("get", kind, name, "--output=json"))
        return found

    def try_out(self, manifest: Manifest) -> Manifest:
        """What the server would make of a new object; raises Refused."""
        made: Manifest = json.loads(
            self.kubectl("create", "--dry-run=server", "--output=json", "--filename=-", given=manifest)
        )
        return made

    def create(self, manifest: Manifest, status: object = None) -> str:
        """Create an object under a fresh name, with a status if given; returns the name."""
        name = f"case-{next(self._numbers)}"
        labelled = changed(manifest, {"metadata.name": name, "metadata.labels": {LABEL: "true"}})
        labelled.pop("status", None)
        self.kubectl("create", "--filename=-", given=labelled)
        if status is not None:
            self.edit(manifest["kind"], name, {"status": status})
        return name

    def edit(self, kind: str, name: str, changes: Changes) -> None:
        """Merge changes into an object; those below status go to its subresource. Raises Refused."""
        patch = changed({}, {path: None if value is ABSENT else value for path, value in changes.items()})
        to = ["--subresource=status"] if "status" in patch else []
        self.kubectl("patch", kind, name, *to, "--type=merge", "--patch", json.dumps(patch))

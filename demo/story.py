"""What the demo does, from the first process to the proof: the order of things, and what each of them promises."""

from collections.abc import Mapping
from pathlib import Path

from controlplane import build
from demo import disk, manifests, proof
from demo.failure import DemoError
from demo.screen import Screen
from demo.stage import NAMESPACE, SERVICE_ACCOUNT, Cloud, Stage
from demo.watch import Artifact, Export, Watch

TENANT = "images"  # the namespace of the examples
ACCOUNT = "alibaba-demo"
FIRST = "web"  # the export whose image the demo's own disk backs
EXPORTED, REFUSED = "Exported", "EncryptedSnapshot"
ENDS = {FIRST: EXPORTED, "batch": EXPORTED, "vault": REFUSED}
QUEUED = "Queued"
EXPORTS_SECONDS = 120  # on an idle machine it takes 12
ACCOUNT_SECONDS = 30


def tell(stage: Stage, screen: Screen) -> Artifact:
    """Play the whole story; return the file that was proven to be the disk.

    Raises:
        DemoError: something is not as promised.
        controlplane.ControlPlaneError: the control plane or kubectl failed.
    """
    original = stage.folder / "disk.raw"
    with screen.step("disk") as done:
        disk.make(original)
        done(f"{original.stat().st_size} bytes, one partition with a file system, 16 MiB of it random")
    with screen.step("cloud") as done:
        cloud = stage.start_emulator(original)
        done(f"emulated at {cloud.endpoint}, account {cloud.account_id}, region {cloud.region}")
    _install(stage, screen)
    _apply(stage, screen, cloud)
    exports = _follow(stage, screen)
    screen.say(f"$ kubectl get imgexp --namespace {TENANT}")
    screen.say(stage.plane.kubectl_run("get", "imgexp", f"--namespace={TENANT}").rstrip())
    return _prove(stage, screen, exports, cloud, original)


def _install(stage: Stage, screen: Screen) -> None:
    with screen.step("control plane") as done:
        stage.plane.start()
        done(f"Kubernetes {build.version(build.APISERVER, build.ready().apiserver)} at {stage.plane.server}")
    with screen.step("installed") as done:
        for file in manifests.INSTALLATION:
            stage.plane.kubectl_run("apply", f"--filename={manifests.ROOT / file}")
        stage.plane.kubectl_run(
            "wait", "--for=condition=Established", "--filename=" + str(manifests.ROOT / "crds"), "--timeout=30s"
        )
        done(", ".join(manifests.INSTALLATION))
    with screen.step("operator") as done:
        url = stage.start_operator()
        done(f"runs as {NAMESPACE}/{SERVICE_ACCOUNT}, with no other rights than that has; metrics at {url}/metrics")


def _apply(stage: Stage, screen: Screen, cloud: Cloud) -> None:
    screen.say(f"$ kubectl apply -f {manifests.ACCOUNT}   # with the endpoint and keys of the emulated cloud")
    screen.say(stage.plane.kubectl_run("apply", "--filename=-", input=manifests.account(cloud)).rstrip())
    stage.plane.kubectl_run("wait", f"cacct/{ACCOUNT}", "--for=condition=Ready", f"--timeout={ACCOUNT_SECONDS}s")
    screen.say(f"$ kubectl apply -f {manifests.EXPORTS}")
    screen.say(stage.plane.kubectl_run("apply", f"--filename={manifests.ROOT / manifests.EXPORTS}").rstrip())


def _follow(stage: Stage, screen: Screen) -> Mapping[str, Export]:
    """Show the exports until each has ended as it should and one has waited for a slot."""
    exports: dict[str, Export] = {}
    waited: set[str] = set()
    with Watch(stage.plane, TENANT) as watch, screen.exports() as show:
        for export in watch.changes(seconds=EXPORTS_SECONDS, check=stage.check):
            exports[export.name] = export
            show({name: exports[name] for name in ENDS if name in exports})
            waited |= {export.name} if export.reason == QUEUED else set()
            if export.settled and export.reason != ENDS[export.name]:
                raise DemoError(
                    f"{export.name} ended as {export.reason} and not as {ENDS[export.name]}: {export.message}"
                )
            if exports.keys() == ENDS.keys() and all(each.settled for each in exports.values()):
                break
    if not waited:
        raise DemoError("no export has waited for a slot, though the account has one slot and two exports")
    return exports


def _prove(stage: Stage, screen: Screen, exports: Mapping[str, Export], cloud: Cloud, original: Path) -> Artifact:
    accepted, succeeded = proof.submissions(cloud), sum(end == EXPORTED for end in ENDS.values())
    if accepted != succeeded:
        raise DemoError(f"the cloud's ledger has {accepted} exports, though {succeeded} succeeded")
    screen.say(f"the cloud's ledger: {accepted} exports accepted, one for each that succeeded, none for the other")
    [artifact] = exports[FIRST].artifacts
    file = stage.folder / "exported.raw.tar.gz"
    with screen.step("downloaded") as done:
        proof.download(cloud, artifact, file)
        proof.check_sum(file, artifact)
        done(f"{artifact.uri}, {artifact.size_bytes} bytes, size and crc64 as in the status")
    with screen.step("compared") as done:
        done(f"{proof.compare(file, original)} bytes unpacked, each equal to the disk's")
    return artifact

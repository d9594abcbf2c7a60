"""What the demo does, from the first process to the proof: the order of things, and what each of them promises."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from controlplane import build
from demo import alibaba, disk, manifests, planting, proof, tencent
from demo.cloud import Access, Cloud
from demo.failure import DemoError
from demo.screen import Screen
from demo.stage import NAMESPACE, SERVICE_ACCOUNT, Stage
from demo.watch import KINDS, Artifact, Job, Watch

CLOUDS = (alibaba.CLOUD, tencent.CLOUD)
DISK = "disk.raw"
TENANT = "images"  # the namespace of the examples
JOBS = ",".join(KINDS.values())
QUEUED = "Queued"
JOBS_SECONDS = 120  # on an idle machine it takes 15
ACCOUNT_SECONDS = 30


def tell(stage: Stage, screen: Screen) -> Sequence[Artifact]:
    """Play the whole story; return for each cloud the file that made the round trip and was proven to be the disk.

    Raises:
        DemoError: something is not as promised.
        controlplane.ControlPlaneError: the control plane or kubectl failed.
    """
    original = stage.folder / DISK
    with screen.step("disk") as done:
        disk.make(original)
        done(f"{original.stat().st_size} bytes, one partition with a file system, 16 MiB of it random")
    with screen.step("clouds") as done:
        told = stage.start_emulator()
        reached = [(cloud, cloud.access(told)) for cloud in CLOUDS]
        for cloud, access in reached:
            planting.plant(cloud, access, original)
        accounts = (f"account {access.account_id}, region {access.region}" for _, access in reached)
        done(f"emulated at {told['endpoint']}, {'; '.join(accounts)}")
    _install(stage, screen)
    for cloud, access in reached:
        _open(stage, screen, cloud=cloud, access=access)
    for cloud in CLOUDS:
        _apply(stage, screen, f"{cloud.folder}/{manifests.EXPORTS}")
        _apply(stage, screen, f"{cloud.folder}/{manifests.IMPORT}")
    jobs = _follow(stage, screen)
    screen.say(f"$ kubectl get {JOBS} --namespace {TENANT}")
    screen.say(stage.plane.kubectl_run("get", JOBS, f"--namespace={TENANT}").rstrip())
    return [_prove(stage, screen, cloud=cloud, access=access, jobs=jobs) for cloud, access in reached]


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


def _open(stage: Stage, screen: Screen, *, cloud: Cloud, access: Access) -> None:
    """Apply the cloud's account and wait until it can be used."""
    file = f"{cloud.folder}/{manifests.ACCOUNT}"
    screen.say(f"$ kubectl apply -f {file}   # with the endpoint and keys of the emulated cloud")
    filled = manifests.account(manifests.ROOT / file, access)
    screen.say(stage.plane.kubectl_run("apply", "--filename=-", input=filled).rstrip())
    stage.plane.kubectl_run("wait", f"cacct/{cloud.account}", "--for=condition=Ready", f"--timeout={ACCOUNT_SECONDS}s")


def _apply(stage: Stage, screen: Screen, file: str) -> None:
    screen.say(f"$ kubectl apply -f {file}")
    screen.say(stage.plane.kubectl_run("apply", f"--filename={manifests.ROOT / file}").rstrip())


def _follow(stage: Stage, screen: Screen) -> Mapping[str, Job]:
    """Show the jobs until each has ended as it should; apply what is to follow an import once that has ended."""
    ends = {name: end for cloud in CLOUDS for name, end in cloud.ends.items()}
    waiting = {cloud.back: cloud for cloud in CLOUDS}
    jobs: dict[str, Job] = {}
    queued: set[str] = set()
    with Watch(stage.plane, TENANT) as watch, screen.jobs() as show:
        for job in watch.changes(seconds=JOBS_SECONDS, check=stage.check):
            jobs[job.name] = job
            show({name: jobs[name] for name in ends if name in jobs})
            queued |= {job.name} if job.reason == QUEUED else set()
            if job.settled and job.reason != ends[job.name]:
                raise DemoError(f"{job.name} ended as {job.reason} and not as {ends[job.name]}: {job.message}")
            if job.settled and job.name in waiting:
                _apply(stage, screen, f"{waiting.pop(job.name).folder}/{manifests.AGAIN}")
            if jobs.keys() == ends.keys() and all(each.settled for each in jobs.values()):
                break
    for cloud in CLOUDS:
        if queued.isdisjoint(cloud.ends):
            raise DemoError(f"nothing has waited for a slot of {cloud.account}, though it has one for several exports")
    return jobs


def _prove(stage: Stage, screen: Screen, *, cloud: Cloud, access: Access, jobs: Mapping[str, Job]) -> Artifact:
    """See that the cloud did what was wished and no more, and that the disk came out of it twice as it went in."""
    well = [name.partition("/")[0] for name in cloud.ends if jobs[name].succeeded == "True"]
    counts = {kind: well.count(kind) for kind in KINDS.values()}
    proof.check_ledger(cloud, access, counts)
    told = " and ".join(f"{count} {kind}" for kind, count in counts.items())
    screen.say(f"the ledger of {cloud.account}: {told} accepted, one for each that succeeded, none for any other")
    for name in (cloud.first, cloud.again):
        [artifact] = jobs[name].artifacts
        ending = "".join(Path(artifact.key).suffixes)
        file = stage.folder / f"{name.partition('/')[2]}{ending}"
        with screen.step(f"{name} downloaded") as done:
            cloud.download(access, artifact, file)
            proof.check_sum(file, artifact)
            done(f"{artifact.uri}, {artifact.size_bytes} bytes, size and crc64 as in the status")
        with screen.step(f"{name} compared") as done:
            done(f"{proof.compare(file, stage.folder / DISK)} bytes, each equal to the disk's")
    return artifact

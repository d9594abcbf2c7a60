"""The control plane's programs are found or built, and whatever goes wrong is said or has no consequence."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from controlplane import build
from tests.integration.processes import controlplane, until

NAMES = {"etcd", "kubectl", "kube-apiserver", "kube-controller-manager"}
# A stand-in for Go that takes until told, to look into the middle of a build: it writes half of a program, waits for a
# file, then writes the other half.
SLOW_GO = """#!/bin/sh
while [ "$1" != -o ]; do shift; done
echo started >> "$GO_LOG"
echo '#!/bin/sh' > "$2"
while [ ! -e "$GO_MAY_END" ]; do sleep 0.05; done
echo 'echo v99.0.0' >> "$2"
"""


@dataclass(frozen=True, slots=True)
class SlowGo:
    """A Go that is in the middle of its first build when `log` appears, and ends all builds once `may_end` exists."""

    log: Path
    may_end: Path
    cache: Path
    tools: Path

    def start(self) -> subprocess.Popen[str]:
        """Start `python -m controlplane` on a machine with this Go, and no program but those in the cache."""
        return controlplane(
            PATH=self.tools,
            KUBEBUILDER_ASSETS="",
            XDG_CACHE_HOME=self.cache,
            GO_LOG=self.log,
            GO_MAY_END=self.may_end,
        )

    def built(self) -> list[Path]:
        """What passes for a program in the cache."""
        return [path for path in self.cache.rglob("*") if path.name in NAMES]


@pytest.fixture
def slow_go(tmp_path: Path) -> SlowGo:
    """A slow Go and an empty cache."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "go").write_text(SLOW_GO)
    (tools / "go").chmod(0o755)
    for tool in ("sh", "sleep"):
        (tools / tool).symlink_to(str(shutil.which(tool)))
    return SlowGo(log=tmp_path / "log", may_end=tmp_path / "end", cache=tmp_path / "cache", tools=tools)


def test_names_the_remedy_where_go_is_missing(tmp_path: Path) -> None:
    """Without programs and without Go, the command says what to install."""
    building = controlplane(PATH=tmp_path, XDG_CACHE_HOME=tmp_path, KUBEBUILDER_ASSETS=tmp_path)
    said, _ = building.communicate()
    assert building.returncode == 1
    assert "https://go.dev/dl/" in said
    assert "KUBEBUILDER_ASSETS" in said


def test_uses_programs_that_are_there_and_new_enough(tmp_path: Path) -> None:
    """Programs in KUBEBUILDER_ASSETS and on PATH are used and named; one that is too old is not."""
    found, assets, tools = build.ready(), tmp_path / "assets", tmp_path / "tools"
    assets.mkdir()
    tools.mkdir()
    (assets / "etcd").symlink_to(found.etcd)
    (assets / "kube-apiserver").symlink_to(found.apiserver)
    (tools / "kube-controller-manager").symlink_to(found.controllers)
    (tools / "kubectl").write_text("#!/bin/sh\necho Client Version: v1.20.1\n")
    (tools / "kubectl").chmod(0o755)
    (assets / "kubectl").symlink_to(tools / "kubectl")
    environment: dict[str, str | Path] = {
        "PATH": f"{tools}:/bin:/usr/bin",
        "XDG_CACHE_HOME": tmp_path,
        "KUBEBUILDER_ASSETS": assets,
    }
    (tools / "go").write_text("#!/bin/sh\necho this Go builds nothing\nexit 1\n")
    (tools / "go").chmod(0o755)
    refused, _ = controlplane(**environment).communicate()
    assert "kubectl could not be built" in refused
    assert "this Go builds nothing" in refused
    assert "etcd" not in refused.splitlines()[0]
    (assets / "kubectl").unlink()
    (assets / "kubectl").symlink_to(found.kubectl)
    said, _ = controlplane(**environment).communicate()
    assert [str(assets / "etcd"), str(assets / "kubectl"), str(assets / "kube-apiserver")] == [
        line.split(": ")[1] for line in said.splitlines()[:3]
    ]
    assert str(tools / "kube-controller-manager") in said.splitlines()[3]


def test_a_killed_build_leaves_nothing_that_passes_for_a_program(slow_go: SlowGo) -> None:
    """After SIGKILL in the middle of a build the next one starts anew, and ends with whole programs."""
    first = slow_go.start()
    assert until(slow_go.log.exists)
    first.kill()
    first.communicate()
    assert slow_go.built() == []
    slow_go.may_end.touch()
    second = slow_go.start()
    said, _ = second.communicate()
    assert (second.returncode, said.count("done after")) == (0, 4)
    assert {path.name for path in slow_go.built()} == NAMES
    assert {path.read_text() for path in slow_go.built()} == {"#!/bin/sh\necho v99.0.0\n"}


def test_two_builds_at_once_build_once(slow_go: SlowGo) -> None:
    """The second waits for the first and uses what it built."""
    first = slow_go.start()
    assert until(slow_go.log.exists)
    second = slow_go.start()
    assert second.stdout is not None
    assert second.stdout.readline() == "another build is under way; waiting for it\n"
    slow_go.may_end.touch()
    outputs = [building.communicate()[0] for building in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0]
    assert [output.count("done after") for output in outputs] == [4, 0]
    assert len(slow_go.log.read_text().splitlines()) == len(NAMES)

"""Laws of the operator's image, as the Dockerfile makes it."""

import re
from typing import Final

import pytest

import imageferry
from tests.image import ROOT, stages

BUILD, IMAGE = stages()
FETCHES: Final = [command for command in BUILD.commands() if {"install", "wheel", "download"} & set(command)]
COPIED: Final = [words.split()[:-1] for words in BUILD.all("COPY")]


def options(command: list[str]) -> set[str]:
    """The options of a command."""
    return {word for word in command if word.startswith("-")}


@pytest.mark.parametrize("command", FETCHES, ids=" ".join)
def test_nothing_is_installed_that_is_not_pinned_by_its_hash(command: list[str]) -> None:
    """A command takes a lock with hashes, or has no index to take anything from."""
    assert "--require-hashes" in command or {"--no-index", "--no-deps"} <= options(command)
    isolated = {"--no-build-isolation", "--only-binary", "--no-index"}
    assert isolated & options(command), "a build of its own would fetch its backend unpinned"


def test_the_image_holds_what_the_operators_lock_holds() -> None:
    """Emulator and tools are not in it."""
    locks = [word for command in FETCHES for word in command if word.endswith(".lock")]
    assert locks == ["requirements/build.lock", "requirements/operator.lock"]


def test_the_image_itself_builds_nothing() -> None:
    """What compiles and installs stays behind in the first stage; the image's own pip goes."""
    assert IMAGE.commands() == [["python", "-m", "pip", "uninstall", "--yes", "--quiet", "pip"]]
    assert IMAGE.one("COPY") == "--from=build /opt/imageferry /opt/imageferry"


def test_the_base_of_both_stages_is_one_that_a_build_can_pin() -> None:
    """A digest comes in by an argument; the default is a Python of the tested kind."""
    assert {BUILD.base.split()[0], IMAGE.base} == {"${BASE}"}
    assert re.search(r"^ARG BASE=python:3\.\d+-slim$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)


def test_the_process_is_nobody_and_gets_its_signals() -> None:
    """A number that is not root, and no shell between the kubelet and the operator."""
    assert IMAGE.one("USER") == "65532:65532"
    assert IMAGE.entrypoint == ["imageferry"]
    assert IMAGE.one("CMD") == '["run"]'


def test_nothing_is_written_beside_the_code() -> None:
    """The root file system may be read-only."""
    assert IMAGE.environment["PYTHONDONTWRITEBYTECODE"] == "1"
    assert IMAGE.environment["PATH"].split(":")[0] == "/opt/imageferry/bin"


def test_the_image_says_its_version() -> None:
    """The label is the package's version unless the build says otherwise."""
    assert f"VERSION={imageferry.__version__}" in IMAGE.all("ARG")
    assert 'org.opencontainers.image.version="${VERSION}"' in IMAGE.one("LABEL")


def test_the_build_sees_what_it_copies_and_nothing_else() -> None:
    """Everything else in a work tree is kept from it."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    let_in = {rule[1:] for rule in rules if rule.startswith("!")}
    assert rules[0] == "*"
    assert let_in == {path for paths in COPIED for path in paths}

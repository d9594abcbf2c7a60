"""What `make demo` promises, seen from outside: its output, its exit code, and that it leaves nothing behind."""

import fcntl
import http.client
import json
import os
import pty
import re
import shutil
import signal
import struct
import subprocess
import sys
import tarfile
import termios
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from controlplane import build
from demo import alibaba, disk, manifests, proof, story
from demo.failure import DemoError
from demo.stage import Stage
from demo.watch import KINDS, Artifact

ROOT = Path(__file__).resolve().parents[2]
PS = shutil.which("ps") or "ps"
PASSED = re.compile(
    r"demo passed: oss://ferry-good/again[a-z2-7]{13}_\S+\.raw\.tar\.gz (\d+) bytes crc64 \d+, "
    r"cos://ferry-good-1250000001/anew[a-z2-7]{13}_\S+\.raw (\d+) bytes crc64 \d+"
)
EXPORTS = ("web", "batch", "vault", "again", "shop", "stock", "safe", "anew")
TERMINAL = (40, 80)  # lines, columns
DEADLINE_SECONDS = 150


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a demo may work; a parent of its own shows that this goes too."""
    build.ready()  # a first build takes longer than a test may
    return tmp_path / "run" / "demo"


def start(folder: Path, *arguments: str, **variables: str) -> subprocess.Popen[str]:
    """Start a demo without a terminal."""
    return subprocess.Popen(
        [sys.executable, "-m", "demo", *arguments, "--folder", str(folder)],
        cwd=ROOT,
        env=os.environ | variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )


def end(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Return the exit code, the output and the error output of a demo that ends by itself."""
    try:
        output, errors = process.communicate(timeout=DEADLINE_SECONDS)
    finally:
        process.kill()
    return process.returncode, output, errors


def processes(folder: Path) -> list[str]:
    """All processes with the folder in their command line: each one that a demo starts has it there."""
    table = subprocess.run([PS, "-ww", "-eo", "pid=,args="], capture_output=True, text=True, check=True).stdout
    return [line for line in table.splitlines() if str(folder) in line]


def until(holds: Callable[[], bool]) -> bool:
    """Poll until something holds; False if it does not in time."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def log_says(folder: Path, name: str, words: str) -> Callable[[], bool]:
    """Ask whether a process of the demo has logged some words."""
    log = folder / f"{name}.log"
    return lambda: log.exists() and words in log.read_text(errors="replace")


def test_the_demo_draws_a_live_table_on_a_terminal_and_leaves_nothing_behind(folder: Path) -> None:
    """On a terminal exports and imports are drawn again and again; afterwards there is no process and no folder."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", *TERMINAL, 0, 0))
    command = [sys.executable, "-m", "demo", "--folder", str(folder)]
    # The size once more: where a shell has told a size of its own, that is believed before the terminal's.
    told = {"TERM": "xterm-256color", "LINES": str(TERMINAL[0]), "COLUMNS": str(TERMINAL[1])}
    variables = os.environ | told
    running = subprocess.Popen(command, cwd=ROOT, env=variables, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    drawn = bytearray()
    try:
        while piece := _read(ours):
            drawn += piece
        code = running.wait()
    finally:
        running.kill()
        os.close(ours)

    lines = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "", drawn.decode()).splitlines()
    assert code == 0, "\n".join(lines)
    assert PASSED.fullmatch(lines[-1])
    assert len({line for line in lines if re.match(r"│ imgexp/web +│ Running +│ \S+ *│ +\d+ % │", line)}) > 1
    assert any(re.match(r"│ imgimp/web +│ ExportNotReady ", line) for line in lines)
    assert any(re.match(r"│ imgexp/(web|batch) +│ Queued ", line) for line in lines)
    assert any(re.match(r"│ imgexp/(shop|stock) +│ Queued ", line) for line in lines)
    assert {len(line) for line in lines if re.fullmatch(r"╰[─┴]+╯", line)} == {TERMINAL[1]}
    tops, bottoms = (sum(line.count(corner) for line in lines) for corner in "╭╰")
    assert tops == bottoms, "a table was too high for the terminal"
    assert processes(folder) == []
    assert not folder.parent.exists()


def test_the_demo_can_be_kept_and_stopped(folder: Path) -> None:
    """--keep leaves a cluster that answers kubectl as the output says, and that one command ends."""
    nowhere = "http://127.0.0.1:9"  # a proxy that would swallow every request
    code, output, errors = end(start(folder, "--keep", HTTP_PROXY=nowhere, https_proxy=nowhere))
    try:
        assert (code, errors) == (0, ""), output
        *_, last = lines = output.splitlines()
        passed = PASSED.fullmatch(last)
        assert passed
        size = (folder / "disk.raw").stat().st_size
        assert int(passed[1]) == (folder / "again.raw.tar.gz").stat().st_size > disk.NOISE_BYTES
        assert int(passed[2]) == (folder / "anew.raw").stat().st_size == size
        shown = [line.split(" s  ", 1)[1] for line in lines if re.match(r" +\d+\.\d s  ", line)]
        assert any(re.fullmatch(r"imgexp/web +Running \d+ %", line) for line in shown)
        assert any(re.fullmatch(r"imgexp/(web  |batch) Queued", line) for line in shown)
        assert any(re.fullmatch(r"imgexp/(shop |stock) Queued", line) for line in shown)
        assert any(re.fullmatch(r"imgexp/vault EncryptedSnapshot: .+", line) for line in shown)
        assert any(re.fullmatch(r"imgexp/safe  EncryptedSnapshot: .+", line) for line in shown)
        for cloud, first, again in (("alibaba", "web", "again"), ("tencent", "shop", "anew")):
            ends = (f"imgimp/{first:5} ExportNotReady", f"imgexp/{first:5} Exported", f"imgimp/{first:5} Imported")
            trip = [line for line in shown if line.startswith(ends)]
            assert [line.removesuffix(" 100 %") for line in trip] == list(ends)
            applied = lines.index(f"$ kubectl apply -f examples/demo/{cloud}/again.yaml")
            assert lines[applied + 1] == f"imageexport.imageferry.dev/{again} created"
            assert any(line.endswith(trip[-1]) for line in lines[:applied])
            told = f"the ledger of {cloud}-demo: 3 imgexp and 1 imgimp accepted, one for each that succeeded, none for any other"
            assert told in lines
            for name in (first, again):
                assert any(line.startswith(f"imgexp/{name} compared: {size} bytes, each equal") for line in lines)

        export, alias = (line.strip() for line in lines if re.match("  (export|alias) ", line))
        named = f"{export}; {alias.removeprefix('alias ').replace('kubectl=', 'KUBECTL=')}"
        get = '"$KUBECTL" get imgexp,imgimp --namespace images --output name'
        kubectl = subprocess.run(["/bin/sh", "-c", f"{named}; {get}"], capture_output=True, text=True, check=True)
        assert sorted(kubectl.stdout.split()) == [
            *(f"imageexport.imageferry.dev/{name}" for name in sorted(EXPORTS)),
            "imageimport.imageferry.dev/shop",
            "imageimport.imageferry.dev/web",
        ]

        code, _, errors = end(start(folder))
        assert (code, f"a kept demo runs in {folder}; stop it first" in errors) == (1, True)
        assert len(processes(folder)) == 10  # five servers, each on its leash
    finally:
        stopped, output, errors = end(start(folder, "stop"))
    assert (stopped, output, errors) == (0, "", "")
    assert processes(folder) == []
    assert not folder.parent.exists()


@pytest.mark.parametrize(
    ("action", "ended"),
    [
        pytest.param("ExportImage", r"imgexp/(web|batch) ended as \w+ and not as Exported: .+", id="an export does"),
        pytest.param("ImportImage", r"imgimp/(web|shop) ended as \w+ and not as Imported: .+", id="the import does"),
    ],
)
def test_the_demo_fails_with_the_reason_when(folder: Path, action: str, ended: str) -> None:
    """A cloud whose tasks fail makes the demo fail, in the operator's words, with the logs' ends; nothing is left."""
    running = start(folder)
    assert until(log_says(folder, "emulator", '"endpoint"'))
    told = json.loads((folder / "emulator.log").read_text().splitlines()[0])
    cloud = http.client.HTTPConnection(urlsplit(told["endpoint"]).netloc, timeout=30)
    cloud.request("POST", "/_emulator/faults", json.dumps({"fault": "taskFails", "action": action, "times": 99}))
    assert cloud.getresponse().status == http.HTTPStatus.CREATED
    cloud.close()

    code, output, errors = end(running)
    assert code == 1
    assert "demo passed" not in output
    assert re.fullmatch(f"demo failed: {ended}", errors.splitlines()[-1])
    assert "--- the end of the operator's log:" in errors
    assert processes(folder) == []
    assert not folder.parent.exists()


def test_the_demo_fails_when_one_of_its_processes_ends(folder: Path) -> None:
    """An operator that is killed in the middle makes the demo fail and say so; nothing is left."""
    running = start(folder)
    assert until(log_says(folder, "operator", "task submitted"))
    [operator] = [line for line in processes(folder) if "-m imageferry run" in line and "leash.py" not in line]
    os.kill(int(operator.split()[0]), signal.SIGKILL)

    code, _, errors = end(running)
    assert (code, errors.splitlines()[-1]) == (1, "demo failed: the operator ended by itself")
    assert processes(folder) == []
    assert not folder.parent.exists()


@pytest.mark.parametrize(
    ("log", "words"),
    [
        pytest.param("emulator", '"endpoint"', id="while the control plane starts"),
        pytest.param("operator", "task submitted", id="while an export runs"),
    ],
)
def test_ctrl_c_leaves_nothing_behind(folder: Path, log: str, words: str) -> None:
    """A demo that is interrupted ends all it has started and removes its folder."""
    running = start(folder)
    assert until(log_says(folder, log, words))
    os.killpg(running.pid, signal.SIGINT)  # as a terminal does: to the demo and what it runs in the foreground

    code, output, _ = end(running)
    assert code == 128 + signal.SIGINT
    assert "demo passed" not in output
    assert processes(folder) == []
    assert not folder.parent.exists()


def test_a_killed_demo_leaves_no_process(folder: Path) -> None:
    """No process outlives a demo that is killed with SIGKILL; the folder that it could not remove goes with `stop`."""
    running = start(folder)
    assert until(log_says(folder, "operator", "task submitted"))
    running.kill()
    end(running)

    assert until(lambda: processes(folder) == [])
    assert end(start(folder, "stop"))[0] == 0
    assert not folder.parent.exists()


def test_a_folder_with_other_things_in_it_is_left_alone(folder: Path) -> None:
    """A demo neither takes nor stops a folder that is not a demo's."""
    folder.mkdir(parents=True)
    (folder / "letters").write_text("of mine")

    for arguments in ([], ["stop"]):
        code, _, errors = end(start(folder, *arguments))
        assert (code, errors.startswith("demo failed: ")) == (1, True)
        assert [entry.name for entry in folder.iterdir()] == ["letters"]


def test_two_demos_do_not_share_a_folder(folder: Path) -> None:
    """While one demo has a folder, a second one refuses it."""
    with Stage(folder):
        code, _, errors = end(start(folder))
    assert (code, f"a demo runs in {folder} already" in errors) == (1, True)


def test_every_job_of_the_manifests_has_an_end_and_a_name_of_its_own() -> None:
    """What a cloud's manifests apply is what its story follows; clouds share a namespace, but no name in it."""
    applied = [
        f"{KINDS[document['kind']]}/{document['metadata']['name']}"
        for cloud in story.CLOUDS
        for file in (manifests.EXPORTS, manifests.IMPORT, manifests.AGAIN)
        for document in yaml.safe_load_all((ROOT / cloud.folder / file).read_text(encoding="utf-8"))
    ]
    assert applied == [name for cloud in story.CLOUDS for name in cloud.ends]
    assert len(set(applied)) == len(applied)


def test_a_ledger_that_counts_otherwise_is_no_proof(folder: Path) -> None:
    """The cloud has accepted as many exports and imports as succeeded, or the demo fails."""
    with Stage(folder) as stage:
        access = alibaba.access(stage.start_emulator())
        proof.check_ledger(alibaba.CLOUD, access, {"imgexp": 0, "imgimp": 0})
        with pytest.raises(DemoError, match="has 0 imgexp accepted, though 3 succeeded"):
            proof.check_ledger(alibaba.CLOUD, access, {"imgexp": 3, "imgimp": 0})
        with pytest.raises(DemoError, match="has 0 imgimp accepted, though 1 succeeded"):
            proof.check_ledger(alibaba.CLOUD, access, {"imgexp": 0, "imgimp": 1})


def test_a_disk_that_differs_in_one_byte_is_no_proof(tmp_path: Path) -> None:
    """The comparison names the first byte that differs, also if that is where one disk ends."""
    original, archive = tmp_path / "disk.raw", tmp_path / "disk.raw.tar.gz"
    disk.make(original)
    with tarfile.open(archive, "w:gz", compresslevel=1) as packed:
        packed.add(original, "disk.raw")
    size = original.stat().st_size
    assert proof.compare(archive, original) == size

    with original.open("r+b") as content:
        content.truncate(size - 3)
    with pytest.raises(DemoError, match=rf"differs from the original at byte {size - 3}$"):
        proof.compare(archive, original)
    with original.open("r+b") as content:
        content.truncate(size)
        content.seek(3_000_000)
        byte = content.read(1)
        content.seek(3_000_000)
        content.write(bytes([byte[0] ^ 1]))
    with pytest.raises(DemoError, match=r"differs from the original at byte 3000000$"):
        proof.compare(archive, original)


def test_a_plain_disk_is_compared_as_it_is(tmp_path: Path) -> None:
    """A .raw is no archive: its own bytes have to be the disk's, none more and none fewer."""
    original, exported = tmp_path / "disk.raw", tmp_path / "exported.raw"
    original.write_bytes(content := os.urandom(3_000_000))
    exported.write_bytes(content)
    assert proof.compare(exported, original) == len(content)
    exported.write_bytes(content[:-1])
    with pytest.raises(DemoError, match=f"differs from the original at byte {len(content) - 1}$"):
        proof.compare(exported, original)
    exported.write_bytes(content[:2_000_000] + bytes([content[2_000_000] ^ 1]) + content[2_000_001:])
    with pytest.raises(DemoError, match=r"differs from the original at byte 2000000$"):
        proof.compare(exported, original)


def test_a_file_that_is_no_archive_of_one_disk_is_no_proof(tmp_path: Path) -> None:
    """Neither a cut archive nor one of two files passes."""
    original, archive = tmp_path / "disk.raw", tmp_path / "disk.raw.tar.gz"
    original.write_bytes(os.urandom(1 << 16))
    with tarfile.open(archive, "w:gz") as packed:
        packed.add(original, "one.raw")
        packed.add(original, "two.raw")
    with pytest.raises(DemoError, match=r"holds \['one.raw', 'two.raw'\] and not one disk"):
        proof.compare(archive, original)
    with archive.open("r+b") as content:
        content.truncate(archive.stat().st_size // 2)
    with pytest.raises(DemoError, match="cannot be unpacked"):
        proof.compare(archive, original)


def test_a_file_of_another_size_or_sum_is_no_proof(tmp_path: Path) -> None:
    """What was downloaded has the size and the CRC-64 of the status, or the demo fails."""
    file = tmp_path / "file"
    file.write_bytes(b"123456789")
    check_value = 0x995DC9BBDF1939FA  # of CRC-64/XZ, https://reveng.sourceforge.io/crc-catalogue/17plus.htm

    def artifact(size: int, crc: int) -> Artifact:
        return Artifact(uri="oss://b/k", bucket="b", key="k", size_bytes=size, crc64=crc)

    proof.check_sum(file, artifact(9, check_value))
    with pytest.raises(DemoError, match="has 9 bytes; its status says 8"):
        proof.check_sum(file, artifact(8, check_value))
    with pytest.raises(DemoError, match=f"has the crc64 {check_value}; its status says {check_value + 1}"):
        proof.check_sum(file, artifact(9, check_value + 1))


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # how a terminal without a child ends
        return b""

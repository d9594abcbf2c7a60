"""An operator that was forked is an operator: it obeys its own settings, dies of SIGKILL, and outlives nobody."""

import json
import signal
from pathlib import Path

from tests.integration.processes import runs, until
from tests.zygote import Zygote

SETTINGS = {"IMAGEFERRY_HTTP_HOST": "127.0.0.1", "IMAGEFERRY_HTTP_PORT": "0", "IMAGEFERRY_LOG_FORMAT": "json"}


def _aimless(folder: Path) -> dict[str, str]:
    """Settings of an operator whose API server is not there: it goes on trying."""
    kubeconfig = folder / "kubeconfig"
    cluster = {"name": "none", "cluster": {"server": "http://127.0.0.1:1"}}
    context = {"name": "none", "context": {"cluster": "none", "user": "none"}}
    config = {"clusters": [cluster], "contexts": [context], "users": [{"name": "none"}], "current-context": "none"}
    kubeconfig.write_text(json.dumps(config), encoding="utf-8")
    return SETTINGS | {"IMAGEFERRY_KUBECONFIG": str(kubeconfig)}


def test_each_fork_has_settings_and_a_log_of_its_own(tmp_path: Path) -> None:
    """Its end is reported with the exit status that the command line gives."""
    with Zygote() as zygote:
        ends = {
            name: zygote.fork({**SETTINGS, "IMAGEFERRY_KUBECONFIG": f"/nowhere/{name}"}, tmp_path / name).wait(30)
            for name in ("one", "two")
        }
    assert ends == {"one": 1, "two": 1}
    assert all(f"/nowhere/{name}" in (tmp_path / name).read_text() for name in ends)


def test_a_fork_dies_of_sigkill_and_the_others_live(tmp_path: Path) -> None:
    """The kill is a real one."""
    with Zygote() as zygote:
        settings = _aimless(tmp_path)
        one, two = (zygote.fork(settings, tmp_path / f"log-{number}") for number in range(2))
        assert until(lambda: "serving probes" in (tmp_path / "log-0").read_text())
        one.kill()
        assert one.wait(30) == -signal.SIGKILL
        assert two.poll() is None
        assert runs(two.pid)


def test_no_fork_outlives_whoever_asked_for_it(tmp_path: Path) -> None:
    """Not even one that nobody ended."""
    with Zygote() as zygote:
        left = zygote.fork(_aimless(tmp_path), tmp_path / "log")
    assert until(lambda: not runs(left.pid))

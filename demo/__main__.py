"""The command line: `python -m demo [--keep]` and `python -m demo stop`. Exit code 0 only if all was as promised."""

import argparse
import os
import shlex
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from controlplane import ControlPlaneError, build
from demo import stage, story
from demo.failure import DemoError
from demo.manifests import ROOT
from demo.screen import Screen, screen
from demo.stage import Stage

FOLDER = ROOT / ".run" / "demo"
PROXIES = frozenset({"http_proxy", "https_proxy", "all_proxy"})
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
FAILED = 1
SIGNALLED = 128  # to which shells add the number of the signal that ended a program


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the arguments say; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m demo", description="Export an image, import it, export it again, and prove it the same."
    )
    parser.add_argument("command", nargs="?", choices=["run", "stop"], default="run", help="stop: end a kept demo")
    parser.add_argument("--keep", action="store_true", help="if all goes well, leave everything running")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the demo keeps its files (%(default)s)")
    given = parser.parse_args(argv)
    try:
        if given.command == "stop":
            stage.stop(given.folder)
            return 0
        build.ensure(lambda line: print(line, flush=True))
        return _run(given.folder, keep=given.keep)
    except (DemoError, build.BuildError) as reason:
        print(f"demo failed: {reason}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return SIGNALLED + signal.SIGINT


def _run(folder: Path, *, keep: bool) -> int:
    # From here on all is loopback, where the vendor's SDKs would follow a proxy whatever NO_PROXY says.
    for name in [name for name in os.environ if name.lower() in PROXIES]:
        del os.environ[name]
    shown = screen()
    with _orderly_end(), Stage(folder) as built:
        try:
            artifacts = story.tell(built, shown)
        except (DemoError, ControlPlaneError) as reason:
            print(f"{built.last_words()}\ndemo failed: {reason}", file=sys.stderr)
            return FAILED
        if keep:
            built.keep()
            _explain(shown, built)
    proven = ", ".join(f"{file.uri} {file.size_bytes} bytes crc64 {file.crc64}" for file in artifacts)
    shown.say(f"demo passed: {proven}")
    return 0


@contextmanager
def _orderly_end() -> Iterator[None]:
    """Have the signals that end a program unwind it, once: nothing cuts the clearing up short."""

    def unwind(number: int, _: FrameType | None) -> None:
        for each in SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        sys.exit(SIGNALLED + number)

    before = {number: signal.signal(number, unwind) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _explain(shown: Screen, built: Stage) -> None:
    other = () if built.folder == FOLDER else ("--folder", str(built.folder))
    shown.say("All of it goes on running. To look around:")
    shown.say(f"  export KUBECONFIG={shlex.quote(str(built.plane.admin_kubeconfig))}")
    shown.say(f"  alias kubectl={shlex.quote(str(built.plane.kubectl))}")
    shown.say(f"  kubectl get imgexp,imgimp --namespace {story.TENANT} --output wide")
    shown.say("To stop it and remove its files:")
    shown.say(f"  cd {shlex.quote(str(ROOT))} && {shlex.join([sys.executable, '-m', 'demo', 'stop', *other])}")


if __name__ == "__main__":
    sys.exit(main())

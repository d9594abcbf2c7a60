"""The command line: `imageferry run`, `imageferry check` and `imageferry version`. Words for people; nothing is decided here."""

import argparse
import os
import sys
from collections.abc import Sequence

import structlog

from imageferry import __version__


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the arguments ask for; the answer is the process's exit status (0 good, 1 failed, 2 misused)."""
    parser = argparse.ArgumentParser(
        prog="imageferry",
        description="Carries custom machine images between a cloud's compute service and its object store.",
    )
    parser.add_argument(
        "command",
        choices=["run", "check", "version"],
        help="run: the operator; check: what accounts, exports and imports lack; version: print it and end",
    )
    parser.add_argument(
        "rest", nargs=argparse.REMAINDER, metavar="...", help="see: imageferry run --help, check --help"
    )
    words = sys.argv[1:] if argv is None else list(argv)
    given = parser.parse_args(words)
    if given.command == "version":
        print(f"imageferry {__version__}")
        return 0
    return _check(given.rest) if given.command == "check" else _run(given.rest)


def _check(argv: Sequence[str]) -> int:
    # Imported here, as in _run.
    from imageferry import logs  # noqa: PLC0415
    from imageferry.check.run import run  # noqa: PLC0415
    from imageferry.check.wish import parse  # noqa: PLC0415
    from imageferry.settings import LogLevel  # noqa: PLC0415

    wish = parse(argv, os.environ)
    level = wish.settings.log_level
    # The findings are on stdout; what the engine has to say about them at level info is in them.
    logs.configure(
        level=LogLevel.WARNING if level is LogLevel.INFO else level, style=wish.settings.log_format, file_descriptor=2
    )
    try:
        return run(wish, tell=print, complain=lambda text: print(text, file=sys.stderr))
    finally:
        logs.flush(seconds=2.0)


def _run(argv: Sequence[str]) -> int:
    # Imported here, so that `version` and a misspelt command answer at once.
    from imageferry import logs  # noqa: PLC0415
    from imageferry.app import run  # noqa: PLC0415
    from imageferry.kube.session import NoAccess  # noqa: PLC0415
    from imageferry.settings import Settings  # noqa: PLC0415

    settings = Settings.load(argv, os.environ)
    logs.configure(level=settings.log_level, style=settings.log_format)
    try:
        return run(settings)
    except NoAccess as reason:
        structlog.stdlib.get_logger(__name__).critical("no way to the API server", reason=str(reason))
        return 1
    finally:
        logs.flush(seconds=2.0)

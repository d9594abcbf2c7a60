"""The command line: `imageferry run` and `imageferry version`. Words for people; nothing is decided here."""

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
    parser.add_argument("command", choices=["run", "version"], help="run: the operator; version: print it and end")
    parser.add_argument("rest", nargs=argparse.REMAINDER, metavar="...", help="see: imageferry run --help")
    words = sys.argv[1:] if argv is None else list(argv)
    given = parser.parse_args(words)
    if given.command == "version":
        print(f"imageferry {__version__}")
        return 0
    return _run(given.rest)


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

"""The command line: `python -m controlplane` makes sure that the programs are there and says which ones are used."""

import argparse
import sys
from pathlib import Path

from controlplane import build, plane


def main() -> int:
    """Do what the arguments say; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m controlplane", description=build.__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", help="without one: find or build the programs")
    for name, meaning in (("start", "start a plane that stays"), ("stop", "stop a plane and remove its folder")):
        commands.add_parser(name, help=meaning).add_argument("data", type=Path, help="the plane's folder")
    arguments = parser.parse_args()
    try:
        match arguments.command:
            case "start":
                _start(arguments.data)
            case "stop":
                plane.stop(arguments.data)
            case _:
                _ensure()
    except (build.BuildError, plane.ControlPlaneError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _ensure() -> None:
    build.ensure()
    for program in build.PROGRAMS:
        if path := build.find(program):
            print(f"{program.name} {build.version(program, path)}: {path}")


def _start(data: Path) -> None:
    started = plane.ControlPlane(data)
    started.start()
    print(f"export KUBECONFIG={started.admin_kubeconfig}")
    print(f"stop it with: {started.detach()}")


if __name__ == "__main__":
    sys.exit(main())

"""The command line: `python -m charttools` makes sure that the programs are there; with `generate`, it uses them."""

import argparse
import sys

import gobuild
from charttools import generated, programs


def main() -> int:
    """Do what the arguments say; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m charttools", description="Find or build Helm and verdicts.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", help="without one: only that")
    commands.add_parser("generate", help="write what of charts/ and deploy/ is made from elsewhere")
    arguments = parser.parse_args()
    try:
        programs.ensure()
        if arguments.command == "generate":
            for file in generated.write():
                print(file.relative_to(generated.ROOT))
        else:
            for program in programs.PROGRAMS:
                print(f"{program.name} {program.recipe.pinned(program.module)}: {program.cached}")
    except (gobuild.BuildError, programs.HelmError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What a check is asked for on the command line. Nothing is read or called here."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Final

from imageferry.core.job import Kind
from imageferry.settings import Settings

_EPILOG: Final = """\
Objects come from the cluster (as for run: --kubeconfig, KUBECONFIG, or the pod's own service account), or with -f from files
alone: YAML documents of the kinds CloudAccount, Secret (data or stringData), ImageExport, ImageImport and Namespace.

Without --export and --import, a check of the cluster looks at accounts alone, and one of files at all exports and imports in
them. An import that names an export is looked at with that export's files once it has finished.
All settings of run are taken too; see imageferry run --help.

Nothing is changed anywhere. Exports and imports are tried with the cloud's documented parameter DryRun, unless --no-dry-run is
given.

exit status: 0 nothing is missing; 1 something is missing; 2 wrong usage, or nothing could be looked at
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What to look at. `jobs` are kind, namespace and name; `account` is empty for all; `files` are empty for the cluster."""

    account: str
    jobs: tuple[tuple[Kind, str, str], ...]
    files: tuple[str, ...]
    as_json: bool
    dry_run: bool
    settings: Settings


def parse(argv: Sequence[str], environ: Mapping[str, str]) -> Wish:
    """The wish that the arguments express. Raises SystemExit as argparse does: 2 with a message, 0 after --help."""
    parser = _parser()
    given, rest = parser.parse_known_args(argv)
    known = {f"--{each.name.replace('_', '-')}" for each in fields(Settings)}
    for word in rest:
        if word.startswith("-") and word.partition("=")[0] not in known:
            parser.error(f"unrecognized argument: {word}")
    jobs = []
    for flag, kind, words in (("--export", Kind.EXPORT, given.exports), ("--import", Kind.IMPORT, given.imports)):
        for word in words:
            namespace, _, name = word.partition("/")
            if not (namespace and name) or "/" in name:
                parser.error(f"{flag}: {word} is not NAMESPACE/NAME")
            jobs.append((kind, namespace, name))
    return Wish(
        account=given.account,
        jobs=tuple(jobs),
        files=tuple(given.file),
        as_json=given.output == "json",
        dry_run=not given.no_dry_run,
        settings=Settings.load(rest, environ),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="imageferry check",
        description="Tell what is missing before an export or an import can work, and what mends it.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--account", default="", metavar="NAME", help="look at this CloudAccount, and of the files at what uses it"
    )
    for flag, kind in (("--export", Kind.EXPORT), ("--import", Kind.IMPORT)):
        parser.add_argument(
            flag,
            action="append",
            default=[],
            dest=f"{flag[2:]}s",
            metavar="NAMESPACE/NAME",
            help=f"look at this {kind}; may be repeated",
        )
    parser.add_argument(
        "-f",
        "--file",
        action="append",
        default=[],
        metavar="FILE",
        help="take objects from this file; may be repeated; - is stdin",
    )
    parser.add_argument("--output", choices=["text", "json"], default="text", help="lines for eyes, or JSON lines")
    parser.add_argument("--no-dry-run", action="store_true", help="ask the cloud nothing but reads")
    return parser

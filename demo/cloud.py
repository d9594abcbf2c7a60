"""What the story has to know of a cloud, so that it can be played on any: a cloud is data, and no step asks which one it is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.watch import Artifact


@dataclass(frozen=True, slots=True)
class Access:
    """Where an emulated cloud is, and a key to it, written as in the account's Secret."""

    endpoint: str
    region: str
    account_id: str
    secret: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Cloud:
    """One cloud of the demo. Jobs are named as kubectl takes them, `imgexp/web`, and on no two clouds alike."""

    account: str
    """The CloudAccount's name."""
    folder: str
    """Its manifests, from the repository's root: account.yaml, exports.yaml, import.yaml and again.yaml."""
    images: str
    """Where the emulator's admin API takes an image of this cloud."""
    image: str
    """The id of the image that `first` exports: the demo's own disk is put behind it."""
    ends: Mapping[str, str]
    """The reason with which each job ends, in the order in which they are shown."""
    first: str
    """The export of the image that the demo's own disk backs."""
    back: str
    """The import of what `first` has written."""
    again: str
    """The export of the image that `back` has made; again.yaml is applied once that is there."""
    accepting: Mapping[str, tuple[str, str]]
    """The service and action, as the emulator's ledger calls them, that accept an `imgexp` or an `imgimp`."""
    access: Callable[[Mapping[str, Any]], Access]
    """Reads the first line of the emulator's output."""
    download: Callable[[Access, Artifact, Path], None]
    """Fetches a file from its bucket by means that are not the operator's; a DemoError if the bucket does not hand it out."""

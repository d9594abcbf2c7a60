"""What survives a kill: one append-only journal of JSON lines in the state directory.

Every change is one line, handed to the operating system before the caller goes on, so a SIGKILL loses nothing that was
answered; a line cut short by one is dropped on the next start. Nothing here knows what the tables mean.
"""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Journal:
    """Named tables of JSON values by key, rebuilt from the journal on start; the last line about a key wins."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        self._path = root / "journal.jsonl"
        self._tables: dict[str, dict[str, Any]] = {}
        self._replay()
        self._compact()
        self._file = self._path.open("ab", buffering=0)
        self._held: list[list[Any]] | None = None

    def table(self, name: str) -> dict[str, Any]:
        """The table as it stands; callers read it and change it only through `put` and `drop`."""
        return self._tables.setdefault(name, {})

    def put(self, table: str, key: str, value: Any) -> None:  # noqa: ANN401 (any JSON value)
        """Keep `value`, which must be JSON, under `key`."""
        self.table(table)[key] = value
        self._write([table, key, value])

    def drop(self, table: str, key: str) -> None:
        """Forget `key`; no error if it is not there."""
        if self.table(table).pop(key, None) is not None:
            self._write([table, key])

    @contextmanager
    def together(self) -> Iterator[None]:
        """Write all changes made inside as one line: after a kill either all of them are there or none."""
        if self._held is not None:
            yield
            return
        self._held = []
        try:
            yield
        finally:
            held, self._held = self._held, None
            if held:
                self._file.write(_line(held))

    def close(self) -> None:
        """Close the file; the journal may not be written any more."""
        self._file.close()

    def _write(self, entry: list[Any]) -> None:
        if self._held is None:
            self._file.write(_line([entry]))
        else:
            self._held.append(entry)

    def _replay(self) -> None:
        if not self._path.exists():
            return
        with self._path.open("rb") as lines:
            for line in lines:
                if not line.endswith(b"\n"):
                    break
                for table, key, *value in json.loads(line):
                    if value:
                        self.table(table)[key] = value[0]
                    else:
                        self.table(table).pop(key, None)

    def _compact(self) -> None:
        fresh = self._path.with_suffix(".new")
        with fresh.open("wb") as out:
            for name, table in self._tables.items():
                out.writelines(_line([[name, key, value]]) for key, value in table.items())
            out.flush()
            os.fsync(out.fileno())
        fresh.replace(self._path)


def _line(entries: list[list[Any]]) -> bytes:
    return json.dumps(entries, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"

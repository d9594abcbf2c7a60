"""Objects out of files, in place of those of an API server: what a file leaves out, a server would have filled in.

The files are for one check and no schema has looked at them, so every oddity is told with the name of the file.
"""

import base64
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from imageferry.kube import errors
from imageferry.kube.objects import (
    CLOUD_ACCOUNTS,
    IMAGE_EXPORTS,
    IMAGE_IMPORTS,
    NAMESPACES,
    SECRETS,
    KubeClient,
    Manifest,
    Page,
    Resource,
)

_KINDS: Final = {each.kind: each for each in (CLOUD_ACCOUNTS, IMAGE_EXPORTS, IMAGE_IMPORTS, NAMESPACES, SECRETS)}
_ALWAYS: Final = "1970-01-01T00:00:00Z"
_VERSION: Final = "1"


class Illegible(Exception):  # noqa: N818 -- as in core.errors: the name says what is the matter
    """A file cannot be read as objects; the message names it and what is wrong."""


class Papers(KubeClient):
    """A client of files: answers the reads of a check from them, and knows nothing else."""

    def __init__(
        self, files: Sequence[str], *, own_namespace: str
    ) -> None:  # the parent's session would lead to a server
        self._objects: dict[tuple[Resource, str | None, str], Manifest] = {}
        for file in files:
            for document in _documents(file):
                self._take(file, document, own_namespace)

    async def get(self, resource: Resource, namespace: str | None, name: str) -> Manifest:
        """The object. Raises NotFound."""
        found = self._objects.get((resource, namespace, name))
        if found is None:
            raise errors.NotFound(f"no file holds the {resource.kind} {name}")
        return found

    async def pages(self, resource: Resource, *, namespace: str | None = None) -> AsyncIterator[Page]:
        """All objects of the kind, in one page."""
        found = [
            each for (kind, where, _), each in self._objects.items() if kind == resource and namespace in (None, where)
        ]
        yield Page(found, _VERSION)

    def _take(self, file: str, document: Manifest, own_namespace: str) -> None:
        resource = _KINDS.get(str(document.get("kind")))
        if resource is None:
            return
        metadata = document.get("metadata")
        name = metadata.get("name") if isinstance(metadata, dict) else None
        if not isinstance(metadata, dict) or not isinstance(name, str):
            raise Illegible(f"{file}: a {resource.kind} has no metadata.name")
        usual = own_namespace if resource is SECRETS else "default"
        namespace = str(metadata.get("namespace") or usual) if resource.namespaced else None
        # What an object's status tells is believed only under the uid that it was written for.
        uid = metadata.get("uid") or f"{resource.kind}/{namespace}/{name}"
        born = {"uid": str(uid), "resourceVersion": _VERSION, "creationTimestamp": _ALWAYS}
        filled: Manifest = {**document, "metadata": {**metadata, **born, "namespace": namespace}}
        if resource is SECRETS:
            filled["data"] = _data(file, document)
        self._objects[resource, namespace, name] = filled


def _documents(file: str) -> Iterator[Manifest]:
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
        documents = list(yaml.safe_load_all(text))
    except OSError as problem:
        raise Illegible(f"{file}: {problem.strerror}") from None
    except (UnicodeDecodeError, yaml.YAMLError) as problem:
        # The parser's own words would show a piece of the file, which may hold a key.
        mark = getattr(problem, "problem_mark", None)
        raise Illegible(f"{file}: no YAML{f' (line {mark.line + 1})' if mark else ''}") from None
    for document in documents:
        if document is None:
            continue
        if not isinstance(document, dict):
            raise Illegible(f"{file}: a document is no object")
        items = document.get("items")
        yield from (each for each in items if isinstance(each, dict)) if isinstance(items, list) else [document]


def _data(file: str, secret: Manifest) -> dict[str, str]:
    """`data` and `stringData` of a Secret as the API server keeps them; the latter wins."""
    plain = {
        name: base64.b64encode(text.encode()).decode() for name, text in _texts(file, secret, "stringData").items()
    }
    return {**_texts(file, secret, "data"), **plain}


def _texts(file: str, secret: Manifest, field: str) -> dict[str, str]:
    values: Any = secret.get(field) or {}
    if not isinstance(values, dict) or not all(isinstance(text, str) for text in values.values()):
        raise Illegible(f"{file}: {field} of Secret {secret['metadata']['name']} must hold strings")
    return values

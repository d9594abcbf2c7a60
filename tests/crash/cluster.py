"""The API server as the matrix's user and judge see it: plain HTTP as the administrator, without a process per request."""

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator, Mapping
from http import HTTPStatus
from typing import Any, Final, Self

import aiohttp

from controlplane import ControlPlane

Manifest = dict[str, Any]

_GROUP: Final = "/apis/imageferry.dev/v1alpha1"
ACCOUNTS: Final = f"{_GROUP}/cloudaccounts"
_STREAM_BYTES: Final = 2**22


def jobs(namespace: str, plural: str) -> str:
    """The path of a namespace's jobs of one kind."""
    return f"{_GROUP}/namespaces/{namespace}/{plural}"


class Cluster:
    """Requests to one control plane. An error answer raises aiohttp.ClientResponseError, a missing object is None."""

    def __init__(self, plane: ControlPlane) -> None:
        self.server = plane.server
        self.tls = ssl.create_default_context(cafile=str(plane.ca_file))
        self._as_admin = ssl.create_default_context(cafile=str(plane.ca_file))
        self._as_admin.load_cert_chain(plane._pki.admin.certificate, plane._pki.admin.key)

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(limit=0, ssl=self._as_admin)
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=30)
        self._http = aiohttp.ClientSession(connector=connector, timeout=timeout, read_bufsize=_STREAM_BYTES)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.close()
        await asyncio.sleep(0.1)  # the goodbyes of TLS

    async def get(self, path: str) -> Manifest | None:
        """An object as it is now."""
        return await self._ask("GET", path)

    async def create(self, path: str, manifest: Manifest, *, shared: bool = False) -> Manifest:
        """A new object. One that is `shared` may be there already and is left as it is."""
        return await self._ask("POST", path, manifest, accept=HTTPStatus.CONFLICT if shared else 0) or {}

    async def patch(self, path: str, change: Any, kind: str = "merge") -> Manifest | None:  # noqa: ANN401 -- a JSON document
        """Edit an object by a merge patch (or a `json` patch)."""
        return await self._ask("PATCH", path, change, kind=f"application/{kind}-patch+json")

    async def delete(self, path: str) -> None:
        """Ask for the deletion of an object, or of all of a collection."""
        await self._ask("DELETE", path)

    async def watch(self, collection: str, name: str, version: str) -> AsyncIterator[tuple[str, Manifest]]:
        """The events of one object after that version, for a few seconds.

        A server whose kinds have just changed may end a stream with an error, or leave it open and tell nothing more.
        """
        query = f"?watch=true&timeoutSeconds=5&fieldSelector=metadata.name%3D{name}&resourceVersion={version}"
        with contextlib.suppress(aiohttp.ClientError):
            async with self._http.get(self.server + collection + query) as answer:
                answer.raise_for_status()
                async for line in answer.content:
                    event = json.loads(line)
                    if event["type"] == "ERROR":
                        return
                    yield event["type"], event["object"]

    async def _ask(
        self,
        method: str,
        path: str,
        body: Any = None,  # noqa: ANN401 -- a JSON document
        *,
        kind: str = "application/json",
        accept: int = 0,
    ) -> Manifest | None:
        data = None if body is None else json.dumps(body).encode()
        headers: Mapping[str, str] = {"Content-Type": kind}
        async with self._http.request(method, self.server + path, data=data, headers=headers) as answer:
            found: Manifest = await answer.json()
            if answer.status == HTTPStatus.NOT_FOUND:
                return None
            if answer.status >= HTTPStatus.BAD_REQUEST and answer.status != accept:
                raise RuntimeError(f"{method} {path}: {answer.status} {found.get('message')}")
            return found

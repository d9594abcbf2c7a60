"""Requests to the API server: one method per thing the operator does there, plain dicts in and out.

Every write is guarded: it names the uid and the resourceVersion that it was made for, so that it can land neither on a
newer version nor on another object of the same name. Nothing is retried here and nothing is cached. What an object means
may not enter here.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

import aiohttp

from imageferry.kube import errors
from imageferry.kube.session import KubeSession

FIELD_MANAGER: Final = "imageferry"
_PAGE: Final = 500  # objects; 10,000 listed in pages of 500 halve the peak memory
_CONNECT_SECONDS: Final = 10.0
_MAX_MESSAGE_CHARS: Final = 500
_DEFAULT_RETRY_AFTER_SECONDS: Final = 1.0
_NO_ANSWER: Final = "none"
_JSON: Final = "application/json"
_JSON_PATCH: Final = "application/json-patch+json"

Manifest = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind as the API server serves it."""

    group: str  # "" for the core group
    version: str
    plural: str
    kind: str
    namespaced: bool

    @property
    def api_version(self) -> str:
        """As in a manifest: group/version."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str | None = None, name: str | None = None, subresource: str | None = None) -> str:
        """The path on the server; without a namespace all of them, without a name the collection.

        Raises:
            NotFound: the name cannot be an object's (it would lead to another path), so that there is none.
        """
        for part in (namespace, name):
            if part is not None and (part in {"", ".", ".."} or "/" in part or "%" in part):
                raise errors.NotFound(f"{self.plural}: no object can have the name {part!r}")
        parts = ["apis", self.group, self.version] if self.group else ["api", self.version]
        if self.namespaced and namespace is not None:
            parts += ["namespaces", namespace]
        parts += [self.plural, *(part for part in (name, subresource) if part is not None)]
        return "/" + "/".join(quote(part, safe="") for part in parts)


CLOUD_ACCOUNTS: Final = Resource("imageferry.dev", "v1alpha1", "cloudaccounts", "CloudAccount", namespaced=False)
IMAGE_EXPORTS: Final = Resource("imageferry.dev", "v1alpha1", "imageexports", "ImageExport", namespaced=True)
IMAGE_IMPORTS: Final = Resource("imageferry.dev", "v1alpha1", "imageimports", "ImageImport", namespaced=True)
NAMESPACES: Final = Resource("", "v1", "namespaces", "Namespace", namespaced=False)
SECRETS: Final = Resource("", "v1", "secrets", "Secret", namespaced=True)
EVENTS: Final = Resource("", "v1", "events", "Event", namespaced=True)


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list; all its pages show the collection at one resourceVersion."""

    objects: Sequence[Manifest]
    resource_version: str


# verb, resource (with its subresource), HTTP status or "none" for no answer
Observer = Callable[[str, str, str], None]


def _unobserved(_: str, __: str, ___: str) -> None:
    pass


class KubeClient:
    """Requests over one session. Every method raises a `kube.errors.KubeFailure` if it did not do what it says."""

    def __init__(self, session: KubeSession, *, request_seconds: float, on_request: Observer = _unobserved) -> None:
        self._session, self._seconds, self._on_request = session, request_seconds, on_request

    async def pages(self, resource: Resource, *, namespace: str | None = None) -> AsyncIterator[Page]:
        """The whole collection as it is now (a consistent read, never from a cache), in pages.

        Raises:
            Unavailable: also if reading took so long that the server has forgotten the list: begin again.
        """
        token = ""
        while True:
            query = {"limit": str(_PAGE)} | ({"continue": token} if token else {})
            answer = await self.request("list", resource, resource.path(namespace), query=query)
            meta = answer["metadata"]
            yield Page(answer.get("items") or (), meta["resourceVersion"])
            token = meta.get("continue", "")
            if not token:
                return

    async def served(self, group: str, version: str) -> frozenset[str]:
        """The plural names that the server knows in this version of this group."""
        about = Resource(group, version, "discovery", "APIResourceList", namespaced=False)
        groups = (await self.request("get", about, "/apis"))["groups"]
        versions = {each["groupVersion"] for served in groups for each in served["versions"]}
        if about.api_version not in versions:
            return frozenset()
        answer = await self.request("get", about, f"/apis/{about.api_version}")
        return frozenset(each["name"] for each in answer["resources"])

    async def get(self, resource: Resource, namespace: str | None, name: str) -> Manifest:
        """The object as it is now."""
        return await self.request("get", resource, resource.path(namespace, name))

    async def get_secret(self, namespace: str, name: str) -> Manifest:
        """The Secret as it is now; its values are base64 and belong into no log."""
        return await self.get(SECRETS, namespace, name)

    async def patch_status(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        *,
        uid: str,
        resource_version: str,
        status: Mapping[str, Any],
    ) -> Manifest:
        """Put the status in place of the old one, whole, if the object is still this one in this version.

        Returns the object as it then is, which may hold edits of others made since.
        """
        return await self._patch(
            resource, namespace, name, "status", _guarded(uid, resource_version, "/status", status)
        )

    async def patch_finalizers(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        *,
        uid: str,
        resource_version: str,
        finalizers: Sequence[str],
    ) -> Manifest:
        """Put the list of finalizers in place of the old one, if the object is still this one in this version."""
        patch = _guarded(uid, resource_version, "/metadata/finalizers", list(finalizers))
        return await self._patch(resource, namespace, name, None, patch)

    async def create_event(self, namespace: str, event: Mapping[str, Any]) -> Manifest:
        """Write an event down. Forbidden also where the namespace is going away."""
        return await self.request("create", EVENTS, EVENTS.path(namespace), body=event)

    async def _patch(
        self, resource: Resource, namespace: str | None, name: str, subresource: str | None, patch: Sequence[object]
    ) -> Manifest:
        path = resource.path(namespace, name, subresource)
        return await self.request("patch", resource, path, subresource=subresource, body=patch)

    async def request(
        self,
        verb: str,
        resource: Resource,
        path: str,
        *,
        subresource: str | None = None,
        query: Mapping[str, str] | None = None,
        body: object = None,
        seconds: float | None = None,
    ) -> Manifest:
        """One request, one answer; `verb` is get, list, create, update or patch, `seconds` a shorter deadline."""
        writes = verb not in _READS
        code = _NO_ANSWER
        try:
            async with (
                asyncio.timeout(self._seconds if seconds is None else seconds),
                self._session.http.request(
                    _METHODS[verb],
                    self._session.server + path,
                    params={**(query or {}), **({"fieldManager": FIELD_MANAGER} if writes else {})},
                    data=None if body is None else json.dumps(body).encode(),
                    headers={"Content-Type": _JSON_PATCH if verb == "patch" else _JSON, "Accept": _JSON},
                    timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS),
                    allow_redirects=False,
                ) as answer,
            ):
                code = str(answer.status)
                content = await answer.read()
                retry_after = answer.headers.get("Retry-After", "")
        except (aiohttp.ClientError, TimeoutError, OSError) as lost:
            problem = f"{verb} {resource.plural}: no answer ({type(lost).__name__}: {lost})"
            raise errors.Unavailable(problem[:_MAX_MESSAGE_CHARS], maybe_applied=writes) from lost
        finally:
            self._on_request(verb, "/".join(filter(None, (resource.plural, subresource))), code)
        document: object = None
        with contextlib.suppress(ValueError):
            document = json.loads(content)
        if not isinstance(document, dict):
            # A balancer's page, or the server's "404 page not found" for a kind it does not serve: nothing follows from
            # it about any object. Only a plea for patience comes as plain text and is meant.
            if answer.status != HTTPStatus.TOO_MANY_REQUESTS:
                raise errors.Unavailable(f"{verb} {resource.plural}: HTTP {code} without JSON", maybe_applied=writes)
            document = {}
        if answer.status < HTTPStatus.MULTIPLE_CHOICES:
            return document
        raise _failure(f"{verb} {resource.plural}", answer.status, document, retry_after, writes=writes)


_READS: Final = frozenset({"get", "list"})
_METHODS: Final = {"get": "GET", "list": "GET", "create": "POST", "update": "PUT", "patch": "PATCH"}


def _guarded(uid: str, resource_version: str, path: str, value: object) -> list[Manifest]:
    # "add" replaces a member that is there (RFC 6902, 4.1), so that status may be absent or present. A failed "test"
    # is answered with 422.
    return [
        {"op": "test", "path": "/metadata/uid", "value": uid},
        {"op": "test", "path": "/metadata/resourceVersion", "value": resource_version},
        {"op": "add", "path": path, "value": value},
    ]


def _failure(what: str, status: int, document: Manifest, retry_after: str, *, writes: bool) -> errors.KubeFailure:
    """The failure that a Status object (of meta/v1) and its HTTP status tell of."""
    message = f"{what}: HTTP {status}: {document.get('message', '')}"[:_MAX_MESSAGE_CHARS]
    details = document.get("details") or {}
    match status:
        case HTTPStatus.UNAUTHORIZED:
            return errors.Unauthorized(message)
        case HTTPStatus.FORBIDDEN:
            return errors.Forbidden(message)
        case HTTPStatus.NOT_FOUND:
            return errors.NotFound(message)
        case HTTPStatus.CONFLICT:
            return errors.Conflict(message)
        # A failed "test" says nothing in details; what schema and rules refuse is listed there as causes.
        case HTTPStatus.UNPROCESSABLE_ENTITY if not details.get("causes"):
            return errors.Conflict(message)
        case HTTPStatus.TOO_MANY_REQUESTS:
            seconds = _number(retry_after) or _number(details.get("retryAfterSeconds")) or _DEFAULT_RETRY_AFTER_SECONDS
            return errors.TooManyRequests(message, retry_after_seconds=seconds)
        # 410: the rest of a list is forgotten after about five minutes. 408 and 5xx: the server does not know either.
        case HTTPStatus.GONE | HTTPStatus.REQUEST_TIMEOUT:
            return errors.Unavailable(message, maybe_applied=writes)
        case _ if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return errors.Unavailable(message, maybe_applied=writes)
        case _:
            return errors.Invalid(message)


def _number(text: object) -> float:
    try:
        return max(0.0, float(str(text)))
    except ValueError:
        return 0.0

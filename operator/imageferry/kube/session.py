"""How to reach the API server: its address, its CA, who we are, and bounded pools of connections.

A pod's token lies in a projected file that the kubelet replaces before it ends, so it is read again and again; a token
that the server refuses is read again at once. Proxies and netrc of the environment are never used, and the token goes
to the API server alone, wherever a redirect may point. Requests and answers may not enter here.
"""

import asyncio
import base64
import binascii
import os
import ssl
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

import aiohttp
import yaml
import yarl

from imageferry import __version__
from imageferry.settings import Settings

_SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_TOKEN_REREAD_SECONDS: Final = 10.0  # a rotated token must be in use within a minute; reading it costs microseconds
_ENGINE_CONNECTIONS: Final = 40  # 32 writers and some readers; more only queue inside the API server
_UNAUTHORIZED: Final = 401


class NoAccess(Exception):  # noqa: N818 -- as in core.errors: the name says what is the matter
    """The way to the API server is not described, or in a form that is not supported; the message says what to change."""


class Token:
    """A bearer token: a fixed one, one from a file that changes, or none."""

    def __init__(self, *, fixed: str = "", path: Path | None = None) -> None:
        self._text, self._path, self._read_at = fixed, path, float("-inf")

    def current(self, *, fresh: bool = False) -> str:
        """The token, at most ten seconds old, or read this instant; the last one known while the file cannot be read."""
        if self._path is not None and (fresh or time.monotonic() - self._read_at > _TOKEN_REREAD_SECONDS):
            try:
                self._text = self._path.read_text(encoding="utf-8").strip()
                self._read_at = time.monotonic()
            except OSError:
                if not self._text:
                    raise
        return self._text


@dataclass(frozen=True, slots=True)
class Access:
    """Where the API server is and who asks."""

    server: str  # https://host:port, without a path's trailing slash
    token: Token
    tls: ssl.SSLContext | None  # None for plain http, which only a test bed has


@dataclass(frozen=True, slots=True)
class KubeSession:
    """A bounded pool of connections to the API server."""

    server: str
    http: aiohttp.ClientSession
    _access: Access = field(repr=False)

    def sibling(self, *, connections: int, on_request: Callable[[str], None] | None = None) -> "KubeSession":
        """A session of the same access with a pool of its own, so that neither waits for the other's requests.

        `on_request` is told the path of every request when it begins.
        """
        return _session(self._access, connections, on_request)

    async def aclose(self) -> None:
        """Close all connections."""
        await self.http.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


async def open_session(settings: Settings) -> KubeSession:
    """A session for the engine, by the settings' kubeconfig or as the pod's service account.

    Raises:
        NoAccess: neither is there, or the kubeconfig asks for what is not supported.
    """
    # Certificates and files: some milliseconds of CPU that health checks need not wait for.
    access = await asyncio.to_thread(_kubeconfig if settings.kubeconfig else _in_cluster, settings.kubeconfig)
    return _session(access, _ENGINE_CONNECTIONS)


def _session(access: Access, connections: int, on_request: Callable[[str], None] | None = None) -> KubeSession:
    ours = yarl.URL(access.server).origin()

    async def authorize(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        if request.url.origin() != ours:
            return await send(request)
        used = access.token.current()
        if used:
            request.headers["Authorization"] = f"Bearer {used}"
        answer = await send(request)
        if answer.status == _UNAUTHORIZED and access.token.current(fresh=True) != used:
            # Rotated between our two readings. A refused request did nothing, so that even a write may go again.
            answer.release()
            request.headers["Authorization"] = f"Bearer {access.token.current()}"
            answer = await send(request)
        return answer

    async def tell(_: object, __: object, request: aiohttp.TraceRequestStartParams) -> None:
        if on_request is not None:
            on_request(request.url.path)

    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(tell)
    http = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=connections, ssl=access.tls or True),
        headers={"User-Agent": f"imageferry/{__version__}"},
        middlewares=(authorize,),
        trace_configs=[trace] if on_request is not None else [],
        trust_env=False,
    )
    return KubeSession(server=access.server, http=http, _access=access)


def _in_cluster(_: str) -> Access:
    host, port = os.environ.get("KUBERNETES_SERVICE_HOST", ""), os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    token = Token(path=_SERVICE_ACCOUNT / "token")
    try:
        token.current()
        tls = ssl.create_default_context(cafile=str(_SERVICE_ACCOUNT / "ca.crt"))
    except OSError as missing:
        raise NoAccess(f"not in a cluster ({missing}); outside of one set KUBECONFIG or --kubeconfig") from missing
    if not host:
        raise NoAccess("KUBERNETES_SERVICE_HOST is not set; outside a cluster set KUBECONFIG or --kubeconfig")
    return Access(server=f"https://{f'[{host}]' if ':' in host else host}:{port}", token=token, tls=tls)


# What would be silently ignored otherwise; each is a way to reach a server that this client does not go.
_UNSUPPORTED: Final = (
    "exec",
    "auth-provider",
    "username",
    "proxy-url",
    "insecure-skip-tls-verify",
    "tls-server-name",
    "as",
)


def _kubeconfig(path: str) -> Access:
    """The current context of a kubeconfig (kubernetes.io/docs/reference/config-api/kubeconfig.v1)."""
    file = Path(path).expanduser()
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
        context = _named(content, "contexts", content["current-context"])["context"]
        cluster = _named(content, "clusters", context["cluster"])["cluster"]
        user = _named(content, "users", context["user"]).get("user") or {}
        return _access(file.parent, cluster, user)
    except NoAccess:
        raise
    except (OSError, ssl.SSLError, yaml.YAMLError, binascii.Error) as problem:
        raise NoAccess(f"kubeconfig {path}: {type(problem).__name__}: {problem}") from problem
    except (KeyError, TypeError, AttributeError) as problem:
        raise NoAccess(f"kubeconfig {path}: not complete: {problem}") from problem


def _named(content: Mapping[str, Any], kind: str, name: str) -> Mapping[str, Any]:
    for each in content[kind]:
        if each["name"] == name:
            found: Mapping[str, Any] = each
            return found
    raise NoAccess(f"kubeconfig: no {name!r} among its {kind}")


def _access(folder: Path, cluster: Mapping[str, Any], user: Mapping[str, Any]) -> Access:
    for word in _UNSUPPORTED:
        if cluster.get(word) or user.get(word):
            raise NoAccess(f"kubeconfig: {word!r} is not supported; use a token or a client certificate")
    server = str(cluster["server"]).rstrip("/")
    path = folder / user["tokenFile"] if user.get("tokenFile") else None
    token = Token(fixed=user.get("token", ""), path=path)
    if not server.startswith("https://"):
        return Access(server=server, token=token, tls=None)
    # A file name and its "-data" twin mean the same; data wins, as with kubectl. A CA of our own replaces the system's.
    ca = _content(folder, cluster, "certificate-authority")
    tls = ssl.create_default_context(cadata=ca.decode("ascii") if ca else None)
    certificate, key = _content(folder, user, "client-certificate"), _content(folder, user, "client-key")
    if certificate and key:
        with tempfile.TemporaryDirectory() as private:  # the ssl module reads certificates from files only
            pair = Path(private) / "pair.pem"
            pair.touch(mode=0o600)
            pair.write_bytes(certificate + b"\n" + key)
            tls.load_cert_chain(pair)
    return Access(server=server, token=token, tls=tls)


def _content(folder: Path, section: Mapping[str, Any], name: str) -> bytes:
    if section.get(f"{name}-data"):
        return base64.b64decode(section[f"{name}-data"], validate=True)
    if section.get(name):
        return Path(folder, section[name]).read_bytes()
    return b""

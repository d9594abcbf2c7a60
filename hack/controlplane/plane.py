"""The plane: etcd, kube-apiserver and kube-controller-manager, started, watched and stopped as one.

    with ControlPlane(Path("data")) as plane:
        plane.kubectl_run("get", "namespaces")

Synchronous on purpose: it serves the demo and pytest fixtures, and waits nowhere but in `start` and the like.
"""

import contextlib
import functools
import http.client
import os
import secrets
import shlex
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Self

from controlplane import build, commands, kubeconfig, leash, pki
from controlplane.leash import Leash

# Below the range from which systems take the ports of outgoing connections, so that none of these takes a server's port
# while the server restarts. https://docs.kernel.org/networking/ip-sysctl.html (ip_local_port_range)
PORTS = range(20_000, 32_000)
PORT_TRIES = 5
START_SECONDS = 60
POLL_SECONDS = 0.05
GRACE_SECONDS = 10
ETCD, APISERVER, CONTROLLERS = "etcd", "kube-apiserver", "kube-controller-manager"
ADDRESS_IN_USE = "address already in use"


class ControlPlaneError(Exception):
    """The plane could not do what was asked; a server's last words are in the message."""


class KubectlError(ControlPlaneError):
    """Kubectl failed; the message is the command and what kubectl printed to standard error."""


class ControlPlane:
    """A control plane of its own in the folder `data`, which `stop` removes.

    It dies with the process that started it, however that ends, unless `detach` was called. (A child made by a bare
    `os.fork`, without exec, counts as that process: it holds the same pipes.)
    `extra_apiserver_args` come after the plane's own, and so win over them.
    """

    def __init__(self, data: Path, *, extra_apiserver_args: Sequence[str] = ()) -> None:
        self.data = data.absolute()
        self.ca_file = self.data / "pki" / "authority.crt"
        self.admin_kubeconfig = self.data / "admin.kubeconfig"
        self._extra_apiserver_args = tuple(extra_apiserver_args)
        self._leashes: dict[str, Leash] = {}
        self._ports: dict[str, int] = {}
        self._owned = False  # whether the folder is this object's to remove

    @property
    def server(self) -> str:
        """The API server's URL, which stays the same when it is restarted."""
        return f"https://{commands.HOST}:{self._ports[APISERVER]}"

    @property
    def kubectl(self) -> Path:
        """The kubectl of the plane's version."""
        return self._binaries.kubectl

    @property
    def pids(self) -> dict[str, int]:
        """The process ids of the running servers, by program name."""
        return {name: held.pid for name, held in self._leashes.items() if held.holds}

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start the plane, or start it again after `kill` with all it held; return when it serves.

        Builds the programs first if they are missing, which takes minutes; see `build.ensure`.

        Raises:
            ControlPlaneError: the folder holds something else, or a server did not come up.
            build.BuildError: a program is missing and could not be built.
        """
        self._binaries = build.ensure(lambda line: print(line, file=sys.stderr))
        if self._leashes:
            raise ControlPlaneError(f"the control plane in {self.data} runs already")
        if not self._owned:
            if self.data.exists() and any(self.data.iterdir()):
                raise ControlPlaneError(f"{self.data} is not empty: a control plane wants a folder of its own")
            self._owned = True
            self._pki = pki.make(self.data / "pki")
            self._tls = ssl.create_default_context(cafile=str(self.ca_file))
            self._tls.load_cert_chain(self._pki.admin.certificate, self._pki.admin.key)
            for name in ("home", "run"):
                (self.data / name).mkdir()
        try:
            self._start_etcd()
            self.start_apiserver()
            self._write_kubeconfig(self.admin_kubeconfig, self._pki.admin)
            self._start_controllers()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the servers at once and remove the folder; do nothing if there is none, or after `detach`."""
        self.kill()
        if self._owned:
            shutil.rmtree(self.data)
            self._owned = False
            self._ports.clear()

    def kill(self) -> None:
        """End all servers with SIGKILL, as a crash would; what they had acknowledged is there after `start`."""
        for held in self._leashes.values():
            held.kill()
        self._leashes.clear()

    def detach(self) -> str:
        """Let the plane outlive this process and forget it; return the shell command that stops it."""
        for held in self._leashes.values():
            held.let_go()
        self._leashes.clear()
        self._owned = False
        return shlex.join([sys.executable, "-m", "controlplane", "stop", str(self.data)])

    def stop_apiserver(self) -> None:
        """End the API server in an orderly way; its clients see closed, then refused connections."""
        self._leashes.pop(APISERVER).terminate(GRACE_SECONDS)

    def start_apiserver(self) -> None:
        """Start the API server after `stop_apiserver`, under the same URL; return when it is ready."""
        self._launch(APISERVER, self._apiserver_command, lambda port: self._answers(port, "/readyz"))

    def restart_apiserver(self) -> None:
        """Stop and start the API server."""
        self.stop_apiserver()
        self.start_apiserver()

    def kubectl_run(self, *args: str, input: str | None = None, kubeconfig: Path | None = None) -> str:  # noqa: A002 -- the name it has in subprocess.run
        """Run kubectl, as the administrator or with another kubeconfig; return what it printed to standard output.

        Raises:
            KubectlError: its exit code is not 0.
        """
        command: list[str | Path] = [self.kubectl, "--kubeconfig", kubeconfig or self.admin_kubeconfig, *args]
        # Another home, or a user's kuberc and the cached discovery of a former plane on this port would have a say.
        environment = {**os.environ, "HOME": str(self.data / "home")}
        done = subprocess.run(
            command,
            input=input,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            start_new_session=True,  # Ctrl-C is for the caller: a kubectl ended by it would look like one that failed
        )
        if done.returncode:
            raise KubectlError(f"kubectl {shlex.join(args)}: {done.stderr.strip()}")
        return done.stdout

    def kubeconfig_for(self, namespace: str, service_account: str, path: Path, *, token_seconds: int = 3600) -> Path:
        """Write a kubeconfig for a service account that exists; return `path`.

        The token lies beside it in `path` plus ".token". Calling this again replaces the token, as the kubelet does for
        a pod. `token_seconds` is its life: the API server grants 600 at the least, and refuses less.

        Raises:
            KubectlError: there is no such service account, or the API server refuses the life.
        """
        account = ("create", "token", service_account, f"--namespace={namespace}", f"--duration={token_seconds}s")
        token_file = path.with_name(f"{path.name}.token")
        kubeconfig.write_secret(token_file, self.kubectl_run(*account).strip())
        user = kubeconfig.by_token_file(token_file)
        kubeconfig.write(path, server=self.server, authority=self.ca_file, user=user, namespace=namespace)
        return path

    def _start_etcd(self) -> None:
        def command(port: int) -> list[str | Path]:
            return [self._binaries.etcd, *commands.etcd(data=self.data / "etcd", pki=self._pki, port=port)]

        self._launch(ETCD, command, lambda port: self._answers(port, "/health"))

    def _apiserver_command(self, port: int) -> list[str | Path]:
        flags = commands.apiserver(
            pki=self._pki, port=port, etcd_port=self._ports[ETCD], scratch=self.data / "run" / "apiserver"
        )
        return [self._binaries.apiserver, *flags, *self._extra_apiserver_args]

    def _start_controllers(self) -> None:
        own = self.data / "controllers.kubeconfig"
        self._write_kubeconfig(own, self._pki.controllers)
        self._leash(CONTROLLERS, [self._binaries.controllers, *commands.controllers(pki=self._pki, kubeconfig=own)])
        # The first thing that only a working controller manager brings about (after `kill` it is there from before).
        account = "/api/v1/namespaces/default/serviceaccounts/default"
        self._await(CONTROLLERS, lambda: self._answers(self._ports[APISERVER], account))

    def _write_kubeconfig(self, path: Path, pair: pki.Pair) -> None:
        kubeconfig.write(path, server=self.server, authority=self.ca_file, user=kubeconfig.by_certificate(pair))

    def _launch(self, name: str, command: Callable[[int], list[str | Path]], serves: Callable[[int], bool]) -> None:
        """Start a server on the port it had, or else on a free one: on the next if somebody was faster to take it."""
        for tries_left in reversed(range(PORT_TRIES)):
            port = self._ports.get(name) or _free_port()
            self._leash(name, command(port))
            try:
                self._await(name, functools.partial(serves, port))
            except ControlPlaneError as error:
                self._leashes.pop(name).kill()
                if ADDRESS_IN_USE not in str(error) or not tries_left:
                    raise
            else:
                self._ports[name] = port
                return

    def _leash(self, name: str, command: list[str | Path]) -> None:
        if name in self.pids:
            raise ControlPlaneError(f"{name} runs already")
        run = self.data / "run"
        self._leashes[name] = Leash(run / f"{name}.lock", command, log=run / f"{name}.log")

    def _await(self, name: str, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not holds():
            server = self._leashes[name]
            if not server.holds or time.monotonic() > deadline:
                what = "is not ready" if server.holds else "ended early"
                raise ControlPlaneError(f"{name} {what}. The end of its log:\n{build.tail(server.log)}")
            time.sleep(POLL_SECONDS)

    def _answers(self, port: int, path: str) -> bool:
        """Whether a server with a certificate of ours says 200; another process on the port cannot pass for it."""
        connection = http.client.HTTPSConnection(commands.HOST, port, timeout=5, context=self._tls)
        with contextlib.closing(connection):
            try:
                connection.request("GET", path)
                return connection.getresponse().status == HTTPStatus.OK
            except (OSError, http.client.HTTPException):
                return False


def stop(data: Path) -> None:
    """Stop the plane in a folder, whoever runs it, and remove the folder.

    Raises:
        ControlPlaneError: there is no plane in the folder, which is left as it is.
    """
    locks = [data / "run" / f"{name}.lock" for name in (CONTROLLERS, APISERVER, ETCD)]
    if not all(lock.exists() for lock in locks):
        raise ControlPlaneError(f"there is no control plane in {data}")
    for lock in locks:
        leash.end(lock)
    shutil.rmtree(data)


def _free_port() -> int:
    """Return a port that nobody listens on now; whoever binds it must be ready to be the second."""
    while True:
        port = secrets.choice(PORTS)
        with contextlib.suppress(OSError), socket.socket() as candidate:
            candidate.bind((commands.HOST, port))
            return port

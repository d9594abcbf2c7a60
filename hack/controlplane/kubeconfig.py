"""The kubeconfig files of a plane's users. Knows the file format only."""

import base64
from pathlib import Path

import yaml

from controlplane.pki import Pair

User = dict[str, str]


def by_certificate(pair: Pair) -> User:
    """Return the user that a client certificate stands for; the kubeconfig will carry both files' contents."""
    return {"client-certificate-data": _inline(pair.certificate), "client-key-data": _inline(pair.key)}


def by_token_file(token_file: Path) -> User:
    """Return the user that a bearer token stands for; clients read the file anew from time to time."""
    return {"tokenFile": str(token_file.absolute())}


def write(path: Path, *, server: str, authority: Path, user: User, namespace: str = "default") -> None:
    """Write a kubeconfig with one cluster, one user and one context, readable by its owner only."""
    name = "imageferry"
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": name, "cluster": {"server": server, "certificate-authority-data": _inline(authority)}},
        ],
        "users": [{"name": name, "user": user}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name, "namespace": namespace}}],
        "current-context": name,
    }
    write_secret(path, yaml.safe_dump(config, sort_keys=False))


def write_secret(path: Path, text: str) -> None:
    """Replace a file in one step by one that only its owner can read."""
    partial = path.with_name(f".{path.name}.partial")
    partial.unlink(missing_ok=True)
    partial.touch(mode=0o600)
    partial.write_text(text)
    partial.replace(path)


def _inline(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()

"""What the operator may be told: environment and flags, read once into one frozen value.

Every setting is one field here: its unit is in its name, its reason in its `why`. A setting is given as the flag
`--field-with-dashes` or as the variable `IMAGEFERRY_FIELD`; the flag wins, an empty variable counts as unset. Nothing
else is configured through the environment. What differs between two objects or accounts is no setting: it belongs into their specs.
"""

import argparse
import math
import re
import secrets
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

_OWN_NAMESPACE_FILE: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_MAX_PORT: Final = 65535
WHEN_ABSENT: Final[Mapping[str, str]] = {
    "namespace": "POD_NAMESPACE, else the service account's, else imageferry-system",
    "watch_namespaces": "all",
    "kubeconfig": "KUBECONFIG, else in-cluster",
    "instance_metadata_endpoint": "the cloud's own",
    "identity": "POD_NAME or the host's name, and a random part",
}
_TRUE, _FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}


class LogFormat(StrEnum):
    """How log lines look: `auto` is plain on a terminal and JSON elsewhere."""

    AUTO = "auto"
    JSON = "json"
    PLAIN = "plain"


class LogLevel(StrEnum):
    """The least severe line that is written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def _text(default: str, why: str) -> Any:  # noqa: ANN401 -- a dataclass field stands for a value of its annotated type
    return field(default=default, metadata={"why": why})


def _count(default: int, why: str, *, least: int = 1, most: int = 10_000) -> Any:  # noqa: ANN401 -- as _text
    return field(default=default, metadata={"why": why, "least": least, "most": most})


def _seconds(default: float, why: str, *, least: float = 0.001) -> Any:  # noqa: ANN401 -- as _text
    return field(default=default, metadata={"why": why, "least": least, "most": 31_536_000.0})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings, checked for themselves and against each other; made by `load`."""

    namespace: str = _text("", "the operator's own namespace: its Lease and the accounts' Secrets lie there")
    watch_namespaces: tuple[str, ...] = field(
        default=(),
        metadata={"why": "namespaces whose objects are served, comma separated; empty: all of the cluster"},
    )
    kubeconfig: str = _text(
        "", "path of a kubeconfig for a run outside the cluster; empty: KUBECONFIG, else in-cluster"
    )
    identity: str = _text("", "who holds the Lease and the claims; unique per process, so that no two ever agree")
    lease_name: str = _text("imageferry", "the Lease that elects the acting replica; one per installation")

    http_host: str = _text("0.0.0.0", "address of probes and metrics; the kubelet asks on the pod's address")  # noqa: S104 -- the NetworkPolicy narrows it
    http_port: int = _count(8080, "port of probes and metrics; 0 takes a free one and logs it", least=0, most=_MAX_PORT)
    log_level: LogLevel = field(default=LogLevel.INFO, metadata={"why": "the least severe line that is written"})
    log_format: LogFormat = field(
        default=LogFormat.AUTO, metadata={"why": "json for collectors, plain for eyes; auto: plain on a terminal"}
    )
    allow_insecure_endpoints: bool = field(
        default=False,
        metadata={"why": "accounts may name http endpoints beyond loopback; only for test beds, as keys travel there"},
    )

    workers: int = _count(16, "objects looked at in parallel; each spends its time waiting for answers")
    writers: int = _count(32, "status writes in flight at once; fits into the 40 connections to the API server")
    cloud_threads: int = _count(16, "threads for the vendors' blocking SDK calls, all accounts together")

    signature_life_seconds: float = _seconds(900.0, "how long the cloud accepts a signed request (Alibaba: 15 min)")
    window_seconds: float = _seconds(
        1200.0, "after this on the cloud's clock no copy of a claim's request can be accepted: its life plus a margin"
    )
    call_deadline_seconds: float = _seconds(8.0, "a submit is given up then; fits into a Lease with margin and renewal")
    read_deadline_seconds: float = _seconds(15.0, "every other cloud call is given up then; safe to repeat")
    clock_agreement_seconds: float = _seconds(60.0, "deadlines fire only while cloud and local clock agree this well")

    lease_duration_seconds: float = _seconds(15.0, "another replica acts after this long without a renewal", least=1.0)
    lease_renew_seconds: float = _seconds(2.0, "time between renewals; several may fail before the Lease is lost")
    lease_give_up_seconds: float = _seconds(10.0, "without a renewal for this long the leader ends its process")
    fence_margin_seconds: float = _seconds(2.0, "the Lease must outlive a submit's deadline by this much")

    poll_min_seconds: float = _seconds(1.0, "shortest time between two looks at one lane's running tasks")
    poll_max_seconds: float = _seconds(60.0, "longest time between two looks; bounds how late an end is noticed")
    resync_seconds: float = _seconds(900.0, "own LIST that drops what the watch missed, as deletions in a 410 gap")
    look_again_seconds: float = _seconds(30.0, "a claim with an unknown outcome is looked for again after this long")
    read_lag_seconds: float = _seconds(120.0, "how long the cloud may hide what it accepted", least=0.0)
    task_retention_seconds: float = _seconds(
        604_800.0, "how long the cloud lists ended tasks; older absence proves nothing"
    )

    retry_min_seconds: float = _seconds(1.0, "first wait after a failed visit; doubles per failure, with jitter")
    retry_max_seconds: float = _seconds(300.0, "longest wait between failed visits")
    hold_recheck_seconds: float = _seconds(900.0, "an object that waits for a person is looked at again this rarely")
    young_object_seconds: float = _seconds(
        300.0, "what is missing may yet come: Reconciling, not Stalled, below this age", least=0.0
    )
    lost_journal_age_seconds: float = _seconds(
        120.0, "an object this old when first seen, yet without conditions, may have lost its journal", least=0.0
    )

    delete_cancelled_bound_seconds: float = _seconds(60.0, "a deletion waits this long for a cancelled task's end")
    delete_away_bound_seconds: float = _seconds(600.0, "a deletion waits this long for a cloud or credentials away")
    delete_claim_extra_seconds: float = _seconds(120.0, "a deletion waits for an open claim's window and this long")
    delete_no_date_bound_seconds: float = _seconds(1800.0, "the same where no answer of the cloud carries its Date")
    account_finalizer_limit_seconds: float = _seconds(
        86_400.0, "a deleted account is let go after this, orphans or not"
    )

    account_recheck_seconds: float = _seconds(3600.0, "who owns an account's key is asked again this often")
    secret_reread_seconds: float = _seconds(
        60.0, "an account's Secret is read again this often: bounds a rotation's delay"
    )

    identity_token_folder: str = _text(
        "/var/run/secrets/imageferry.dev/tokens",
        "where projected service account tokens lie, one file per provider name, for accounts with workloadIdentity",
    )
    instance_metadata_endpoint: str = _text(
        "", "address of the instance metadata service, for accounts with instanceRole"
    )

    kube_request_seconds: float = _seconds(30.0, "a request to the API server is given up then")
    shutdown_seconds: float = _seconds(20.0, "on SIGTERM, time for calls in flight to end and be recorded")

    @property
    def claim_send_limit_seconds(self) -> float:
        """Seconds after which an unsent claim is withdrawn: a third of the signature's life leaves time to deliver."""
        return self.signature_life_seconds / 3

    @classmethod
    def load(cls, argv: Sequence[str], environ: Mapping[str, str]) -> "Settings":
        """The settings that flags and environment ask for.

        Raises:
            SystemExit: status 2 and a message on stderr that names the flag or variable and what is wrong with it;
                status 0 after --help.
        """
        parser = _parser()
        given = vars(parser.parse_args(argv))
        chosen: dict[str, Any] = {}
        for each in fields(cls):
            variable = f"IMAGEFERRY_{each.name.upper()}"
            source, text = f"--{each.name.replace('_', '-')}", given[each.name]
            if text is None:
                source, text = variable, environ.get(variable) or None
            if text is None:
                continue
            try:
                chosen[each.name] = _READ[each.type](text, each.metadata)
            except ValueError as problem:
                parser.error(f"{source}: {text!r} {problem}")
        chosen.setdefault("namespace", _own_namespace(environ))
        chosen.setdefault("kubeconfig", environ.get("KUBECONFIG", ""))
        chosen.setdefault("identity", _own_identity(environ))
        settings = cls(**chosen)
        for relation, holds in _relations(settings).items():
            if not holds:
                parser.error(relation)
        return settings


def _relations(s: Settings) -> dict[str, bool]:
    """What must hold between settings: the sentence that says it and why, and whether it does."""
    submit = s.call_deadline_seconds + s.fence_margin_seconds
    return {
        f"namespace: {s.namespace!r} is not a namespace's name": _is_namespace(s.namespace),
        "lease_renew_seconds < lease_give_up_seconds < lease_duration_seconds must hold: "
        "a leader must have ended before another may begin": (
            s.lease_renew_seconds < s.lease_give_up_seconds < s.lease_duration_seconds
        ),
        "call_deadline_seconds + fence_margin_seconds + lease_renew_seconds must fit into lease_duration_seconds: "
        "a submit is sent only if the Lease outlives it, so that otherwise none would ever be sent": (
            submit + s.lease_renew_seconds <= s.lease_duration_seconds
        ),
        "window_seconds must exceed signature_life_seconds: a claim may be closed only when its request is void": (
            s.signature_life_seconds < s.window_seconds
        ),
        "call_deadline_seconds must be less than a third of signature_life_seconds: "
        "a request must arrive before its signature ends": s.call_deadline_seconds < s.claim_send_limit_seconds,
        "poll_min_seconds must not exceed poll_max_seconds": s.poll_min_seconds <= s.poll_max_seconds,
        "retry_min_seconds must not exceed retry_max_seconds": s.retry_min_seconds <= s.retry_max_seconds,
        "shutdown_seconds must not be less than call_deadline_seconds: "
        "a submit in flight must end and be recorded": s.call_deadline_seconds <= s.shutdown_seconds,
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="imageferry run",
        usage="imageferry run [--setting VALUE ...]",  # a wall of flags would hide the message below it
        description="Run the operator. Each flag can be given as IMAGEFERRY_<FLAG_IN_CAPITALS> too; the flag wins.",
        allow_abbrev=False,
    )
    for each in fields(Settings):
        default = each.default if each.default not in ("", ()) else WHEN_ABSENT.get(each.name, "none")
        why = f"{each.metadata['why']} (default: {default})".replace("%", "%%")
        flag = f"--{each.name.replace('_', '-')}"
        if each.type is bool:
            parser.add_argument(flag, nargs="?", const="true", metavar="BOOL", help=why)
        else:
            parser.add_argument(flag, metavar=each.name.rsplit("_", 1)[-1].upper(), help=why)
    return parser


def _is_namespace(name: str) -> bool:
    return _NAMESPACE.fullmatch(name) is not None


def _own_namespace(environ: Mapping[str, str]) -> str:
    named = environ.get("POD_NAMESPACE", "")
    if not named and _OWN_NAMESPACE_FILE.is_file():
        named = _OWN_NAMESPACE_FILE.read_text(encoding="utf-8").strip()
    return named or "imageferry-system"


def _own_identity(environ: Mapping[str, str]) -> str:
    # A pod's name outlives its container: only the random part tells a restarted process from the one before.
    return f"{environ.get('POD_NAME') or socket.gethostname()}-{secrets.token_hex(4)}"


def _within(number: float, bounds: Mapping[str, Any]) -> None:
    # nan compares false with everything, so that it fails here too.
    if not bounds["least"] <= number <= bounds["most"] or math.isinf(number):
        raise ValueError(f"is not between {bounds['least']} and {bounds['most']:g}")


def _read_int(text: str, bounds: Mapping[str, Any]) -> int:
    try:
        number = int(text)
    except ValueError:
        raise ValueError("is not a whole number") from None
    _within(number, bounds)
    return number


def _read_float(text: str, bounds: Mapping[str, Any]) -> float:
    try:
        number = float(text)
    except ValueError:
        raise ValueError("is not a number of seconds") from None
    _within(number, bounds)
    return number


def _read_bool(text: str, _: Mapping[str, Any]) -> bool:
    if text.lower() not in _TRUE | _FALSE:
        raise ValueError("is neither true nor false")
    return text.lower() in _TRUE


def _read_names(text: str, _: Mapping[str, Any]) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    for name in names:
        if not _is_namespace(name):
            raise ValueError(f"holds {name!r}, which is not a namespace's name")
    return names


def _one_of(kind: type[StrEnum]) -> Callable[[str, Mapping[str, Any]], StrEnum]:
    def read(text: str, _: Mapping[str, Any]) -> StrEnum:
        if text.lower() not in set(kind):
            raise ValueError(f"is none of {', '.join(kind)}")
        return kind(text.lower())

    return read


_READ: Final[Mapping[Any, Callable[[str, Mapping[str, Any]], Any]]] = {
    str: lambda text, _: text,
    int: _read_int,
    float: _read_float,
    bool: _read_bool,
    tuple[str, ...]: _read_names,
    LogLevel: _one_of(LogLevel),
    LogFormat: _one_of(LogFormat),
}

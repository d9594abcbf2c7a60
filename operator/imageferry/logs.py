"""Log lines: one JSON object (or one plain line on a terminal) each, without secrets, never in anybody's way.

structlog and the standard library's loggers go the same road:

    event -> escape and shorten -> mask secrets -> render -> bounded queue -> one thread -> file descriptor

so that a reader of stdout that has stopped reading delays nobody: lines beyond the queue are dropped and counted. Masking
is the last step before rendering, so that no exception text or SDK message goes around it. What a line means may not
enter here.
"""

import base64
import logging
import os
import queue
import re
import sys
import threading
import time
from collections.abc import Mapping, MutableMapping
from typing import Any, Final
from urllib.parse import quote

import structlog

_QUEUE_LINES: Final = 10_000
_LAST_WORDS_SECONDS: Final = 2.0
_MAX_VALUE_CHARS: Final = 4_096
_MAX_TRACE_CHARS: Final = 32_768
_MAX_DEPTH: Final = 6
_MIN_SECRET_CHARS: Final = 6  # masking shorter ones would blacken half of every line
_MAX_FORMS: Final = 1024  # three of each secret: more than a hundred accounts hold at a time

# What these write below WARNING is headers, strings to sign and one line per event.
NOISY: Final = (
    "aiohttp.access",
    "alibabacloud_credentials",
    "alibabacloud_oss_v2",
    "alibabacloud_tea_openapi",
    "asyncio",
    "credentials",
    "darabonba",
    "kopf",
    "oss",
    "Tea",
    "urllib3",
)

# C0 and C1 controls, line separators and the marks that reverse what a terminal shows; a tab may stay.
_CONTROLS = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
# A signed URL is a credential, with a host or (as in urllib3's messages) without: the query goes, whatever it holds.
_QUERY = re.compile(r"(?<=[^\s?])\?[^\s\"'<>?=]+=[^\s\"'<>]*")
_SENSITIVE: Final = (
    r"authorization|signature|password|(?:access|secret)[-_]?key(?:[-_]?(?:id|secret))?"
    r"|(?:security|session|id|bearer)[-_]?token"
)
_SENSITIVE_NAME = re.compile(rf"(?i)(?:{_SENSITIVE})$")
_NAMED = re.compile(
    rf"(?i)((?:{_SENSITIVE})[\"']?\s*[:=]\s*)(?:\"[^\"]*\"|'[^']*'|(?:bearer\s+|basic\s+)?[^\s,;}}&\"']+)"
)
_BEARER = re.compile(r"(?i)\b(bearer\s+)[-\w.~+/]{8,}=*")
_MASK: Final = "[hidden]"


class _Secrets:
    """The strings that must appear in no line, the longest first, so that none is uncovered by masking a part of it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, float] = {}
        self._longest_first: tuple[str, ...] = ()

    def add(self, secret: str, seconds: float) -> None:
        if len(secret) < _MIN_SECRET_CHARS:
            return
        forms = {secret, quote(secret, safe=""), base64.b64encode(secret.encode()).decode()}
        now = time.monotonic()
        with self._lock:
            self._known = {form: end for form, end in self._known.items() if end > now}
            self._known |= dict.fromkeys(forms, now + seconds)
            for oldest in list(self._known)[:-_MAX_FORMS]:
                del self._known[oldest]
            self._longest_first = tuple(sorted(self._known, key=len, reverse=True))

    def mask(self, text: str) -> str:
        for secret in self._longest_first:
            if secret in text:
                text = text.replace(secret, _MASK)
        text = _QUERY.sub("?" + _MASK, text)
        return _BEARER.sub(r"\1" + _MASK, _NAMED.sub(r"\1" + _MASK, text))


class _Outlet(logging.Handler):
    """Renders in the caller's thread, writes in its own; a full queue drops the line and counts it."""

    def __init__(self, file_descriptor: int) -> None:
        super().__init__()
        self.dropped = 0
        self._file_descriptor = file_descriptor
        self._lines: queue.Queue[bytes] = queue.Queue(_QUEUE_LINES)
        threading.Thread(target=self._write_all, name="log-writer", daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._lines.put_nowait(self._render(record))
        except queue.Full:
            self.dropped += 1

    def _render(self, record: logging.LogRecord) -> bytes:
        try:
            line = self.format(record)
        except Exception:  # noqa: BLE001 -- a line that cannot be rendered must not stop what it tells of, nor go unmasked
            line = f'{{"event": "a log line could not be rendered", "at": "{record.name}:{record.lineno}"}}'
        return f"{line}\n".encode("utf-8", "backslashreplace")

    def drain(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while self._lines.unfinished_tasks and time.monotonic() < until:
            time.sleep(0.005)

    def _write_all(self) -> None:
        # os.write and not sys.stdout: a stream's lock held by a blocked write would hang the interpreter's exit.
        while True:
            line = self._lines.get()
            while line:
                try:
                    line = line[os.write(self._file_descriptor, line) :]
                except BlockingIOError:  # somebody made the pipe non-blocking
                    time.sleep(0.05)
                except OSError:  # the reader is gone
                    self.dropped += 1
                    line = b""
            self._lines.task_done()


_secrets: Final = _Secrets()
_outlets: Final[list[_Outlet]] = []


def hide(secret: str, *, seconds: float = float("inf")) -> None:
    """Mask this string, also when percent- or base64-encoded, in every line from now on.

    With `seconds`, for so long: a temporary key is worth nothing after its end.
    """
    _secrets.add(secret, seconds)


def dropped_lines() -> int:
    """How many lines were lost because nobody read them in time."""
    return sum(outlet.dropped for outlet in _outlets)


def flush(*, seconds: float) -> None:
    """Wait until all lines are written, but not longer than this: before an exit that runs no clean-up."""
    for outlet in _outlets:
        outlet.drain(seconds)


def tame(*names: str) -> None:
    """Have these loggers, and those below them, write through ours and only what matters.

    darabonba-core, alibabacloud-tea and alibabacloud-credentials attach a StreamHandler of their own when they are
    imported, which would go around the masking: call this again after each such import.
    """
    prefixes = tuple(f"{name}." for name in names)
    for name in list(logging.root.manager.loggerDict):
        if name in names or name.startswith(prefixes):
            logger = logging.getLogger(name)
            logger.handlers.clear()
            logger.propagate = True
            logger.setLevel(logging.NOTSET)
    for name in names:
        logging.getLogger(name).setLevel(logging.WARNING)


def configure(*, level: str, style: str, file_descriptor: int = 1) -> None:
    """Send all logging of the process to the file descriptor.

    `level` is debug, info, warning or error; `style` is json, plain or auto (plain on a terminal). A second call replaces
    the first. Uncaught exceptions of threads and of the main one become lines too, as their texts may hold secrets.
    """
    terminal = os.isatty(file_descriptor)
    plain = style == "plain" or (style == "auto" and terminal)
    first = _first_processors()
    last: list[structlog.typing.Processor] = [
        structlog.processors.format_exc_info,
        _clean,
        structlog.dev.ConsoleRenderer(colors=terminal) if plain else structlog.processors.JSONRenderer(),
    ]
    outlet = _Outlet(file_descriptor)
    outlet.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=first,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *first, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    logging.root.handlers[:] = [outlet]
    logging.root.setLevel(level.upper())
    _outlets[:] = [outlet]
    logging.captureWarnings(True)  # noqa: FBT003 -- the standard library's signature
    tame(*NOISY)
    sys.excepthook = _uncaught
    threading.excepthook = lambda args: _uncaught(args.exc_type, args.exc_value, args.exc_traceback)


def _first_processors() -> list[structlog.typing.Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _uncaught(kind: type[BaseException], error: BaseException | None, trace: Any) -> None:  # noqa: ANN401 -- a hook's own type
    if issubclass(kind, KeyboardInterrupt):
        return
    logging.getLogger("imageferry").critical("uncaught exception", exc_info=(kind, error or kind(), trace))
    flush(seconds=_LAST_WORDS_SECONDS)  # nothing may come after this


def _clean(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    trace = event.pop("exception", None)
    cleaned = {key: _clean_named(key, value, 0) for key, value in event.items()}
    if trace is not None:
        # The lines of a traceback stay lines, indented, so that none of them passes for one of the log.
        cleaned["exception"] = "\n    ".join(
            _clean_text(line) for line in _secrets.mask(trace)[-_MAX_TRACE_CHARS:].splitlines()
        )
    return cleaned


def _clean_named(key: str, value: object, depth: int) -> object:
    return _MASK if _SENSITIVE_NAME.search(key) else _clean_value(value, depth)


def _clean_value(value: object, depth: int) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping) and depth < _MAX_DEPTH:
        return {_clean_text(str(key)): _clean_named(str(key), each, depth + 1) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset) and depth < _MAX_DEPTH:
        return [_clean_value(each, depth + 1) for each in value]
    return _clean_text(value if isinstance(value, str) else repr(value))


def _clean_text(text: str) -> str:
    # Masked before it is cut, or half a secret might remain at the end.
    text = _secrets.mask(text)
    if len(text) > _MAX_VALUE_CHARS:
        text = f"{text[:_MAX_VALUE_CHARS]}... ({len(text)} characters)"
    return _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)

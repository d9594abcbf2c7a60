"""Log lines are one line each, carry no secret, and wait for nobody."""

import base64
import fcntl
import json
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest
import structlog

from imageferry import logs

CANARY = "c4n4ry+S3cr3t/Value=="


class Sink:
    """A pipe that the log is written to, and what came out of it."""

    def __init__(self, style: str, level: str = "debug") -> None:
        self._reader, self._writer = os.pipe()
        fcntl.fcntl(self._reader, fcntl.F_SETPIPE_SZ, 1 << 20)
        logs.configure(level=level, style=style, file_descriptor=self._writer)

    def text(self) -> str:
        """Everything written so far."""
        logs.flush(seconds=10)
        os.set_blocking(self._reader, False)
        try:
            return os.read(self._reader, 1 << 20).decode()
        except BlockingIOError:
            return ""

    def lines(self) -> list[dict[str, Any]]:
        """The same, one dict per JSON line."""
        return [json.loads(line) for line in self.text().splitlines()]

    def close(self) -> None:
        """Let go of the reading end first: what is left to write ends there."""
        os.close(self._reader)
        logs.flush(seconds=10)
        os.close(self._writer)


@pytest.fixture
def sink() -> Iterator[Callable[..., Sink]]:
    """Opens the log onto a pipe, and puts the process's logging back afterwards."""
    root, before = logging.root, (list(logging.root.handlers), logging.root.level, sys.excepthook, threading.excepthook)
    opened: list[Sink] = []

    def make(style: str = "json", level: str = "debug") -> Sink:
        opened.append(Sink(style, level))
        return opened[-1]

    yield make
    for each in opened:
        each.close()
    root.handlers[:], sys.excepthook, threading.excepthook = before[0], before[2], before[3]
    root.setLevel(before[1])
    logging.captureWarnings(False)  # noqa: FBT003 -- the standard library's signature
    structlog.reset_defaults()


def test_structlog_and_the_standard_library_write_alike(sink: Callable[..., Sink]) -> None:
    """An SDK's line and ours have the same keys."""
    out = sink()
    structlog.stdlib.get_logger("imageferry.engine").info("claimed", uid="u1", number=3)
    logging.getLogger("somebody.else").warning("waited %d times", 2)
    ours, theirs = out.lines()
    assert (ours["event"], ours["uid"], ours["number"]) == ("claimed", "u1", 3)
    assert (ours["level"], ours["logger"]) == ("info", "imageferry.engine")
    assert (theirs["event"], theirs["level"], theirs["logger"]) == ("waited 2 times", "warning", "somebody.else")
    assert ours["timestamp"].endswith("Z")


@pytest.mark.parametrize("style", ["json", "plain"])
@pytest.mark.parametrize(
    "form",
    [
        pytest.param(CANARY, id="as it is"),
        pytest.param(quote(CANARY, safe=""), id="percent-encoded"),
        pytest.param(base64.b64encode(CANARY.encode()).decode(), id="in base64, as in a Secret"),
    ],
)
def test_a_hidden_string_appears_nowhere(sink: Callable[..., Sink], style: str, form: str) -> None:
    """Message, argument, value, key, nested value, repr of an object and traceback: each is masked."""
    out = sink(style)
    logs.hide(CANARY)
    log = structlog.stdlib.get_logger("imageferry")
    message = f"key {form}"
    log.info(message, value=form, nested={"deep": [form, {form: form}]}, thing=ValueError(form))
    logging.getLogger("sdk").error("denied %s", form)
    log.error("failed", exc_info=RuntimeError(f"bad key {form}"))
    told = out.text()
    assert form not in told
    assert CANARY not in told
    assert told.count("[hidden]") >= 8


@pytest.mark.parametrize(
    ("text", "leak"),
    [
        pytest.param("GET https://b.oss/k?x-oss-signature=abc123&x=y now", "abc123", id="a signed URL"),
        pytest.param("exceeded with url: /?Signature=abc123 (Caused by", "abc123", id="a signed path without a host"),
        pytest.param("Authorization: Bearer abc123.def", "abc123", id="a bearer header"),
        pytest.param("sent bearer abc123def456", "abc123", id="a bearer in prose"),
        pytest.param(
            "{'Authorization': 'ACS3-HMAC Credential=abc123,Signature=ffee'}", "abc123", id="a dict of headers"
        ),
        pytest.param('{"SecurityToken": "abc123"}', "abc123", id="a JSON body"),
        pytest.param("AccessKeySecret=abc123&x=1", "abc123", id="a form"),
        pytest.param("security_token: abc123", "abc123", id="a YAML line"),
    ],
)
def test_what_looks_like_a_credential_is_masked_unasked(sink: Callable[..., Sink], text: str, leak: str) -> None:
    """Nobody had to register it."""
    out = sink()
    logging.getLogger("sdk").warning("%s", text)
    (line,) = out.lines()
    assert leak not in line["event"]
    assert "[hidden]" in line["event"]


def test_values_with_telling_names_are_masked(sink: Callable[..., Sink]) -> None:
    """A field called authorization shows that it was there and nothing more; other names stay."""
    out = sink()
    structlog.stdlib.get_logger("x").info("e", headers={"X-Acs-Security-Token": "abc123"}, token_count=3, client="c")
    (line,) = out.lines()
    assert line["headers"] == {"X-Acs-Security-Token": "[hidden]"}
    assert (line["token_count"], line["client"]) == (3, "c")


@pytest.mark.parametrize("style", ["json", "plain"])
@pytest.mark.parametrize(
    "evil",
    [
        pytest.param("a\nlevel=error event=forged", id="a newline"),
        pytest.param("a\r\nforged", id="a carriage return"),
        pytest.param("\x1b[2J\x1b[31mred", id="an ANSI sequence"),
        pytest.param("a\u202egnp.exe", id="a right-to-left mark"),
        pytest.param("a\u2028forged", id="a Unicode line separator"),
        pytest.param("%s %d %(x)s", id="a format"),
    ],
)
def test_a_users_text_stays_within_its_line(sink: Callable[..., Sink], style: str, evil: str) -> None:
    """Whatever a name or message holds: one event, one line, no control characters."""
    out = sink(style)
    structlog.stdlib.get_logger("x").info("seen", name=evil)
    logging.getLogger("y").warning("seen %s", evil)
    told = out.text()
    assert len(told.splitlines()) == told.count("\n") == 2
    assert not any(mark in told for mark in "\x1b\r\u202e\u2028")


def test_a_traceback_on_a_terminal_stays_indented(sink: Callable[..., Sink]) -> None:
    """An exception's text cannot pass for a line of the log."""
    out = sink("plain")
    forgery = RuntimeError("oops\n2026-01-01T00:00:00Z [info] forged")
    structlog.stdlib.get_logger("x").error("failed", exc_info=forgery)
    first, _, *rest = out.text().splitlines()
    assert "failed" in first
    assert [line for line in rest if not line.startswith("    ")] == []
    assert any("forged" in line for line in rest)


def test_a_huge_value_is_cut(sink: Callable[..., Sink]) -> None:
    """A megabyte in a message costs some kilobytes in the log, and the secret at the cut is not half shown."""
    out = sink()
    logs.hide(CANARY)
    structlog.stdlib.get_logger("x").info("big", value="x" * (4096 - len("[hidden]")) + CANARY + "y" * (1 << 20))
    (line,) = out.lines()
    assert len(line["value"]) < 5000
    assert "c4n4ry" not in line["value"]
    assert line["value"].endswith("characters)")


def test_a_line_that_cannot_be_rendered_does_not_break_its_caller(sink: Callable[..., Sink]) -> None:
    """A logging mistake costs the line's text, not the work, and shows no arguments."""
    out = sink()
    logging.getLogger("x").warning("%d items", "abc123")
    (line,) = out.lines()
    assert line["event"] == "a log line could not be rendered"
    assert "abc123" not in json.dumps(line)


def test_noisy_loggers_are_quiet_and_bring_no_handlers(sink: Callable[..., Sink]) -> None:
    """An SDK that attaches its own handler at import is tamed by the call after it."""
    out = sink()
    for name in ("Tea.core", "darabonba", "alibabacloud_credentials.provider.refreshable"):
        noisy = logging.getLogger(name)
        noisy.addHandler(logging.StreamHandler())
        noisy.setLevel(logging.DEBUG)
    logs.tame(*logs.NOISY)
    for name in ("Tea.core", "darabonba", "alibabacloud_credentials.provider.refreshable", "kopf.objects", "urllib3"):
        logging.getLogger(name).info("header: %s", name)
        assert logging.getLogger(name).handlers == []
    logging.getLogger("Tea.core").warning("kept")
    assert [line["event"] for line in out.lines()] == ["kept"]


def test_lines_below_the_level_are_not_written(sink: Callable[..., Sink]) -> None:
    """Level info writes info and no debug."""
    out = sink(level="info")
    structlog.stdlib.get_logger("x").debug("no")
    structlog.stdlib.get_logger("x").info("yes")
    assert [line["event"] for line in out.lines()] == ["yes"]


def test_a_thread_that_dies_says_so_in_the_log(sink: Callable[..., Sink]) -> None:
    """An uncaught exception is a masked line like any other."""
    out = sink()
    logs.hide(CANARY)

    def die() -> None:
        raise RuntimeError(CANARY)

    thread = threading.Thread(target=die)
    thread.start()
    thread.join()
    (line,) = out.lines()
    assert (line["event"], line["level"]) == ("uncaught exception", "critical")
    assert CANARY not in line["exception"]


def test_a_reader_that_stopped_reading_delays_nobody(sink: Callable[..., Sink]) -> None:
    """While nobody reads stdout every call returns all the same; lines beyond the queue are dropped and counted."""
    sink()
    log = logging.getLogger("x")
    for number in range(15_000):
        log.info("line %d %s", number, "x" * 300)
    assert logs.dropped_lines() > 0

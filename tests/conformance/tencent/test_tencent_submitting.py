"""A submission to Tencent Cloud is one request, signed near its claim, and only proof closes it. Each trap of the SDKs has its test."""

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from imageferry.clouds.faults import Unreadable
from imageferry.clouds.tencent import transport
from imageferry.clouds.tencent.exceptions import SecondRequestError, fault
from imageferry.core.errors import Deferred, Failure, Throttled, Transient, Unconfirmed, Unsent
from imageferry.core.job import Job, Kind
from imageferry.core.reasons import Reason
from imageferry.core.resolved import Resolved
from tests.conformance.clouds import TIMINGS
from tests.conformance.tencent.world import REGION, Verbs, World, claimed, verbs

BOTH = [Kind.EXPORT, Kind.IMPORT]
ACTIONS = {Kind.EXPORT: "ExportImages", Kind.IMPORT: "ImportImage"}
DISK = bytes(510) + b"\x55\xaa" + bytes((1 << 20) - 512)


@pytest.fixture(params=BOTH)
def way(request: pytest.FixtureRequest, exports: Verbs, imports: Verbs) -> Verbs:
    """Each direction."""
    exports.world.put("disk.raw", DISK)
    return exports if request.param is Kind.EXPORT else imports


async def wish(way: Verbs) -> tuple[Job, Resolved, str]:
    """A wish of its own, what it means, and what is sent for it."""
    kind = Kind.EXPORT if way.provider.__class__.__name__ == "Exports" else Kind.IMPORT
    job, resolved = await (way.export() if kind is Kind.EXPORT else way.importing())
    return job, resolved, ACTIONS[kind]


async def submitted(way: Verbs, **changes: Any) -> tuple[Failure, int, int]:  # noqa: ANN401 -- options of a fault
    """The failure of a submission that a fault strikes, and how many requests arrived and were accepted."""
    job, resolved, action = await wish(way)
    way.world.script(action=action, **changes)
    sent, accepted = len(way.world.sent(action)), len(way.world.accepted(action))
    with pytest.raises(Failure) as failed:
        await way.provider.submit(job, claimed(job), resolved, repeat=0)
    return failed.value, len(way.world.sent(action)) - sent, len(way.world.accepted(action)) - accepted


UNCLEAR = {
    "the answer is lost": ("answerLost", 1),
    "the answer is cut": ("cutBody", 1),
    "a 500 although it was accepted": ("error500Accepted", 1),
    "a 500 and nothing was accepted": ("error500NotAccepted", 0),
    "the connection closes before": ("dropBeforeAccept", 0),
    "a page in place of an answer": ("htmlBody", 0),
    "a code that no document names": ("unknownCode", 0),
}


@pytest.mark.parametrize(("fault", "accepted"), UNCLEAR.values(), ids=UNCLEAR)
async def test_an_unclear_answer_is_unconfirmed_and_sent_once(way: Verbs, fault: str, accepted: int) -> None:
    """Whatever is not proof leaves the claim open; nothing is sent again."""
    failure, sent, taken = await submitted(way, fault=fault)
    assert isinstance(failure, Unconfirmed)
    assert failure.reason is Reason.SUBMISSION_UNKNOWN
    assert (sent, taken) == (1, accepted)


async def test_a_success_that_names_nothing_is_unconfirmed(way: Verbs) -> None:
    """Without TaskId or ImageId an answer may be an error that the SDK has not seen."""
    job, resolved, action = await wish(way)
    way.world.script("successWithoutTaskID" if action == "ExportImages" else "successWithoutImageID", action)
    with pytest.raises(Unconfirmed):
        await way.provider.submit(job, claimed(job), resolved, repeat=0)


async def test_an_error_under_a_charset_is_an_error(exports: Verbs) -> None:
    """The SDK takes an error for a success unless the content type is bare; the refusal is understood all the same."""
    job, resolved = await exports.export()
    exports.world.settings(cvmExportTasks=0)
    exports.world.script("contentType")
    with pytest.raises(Deferred) as deferred:
        await exports.provider.submit(job, claimed(job), resolved, repeat=0)
    assert deferred.value.code == "LimitExceeded.ExportImageTaskLimitExceeded"


async def test_a_success_under_a_charset_is_a_success(exports: Verbs) -> None:
    """The content type alone makes no failure."""
    job, resolved = await exports.export()
    exports.world.script("contentType")
    assert (await exports.provider.submit(job, claimed(job), resolved, repeat=0)).id


async def test_a_throttled_submission_is_sent_once(way: Verbs) -> None:
    """The SDK's own retryer would go on sending after a success: none is used."""
    failure, sent, accepted = await submitted(way, fault="throttle")
    assert isinstance(failure, Throttled)
    assert (sent, accepted) == (1, 0)


async def test_a_request_that_would_be_signed_long_after_its_claim_is_not_sent(way: Verbs) -> None:
    """The SDK signs with the time of sending: a process that was held up would make a claim live on."""
    job, resolved, action = await wish(way)
    before = len(way.world.sent(action))
    with pytest.raises(Unsent):
        await way.provider.submit(job, claimed(job, ago=timedelta(seconds=62)), resolved, repeat=0)
    assert len(way.world.sent(action)) == before
    await way.provider.submit(job, claimed(job, ago=timedelta(seconds=50)), resolved, repeat=0)
    assert len(way.world.sent(action)) == before + 1


async def test_a_cloud_whose_clock_is_far_off_takes_nothing(way: Verbs) -> None:
    """Five minutes are the life of a signature; the refusal proves that nothing started."""
    job, resolved, _ = await wish(way)
    way.world.settings(clockOffsetSeconds=400)
    with pytest.raises(Transient) as failed:
        await way.provider.submit(job, claimed(job), resolved, repeat=0)
    assert failed.value.reason is Reason.CLOCK_SKEW


NOWHERE = {"nobody listens": "http://127.0.0.1:9", "the name does not resolve": "http://nowhere.invalid"}


@pytest.mark.parametrize("endpoint", NOWHERE.values(), ids=NOWHERE)
async def test_what_never_left_is_unsent(world: World, exports: Verbs, endpoint: str) -> None:
    """The SDK keeps nothing of the cause but a text; the chain of contexts tells."""
    job, resolved = await exports.export()
    away = world.connection(endpoint=endpoint)
    with pytest.raises(Unsent):
        await verbs(world, Kind.EXPORT, away).provider.submit(job, claimed(job), resolved, repeat=0)
    with pytest.raises(Transient) as failed:
        await away.owner()
    assert failed.value.reason is Reason.CLOUD_UNAVAILABLE
    await away.aclose()


async def test_a_connection_that_does_not_come_about_is_unsent(
    world: World, exports: Verbs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host that drops what is sent to it: the time for connecting ends before the call's."""
    monkeypatch.setattr("imageferry.clouds.tencent.transport.CONNECT_SECONDS", 0.2)
    job, resolved = await exports.export()
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.settimeout(0)
            each.connect_ex(full.getsockname())
        away = world.connection(endpoint=f"http://127.0.0.1:{full.getsockname()[1]}")
        with pytest.raises(Unsent):
            await verbs(world, Kind.EXPORT, away).provider.submit(job, claimed(job), resolved, repeat=0)
        await away.aclose()
        for each in waiting:
            each.close()


async def test_an_answer_that_takes_too_long_is_unconfirmed(world: World, way: Verbs) -> None:
    """The request has left; when its time is over nobody knows what it does."""
    job, resolved, action = await wish(way)
    hasty = world.connection(timings=replace(TIMINGS, submit_deadline_seconds=0.5))
    world.script("delay", action, seconds=1.5)
    with pytest.raises(Unconfirmed):
        await hasty.provider(job.kind, REGION).submit(job, claimed(job), resolved, repeat=0)
    await hasty.aclose()


async def test_what_waits_in_the_queue_of_the_pool_is_unsent(world: World, exports: Verbs) -> None:
    """All threads are taken: the call never began, and nothing of it will happen."""
    job, resolved = await exports.export()
    gate = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(gate.wait)
        crowded = replace(world, pool=pool).connection(timings=replace(TIMINGS, submit_deadline_seconds=0.2))
        with pytest.raises(Unsent):
            await crowded.provider(Kind.EXPORT, REGION).submit(job, claimed(job), resolved, repeat=0)
        gate.set()
    await crowded.aclose()


@contextmanager
def answering(status: int, headers: dict[str, str], body: bytes = b"") -> Iterator[tuple[str, list[str]]]:
    """A server that answers everything alike: its address, and the actions or paths that were asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked.append(self.headers.get("X-TC-Action") or self.path)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def do_GET(self) -> None:
            self.do_POST()

        def do_HEAD(self) -> None:
            self.do_POST()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("status", [302, 307])
async def test_a_redirect_is_not_followed(world: World, exports: Verbs, status: int) -> None:
    """Following it would be a second submission."""
    job, resolved = await exports.export()
    with answering(status, {"Location": world.emulator.endpoint}) as (endpoint, asked):
        away = world.connection(endpoint=endpoint)
        with pytest.raises(Unconfirmed):
            await away.provider(Kind.EXPORT, REGION).submit(job, claimed(job), resolved, repeat=0)
        await away.aclose()
    assert asked == ["ExportImages"]


def test_a_call_sends_one_request_and_a_second_is_no_proof_that_none_was_sent() -> None:
    """Whatever an SDK may come to do: what has left has left."""
    wire = transport.Wire()
    with answering(200, {}) as (endpoint, asked):
        with wire.call(5.0):
            wire.get(f"{endpoint}/once")
            with pytest.raises(SecondRequestError) as second:
                wire.get(f"{endpoint}/twice")
        wire.close()
    assert asked == ["/once"]
    assert fault(second.value) == Unreadable()


UNREADABLE = {
    "not JSON": (200, b"oops"),
    "no Response": (200, b"{}"),
    "a list": (200, b"[]"),
    "an answer of another shape": (200, b'{"Response": []}'),
    "a gateway's page": (502, b"<html>bad gateway</html>"),
}


@pytest.mark.parametrize(("status", "body"), UNREADABLE.values(), ids=UNREADABLE)
async def test_an_unreadable_answer_proves_nothing(world: World, exports: Verbs, status: int, body: bytes) -> None:
    """A read is worth another try, and a submission stays open."""
    job, resolved = await exports.export()
    with answering(status, {"Content-Type": "application/json"}, body) as (endpoint, _):
        away = world.connection(endpoint=endpoint)
        with pytest.raises(Unconfirmed):
            await away.provider(Kind.EXPORT, REGION).submit(job, claimed(job), resolved, repeat=0)
        with pytest.raises(Transient):
            await away.owner()
        await away.aclose()


NO_LISTING = {
    "any XML": (200, b"<Nothing><Of/></Nothing>"),
    "a redirect": (301, b"<ListBucketResult><Name>b</Name><IsTruncated>false</IsTruncated></ListBucketResult>"),
}


@pytest.mark.parametrize(("status", "body"), NO_LISTING.values(), ids=NO_LISTING)
async def test_a_listing_that_is_none_is_no_empty_bucket(
    world: World, exports: Verbs, status: int, body: bytes
) -> None:
    """COS's SDK takes redirects for successes, and any XML for a listing: an empty one would hide our files."""
    job, resolved = await exports.export()
    task = await exports.provider.submit(job, claimed(job), resolved, repeat=0)
    with answering(status, {"Content-Type": "application/xml"}, body) as (endpoint, _):
        away = world.connection(endpoint=endpoint)
        with pytest.raises(Transient):
            await away.provider(Kind.EXPORT, REGION).collect(resolved, task)
        await away.aclose()


async def test_no_failure_shows_a_secret_or_an_address(world: World, way: Verbs) -> None:
    """Messages are stable and hold nothing that must not be seen."""
    failure, _, _ = await submitted(way, fault="htmlBody")
    job, resolved, _ = await wish(way)
    away = world.connection(endpoint="http://127.0.0.1:9")
    with pytest.raises(Unsent) as unsent:
        await away.provider(job.kind, REGION).submit(job, claimed(job), resolved, repeat=0)
    await away.aclose()
    words = f"{failure} {unsent.value}"
    assert [each for each in ("AKID", world.keys.secret, "q-sign", "://", "Signature=") if each in words] == []

"""What the client makes of answers that a healthy API server does not give, over real HTTP from a scripted server."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import web

from imageferry.kube import errors
from imageferry.kube.objects import IMAGE_EXPORTS, KubeClient
from imageferry.kube.session import NoAccess, open_session
from imageferry.settings import Settings

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]

KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: here
contexts: [{{name: here, context: {{cluster: c, user: u}}}}]
clusters: [{{name: c, cluster: {{server: "{server}"{cluster}}}}}]
users: [{{name: u, user: {{{user}}}}}]
"""


class Scripted:
    """A server that answers as told and remembers what it was asked."""

    def __init__(self) -> None:
        self.answer: Answer = self.lists_nothing
        self.seen: list[tuple[str, str, str | None]] = []

    async def lists_nothing(self, _: web.Request) -> web.StreamResponse:
        """The healthy answer."""
        return web.json_response({"kind": "List", "metadata": {"resourceVersion": "1"}, "items": []})

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Remember and answer."""
        self.seen.append((request.method, request.path, request.headers.get("Authorization")))
        return await self.answer(request)

    def says(self, status: int, text: str, **headers: str) -> None:
        """Answer with this from now on."""

        async def answer(_: web.Request) -> web.StreamResponse:
            return web.Response(status=status, text=text, headers=headers)

        self.answer = answer


@pytest.fixture
def scripted() -> Scripted:
    """A healthy server at first."""
    return Scripted()


@pytest.fixture
async def server(scripted: Scripted) -> AsyncIterator[str]:
    """Its URL."""
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", scripted.handle)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.fixture
async def client(server: str, tmp_path: Path) -> AsyncIterator[KubeClient]:
    """A client with the token t0k3n."""
    path = tmp_path / "kubeconfig"
    path.write_text(KUBECONFIG.format(server=server, cluster="", user="token: t0k3n"))
    async with await open_session(Settings(kubeconfig=str(path))) as session:
        yield KubeClient(session, request_seconds=5)


async def write(client: KubeClient) -> None:
    """A guarded write."""
    await client.patch_status(IMAGE_EXPORTS, "ns", "a", uid="u", resource_version="1", status={})


async def test_the_token_goes_with_every_request(client: KubeClient, scripted: Scripted) -> None:
    """As a bearer token."""
    assert [list(page.objects) async for page in client.pages(IMAGE_EXPORTS)] == [[]]
    assert scripted.seen == [("GET", "/apis/imageferry.dev/v1alpha1/imageexports", "Bearer t0k3n")]


async def test_a_redirect_is_not_followed(client: KubeClient, scripted: Scripted) -> None:
    """The token is for the API server alone."""
    scripted.says(302, "elsewhere", Location="http://127.0.0.1:1/elsewhere")
    with pytest.raises(errors.Unavailable):
        await client.get(IMAGE_EXPORTS, "ns", "a")
    assert len(scripted.seen) == 1


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        pytest.param({"Retry-After": "7"}, 7, id="as long as asked"),
        pytest.param({}, 1, id="a second if nothing is asked"),
        pytest.param({"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, 1, id="a second if it is a date"),
    ],
)
async def test_a_plea_for_patience_says_for_how_long(
    client: KubeClient, scripted: Scripted, headers: dict[str, str], seconds: float
) -> None:
    """Priority and fairness answers in plain text."""
    scripted.says(429, "Too many requests, please try again later.", **headers)
    with pytest.raises(errors.TooManyRequests) as failure:
        await write(client)
    assert failure.value.retry_after_seconds == seconds


@pytest.mark.parametrize(
    ("status", "text"),
    [
        pytest.param(503, '{"kind": "Status", "message": "etcd"}', id="the server's own 503"),
        pytest.param(502, "<html>bad gateway</html>", id="a balancer's page"),
        pytest.param(404, "404 page not found", id="a page that tells of no object"),
        pytest.param(200, "<html>welcome</html>", id="a portal"),
        pytest.param(200, '{"kind": "Ima', id="a body cut short"),
        pytest.param(410, '{"kind": "Status", "reason": "Expired"}', id="a list that is forgotten"),
    ],
)
async def test_an_answer_that_says_nothing_leaves_a_write_open(
    client: KubeClient, scripted: Scripted, status: int, text: str
) -> None:
    """A write may have been applied; a read surely changed nothing."""
    scripted.says(status, text)
    with pytest.raises(errors.Unavailable) as failure:
        await write(client)
    assert failure.value.maybe_applied
    with pytest.raises(errors.Unavailable) as failure:
        await client.get(IMAGE_EXPORTS, "ns", "a")
    assert not failure.value.maybe_applied


async def test_a_connection_cut_after_the_request_leaves_a_write_open(client: KubeClient, scripted: Scripted) -> None:
    """The request arrived once and its answer did not: it is not sent again by the client."""

    async def cut(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    scripted.answer = cut
    with pytest.raises(errors.Unavailable) as failure:
        await write(client)
    assert failure.value.maybe_applied
    assert len(scripted.seen) == 1


@pytest.mark.parametrize(
    ("cluster", "user", "word"),
    [
        pytest.param(", insecure-skip-tls-verify: true", "token: t", "insecure-skip-tls-verify", id="no verification"),
        pytest.param("", "exec: {command: aws}", "exec", id="a program to run"),
        pytest.param(', proxy-url: "http://p"', "token: t", "proxy-url", id="a proxy"),
        pytest.param("", "client-certificate: missing.pem", "missing.pem", id="a file that is not there"),
    ],
)
async def test_a_kubeconfig_that_asks_for_more_is_refused_by_name(
    tmp_path: Path, cluster: str, user: str, word: str
) -> None:
    """Nothing is ignored silently."""
    path = tmp_path / "kubeconfig"
    path.write_text(KUBECONFIG.format(server="https://127.0.0.1:1", cluster=cluster, user=user))
    with pytest.raises(NoAccess, match=word):
        await open_session(Settings(kubeconfig=str(path)))


async def test_outside_a_cluster_without_a_kubeconfig_the_way_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names what to set."""
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(NoAccess, match="KUBECONFIG"):
        await open_session(Settings())

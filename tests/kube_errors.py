"""What the API server says when it has trouble of its own."""

from aiohttp import web

from tests.tap import Request


def unavailable(_: Request) -> web.Response:
    """A Status object as the API server answers it with HTTP 500."""
    status = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": "etcdserver: request timed out",
        "reason": "InternalError",
        "code": 500,
    }
    return web.json_response(status, status=500)

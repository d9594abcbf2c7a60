"""What Alibaba Cloud says when it has trouble of its own: JSON from the compute service, XML from the object store."""

from aiohttp import web

from tests.tap import Request

_OSS = "<?xml version='1.0' encoding='UTF-8'?><Error><Code>InternalError</Code><Message>try again</Message></Error>"


def internal_error(request: Request) -> web.Response:
    """HTTP 500 InternalError in the form of the service asked."""
    if any(name.lower() == "x-acs-action" for name in request.headers):
        body = {"RequestId": "00000000-0000-0000-0000-000000000000", "Code": "InternalError", "Message": "try again"}
        return web.json_response(body, status=500)
    return web.Response(status=500, text=_OSS, content_type="application/xml")

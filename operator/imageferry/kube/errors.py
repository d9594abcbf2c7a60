"""How a request to the API server can fail, told apart by what the caller may do next. No retry is decided here."""


class KubeFailure(Exception):  # noqa: N818 -- as in core.errors: each kind below names what happened
    """A request to the API server did not do what it was asked to; the message is the server's own, shortened."""


class NotFound(KubeFailure):
    """There is no such object, namespace or kind (any more)."""


class Conflict(KubeFailure):
    """The object is not the one, or not the version, that the write was made for. Nothing was written: read again."""


class Invalid(KubeFailure):
    """The schema or a rule of the kind refuses what was written. Sending it again cannot help."""


class Forbidden(KubeFailure):
    """The operator lacks the right, or the namespace is going away. Nothing was written."""


class Unauthorized(KubeFailure):
    """The server does not know the token, not even one read again from its file. Nothing was written."""


class TooManyRequests(KubeFailure):
    """The server asks for patience. Nothing was written."""

    def __init__(self, message: str, *, retry_after_seconds: float) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class Unavailable(KubeFailure):
    """No answer, or one that says nothing: network, deadline, 5xx, an unreadable body.

    `maybe_applied` says that the request was a write and may have been carried out: only a read can tell.
    """

    def __init__(self, message: str, *, maybe_applied: bool) -> None:
        super().__init__(message)
        self.maybe_applied = maybe_applied

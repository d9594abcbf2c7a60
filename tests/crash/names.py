"""Requests by stable names: what is asked of whom, where in the job's life, and for the how-many-th time.

A name must be the same in every run of a life cycle, whatever the clock does. What the journal drives (its own writes and the
cloud calls for it) is named by the part of the life it falls into; what runs beside it (Lease, events, accounts) is not.
"""

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

from imageferry.core.account import ACCOUNT_FINALIZER
from imageferry.core.job import TASK_FINALIZER
from tests.crash.directions import ALL
from tests.tap import Request

MOST: Final = 2
"""What repeats itself is struck the first and the second time: a poll does nothing the third time that it did not before."""

_API: Final = re.compile(r"/apis?/(?:[\w.]+/)?v\w+/(?:namespaces/(?P<namespace>[^/]+)/)?(?P<plural>[^/]+)(?:/(?P<name>[^/]+))?(?:/(?P<sub>[^/]+))?$")  # fmt: skip
_JOBS: Final = frozenset(direction.plural for direction in ALL)
_OSS_RESOURCES: Final = ("bucketInfo", "location", "acl")


@dataclass(frozen=True, slots=True)
class Point:
    """A place in a run: the `number`-th request of that name. `mutates`: what it asks for changes something.

    `road` is all that had moved the job on before; it is empty for what runs beside the job.
    """

    name: str
    number: int
    mutates: bool
    watches: bool
    road: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.name}#{self.number}"


class Scribe:
    """Names the requests of one run, in their order."""

    def __init__(self) -> None:
        self._road: tuple[str, ...] = ("new",)
        self._key, self._task = "", False
        self._counts: Counter[str] = Counter()

    def api(self, request: Request) -> Point:
        """The name of a request to the API server."""
        match = _API.match(request.path)
        if match is None:
            return self._count(f"{request.method.lower()}{request.path}", request)
        match request.method, match["plural"]:
            case "GET", plural:
                return self._count(self._read(request, plural, match["name"]), request)
            case "POST", "events":
                return self._count(f"event/{request.body['reason']}", request)
            case "PUT" | "POST", "leases":
                kind = "renew" if request.method == "PUT" else "create"
                return self._count(f"lease/{kind}", request)
            case "PATCH", "cloudaccounts":
                return self._count(_of_account(request), request)
            case "PATCH", plural if plural in _JOBS:
                return self._step(
                    f"status/{self._of_status(request)}" if match["sub"] else _finalizer(request), request
                )
            case method, plural:
                return self._count(f"{method.lower()}/{plural}", request)

    def cloud(self, request: Request) -> Point:
        """The name of a request to the cloud."""
        action = next((value for name, value in request.headers.items() if name.lower() == "x-acs-action"), "")
        if action:
            mutates = not action.startswith(("Describe", "Get", "List"))
            return self._step(f"ecs/{action}", request) if mutates else self._at(f"ecs/{action}", request)
        kind = "Object" if request.path.strip("/").count("/") else "Bucket"
        resource = next((name for name in _OSS_RESOURCES if name in request.query), "")
        name = f"oss/{request.method.capitalize()}{kind}{resource.capitalize()}"
        return self._at(name, request) if request.method in ("GET", "HEAD") else self._step(name, request)

    def _read(self, request: Request, plural: str, name: str | None) -> str:
        if request.watches:
            return f"watch/{plural}"
        return f"get/{plural}" if name else f"list/{plural}"

    def _of_status(self, request: Request) -> str:
        status = request.written_status
        attempt, task = status.get("attempt", {}), "task" in status
        reason = _reason(status)
        key, before = attempt.get("key", ""), self._key
        fresh, self._key = key != self._key, key
        recorded, self._task = task and not self._task, task
        if "completionTime" in status:
            return f"end-{reason}"
        if fresh:
            return f"claim-{attempt['number']}" if key else f"close-{reason}" if before else f"say-{reason}"
        return "task" if recorded else f"say-{reason}"

    def _step(self, name: str, request: Request) -> Point:
        """A request that moves the job on: what comes after it is another part of its life."""
        point = self._count(name, request)
        if not name.startswith("status/say"):
            self._road = (*self._road, name.partition("/")[2])
        return point

    def _at(self, name: str, request: Request) -> Point:
        return self._count(f"{name}@{self._road[-1]}", request)

    def _count(self, name: str, request: Request) -> Point:
        self._counts[name] += 1
        of_cloud = name.startswith(("ecs/", "oss/"))
        of_job = of_cloud or name.startswith(("status/", "finalizer/"))
        mutates = "@" not in name if of_cloud else request.method != "GET"
        road = self._road if of_job else ()
        return Point(name, self._counts[name], mutates, request.watches, road)


def _reason(status: dict[str, Any]) -> str:
    return next((each["reason"] for each in status.get("conditions", ()) if each["type"] == "Ready"), "nothing")


def _value(request: Request, path: str) -> Any:  # noqa: ANN401 -- any JSON
    return next((op["value"] for op in request.body if op.get("path") == path and op["op"] == "add"), None)


def _finalizer(request: Request) -> str:
    wanted = TASK_FINALIZER in (_value(request, "/metadata/finalizers") or ())
    return f"finalizer/{'on' if wanted else 'off'}"


def _of_account(request: Request) -> str:
    finalizers = _value(request, "/metadata/finalizers")
    if finalizers is not None:
        return f"account/finalizer-{'on' if ACCOUNT_FINALIZER in finalizers else 'off'}"
    status = request.written_status
    return f"account/status-{_reason(status)}-orphans-{len(status.get('orphans', ()))}"


def parameters(request: Request) -> dict[str, str]:
    """The parameters of a call to the compute service, from query or form."""
    form = dict(part.partition("=")[::2] for part in request.raw.decode(errors="replace").split("&") if "=" in part)
    return dict(request.query) | {name: unquote(value) for name, value in form.items()}

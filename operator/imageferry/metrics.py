"""The instruments: counters that the engine turns, and gauges that are computed from the records at scrape.

Names follow Prometheus' conventions. No object, image, bucket or task id is a label: every label is bounded.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Info
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from imageferry import __version__

LANE_LABELS: Final = ("provider", "account", "region", "kind")

Sample = tuple[str, tuple[str, ...], float]
"""Gauge name, label values in the order of its labels, value."""

_GAUGES: Final = {
    "imageferry_quota_in_use": ("Slots of a lane that tasks, open claims and orphans take.", LANE_LABELS),
    "imageferry_quota_limit": ("Slots of a lane that the account's spec allows.", LANE_LABELS),
    "imageferry_queue_depth": ("Jobs that wait for a slot of a lane.", LANE_LABELS),
    "imageferry_objects": ("Objects by kind and the reason of their Ready condition.", ("kind", "reason")),
    "imageferry_leader": ("1 on the replica that acts, 0 on the others.", ()),
}
"""Gauge name -> what it counts, and its labels."""


class _AtScrape(Collector):
    """Asks for every gauge's samples when Prometheus does."""

    def __init__(self, samples: Callable[[], Iterable[Sample]]) -> None:
        self._samples = samples

    def collect(self) -> Iterator[Metric]:
        families = {name: GaugeMetricFamily(name, text, labels=labels) for name, (text, labels) in _GAUGES.items()}
        for name, labels, value in self._samples():
            families[name].add_metric(labels, value)
        yield from families.values()


class Metrics:
    """All instruments of one process, on a registry of their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._cloud_requests = self._counter(
            "imageferry_cloud_requests", "Requests to a cloud's API by their outcome.",
            "provider", "region", "action", "code",
        )  # fmt: skip
        self._api_requests = self._counter(
            "imageferry_kubernetes_requests", "Requests to the API server by their outcome.", "verb", "resource", "code"
        )
        self._tasks = self._counter(
            "imageferry_tasks", "Cloud tasks that ended, by outcome.", "kind", "provider", "outcome"
        )
        self._adopted = self._counter(
            "imageferry_tasks_adopted", "Tasks that were found again after their submission's answer was lost.",
            "kind", "provider",
        )  # fmt: skip
        self._orphaned = self._counter(
            "imageferry_tasks_orphaned", "Tasks whose object had to go before they could be ended.", "kind", "provider"
        )
        Info("imageferry_build", "What runs here.", registry=self._registry).info({"version": __version__})

    def gauges_from(self, samples: Callable[[], Iterable[Sample]]) -> None:
        """Have the gauges computed by `samples` at every scrape."""
        self._registry.register(_AtScrape(samples))

    def cloud_request(self, provider: str, region: str, action: str, code: str) -> None:
        """A request to a cloud ended; `code` is its error code, or OK."""
        self._cloud_requests.labels(provider, region, action, code).inc()

    def api_request(self, verb: str, resource: str, code: str) -> None:
        """A request to the API server ended."""
        self._api_requests.labels(verb, resource, code).inc()

    def task_ended(self, kind: str, provider: str, outcome: str) -> None:
        """A task ended; `outcome` is the reason of its end."""
        self._tasks.labels(kind, provider, outcome).inc()

    def task_adopted(self, kind: str, provider: str) -> None:
        """A task was found again."""
        self._adopted.labels(kind, provider).inc()

    def task_orphaned(self, kind: str, provider: str) -> None:
        """A task was left to its account."""
        self._orphaned.labels(kind, provider).inc()

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """The text for /metrics and its content type, in the format that the Accept header asks for."""
        encode, content_type = choose_encoder(accept)
        return encode(self._registry), content_type

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self._registry)

"""Gauges computed from the records at scrape: they survive a restart and vanish with the object."""

from collections import Counter
from collections.abc import Iterator

from imageferry.engine.lanes import Lanes
from imageferry.engine.leader import Leader
from imageferry.engine.store import Store
from imageferry.metrics import Sample


def gauges(store: Store, lanes: Lanes, leader: Leader) -> Iterator[Sample]:
    """All samples, bounded by lanes and reasons."""
    yield "imageferry_leader", (), float(leader.is_leader)
    for key, lane in list(lanes.lanes.items()):
        labels = (key.provider, key.account_id, key.region, str(key.kind))
        yield "imageferry_quota_in_use", labels, lane.used
        yield "imageferry_queue_depth", labels, len(lane.waiting)
        if lane.limit is not None:
            yield "imageferry_quota_limit", labels, lane.limit
    reasons: Counter[tuple[str, str]] = Counter()
    for record in list(store.jobs.values()):
        shown = [condition.reason for condition in record.journal.conditions if condition.type == "Ready"]
        reasons[record.job.kind, shown[0] if shown else "Unseen"] += 1
    for (kind, reason), count in reasons.items():
        yield "imageferry_objects", (kind, reason), count

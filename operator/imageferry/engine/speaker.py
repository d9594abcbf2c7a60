"""What an object says of itself: conditions with every status write, an event with every change of reason, a log line.

Which words belong to which state is core/conditions.py; here they are attached and sent.
"""

from dataclasses import dataclass, replace
from typing import Final

import structlog

from imageferry.core.conditions import Outlook, Report, conditions, report
from imageferry.core.journal import Journal
from imageferry.core.reasons import MEANINGS, Reason
from imageferry.core.step import Step
from imageferry.engine import clock
from imageferry.engine.store import JobRecord
from imageferry.engine.writer import Writer, worth_writing
from imageferry.kube.events import EventType, Recorder, Regarding

_log: Final = structlog.get_logger("imageferry.speaker")

MOST_EVENTS: Final = 8
"""In an object's life, as far as this process has seen it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaker:
    """Writes journals with their conditions, and tells of changes."""

    writer: Writer
    recorder: Recorder
    young_seconds: float

    async def commit(self, record: JobRecord, journal: Journal, step: Step) -> None:
        """Write a journal that has to be in the status before anything else happens. Raises a KubeFailure."""
        said = report(record.job, journal, step, now=clock.now(), young_seconds=self.young_seconds)
        after = await self.writer.commit(record, self._with_conditions(record, journal, said))
        self._announce(record, after, said)

    async def say(self, record: JobRecord, journal: Journal, step: Step) -> None:
        """Write a journal if it tells something new. Raises a KubeFailure."""
        said = report(record.job, journal, step, now=clock.now(), young_seconds=self.young_seconds)
        new = self._with_conditions(record, journal, said)
        if worth_writing(record.journal, new):
            self._announce(record, await self.writer.commit(record, new), said)

    def announce_orphan(self, record: JobRecord) -> None:
        """The object goes, its task stays behind."""
        message = MEANINGS[Reason.ORPHANED].meaning
        self.recorder.record(_regarding(record), EventType.WARNING, reason=Reason.ORPHANED, message=message)

    def _with_conditions(self, record: JobRecord, journal: Journal, said: Report) -> Journal:
        return replace(
            journal,
            conditions=conditions(record.job, journal, said, now=clock.now()),
            observed_generation=record.job.generation,
        )

    def _announce(self, before: JobRecord, after: JobRecord, said: Report) -> None:
        if _reason_shown(before.journal) == said.reason:
            return
        job = after.job
        _log.info("state changed", kind=job.kind, namespace=job.namespace, name=job.name, uid=job.uid,
                  reason=said.reason, message=said.message)  # fmt: skip
        if after.memory.events < MOST_EVENTS:
            after.memory.events += 1
            worried = said.outlook in (Outlook.STUCK, Outlook.FAILED)
            kind = EventType.WARNING if worried else EventType.NORMAL
            self.recorder.record(_regarding(after), kind, reason=said.reason, message=said.message)


def _reason_shown(journal: Journal) -> str:
    return next((condition.reason for condition in journal.conditions if condition.type == "Ready"), "")


def _regarding(record: JobRecord) -> Regarding:
    job = record.job
    return Regarding(record.resource, job.namespace, job.name, job.uid, record.version)

"""Is there an export of ours? The look that a lost answer or a lost journal is resolved by.

This cloud lists no exports. Ours is known by what it writes: files, or uploads of their parts, that bear one of our marks. Before
it writes, nothing shows it but that the image is busy, and that may be with another's task: a Candidate. Where nothing is shown,
nothing is proven either: whether it was accepted and failed, or was never accepted, cannot be told (Unprovable).
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from imageferry.clouds.provider import Search
from imageferry.clouds.tencent import listing, preflight, roles, written
from imageferry.clouds.tencent.answers import Entry, Upload
from imageferry.clouds.tencent.calls import Calls
from imageferry.clouds.tencent.translate import NORMAL
from imageferry.clouds.tencent.written import Expected, Looks, Written
from imageferry.clouds.threads import together
from imageferry.core.errors import Blocked, Deferred, Rejected
from imageferry.core.keys import KEY_LENGTH, Mark, belongs_to, key_in
from imageferry.core.observation import Candidate, Observation, Ours, Running, Succeeded, Task, Unprovable, foremost
from imageferry.core.reasons import Reason
from imageferry.core.resolved import ResolvedExport

WRITING: Final = "Writing"
"""The state shown of an export that writes: the cloud has no word for it."""

_FEW_MARKS: Final = 5
"""Up to so many marks are looked for one by one, more of them by the prefix that they share."""


@dataclass(frozen=True, slots=True)
class _Traces:
    """What each mark is borne by, if by anything, and the cloud's clock."""

    of: Mapping[Mark, Written]
    cloud_time: datetime


async def find(calls: Calls, search: Search, looks: Looks, expected: Expected | None) -> Observation:
    """What the cloud shows of the attempts looked for; `expected` is None where the image is not known."""
    traces = await _traces(calls, search)
    ours = [(mark.number, _seen(mark, seen, search, looks, expected)) for mark, seen in traces.of.items()]
    if news := foremost([(number, each) for number, each in ours if each], search.closed):
        return news
    mark = search.marks[0].object_prefix
    if search.image_id and (why := await busy(calls, search.image_id, bucket=search.bucket, mark=mark)):
        return Candidate(traces.cloud_time, why)
    return Unprovable(
        traces.cloud_time, "Nothing of the attempt is to be seen, and this cloud does not list its exports."
    )


async def busy(calls: Calls, image_id: str, *, bucket: str, mark: str) -> str:
    """Why the image may be worked on by an export of ours; empty if nothing speaks for it. Raises Transient.

    That an export changes the state of its image is not documented, nor that a dry run sees it: either sign counts.
    """
    found = await listing.images_by_id(calls, [image_id])
    image = found.rows.get(image_id) if found else None
    if image and image.state != NORMAL:
        return f"Image {image.id} is {image.state}: a task works on it, and whose it is does not show."
    wished = ResolvedExport(
        region=calls.region,
        image_id=image_id,
        bucket=bucket,
        format="RAW",
        role_name=roles.EXPORTING.role,
    )
    try:
        await preflight.dry_run(calls, wished, object_prefix=mark)
    except Deferred as failure:
        if failure.reason is Reason.IMAGE_BUSY:
            return f"A task works on image {image_id}, and whose it is does not show."
    except (Blocked, Rejected):
        return ""
    return ""


def _seen(mark: Mark, seen: Written, search: Search, looks: Looks, expected: Expected | None) -> Ours | None:
    """What is seen of one attempt that left a trace. One that the journal has closed is news only while it uploads."""
    if mark.number in search.closed and not seen.uploading:
        return None
    task = Task(
        id=None,
        key=mark.key,
        object_prefix=mark.object_prefix,
        state=WRITING,
        started_at=search.since,
        cancellable=False,
    )
    if expected and looks.done(mark.object_prefix, seen, expected):
        return Succeeded(seen.cloud_time, task)
    return Running(seen.cloud_time, task)


async def _traces(calls: Calls, search: Search) -> _Traces:
    prefixes = [mark.object_prefix for mark in search.marks]
    if len(prefixes) <= _FEW_MARKS:
        looked = await together(written.look(calls, search.bucket, prefix) for prefix in prefixes)
        found = {mark: seen for mark, seen in zip(search.marks, looked, strict=True) if seen.anything}
        return _Traces(found, min(seen.cloud_time for seen in looked))
    shared = sorted({prefix[:-KEY_LENGTH] for prefix in prefixes})
    files = await together(listing.files(calls, search.bucket, prefix) for prefix in shared)
    uploads = await together(listing.uploads(calls, search.bucket, prefix) for prefix in shared)
    cloud_time = min(part.cloud_time for part in files)
    marks = {mark.key: mark for mark in search.marks}
    of_files: dict[Mark, list[Entry]] = defaultdict(list)
    of_uploads: dict[Mark, list[Upload]] = defaultdict(list)
    for entry in (entry for part in files for entry in part.entries):
        if mark := _mark_of(entry.name, marks):
            of_files[mark].append(entry)
    for upload in (upload for part in uploads for upload in written.alive(part, cloud_time)):
        if mark := _mark_of(upload.name, marks):
            of_uploads[mark].append(upload)
    found = {
        mark: Written(tuple(of_files[mark]), tuple(of_uploads[mark]), bucket_exists=True, cloud_time=cloud_time)
        for mark in {*of_files, *of_uploads}
    }
    return _Traces(found, cloud_time)


def _mark_of(name: str, marks: Mapping[str, Mark]) -> Mark | None:
    mark = marks.get(key_in(name) or "")
    return mark if mark and belongs_to(name, mark.object_prefix) else None

"""The matrix finds what it is there to find: an operator with a mistake planted in it is caught, by the strikes it belongs to."""

from collections.abc import Callable
from pathlib import Path

import pytest

from controlplane import ControlPlane
from tests.crash import mistakes
from tests.crash.cycles import BY_NAME
from tests.crash.judge import Wrong
from tests.crash.matrix import matrix
from tests.crash.plans import every

Caught = tuple[str, str, Wrong]

CASES: dict[Callable[[], None], Caught] = {
    mistakes.submits_unacknowledged: ("retain", "status/claim-1", Wrong.BROKEN),
    mistakes.adopts_nothing: ("retain", "ecs/ExportImage", Wrong.DOUBLED),
    mistakes.writes_over_newer_versions: ("retain", "finalizer/on", Wrong.BROKEN),
    mistakes.waits_for_no_window: ("retain", "ecs/ExportImage", Wrong.DOUBLED),
    mistakes.lets_go_of_running_tasks: ("deleted-running", "ecs/DescribeTasks@task", Wrong.LOST),
    mistakes.leaves_failed_images: ("import-deleted-failed", "status/end-TaskFailed", Wrong.LOST),
    mistakes.clears_strangers_away: ("import-deleted-failed", "ecs/DeleteImage", Wrong.BROKEN),
    mistakes.repeats_under_another_token: ("import-retain", "ecs/ImportImage", Wrong.BROKEN),
}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("mistake", CASES, ids=lambda mistake: mistake.__name__)
async def test_a_planted_mistake_is_found(plane: ControlPlane, tmp_path: Path, mistake: Callable[[], None]) -> None:
    """Strikes at one request are enough to tell; without the mistake the same strikes do no harm (the matrix itself)."""
    cycle, name, wrong = CASES[mistake]
    async with matrix(plane, tmp_path / "sound", lanes=2) as sound:
        await sound.learn([BY_NAME[cycle]])
    async with matrix(
        plane, tmp_path / "mistaken", lanes=6, plant=f"{mistakes.__name__}:{mistake.__name__}"
    ) as mistaken:
        mistaken.learned |= sound.learned
        await mistaken.carry_out(plan for plan in every(sound.places) if plan.name == name and plan.number == 1)
    assert mistaken.tally.wrong[wrong], mistaken.tally


def test_every_mistake_has_its_case() -> None:
    """None is planted nowhere."""
    assert set(CASES) == set(mistakes.MISTAKES)

"""Plans are made from what was asked, the page from what was counted: no list is kept by hand."""

import json

import pytest

from tests.crash import report
from tests.crash.cycles import CYCLES
from tests.crash.names import Point, Scribe
from tests.crash.plans import Place, Plan, every, selection, stable
from tests.tap import Mishap, Position, Request


def _place(name: str, number: int = 1, *, mutates: bool = True, watches: bool = False, scene: str = "") -> Place:
    return Place(Point(name, number, mutates, watches, ("new",)), scene)


def _request(method: str, path: str, body: object = None, **headers: str) -> Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request(method, path, path, {}, named, b"" if body is None else json.dumps(body).encode())


WRITE, READ, WATCH = (
    _place("status/new"),
    _place("ecs/DescribeNews@new", mutates=False),
    _place("watch/news", mutates=False, watches=True),
)


def test_a_request_that_is_new_in_a_life_brings_its_plans() -> None:
    """A write is struck in seven ways, a read killed at in three, a stream in two."""
    made = every({"life": [WRITE, READ, WATCH]})
    assert [plan.what for plan in made if plan.name == WRITE.point.name] == [*Position, *Mishap]
    assert [plan.what for plan in made if plan.name == READ.point.name] == [*Position]
    assert [plan.what for plan in made if plan.name == WATCH.point.name] == [Position.BEFORE, Position.ANSWERED]


@pytest.mark.parametrize("plan", every({"life": [WRITE, READ]}), ids=str)
def test_a_plan_is_its_own_text(plan: Plan) -> None:
    """What a failure prints repeats it."""
    assert Plan.parse(str(plan)) == plan


def test_the_shares_together_are_everything() -> None:
    """Whatever a short run leaves out, another seed takes."""
    places = {"one": [WRITE, READ, WATCH], "two": [WRITE, READ, _place("finalizer/off")]}
    taken = {plan for seed in range(5) for plan in selection(places, seed, 5)}
    assert taken == set(every(places))


def test_a_short_run_leaves_no_place_out() -> None:
    """What two lives share counts once, what only one has is struck in each run, whatever the seed."""
    places = {"one": [WRITE, READ], "two": [WRITE, _place("finalizer/off", scene="two")]}
    taken = [{(plan.cycle, plan.name) for plan in selection(places, seed, 10**6)} for seed in range(4)]
    assert all({("one", "status/new"), ("one", READ.point.name), ("two", "finalizer/off")} <= each for each in taken)


def test_what_only_timing_brings_is_no_place() -> None:
    """A third poll, or a request that one of two runs did not make, is not waited for."""
    assert stable([WRITE, READ, _place("lease/renew", 3)], [WRITE, _place("lease/renew", 3)]) == (WRITE,)


def test_a_request_never_seen_before_has_a_name_of_its_own() -> None:
    """Nothing has to be added here for a new call or a new kind."""
    scribe = Scribe()
    names = [
        str(scribe.cloud(_request("POST", "/", None, x_acs_action="ImportImage"))),
        str(scribe.cloud(_request("POST", "/", None, x_acs_action="DescribeNews"))),
        str(scribe.api(_request("GET", "/apis/example.org/v1/namespaces/a/news/b"))),
        str(scribe.api(_request("PUT", "/apis/example.org/v1/news/b", {}))),
    ]
    assert names == ["ecs/ImportImage#1", "ecs/DescribeNews@ImportImage#1", "get/news#1", "put/news#1"]


def test_every_life_cycle_has_its_name() -> None:
    """A plan's first word means one of them."""
    assert len({cycle.name for cycle in CYCLES}) == len(CYCLES)


def test_the_page_is_made_from_its_figures() -> None:
    """Nobody edits docs/reliability.md; `python -m tests.crash report` writes it."""
    figures = json.loads(report.FIGURES.read_text(encoding="utf-8"))
    assert report.PAGE.read_text(encoding="utf-8") == report.page(figures)

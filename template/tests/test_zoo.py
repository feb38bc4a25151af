"""A share of what template/zoo.md holds: eight pull requests in real clones, judged exactly as they must be."""

from dataclasses import replace
from typing import Any

import pytest

from template.records import read_records
from template.zoo.__main__ import PAGE, RECORDS, Zoo, find_faults, render_page
from template.zoo.edits import set_model
from template.zoo.judgement import Judgement
from template.zoo.pull import Pull
from template.zoo.pulls import CASES
from template.zoo.tables import ORDERS, orders

SMALL = replace(ORDERS, make=lambda rows, first: orders(800, first))
SHORT = (
    *("forged lock", "review", "not run", "margin", "tests", "no train"),
    *("committed environment", "stopped tests"),
)
DIFFS = {"review": "9 of 9 worse", "not run": "no change"}
GOOD = Judgement(
    verdict="worse",
    message="",
    exit_code=1,
    reasons=("worse",),
    is_recipe=True,
    head_verdict="better",
    metrics_diff="9 of 9 worse",
    author_seconds=1,
    review_seconds=1,
)
PULL = Pull("a change", set_model(), "worse | same", ("worse",), is_recipe=True, head_verdict="better")


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Zoo:
    return Zoo(tmp_path_factory.mktemp("zoo"), SMALL)


@pytest.mark.slow
@pytest.mark.parametrize("name", SHORT)
def test_a_pull_request_is_judged_right(zoo: Zoo, name: str) -> None:
    pull = CASES["orders"][name]
    judgement = zoo.judge(name, pull)
    assert find_faults(judgement, pull) == [], judgement
    assert judgement.metrics_diff == DIFFS.get(name, judgement.metrics_diff)


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        ({}, []),
        ({"verdict": "same"}, []),
        ({"verdict": "better"}, ["verdict better, not worse | same"]),
        ({"reasons": ()}, ["reasons [], not ['worse']"]),
        ({"reasons": ("lock", "worse")}, ["reasons ['lock', 'worse'], not ['worse']"]),
        ({"accepted": ("worse",)}, ["accepted ['worse'], not []"]),
        ({"exit_code": 0}, ["exit code 0, not 1"]),
        ({"is_recipe": None}, ["package is recipe None, not True"]),
        ({"has_attack": True}, ["an attack in the pages True, not False"]),
        ({"head_verdict": None}, ["head's own review None, not better"]),
    ],
)
def test_what_is_wrong_is_said(changes: dict[str, Any], faults: list[str]) -> None:
    assert find_faults(replace(GOOD, **changes), PULL) == faults


def test_there_are_thirty_and_the_page_tells_right_from_wrong() -> None:
    assert all(len(cases) >= least for cases, least in zip(CASES.values(), (30, 10), strict=True))
    lines = render_page({"orders: iteration": GOOD, "sample: comment": GOOD}).splitlines()
    start = "| **iteration**: one iteration of boosting | 9 of 9 worse | **worse**; red: worse; head's own review"
    assert any(line.startswith(start) for line in lines)
    assert sum("| yes |" in line for line in lines) == 1
    assert sum("| **no**: verdict worse, not same; reasons" in line for line in lines) == 1


def test_the_page_is_what_the_records_give() -> None:
    records = read_records(RECORDS)
    judgements = {name: Judgement.from_record(record) for name, record in records.items()}
    assert {name: judgement.to_record() for name, judgement in judgements.items()} == records
    assert PAGE.read_text(encoding="utf-8") == render_page(judgements)

"""A share of what template/zoo.md holds: six pull requests in real clones, judged exactly as they must be."""

from dataclasses import replace

import pytest

from template.zoo.__main__ import CASES, Zoo, page, wrong
from template.zoo.edits import model
from template.zoo.pulls import PULLS, Pull
from template.zoo.repositories import Found
from template.zoo.tables import ORDERS, orders

SMALL = replace(ORDERS, make=lambda rows, first: orders(800, first))
SHORT = ("forged lock", "review", "not run", "margin", "tests", "no train")
DIFFS = {"review": "9 of 9 worse", "not run": "no change"}
GOOD: Found = {"word": "worse", "red": ["worse"], "accepted": [], "code": 1, "diff": "9 of 9 worse", "author": 1,
               "seconds": 1, "said": "", "beside": {"package": True, "evaluator": "better"}}  # fmt: skip
ASKED = Pull("one", model(), "worse | same", ("worse",), package=True, own="better")


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Zoo:
    return Zoo(tmp_path_factory.mktemp("zoo"), SMALL)


@pytest.mark.slow
@pytest.mark.parametrize("name", SHORT)
def test_a_pull_request_is_judged_right(zoo: Zoo, name: str) -> None:
    found = zoo.judged(name, PULLS[name])
    assert wrong(found, PULLS[name]) == [], found
    assert found["diff"] == DIFFS.get(name, found["diff"])


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        ({}, []),
        ({"word": "same"}, []),
        ({"word": "better"}, ["word better, not worse | same"]),
        ({"red": []}, ["reasons [], not ['worse']"]),
        ({"red": ["lock", "worse"]}, ["reasons ['lock', 'worse'], not ['worse']"]),
        ({"accepted": ["worse"]}, ["accepted ['worse'], not []"]),
        ({"code": 0}, ["exit code 0, not 1"]),
        ({"beside": {"package": None, "evaluator": "better"}}, ["package is recipe None, not True"]),
        ({"attacked": True}, ["an attack in the pages True, not False"]),
        ({"beside": {"package": True}}, ["head's own review None, not better"]),
    ],
)
def test_what_is_wrong_is_said(changes: Found, faults: list[str]) -> None:
    assert wrong(GOOD | changes, ASKED) == faults


def test_there_are_thirty_and_the_page_tells_right_from_wrong() -> None:
    assert all(len(cases) >= least for cases, least in zip(CASES.values(), (30, 10), strict=True))
    lines = page({"orders: iteration": GOOD, "sample: comment": GOOD}).splitlines()
    said = "| **iteration**: one iteration of boosting | 9 of 9 worse | **worse**; red: worse; head's own review"
    assert any(line.startswith(said) for line in lines)
    assert sum("| yes |" in line for line in lines) == 1
    assert sum("| **no**: word worse, not same; reasons" in line for line in lines) == 1

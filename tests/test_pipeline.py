"""The whole pipeline, in one process, on small tables of each task."""

import json
from pathlib import Path

import pytest

from tests.conftest import Project, make_table


def read(path: str):
    return json.loads(Path(path).read_text(encoding="utf-8"))


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_two_keys_give_a_package_that_beats_the_trivial_model(project: Project, task: str) -> None:
    project.table(make_table(task))
    project.run()
    model, trivial = read("metrics/metrics.json"), read("metrics/yardstick-trivial.json")
    first = next(iter(read("metrics/intervals.json")))
    assert model["task"] == task
    assert model[first] < trivial[first]
    assert len(list(Path("dist").glob("*.whl"))) == 1

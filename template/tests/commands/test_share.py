"""A share has whole groups or keys of both sides of the split, and is part of every larger share."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from plumbline import paths
from plumbline.commands import share
from plumbline.data.schema import HOLDOUT, KEY, SIDE, Schema
from plumbline.errors import PlumblineError, report_errors
from plumbline.testing.projects import Project, make_table
from template.tests.command import run_command


@pytest.mark.parametrize("group", [None, "household"])
def test_a_share_is_whole_groups_of_both_sides_and_within_every_larger_one(project: Project, group: str | None) -> None:
    rows = 6000
    table = make_table(rows=rows).assign(household=np.arange(rows) // 3 + 0.5)
    project.table(table, group=group)
    project.run("ingest", "featurize")
    schema = Schema.read(paths.SCHEMA)
    side = pd.read_parquet(paths.FEATURES, columns=[KEY, SIDE]).set_index(KEY)[SIDE]
    keys: list[set] = []
    for size in (0.1, 0.3):
        count = share.sample_rows(Path(paths.TABLE), Path("some.parquet"), schema, size)
        some = pd.read_parquet("some.parquet")
        keys.append(set(some.row_id))
        assert len(some) == count == pytest.approx(rows * size, rel=0.2)
        assert (side[some.row_id] == HOLDOUT).mean() == pytest.approx(0.2, abs=0.05)
        assert group is None or set(some.household.value_counts()) == {3}
    assert keys[0] < keys[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["0"], "SHARE is 0, expected a number between 0 and 1"),
        (["2"], "SHARE is 2, expected"),
        (["x"], "SHARE is x, expected"),
        (["nan"], "SHARE is nan, expected"),
        ([], "SHARE is nothing, expected"),
        (["0.5"], "data/table.parquet is not there: .* once: make repro"),
    ],
)
def test_what_is_no_share_or_has_no_table_is_refused(project: Project, arguments: list[str], message: str) -> None:
    project.table(make_table())
    with pytest.raises(PlumblineError, match=message):
        run_command("share", *arguments)
    assert not share.FOLDER.exists()


def test_a_share_that_is_too_small_says_so(project: Project, capsys) -> None:
    project.table(make_table())
    project.run("ingest")
    assert report_errors(lambda: run_command("share", "0.01")) == 1
    assert "take a larger SHARE than 0.01" in capsys.readouterr().err

"""The package in an empty environment, by its command."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest

from plumbline import paths
from plumbline.testing.delivered import InstalledPackage
from plumbline.testing.projects import Project, make_table


@pytest.mark.slow
@pytest.mark.parametrize("name", ["plumbline-sample", "plumbline"])  # the second is that of the machinery
def test_the_installed_package_repeats_evaluate_on_every_raw_holdout_row(
    project: Project, tmp_path: Path, name: str
) -> None:
    text = Path("pyproject.toml").read_text(encoding="utf-8")
    Path("pyproject.toml").unlink()  # a link to that of ROOT
    Path("pyproject.toml").write_text(re.sub("(?m)^name = .*$", f'name = "{name}"', text, count=1), encoding="utf-8")
    project.table(make_table())
    project.run()
    package = InstalledPackage(project.folder, tmp_path / "elsewhere")
    assert "golden rows give their golden answers" in package.run("check")
    information = json.loads(package.run("info"))
    assert (information["name"], information["task"]) == (package.command.name, "binary") == (name, "binary")
    expected = pd.read_parquet(paths.PREDICTIONS)
    rows, names = make_table().set_index("row_id").loc[expected.key].reset_index(), list(expected.filter(like="pr"))
    predictions = package.predict(rows.drop(columns="target"))
    pd.testing.assert_frame_equal(predictions[names], expected[names], check_dtype=False, rtol=1e-9)

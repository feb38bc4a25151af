"""The page on more than one table does what it says: its blocks are laid into a project and run."""

import importlib.util
import io
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
import yaml

from plumbline import params, paths, versions
from plumbline.data.schema import Schema
from plumbline.errors import PlumblineError
from plumbline.testing.projects import ROOT, Project
from template.tests.docs.conftest import blocks


@pytest.fixture
def stage_entry(project: Project) -> dict:
    """A project as the page on more than one table builds it, on a copy of the code; the stage as it is declared."""
    project.copy_code()
    Path("dvc.yaml").unlink()
    for path, _, content in blocks("more-than-one-table.md"):
        if path:
            Path(path).write_text(content, encoding="utf-8")
    stage, keys = (yaml.safe_load(text) for _, language, text in blocks("more-than-one-table.md") if language == "yaml")
    template_stages = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    stages = stage | {name: template_stages[name] for name in ("versions", "ingest")}
    Path("dvc.yaml").write_text(yaml.safe_dump({"stages": stages}), encoding="utf-8")
    project.params(**keys)
    params.add_defaults()
    return stage["assemble"]


def load(path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(Path(path).stem, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_on_more_than_one_table_runs_as_it_stands(stage_entry: dict) -> None:
    for command in ("init --no-scm -q", "repro ingest"):
        ran = subprocess.run(
            [sys.executable, "-m", "dvc", *command.split()], capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
    expected = pd.read_csv(io.StringIO(blocks("more-than-one-table.md")[-1][2]), parse_dates=["asked_at"])
    pd.testing.assert_frame_equal(pd.read_parquet("data/assembled.parquet"), expected, check_dtype=False)
    schema = Schema.loads(Path(paths.SCHEMA).read_text(encoding="utf-8"))
    page = (ROOT / "plumbline/docs/more-than-one-table.md").read_text(encoding="utf-8")
    assert all(f"`{column.name}`" in page.split("The package takes")[1] for column in schema.inputs)
    code = {dep for dep in stage_entry["deps"] if dep.endswith(".py")}
    files, _ = versions.Sources().closure("src/stages/assemble.py")
    assert code == {file for file in files if file.startswith("src/")}
    assert {"src/versions.json": ["assemble"]} in stage_entry["params"]
    params.check()


def test_the_pages_stage_knows_the_past_alone_and_multiplies_no_row(stage_entry: dict) -> None:
    stage, random = load("src/stages/assemble.py"), np.random.default_rng(0)
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(random.integers(0, 30, 260), unit="D")
    who = random.choice(["ann", "bob", "cem"], 260)
    loans = pd.DataFrame({"customer": who[:60], "asked_at": days[:60]})
    payments = pd.DataFrame({"customer": who[60:], "paid_at": days[60:], "paid": random.integers(1, 9, 200)})
    loans_with_payments = stage.add_payments(loans, payments, 7)
    assert loans_with_payments[list(loans)].equals(loans)
    for row in loans_with_payments.itertuples():
        before = payments[(payments.customer == row.customer) & (payments.paid_at < row.asked_at)]
        week = before[before.paid_at >= row.asked_at - pd.Timedelta(days=7)]
        assert (row.payments, row.paid) == (len(week), week.paid.sum())
        assert row.days_since == (row.asked_at - before.paid_at.max()).days or before.empty
    customers = pd.DataFrame({"customer": ["ann", "bob", "ann"], "region": ["north", "south", "west"]})
    assert len(stage.join_customers(loans, customers[:2])) == len(loans)
    with pytest.raises(PlumblineError, match=r"customers.csv: 1 duplicate customers"):
        stage.join_customers(loans, customers)

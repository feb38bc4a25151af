"""make repro: the guard on the automatic key, and a source that is not there."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from src import repro
from src.predictor.refusal import guarded
from src.predictor.schema import Column, Schema
from tests.conftest import Project, make_table

THERE = "There is data/source/lost.csv.dvc, data/source/other.csv, data/source/table.csv"
CASES: list[tuple[dict[str, Any], list[str], str]] = [  # a change to params, what runs, what is said
    ({}, ["ingest"], "the automatic key is 'b' and was 'a' in git; rows would change sides"),
    ({"key": "b"}, ["all"], ""),
    ({"target": "a"}, ["all"], ""),
    ({"source": "data/source/other.csv"}, ["all"], ""),
    ({"source": "data/features.parquet"}, ["all"], ""),  # a stage makes it
    ({"source": "data/source/no.csv"}, [], THERE),
    ({"source": "data/source/lost.csv"}, [], "lost.csv.dvc points to it in a remote: dvc pull"),
]


@pytest.mark.parametrize(("change", "asked", "words"), CASES)
def test_another_automatic_key_of_the_same_table_or_no_source_stops(
    project: Project, change: dict, asked: list[str], words: str, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    ran: list[str] = []

    def dvc(_: str, stage: str = "all", key: str = "b") -> None:
        ran.append(stage)
        columns = [Column(name, "integer", "key" if name == key else "feature") for name in "ab"]
        text = Schema((*columns, Column("y", "number", "target")), 3, "regression").dumps()
        Path("data/schema.json").write_text(text, encoding="utf-8")

    dvc("repro", key="a")
    project.table(make_table(rows=3), target="y")
    for command in ("init -q", "add params.yaml data", "-c user.name=x -c user.email=x commit -qm x"):
        subprocess.run(["git", *command.split()], check=True)
    for name in ("other.csv", "lost.csv.dvc"):
        Path("data/source", name).touch()
    project.change(data=change)
    monkeypatch.setattr(repro, "_dvc", dvc)
    monkeypatch.setattr(repro, "_report", lambda source: None)
    monkeypatch.setattr(sys, "argv", ["repro"])
    assert guarded(repro.main) == int(words != "")
    assert ran[1:] == asked
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == int(words != "")

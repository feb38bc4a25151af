"""hermetic finds each thing that is taken out of the real dvc.yaml or added to it for nothing, and nothing else."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from src import params
from src.reproducibility.hermetic import hermetic
from src.reproducibility.pipeline import declared, on_disk
from tests.conftest import ROOT, STAGES, make_table

PIPELINE = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))
SUITE = '{"name": "table", "expectations": [{"type": "expect_column_to_exist", "kwargs": {"column": "x1"}}]}'
BEHAVIOUR = "- {name: more, why: so, raise: {x1: 1}, then: never lower, allowed: 0.9}\n"
ADDED = {"deps": "src/lock.py", "params": "review.folds", "outs": "metrics/nothing.json"}
WORDS = {"deps": ("undeclared file", "unread dependency"), "params": ("undeclared parameter", "unread parameter"),
         "outs": ("undeclared output", "unwritten output")}  # fmt: skip
PINNED = {
    "split.salt", "data/table.parquet", "src/leakage", "src/versions.json", "data/features.parquet"
} | {*ADDED.values()}  # fmt: skip


def parts(stage: str, part: str) -> Iterator[str]:
    """What dvc.yaml lists, by name; a parameter of another file as file:key."""
    for item in PIPELINE["stages"][stage][part]:
        if part == "params" and isinstance(item, dict):
            yield from (f"{file}:{key}" for file, keys in item.items() for key in keys)
        else:
            yield from item if isinstance(item, dict) else [item]


def mutated(stage: str, part: str, name: str) -> dict[str, Any]:
    """dvc.yaml without this, or with it where it was not."""
    content = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))
    items = content["stages"][stage][part]
    if name == ADDED[part]:
        items.append(name)
    elif ":" in name:
        items[-1]["pyproject.toml"].remove(name.partition(":")[2])
    else:
        content["stages"][stage][part] = [
            item for item in items if name != item and not (isinstance(item, dict) and name in item)
        ]
    return content


def is_fast(stage: str, part: str, name: str) -> bool:
    return (stage == "featurize" and name in PINNED) or (stage, name) == ("train", "data/features.parquet")


MUTATIONS = [
    pytest.param(stage, part, name, id=f"{stage}-{name}", marks=[] if is_fast(stage, part, name) else pytest.mark.slow)
    for stage in STAGES for part in ADDED for name in [*parts(stage, part), ADDED[part]]
]  # fmt: skip


def test_there_are_enough_mutations() -> None:
    assert len(MUTATIONS) > 150


@pytest.fixture(scope="session")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The repository on a small table, its stages run and locked as far as the one that is asked for."""
    folder = tmp_path_factory.mktemp("hermetic")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    for name in ("src", "LICENSE", "pyproject.toml", "dvc.yaml", ".dvcignore", ".gitignore"):
        for one in (one for one in listed.split("\0") if one == name or one.startswith(f"{name}/")):
            (folder / one).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / one, folder / one)
    texts = {"docs/project.yaml": "problem: {question: null}\n", "expectations/table.json": SUITE,
             "expectations/behaviour.yaml": BEHAVIOUR, "params.yaml": "evaluate: {bootstrap: 100}\n"
             "data: {source: data/source/table.csv, target: target}\n"}  # fmt: skip
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "data/source").mkdir(parents=True)
    make_table(rows=240).to_csv(folder / "data/source/table.csv", index=False)
    for command in (["init", "-q"], ["add", "-A"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    lock: dict[str, Any] = {}

    def until(last: str) -> Path:
        os.chdir(folder)
        params.fill()
        for name in STAGES[: STAGES.index(last) + 1]:
            if name not in lock:
                subprocess.run([sys.executable, "-m", f"src.stages.{name}"], check=True, capture_output=True)
                lock[name] = {"outs": [{"path": out, "md5": on_disk(out)} for out in declared()[name].outs]}
        (folder / "dvc.lock").write_text(yaml.safe_dump({"stages": lock}), encoding="utf-8")
        return folder

    return until


@pytest.fixture
def at(pipeline: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Path]]:
    here = Path.cwd()
    yield pipeline
    os.chdir(here)


@pytest.mark.parametrize(
    "stage", [pytest.param(name, marks=[pytest.mark.slow] * (name not in STAGES[1:3])) for name in STAGES]
)
def test_the_real_dvc_yaml_is_hermetic(stage: str, at: Callable[[str], Path]) -> None:
    shutil.copyfile(ROOT / "dvc.yaml", at(stage) / "dvc.yaml")
    report = hermetic([stage])
    assert (report.code, report.findings) == (0, []), report.lines()
    assert report.stages[stage]["runs"] == 1


@pytest.mark.parametrize(("stage", "part", "name"), MUTATIONS)
def test_a_mutation_is_found_and_named_and_nothing_else(stage, part, name, at: Callable[[str], Path]) -> None:
    folder = at(stage)
    (folder / "dvc.yaml").write_text(yaml.safe_dump(mutated(stage, part, name)), encoding="utf-8")
    report = hermetic([stage])
    shutil.copyfile(ROOT / "dvc.yaml", folder / "dvc.yaml")
    found = {(one.word, one.what) for one in report.findings}
    name = name.replace("${data.source}", "data/source/table.csv")
    files = [one for one in (folder / name).rglob("*") if one.is_file() and one.suffix != ".pyc"]
    missing = {one.relative_to(folder).as_posix() for one in files} or {name}
    missing -= {{"ingest": "expectations/behaviour.yaml", "evaluate": "expectations/table.json"}.get(stage)}
    word = WORDS[part][name == ADDED[part]]
    assert found == {(word, f"{stage}: {one}") for one in missing}, report.lines()
    assert report.code == 1

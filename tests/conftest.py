"""Projects in temporary folders: generated tables on pristine code, and your own code on a sample of your own table.

What you write in src/features.py, src/model.py and params.yaml names columns of your table, so generated tables are run
through the two files as the template delivers them (`project`), and yours are run on your own rows (`own`).
"""

import importlib
import os
import shutil
from contextlib import chdir
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from plumbline import columns, paths
from plumbline.data.schema import Schema
from plumbline.data.split import thin
from plumbline.errors import Refusal

ROOT = Path(__file__).parents[1]
STAGES = ("ingest", "featurize", "train", "evaluate", "package")
PRISTINE = {
    "features.py": "def features(rows):\n    return rows\n",
    "model.py": "from .learning.columns import default as build\n\nTRUSTED: tuple[str, ...] = ()\n",
}
OWN = yaml.safe_load((ROOT / paths.PARAMS).read_text(encoding="utf-8"))
SAMPLE = 2000  # rows of one's own table that the tests take, or more where so few cannot be learned from


def stage(name: str) -> ModuleType:
    return importlib.import_module(f"src.stages.{name}")


class Project:
    """A project in `folder` (the working directory) on this repository's code, the user's two files pristine."""

    def __init__(self, folder: Path, *, new: bool = True) -> None:
        self.folder = folder
        if new:
            self._lay_out(folder)

    def _lay_out(self, folder: Path) -> None:
        for name in ("data/source", "metrics", "expectations", "docs", "src"):
            (folder / name).mkdir(parents=True)
        for name in ("LICENSE", "pyproject.toml", "dvc.yaml"):
            (folder / name).symlink_to(ROOT / name)
        for path in (ROOT / "src").iterdir():
            if path.name not in PRISTINE:
                (folder / "src" / path.name).symlink_to(path)
        for name, content in PRISTINE.items():
            (folder / "src" / name).write_text(content, encoding="utf-8")
        (folder / "docs/project.yaml").write_text("problem: {question: null}\n", encoding="utf-8")

    def copy_code(self) -> None:
        """Copies in place of the links, for a test that writes into src/ beside the two files."""
        for path in (self.folder / "src").iterdir():
            if path.is_symlink():
                original = path.resolve()
                path.unlink()
                (shutil.copytree if original.is_dir() else shutil.copyfile)(original, path)

    def params(self, **groups: Any) -> None:
        text = yaml.safe_dump({"evaluate": {"bootstrap": 100}} | groups)
        (self.folder / "params.yaml").write_text(text, encoding="utf-8")

    def table(self, frame: pd.DataFrame, target: str = "target", name: str = "table.csv", **data: Any) -> None:
        """Writes the table and the two keys that a user sets, and others where a test states them."""
        path = self.folder / "data/source" / name
        frame.to_parquet(path) if name.endswith(".parquet") else frame.to_csv(path, index=False)
        self.params(data={"source": f"data/source/{name}", "target": target} | data)

    def change(self, **groups: Any) -> None:
        content = yaml.safe_load((self.folder / "params.yaml").read_text(encoding="utf-8"))
        for group, keys in groups.items():
            content[group] = content.get(group, {}) | keys
        self.params(**content)

    def run(self, *stages: str) -> None:
        for name in stages or STAGES:
            stage(name).main()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """An empty project for generated tables, on pristine features and model."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("src.features.features", lambda rows: rows)
    monkeypatch.setattr("src.model.build", columns.default)
    monkeypatch.setattr("src.model.TRUSTED", ())
    return Project(tmp_path)


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with your features, model, parameters, expectations and answers, run on a sample of your table."""
    source, folder = Path(OWN["data"]["source"]), tmp_path_factory.mktemp("own")
    if not (ROOT / source).exists():
        pytest.skip(f"{source} is not here: dvc pull, or make repro where a stage makes it")
    with chdir(folder):
        project = Project(folder)
        for name in PRISTINE:
            shutil.copyfile(ROOT / "src" / name, folder / "src" / name)
        for name in (paths.EXPECTATIONS, "docs"):
            shutil.copytree(ROOT / name, folder / name, dirs_exist_ok=True)
        (folder / source).parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if (ROOT / source).is_dir() else shutil.copyfile)(ROOT / source, folder / source)
        project.params(**OWN)
        project.change(evaluate={"bootstrap": 100})
        project.run("ingest")
        run_on_sample(project)
    return folder


def run_on_sample(project: Project) -> None:
    """Runs the stages after ingest on about SAMPLE rows, whole groups or keys, or on more where those are too few."""
    schema = Schema.loads(Path(paths.SCHEMA).read_text(encoding="utf-8"))
    whole, share = Path("data/whole.parquet"), SAMPLE / schema.rows
    Path(paths.TABLE).rename(whole)
    while share < 1:
        thin(whole, Path(paths.TABLE), schema, share)
        try:
            project.run(*STAGES[1:])
        except Refusal:  # of a class or a group there are too few
            share *= 2
        else:
            return
    whole.rename(paths.TABLE)
    project.run(*STAGES[1:])


@pytest.fixture
def own(sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A copy of `sample` of your own."""
    shutil.copytree(sample, tmp_path, symlinks=True, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return Project(tmp_path, new=False)


def make_table(task: str = "binary", rows: int = 300, seed: int = 0) -> pd.DataFrame:
    """Numbers with gaps, a category, a flag and a key; the target follows x1 and the category."""
    random = np.random.default_rng(seed)
    x1, x2 = random.normal(size=(2, rows))
    colour = random.choice(["red", "green", "blue"], size=rows)
    score = 2 * x1 + (colour == "red") + 0.3 * random.normal(size=rows)
    words = np.array(["low", "middle", "high"])[np.digitize(score, [-1, 1])]
    target: Any = {"binary": np.where(score > 0.3, "yes", "no"), "multiclass": words, "regression": score}[task]
    x2[random.random(rows) < 0.1] = np.nan
    return pd.DataFrame(
        {"row_id": np.arange(1000, 1000 + rows), "x1": x1, "x2": x2, "colour": colour, "flag": x1 > 0, "target": target}
    )


def environment(**changes: str) -> dict[str, str]:
    return {**os.environ, **changes}

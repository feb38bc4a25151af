"""A project in a temporary folder, its pipeline run in this process, and generated tables with known structure."""

import importlib
import os
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

ROOT = Path(__file__).parents[1]
STAGES = ("ingest", "featurize", "train", "evaluate", "package")


def stage(name: str) -> ModuleType:
    return importlib.import_module(f"src.stages.{name}")


class Project:
    """An empty project in `folder` (the working directory) on this repository's code."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("src", "LICENSE", "pyproject.toml", "dvc.yaml"):
            (folder / name).symlink_to(ROOT / name)
        for name in ("data/source", "metrics", "expectations", "docs"):
            (folder / name).mkdir(parents=True)
        (folder / "docs/project.yaml").write_text("problem: {question: null}\n", encoding="utf-8")

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
    monkeypatch.chdir(tmp_path)
    return Project(tmp_path)


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

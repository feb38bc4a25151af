"""What others get, for tests: a fresh clone, and the model's package in a new environment."""

import importlib
import json
import os
import re
import shlex
import sys
from importlib import resources
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from plumbline import params, paths, process
from plumbline.data.schema import HOLDOUT, SIDE, Schema
from plumbline.evaluation import behaviour
from plumbline.packaging.wheel import read_module
from plumbline.testing.projects import ROOT, STAGES, environment, hash_files, require_success


class Clone:
    """A clone of HEAD.

    Parameters
    ----------
    folder : path
        Where to clone it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        process.git("clone", "--quiet", ROOT, folder)

    def run(self, line: str) -> str:
        """Run a command as in an activated .venv and return its output; it must succeed."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        variables = environment(PATH=path, PYTHON=sys.executable)
        return require_success(process.run(shlex.split(line), cwd=self.folder, env=variables))

    def repro(self) -> list[str]:
        """Run `dvc repro` and return the names of the stages that ran."""
        output = self.run("dvc repro")
        return [name for name in STAGES if f"Running stage '{name}'" in output]

    def list_changes(self) -> list[str]:
        """Return the files that differ from HEAD."""
        return [line[3:] for line in self.run("git status --porcelain").splitlines()]

    def read_committed(self, name: str) -> dict[str, Any]:
        """Return the object in a JSON file of HEAD, to compare with: another processor may change the sixth digit."""
        content = json.loads(process.git("show", f"HEAD:{name}", cwd=self.folder))
        return {
            key: pytest.approx(value, rel=1e-5) if isinstance(value, int | float) else value
            for key, value in content.items()
        }

    def read(self, name: str) -> Any:
        """Return the content of a JSON file."""
        return json.loads((self.folder / name).read_text(encoding="utf-8"))

    def edit(self, name: str, pattern: str, new: str) -> None:
        """Replace the matches of a pattern in a file."""
        text = (self.folder / name).read_text(encoding="utf-8")
        (self.folder / name).write_text(re.sub(pattern, new, text), encoding="utf-8")

    def undo(self) -> None:
        """Restore the committed files and the outputs of DVC."""
        self.run("git checkout --quiet .")
        self.run("dvc checkout")

    def read_state(self) -> dict[str, str]:
        """Return the digest of each file of the run and of DVC, and the output of `git status` under "git"."""
        files = hash_files(self.folder, "data", "metrics", "dist", ".dvc")
        return files | {"git": self.run("git status --porcelain")}


def open_wheel(folder: Path) -> tuple[Any, str]:
    """Load the predictor of the wheel in dist/.

    Returns
    -------
    predictor : Predictor
        Of the package in the wheel; its modules are removed from `sys.modules` again.
    golden : str
        Its golden rows, as JSON lines.
    """
    wheel = next((folder / paths.DIST).glob("*.whl"), None)
    if wheel is None or not all((folder / name).exists() for name in (paths.TABLE, paths.FEATURES, paths.SCHEMA)):
        pytest.skip("no package is there: make repro")
    package, path = read_module(wheel), str(wheel.resolve())
    sys.path.insert(0, path)
    importlib.invalidate_caches()
    try:
        predictor = importlib.import_module(package).Predictor.load()
        golden = resources.files(f"{package}.prediction") / "golden.jsonl"
        return predictor, golden.read_text(encoding="utf-8")
    finally:
        sys.path.remove(path)
        for name in [name for name in sys.modules if name.split(".")[0] == package]:
            del sys.modules[name]


def find_broken_behaviours(predictor: Any) -> list[str]:
    """Return a line for each behaviour of expectations/behaviour.yaml that too many holdout rows break."""
    schema = Schema.read(paths.SCHEMA)
    is_holdout = pc.equal(pq.read_table(paths.FEATURES, columns=[SIDE]).column(0), HOLDOUT)
    rows = pq.read_table(paths.TABLE, columns=[column.name for column in schema.inputs]).filter(is_holdout)
    lines = []
    for rule in behaviour.read_behaviours(Path(paths.BEHAVIOUR), schema, params.read("data.source").data.source):
        violations, tested_rows = behaviour.count_violations(rule, predictor, rows)
        if violations > rule.allowed * tested_rows:
            lines.append(f"{rule.name}: {violations} of {tested_rows} rows violate it")
    return lines


class InstalledPackage:
    """The model's package, installed with its requirements in a new virtual environment.

    Parameters
    ----------
    project : path
        The wheel is the one in its dist/.
    folder : path
        A new folder for the environment, and the working directory of the package's command.
    """

    def __init__(self, project: Path, folder: Path) -> None:
        folder.mkdir()
        (wheel,) = (project / paths.DIST).glob("*.whl")
        programs = folder / "env" / ("Scripts" if os.name == "nt" else "bin")
        self.folder, self.command = folder, programs / wheel.name.split("-")[0].replace("_", "-")
        uv = (sys.executable, "-m", "uv")
        self._start(*uv, "venv", "--quiet", "--python", sys.executable, "env")
        self._start(*uv, "pip", "install", "--quiet", "--python", programs / "python", wheel)

    def run(self, *arguments: str) -> str:
        """Run the package's command and return its output; it must succeed."""
        return self._start(self.command, *arguments)

    def predict(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return the predictions of the package's command for raw rows."""
        rows.to_csv(self.folder / "raw.csv", index=False)
        self.run("predict", "raw.csv", "-o", "predictions.parquet")
        return pd.read_parquet(self.folder / "predictions.parquet")

    def _start(self, *command: str | Path) -> str:
        variables = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV"))}
        return require_success(process.run(command, cwd=self.folder, env=variables))

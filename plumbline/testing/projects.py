"""Projects in temporary folders for tests, and generated tables of each task.

src/features.py, src/model.py and params.yaml may name columns of your table. So the fixture `project` runs generated
tables through both files as a new project has them, and the fixture `own` runs your files on a sample of your table:
plumbline/testing/fixtures.py.
"""

import importlib
import json
import os
import shutil
import sys
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import yaml

from plumbline import paths, process, versions
from plumbline.data.schema import Schema
from plumbline.data.split import sample_rows
from plumbline.errors import PlumblineError

STAGES = ("ingest", "featurize", "train", "evaluate", "package")
PRISTINE = {
    "features.py": "def features(rows):\n    return rows\n",
    "model.py": "from plumbline.columns import default as build\n\nTRUSTED: tuple[str, ...] = ()\n",
}
SAMPLE_ROWS = 2000  # of your table; more where a class or a group has too few rows in them
FIRST_ENVIRONMENT = {
    "PYTHONHASHSEED": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TZ": "UTC",
    "LC_ALL": "C.UTF-8",
}
SECOND_ENVIRONMENT = {
    "PYTHONHASHSEED": "2",
    "OMP_NUM_THREADS": "4",
    "OPENBLAS_NUM_THREADS": "4",
    "TZ": "Asia/Tokyo",
    "LC_ALL": "C",
}
RUN_STAGES = "import importlib, sys; [importlib.import_module(f'src.stages.{name}').main() for name in sys.argv[1:]]"


def _find_root() -> Path:
    current = Path.cwd()
    return next((folder for folder in (current, *current.parents) if (folder / "dvc.yaml").is_file()), current)


ROOT = _find_root()  # of the project that is tested


def import_stage(name: str) -> ModuleType:
    """Return the module of a stage file, src/stages/NAME.py."""
    return importlib.import_module(f"src.stages.{name}")


class Project:
    """A project with the code of ROOT, and the two files of the user as in a new project.

    Parameters
    ----------
    folder : path
        Root of the project; `run` expects it as the working directory.
    new : bool
        Create its files; False where they exist.
    """

    def __init__(self, folder: Path, *, new: bool = True) -> None:
        self.folder = folder
        if new:
            self._create(folder)

    def _create(self, folder: Path) -> None:
        for name in ("data/source", "metrics", "expectations", "docs", "src"):
            (folder / name).mkdir(parents=True)
        for name in ("LICENSE", "pyproject.toml", "dvc.yaml", "requirements.lock", "plumbline"):
            if (ROOT / name).exists():
                (folder / name).symlink_to(ROOT / name)
        for path in (ROOT / "src").iterdir():
            if path.name not in (*PRISTINE, Path(paths.VERSIONS).name):
                (folder / "src" / path.name).symlink_to(path)
        for name, content in PRISTINE.items():
            (folder / "src" / name).write_text(content, encoding="utf-8")
        (folder / paths.DESIGN).write_text("problem: {question: null}\n", encoding="utf-8")

    def copy_code(self) -> None:
        """Replace the links to plumbline/ and to files of src/ by copies, for a test that changes them."""
        for path in (self.folder / "plumbline", *(self.folder / "src").iterdir()):
            if path.is_symlink():
                original = path.resolve()
                path.unlink()
                (shutil.copytree if original.is_dir() else shutil.copyfile)(original, path)

    def params(self, **groups: Any) -> None:
        """Write params.yaml with these groups; evaluate.bootstrap is 100 unless they set it."""
        text = yaml.safe_dump({"evaluate": {"bootstrap": 100}} | groups)
        (self.folder / paths.PARAMS).write_text(text, encoding="utf-8")

    def table(self, frame: pd.DataFrame, target: str = "target", name: str = "table.csv", **data: Any) -> None:
        """Write a table to data/source/, and params.yaml with its source, its target and further keys of `data`."""
        path = self.folder / "data/source" / name
        frame.to_parquet(path) if name.endswith(".parquet") else frame.to_csv(path, index=False)
        self.params(data={"source": f"data/source/{name}", "target": target} | data)

    def change(self, **groups: Any) -> None:
        """Set these keys in params.yaml and keep all others."""
        content = yaml.safe_load((self.folder / paths.PARAMS).read_text(encoding="utf-8"))
        for group, keys in groups.items():
            content[group] = content.get(group, {}) | keys
        self.params(**content)

    def run(self, *stages: str) -> None:
        """Run stages in this process, by default all."""
        for name in stages or STAGES:
            import_stage(name).main()

    def start(self, *arguments: str) -> process.CompletedProcess:
        """Write src/versions.json, then run Python with these arguments in the project."""
        versions.write(self.folder)
        return process.run([sys.executable, *arguments], cwd=self.folder)

    def read(self, name: str) -> Any:
        """Return the content of a JSON file."""
        return json.loads((self.folder / name).read_text(encoding="utf-8"))

    def run_and_hash(self, stages: Sequence[str], **changes: str) -> dict[str, str]:
        """Run stages in a new process, with `changes` of the environment; return the digest of each file then."""
        require_success(
            process.run([sys.executable, "-c", RUN_STAGES, *stages], cwd=self.folder, env=environment(**changes))
        )
        return hash_files(self.folder, "data", "metrics", "dist")


def hash_files(folder: Path, *names: str) -> dict[str, str]:
    """Return the SHA-256 of each file below the subfolders `names` of a folder, by its path in `folder`."""
    files = [path for top in names for path in (folder / top).rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest() for path in files}


def require_success(ran: process.CompletedProcess) -> str:
    """Return the standard output of a program; fail the test where its exit code is not 0."""
    assert ran.returncode == 0, f"{ran.args}: {ran.stdout[-2000:]}{ran.stderr[-2000:]}"
    return ran.stdout


def copy_into(folder: Path, name: str | Path) -> None:
    """Copy a file or a folder of the project to the same path below `folder`."""
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile)(ROOT / name, folder / name)


def run_on_sample(project: Project) -> None:
    """Run the stages after ingest on about SAMPLE_ROWS rows, in whole groups or keys; on more if they are too few."""
    schema = Schema.read(paths.SCHEMA)
    whole, share = Path("data/whole.parquet"), SAMPLE_ROWS / schema.rows
    Path(paths.TABLE).rename(whole)
    while share < 1:
        sample_rows(whole, Path(paths.TABLE), schema, share)
        try:
            project.run(*STAGES[1:])
        except PlumblineError:  # too few rows of a class or a group
            share *= 2
        else:
            return
    whole.rename(paths.TABLE)
    project.run(*STAGES[1:])


def make_table(task: str = "binary", rows: int = 300, seed: int = 0) -> pd.DataFrame:
    """Generate a table of a key, numbers with missing values, a category, a flag and a target.

    The target depends on `x1` and the category `colour`.

    Parameters
    ----------
    task : {"binary", "multiclass", "regression"}

    Returns
    -------
    DataFrame of shape (rows, 6)
    """
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
    """Return the environment variables of this process with `changes`."""
    return {**os.environ, **changes}

"""What tests of a project need: projects in temporary folders, tables of each task, and what a user types.

What you write in src/features.py, src/model.py and params.yaml names columns of your table, so generated tables are run
through the two files as a new project has them (`project`), and yours are run on your own rows (`own`).
"""

import importlib
import json
import os
import shutil
import sys
from collections.abc import Sequence
from contextlib import chdir
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from plumbline import columns, paths, process, versions
from plumbline.data.schema import Schema
from plumbline.data.split import thin
from plumbline.errors import PlumblineError

STAGES = ("ingest", "featurize", "train", "evaluate", "package")
VERSIONS = "versions"  # the stage before all others, where a project has the package's source
PRISTINE = {
    "features.py": "def features(rows):\n    return rows\n",
    "model.py": "from plumbline.columns import default as build\n\nTRUSTED: tuple[str, ...] = ()\n",
}
SAMPLE = 2000  # rows of one's own table that the tests take, or more where so few cannot be learned from
HERE = {"PYTHONHASHSEED": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "TZ": "UTC", "LC_ALL": "C.UTF-8"}
THERE = {"PYTHONHASHSEED": "2", "OMP_NUM_THREADS": "4", "OPENBLAS_NUM_THREADS": "4", "TZ": "Asia/Tokyo", "LC_ALL": "C"}
RUN = "import importlib, sys; [importlib.import_module(f'src.stages.{name}').main() for name in sys.argv[1:]]"


def _root() -> Path:
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / "dvc.yaml").is_file()), here)


ROOT = _root()  # of the project whose tests these are


def stage(name: str) -> ModuleType:
    """The module of a stage file."""
    return importlib.import_module(f"src.stages.{name}")


class Project:
    """A project on the code of ROOT, the user's two files pristine.

    Parameters
    ----------
    folder : path
        The project's root; `run` expects it as the working directory.
    new : bool
        Lay it out; False where it is there already.
    """

    def __init__(self, folder: Path, *, new: bool = True) -> None:
        self.folder = folder
        if new:
            self._lay_out(folder)

    def _lay_out(self, folder: Path) -> None:
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
        """Puts copies in place of the links, for a test that writes into plumbline/ or src/ beside the two files."""
        for path in (self.folder / "plumbline", *(self.folder / "src").iterdir()):
            if path.is_symlink():
                original = path.resolve()
                path.unlink()
                (shutil.copytree if original.is_dir() else shutil.copyfile)(original, path)

    def params(self, **groups: Any) -> None:
        """Writes params.yaml: these groups, and few bootstrap samples where they do not say how many."""
        text = yaml.safe_dump({"evaluate": {"bootstrap": 100}} | groups)
        (self.folder / paths.PARAMS).write_text(text, encoding="utf-8")

    def table(self, frame: pd.DataFrame, target: str = "target", name: str = "table.csv", **data: Any) -> None:
        """Writes the table and the two keys that a user sets, and others of `data` where a test states them."""
        path = self.folder / "data/source" / name
        frame.to_parquet(path) if name.endswith(".parquet") else frame.to_csv(path, index=False)
        self.params(data={"source": f"data/source/{name}", "target": target} | data)

    def change(self, **groups: Any) -> None:
        """Sets these keys in params.yaml and leaves the others as they are."""
        content = yaml.safe_load((self.folder / paths.PARAMS).read_text(encoding="utf-8"))
        for group, keys in groups.items():
            content[group] = content.get(group, {}) | keys
        self.params(**content)

    def run(self, *stages: str) -> None:
        """Runs stages in this process, all of them where none is named."""
        for name in stages or STAGES:
            stage(name).main()

    def start(self, *command: str) -> process.CompletedProcess:
        """Starts a Python with these arguments in the project, src/versions.json as `plumbline versions` writes it."""
        versions.write(self.folder)
        return process.run([sys.executable, *command], cwd=self.folder)

    def read(self, name: str) -> Any:
        """What a JSON file holds."""
        return json.loads((self.folder / name).read_text(encoding="utf-8"))

    def digests(self, stages: Sequence[str], **changes: str) -> dict[str, str]:
        """Runs stages in one other process, under a changed environment: the digest of each file that is there then."""
        printed(process.run([sys.executable, "-c", RUN, *stages], cwd=self.folder, env=environment(**changes)))
        return digests(self.folder, "data", "metrics", "dist")


def digests(folder: Path, *tops: str) -> dict[str, str]:
    """The digest of each file below these folders of a folder."""
    files = [path for top in tops for path in (folder / top).rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest() for path in files}


def printed(ran: process.CompletedProcess) -> str:
    """What a program printed that must not fail."""
    assert ran.returncode == 0, f"{ran.args}: {ran.stdout[-2000:]}{ran.stderr[-2000:]}"
    return ran.stdout


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
    params = yaml.safe_load((ROOT / paths.PARAMS).read_text(encoding="utf-8"))
    source, folder = Path(params["data"]["source"]), tmp_path_factory.mktemp("own")
    if not (ROOT / source).exists():
        pytest.skip(f"{source} is not here: dvc pull, or make repro where a stage makes it")
    with chdir(folder):
        project = Project(folder)
        for name in PRISTINE:
            shutil.copyfile(ROOT / "src" / name, folder / "src" / name)
        for name in (paths.EXPECTATIONS, "docs"):
            shutil.copytree(ROOT / name, folder / name, dirs_exist_ok=True)
        bring(source, folder)
        project.params(**params)
        project.change(evaluate={"bootstrap": 100})
        project.run("ingest")
        run_on_sample(project)
    return folder


def bring(name: str | Path, folder: Path) -> None:
    """Copies a file or a folder of the project to where it lies in `folder`."""
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile)(ROOT / name, folder / name)


def run_on_sample(project: Project) -> None:
    """Runs the stages after ingest on about SAMPLE rows, whole groups or keys, or on more where those are too few."""
    schema = Schema.read(paths.SCHEMA)
    whole, share = Path("data/whole.parquet"), SAMPLE / schema.rows
    Path(paths.TABLE).rename(whole)
    while share < 1:
        thin(whole, Path(paths.TABLE), schema, share)
        try:
            project.run(*STAGES[1:])
        except PlumblineError:  # of a class or a group there are too few
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


@dataclass(frozen=True)
class Declared:
    """What dvc.yaml says of a stage.

    Attributes
    ----------
    outs : dict
        Each output with its flags.
    """

    cmd: str
    desc: str
    deps: set[str]
    params: list[Any]
    outs: dict[str, dict[str, bool]]

    @property
    def code(self) -> set[str]:
        """The Python files among the dependencies, a folder as the files in it."""
        return {name for name in self.deps if name.endswith(".py")}


def declared() -> dict[str, Declared]:
    """The stages of dvc.yaml, by name, in their order."""
    content = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    return {name: _declared(stage) for name, stage in content.items()}


def _declared(stage: dict[str, Any]) -> Declared:
    outs = dict(chain.from_iterable(o.items() if isinstance(o, dict) else [(o, {})] for o in stage.get("outs", [])))
    deps = set(map(str, stage.get("deps", [])))
    for folder in {name for name in deps if name.startswith("src") and (ROOT / name).is_dir()}:
        deps |= {path.relative_to(ROOT).as_posix() for path in (ROOT / folder).glob("*.py")}
    return Declared(stage["cmd"], stage.get("desc", ""), deps, stage.get("params", []), outs)


def reviewed(out: str) -> bool:
    """Whether an output is one that people review, in git."""
    return out.startswith("metrics/") or out in (paths.SCHEMA, paths.VERSIONS)


def code_of(name: str) -> set[str]:
    """The files of src/ that a stage imports, itself among them, or through others; of VERSIONS: any stage."""
    stages = set(declared()) - {VERSIONS} if name == VERSIONS else {name}
    found, _ = versions.Sources(ROOT).closure(*(f"{versions.STAGES}/{stage}.py" for stage in stages))
    return {file for file in found if file.startswith("src/")}


def params_of(name: str) -> list[Any]:
    """The parameters that a stage of the package reads, in the form of dvc.yaml."""
    if name == VERSIONS:
        return [*versions.MODULE_PARAMS.values()]
    machinery = importlib.import_module(f"plumbline.pipeline.{name}")
    project = [f"project.{key}" for key in getattr(machinery, "PROJECT", ())]
    return [*stage(name).PARAMS, *([{paths.PROJECT: project}] if project else []), {paths.VERSIONS: [name]}]


def make_table(task: str = "binary", rows: int = 300, seed: int = 0) -> pd.DataFrame:
    """Numbers with gaps, a category, a flag and a key; the target follows x1 and the category.

    Parameters
    ----------
    task : {"binary", "multiclass", "regression"}
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
    """The variables of this process with these changed."""
    return {**os.environ, **changes}

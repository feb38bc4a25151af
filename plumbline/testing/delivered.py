"""The project as others get it: a fresh clone, the package of a model in an empty environment."""

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
import yaml

from plumbline import params, paths, process
from plumbline.data.schema import HOLDOUT, SIDE, Schema
from plumbline.evaluation import behaviour
from plumbline.testing.projects import ROOT, STAGES, bring, digests, environment, printed


class Clone:
    """A clone of HEAD in a new folder.

    Parameters
    ----------
    folder : path
        Where it is made.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        process.git("clone", "--quiet", ROOT, folder)

    def type_in(self, line: str) -> str:
        """What a command prints that is typed in an activated .venv; it must not fail."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        changed = environment(PATH=path, PYTHON=sys.executable)
        return printed(process.run(shlex.split(line), cwd=self.folder, env=changed))

    def repro(self) -> list[str]:
        """The stages that `dvc repro` runs."""
        output = self.type_in("dvc repro")
        return [name for name in STAGES if f"Running stage '{name}'" in output]

    def changed(self) -> list[str]:
        """The files that are others than in HEAD."""
        return [line[3:] for line in self.type_in("git status --porcelain").splitlines()]

    def committed(self, name: str) -> dict[str, Any]:
        """What a map in a JSON file holds in HEAD: numbers to a unit of the sixth digit,
        since bytes are promised on one family of processors."""
        content = json.loads(process.git("show", f"HEAD:{name}", cwd=self.folder))
        return {key: pytest.approx(it, rel=1e-5) if isinstance(it, int | float) else it for key, it in content.items()}

    def read(self, name: str) -> Any:
        """What a JSON file holds here."""
        return json.loads((self.folder / name).read_text(encoding="utf-8"))

    def edit(self, name: str, pattern: str, new: str) -> None:
        """Puts `new` in place of what the pattern finds in a file."""
        text = (self.folder / name).read_text(encoding="utf-8")
        (self.folder / name).write_text(re.sub(pattern, new, text), encoding="utf-8")

    def undo(self) -> None:
        """Brings back what is committed and what DVC made for it."""
        self.type_in("git checkout --quiet .")
        self.type_in("dvc checkout")

    def state(self) -> dict[str, str]:
        """What git and DVC keep here: the digest of each file, and what git says."""
        changed = self.type_in("git status --porcelain")
        return digests(self.folder, "data", "metrics", "dist", ".dvc") | {"git": changed}


@pytest.fixture(scope="session")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """HEAD in a folder with blanks and umlauts in its name, on this .venv through a link, after `make repro`."""
    if not process.git("show", "HEAD:./dvc.lock", cwd=ROOT, strict=False):
        pytest.skip("no run is committed yet: make repro, then commit what it made")
    made = Clone(tmp_path_factory.mktemp("fresh") / "a clone with blänks")
    (made.folder / ".venv").symlink_to(Path(sys.prefix), target_is_directory=True)
    source = yaml.safe_load((made.folder / paths.PARAMS).read_text(encoding="utf-8"))["data"]["source"]
    if not (made.folder / source).exists() and (made.folder / f"{source}.dvc").exists():
        if not (ROOT / source).exists():
            pytest.skip(f"{source} is not here: dvc pull")
        bring(source, made.folder)
    made.type_in("make repro")
    return made


def open_wheel(folder: Path) -> tuple[Any, str]:
    """The predictor of the package in dist/, and its golden rows; no module of it stays behind in this process."""
    wheel = next((folder / paths.DIST).glob("*.whl"), None)
    if wheel is None or not all((folder / name).exists() for name in (paths.TABLE, paths.FEATURES, paths.SCHEMA)):
        pytest.skip("no package is there: make repro")
    package, found = wheel.name.split("-")[0], str(wheel.resolve())
    sys.path.insert(0, found)
    importlib.invalidate_caches()
    try:
        predictor = importlib.import_module(package).Predictor.load()
        golden = resources.files(f"{package}.prediction") / "golden.jsonl"
        return predictor, golden.read_text(encoding="utf-8")
    finally:
        sys.path.remove(found)
        for name in [name for name in sys.modules if name.split(".")[0] == package]:
            del sys.modules[name]


def broken_behaviours(predictor: Any) -> list[str]:
    """Where predictions for raw holdout rows are not as expectations/behaviour.yaml states, a line each."""
    schema = Schema.read(paths.SCHEMA)
    held = pc.equal(pq.read_table(paths.FEATURES, columns=[SIDE]).column(0), HOLDOUT)
    rows = pq.read_table(paths.TABLE, columns=[column.name for column in schema.inputs]).filter(held)
    stated = behaviour.read_behaviours(Path(paths.BEHAVIOUR), schema, params.read("data.source").data.source)
    counted = [(each, *behaviour.count_violations(each, predictor, rows)) for each in stated]
    return [f"{each.name}: {bad} of {of} rows break it" for each, bad, of in counted if bad > each.allowed * of]


class Installed:
    """A model's package, installed in an empty environment with what it requires.

    Parameters
    ----------
    project : path
        The package is the one in its dist/.
    folder : path
        Where the environment is made, and where the package's command is started.
    """

    def __init__(self, project: Path, folder: Path) -> None:
        folder.mkdir()
        (wheel,) = (project / paths.DIST).glob("*.whl")
        programs = folder / "env" / ("Scripts" if os.name == "nt" else "bin")
        self.folder, self.command = folder, programs / wheel.name.split("-")[0].replace("_", "-")
        uv = (sys.executable, "-m", "uv")
        self._run(*uv, "venv", "--quiet", "--python", sys.executable, "env")
        self._run(*uv, "pip", "install", "--quiet", "--python", programs / "python", wheel)

    def type_in(self, *arguments: str) -> str:
        """What the package's command prints; it must not fail."""
        return self._run(self.command, *arguments)

    def predict(self, rows: pd.DataFrame) -> pd.DataFrame:
        """What the package's command predicts for raw rows."""
        rows.to_csv(self.folder / "raw.csv", index=False)
        self.type_in("predict", "raw.csv", "-o", "found.parquet")
        return pd.read_parquet(self.folder / "found.parquet")

    def _run(self, *command: str | Path) -> str:
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV"))}
        return printed(process.run(command, cwd=self.folder, env=clean))

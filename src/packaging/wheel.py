"""The wheel: the predictor, the user's two files, the model and its papers, under the project's own import name."""

import importlib.metadata
import importlib.util
import json
import os
import re
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from hatchling.builders.wheel import WheelBuilder

from src.packaging.closure import ROOT, closure
from src.predictor.refusal import Refusal

PREDICTOR = Path(ROOT, "predictor")
YOURS = (Path(ROOT, "features.py"), Path(ROOT, "model.py"))
LIBRARIES = {"numpy": "numpy", "pandas": "pandas", "pyarrow": "pyarrow", "scipy": "scipy", "skops": "skops",
             "sklearn": "scikit-learn", "joblib": "joblib", "threadpoolctl": "threadpoolctl"}  # fmt: skip


@dataclass(frozen=True)
class Project:
    """What pyproject.toml says of the project."""

    name: str
    version: str
    description: str
    license: str
    requires: str  # Python

    @property
    def module(self) -> str:
        """The import name."""
        return re.sub(r"[^a-z0-9]+", "_", self.name.lower())


def shipped() -> set[Path]:
    """The project's own files that the package carries; they may import each other only relatively."""
    files = closure(*sorted(PREDICTOR.glob("*.py")), *YOURS)
    for path in files:
        found = re.search(rf"(?m)^\s*(?:from|import) {ROOT}[. ]", path.read_text(encoding="utf-8"))
        if found:
            raise Refusal(
                f"{path}: {found.group().strip()}... names {ROOT}, which the package has not. "
                "Write it relatively: from .module import name"
            )
    return files


def requirements(roots: set[str], versions: dict[str, str]) -> list[str]:
    """Exact versions of what the package needs: our libraries by the lock, others (imported modules) as installed."""
    pins = [f"{name}=={versions[name]}" for name in sorted(LIBRARIES.values())]
    others = roots - set(LIBRARIES) - set(sys.stdlib_module_names) - {ROOT}
    if others:
        owners = importlib.metadata.packages_distributions()
        pins += sorted(
            {f"{dist}=={importlib.metadata.version(dist)}" for root in others for dist in owners.get(root, [])}
        )
    return pins


def build(project: Project, papers: dict[str, bytes], requires: list[str], license_text: bytes, folder: Path) -> Path:
    """Writes the wheel into `folder`, byte for byte the same for the same content; papers lie beside the predictor."""
    if project.module == ROOT or importlib.util.find_spec(project.module) is not None:
        raise Refusal(
            f"pyproject.toml: project.name {project.name!r} is a module that is installed here. Choose another"
        )
    with tempfile.TemporaryDirectory() as temporary:
        top = Path(temporary)
        for path in shipped():
            target = top / project.module / path.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            (target.parent / "__init__.py").touch()  # importable from the wheel itself, too
            shutil.copyfile(path, target)
        (top / project.module / "__init__.py").write_text(
            f'"""{project.description}"""\n\nfrom .predictor.predictor import Predictor\n\n__all__ = ["Predictor"]\n',
            "utf-8",
        )
        for name, content in papers.items():
            (top / project.module / "predictor" / name).write_bytes(content)
        (top / "README.md").write_bytes(papers["model-card.md"])
        (top / "LICENSE").write_bytes(license_text)
        (top / "pyproject.toml").write_text(_pyproject(project, requires), "utf-8")
        os.environ.pop("SOURCE_DATE_EPOCH", None)  # hatchling's own fixed date
        made = Path(next(WheelBuilder(str(top)).build(directory=str(top / "out"), versions=["standard"])))
        folder.mkdir(parents=True, exist_ok=True)
        return Path(shutil.move(made, folder / made.name))


def _pyproject(project: Project, requires: list[str]) -> str:
    quoted = {key: json.dumps(value, ensure_ascii=False) for key, value in vars(project).items()}
    return f"""[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = {quoted["name"]}
version = {quoted["version"]}
description = {quoted["description"]}
license = {quoted["license"]}
license-files = ["LICENSE"]
readme = "README.md"
requires-python = {quoted["requires"]}
dependencies = {json.dumps(requires)}
[project.scripts]
{json.dumps(project.name)} = "{project.module}.predictor.__main__:run"
[tool.hatch.build]
ignore-vcs = true
[tool.hatch.build.targets.wheel]
packages = [{json.dumps(project.module)}]
"""

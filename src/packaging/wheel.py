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
from types import ModuleType

from hatchling.builders.wheel import WheelBuilder

from src.predictor.refusal import Refusal

SHIPPED = (Path("src/features.py"), Path("src/model.py"), Path("src/learning/columns.py"),
           *sorted(Path("src/predictor").glob("*.py")))  # fmt: skip
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


def check_imports() -> None:
    """In the package the project's files lie under another name, so they may import each other only relatively."""
    for path in SHIPPED:
        found = re.search(r"(?m)^\s*(?:from|import) src[. ].*", path.read_text(encoding="utf-8"))
        if found:
            raise Refusal(
                f"{path}: {found.group().strip()!r} cannot work in the package; write it as from .module import"
            )


def requirements(roots: set[str], versions: dict[str, str]) -> list[str]:
    """Exact versions of what the package needs: our libraries by the lock, the owners of other modules as installed.

    roots: top names of the modules that the model file names and that the user's two files use.
    """
    pins = [f"{name}=={versions[name]}" for name in sorted(LIBRARIES.values())]
    others = roots - set(LIBRARIES) - set(sys.stdlib_module_names) - {"src"}
    owners = importlib.metadata.packages_distributions() if others else {}
    found = {distribution for root in others for distribution in owners.get(root, [])}
    return pins + sorted(f"{distribution}=={importlib.metadata.version(distribution)}" for distribution in found)


def used_by(*modules: ModuleType) -> set[str]:
    """Top names of the modules whose members stand in these modules."""
    members = [member for module in modules for member in vars(module).values()]
    names = [getattr(m, "__name__" if isinstance(m, ModuleType) else "__module__", None) for m in members]
    return {name.split(".")[0] for name in names if isinstance(name, str)}


def build(project: Project, papers: dict[str, bytes], requires: list[str], license_text: bytes, folder: Path) -> Path:
    """Writes the wheel into `folder`, byte for byte the same for the same content; papers lie beside the predictor."""
    if project.module == "src" or importlib.util.find_spec(project.module) is not None:
        raise Refusal(
            f"pyproject.toml: project.name {project.name!r} is a module that is installed here. Choose another"
        )
    with tempfile.TemporaryDirectory() as temporary:
        top = Path(temporary)
        for path in SHIPPED:
            target = top / project.module / path.relative_to("src")
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

"""The wheel: the predictor, the user's two files, the model and its papers, under the project's own import name."""

import ast
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

from plumbline.errors import PlumblineError
from plumbline.prediction import cli, golden  # noqa: F401  # shipped, so in the digest
from plumbline.project import USER_FILES
from plumbline.versions import PACKAGE, Sources

SHIPPED = (
    "plumbline/prediction/cli.py",
    "plumbline/prediction/golden.py",
    "plumbline/columns.py",
)  # and what they import
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


def shipped() -> list[str]:
    """The files of the package that predict: they go along, whatever the project uses."""
    return sorted(file for file in Sources().closure(*SHIPPED)[0] if not file.endswith("__init__.py"))


def imported() -> set[str]:
    """Top names of the modules that the user's two files import, wherever in them.

    Refused is what the package has not: it carries few modules, and not under the names src and plumbline.
    """
    found: set[str] = set()
    for path in USER_FILES:
        text = Path(path).read_text(encoding="utf-8")
        _translated(path, text, "")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    return found - {PACKAGE}


def _translated(path: str, text: str, module: str) -> str:
    """A file of the user's as it stands in the package `module`, which has the modules of plumbline that predict."""
    own = {"features", "model"}
    ours = {file.removeprefix(f"{PACKAGE}/")[:-3].replace("/", ".") for file in shipped()}
    lines = text.splitlines(keepends=True)
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        level, of = getattr(node, "level", 0), getattr(node, "module", None) or ""
        names = {of, *(f"{of}.{alias.name}".strip(".") for alias in node.names)}
        tops = {name.partition(".")[0] for name in names if name}
        good = bool(own & names) if level else "src" not in tops
        if not level and PACKAGE in tops:
            good = isinstance(node, ast.ImportFrom) and bool(ours & {name.partition(".")[2] for name in names})
            lines[node.lineno - 1] = re.sub(rf"\bfrom {PACKAGE}\b", f"from {module}", lines[node.lineno - 1])
        if not good:
            raise PlumblineError(
                f"{path}, line {node.lineno}: {ast.unparse(node)!r} cannot work in the package, which has "
                f"{', '.join(sorted(ours))} of plumbline: write from plumbline.MODULE import NAME. "
                "Of the other file of yours: from .features import NAME"
            )
    return "".join(lines)


def requirements(roots: set[str]) -> list[str]:
    """Exact versions, as installed, of what the package needs: our libraries, and the owners of other modules.

    roots: top names of the modules that the model file names and that the user's two files import.
    """
    others = sorted(roots - set(LIBRARIES) - set(sys.stdlib_module_names))
    owners = importlib.metadata.packages_distributions() if others else {}
    orphans = [root for root in others if root not in owners]
    if orphans:
        raise PlumblineError(f"package: module {orphans[0]!r} is of no installed package, so no package can require it")
    found = {distribution: importlib.metadata.version(distribution) for root in others for distribution in owners[root]}
    pins = {name: importlib.metadata.version(name) for name in sorted(LIBRARIES.values())} | dict(sorted(found.items()))
    return [f"{name}=={version}" for name, version in pins.items()]


def build(project: Project, papers: dict[str, bytes], requires: list[str], license_text: bytes, folder: Path) -> Path:
    """Writes the wheel into `folder`, byte for byte the same for the same content; papers lie beside the predictor."""
    if project.module in ("src", PACKAGE) or importlib.util.find_spec(project.module) is not None:
        raise PlumblineError(
            f"pyproject.toml: project.name {project.name!r} is a module that is installed here. Choose another"
        )
    with tempfile.TemporaryDirectory() as temporary:
        top = Path(temporary)
        for file in shipped():
            target = top / project.module / file.removeprefix(f"{PACKAGE}/")
            target.parent.mkdir(parents=True, exist_ok=True)
            (target.parent / "__init__.py").touch()  # importable from the wheel itself, too
            shutil.copyfile(Sources().path(file), target)
        for path in USER_FILES:
            text = _translated(path, Path(path).read_text(encoding="utf-8"), project.module)
            (top / project.module / Path(path).name).write_bytes(text.encode())
        opening = f'{project.description!r}\n\nfrom .prediction.predictor import Predictor\n\n__all__ = ["Predictor"]\n'
        (top / project.module / "__init__.py").write_bytes(opening.encode())
        for name, content in papers.items():
            (top / project.module / "prediction" / name).write_bytes(content)
        (top / "README.md").write_bytes(papers["model-card.md"])
        (top / "LICENSE").write_bytes(license_text)
        (top / "pyproject.toml").write_bytes(_pyproject(project, requires).encode())
        os.environ.pop("SOURCE_DATE_EPOCH", None)  # hatchling's own fixed date
        try:
            made = Path(next(WheelBuilder(str(top)).build(directory=str(top / "out"), versions=["standard"])))
        except (TypeError, ValueError) as error:
            raise PlumblineError(f"pyproject.toml: {str(error).partition(', see ')[0]}. Fix it") from None
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
{json.dumps(project.name)} = "{project.module}.prediction.cli:run"
[tool.hatch.build]
ignore-vcs = true
[tool.hatch.build.targets.wheel]
packages = [{json.dumps(project.module)}]
"""

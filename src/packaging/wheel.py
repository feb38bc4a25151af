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

from src.predictor.refusal import Refusal

USERS = (Path("src/features.py"), Path("src/model.py"))
SHIPPED = (*USERS, Path("src/learning/columns.py"), *sorted(Path("src/predictor").glob("*.py")))
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


def imported() -> set[str]:
    """Top names of the modules that the user's two files import, wherever in them.

    Refused is what the package has not: it carries few of the project's files, and not under the name src.
    """
    ours, found = {".".join(path.with_suffix("").parts[1:]) for path in SHIPPED}, set()
    for path in USERS:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Import | ast.ImportFrom):
                continue
            module = getattr(node, "module", None) or ""
            names = [f"{module}.{alias.name}".strip(".") for alias in node.names]
            if getattr(node, "level", 0):
                bad = not ours & {module, *names}
            else:
                found |= {name.split(".")[0] for name in names}
                bad = "src" in found
            if bad:
                raise Refusal(
                    f"{path}, line {node.lineno}: {ast.unparse(node)!r} cannot work in the package, which has "
                    f"{', '.join(sorted(ours))}; write from .MODULE import NAME of one of them"
                )
    return found


def requirements(roots: set[str], versions: dict[str, str]) -> list[str]:
    """Exact versions of what the package needs: our libraries by the lock, the owners of other modules as installed.

    roots: top names of the modules that the model file names and that the user's two files import.
    """
    others = sorted(roots - set(LIBRARIES) - set(sys.stdlib_module_names))
    owners = importlib.metadata.packages_distributions() if others else {}
    orphans = [root for root in others if root not in owners]
    if orphans:
        raise Refusal(f"package: module {orphans[0]!r} is of no installed package, so no package can require it")
    found = {distribution: importlib.metadata.version(distribution) for root in others for distribution in owners[root]}
    pins = {name: versions[name] for name in sorted(LIBRARIES.values())} | dict(sorted(found.items()))
    return [f"{name}=={version}" for name, version in pins.items()]


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
        opening = f'{project.description!r}\n\nfrom .predictor.predictor import Predictor\n\n__all__ = ["Predictor"]\n'
        (top / project.module / "__init__.py").write_bytes(opening.encode())
        for name, content in papers.items():
            (top / project.module / "predictor" / name).write_bytes(content)
        (top / "README.md").write_bytes(papers["model-card.md"])
        (top / "LICENSE").write_bytes(license_text)
        (top / "pyproject.toml").write_bytes(_pyproject(project, requires).encode())
        os.environ.pop("SOURCE_DATE_EPOCH", None)  # hatchling's own fixed date
        try:
            made = Path(next(WheelBuilder(str(top)).build(directory=str(top / "out"), versions=["standard"])))
        except (TypeError, ValueError) as error:
            raise Refusal(f"pyproject.toml: {str(error).partition(', see ')[0]}. Mend it") from None
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

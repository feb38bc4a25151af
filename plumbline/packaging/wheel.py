"""The wheel: the predictor, the user's two files, the model and its card, under the project's own import name."""

import ast
import importlib.metadata
import importlib.util
import json
import os
import re
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hatchling.builders.wheel import WheelBuilder

from plumbline.errors import ProjectError, UserCodeError
from plumbline.machinery import PACKAGE
from plumbline.prediction import cli, golden  # noqa: F401  # in the wheel, so in the digest
from plumbline.project import USER_FILES
from plumbline.versions import Sources

ROOTS = (  # of the package's files: they and what they import are in the wheel
    "plumbline/prediction/cli.py",
    "plumbline/prediction/golden.py",
    "plumbline/columns.py",
)
LIBRARIES = {  # that the predictor needs: import name and distribution
    "numpy": "numpy",
    "pandas": "pandas",
    "pyarrow": "pyarrow",
    "scipy": "scipy",
    "skops": "skops",
    "sklearn": "scikit-learn",
    "joblib": "joblib",
    "threadpoolctl": "threadpoolctl",
}
CARD = "model-card.md"
CLI = "prediction/cli.py"
CLI_NAME = '__package__.split(".")[0].replace("_", "-")'  # in CLI: the name of the command, by that of the module


@dataclass(frozen=True)
class Project:
    """The fields of [project] in pyproject.toml that the wheel has, too."""

    name: str
    version: str
    description: str
    license: str
    requires_python: str

    @property
    def module(self) -> str:
        """The import name of the wheel; not plumbline, since the pipeline and a review import both in one process."""
        name = re.sub(r"[^a-z0-9]+", "_", self.name.lower())
        return f"{name}_model" if name == PACKAGE else name


def read_module(wheel: Path) -> str:
    """Return the import name of a wheel that `build_wheel` has written: its file's name has that of the project."""
    tops = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    (module,) = (top for top in tops if not top.endswith(".dist-info"))
    return module


def package_files() -> list[str]:
    """Return the files of plumbline that are in the wheel, in each project the same."""
    return sorted(file for file in Sources().closure(*ROOTS)[0] if not file.endswith("__init__.py"))


def user_imports() -> set[str]:
    """Return the top names of the modules that the user's two files import.

    Raises
    ------
    UserCodeError
        Where they import what the wheel does not have: modules of src, or other modules of plumbline.
    """
    names: set[str] = set()
    for path in USER_FILES:
        text = Path(path).read_text(encoding="utf-8")
        _rewrite_imports(path, text, "")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.partition(".")[0])
    return names - {PACKAGE}


def _rewrite_imports(path: str, text: str, module: str) -> str:
    """Return a user's file with `from module` for `from plumbline`, since the wheel has no plumbline."""
    lines = text.splitlines(keepends=True)
    available_modules = {file.removeprefix(f"{PACKAGE}/")[:-3].replace("/", ".") for file in package_files()}
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        if not _is_in_wheel(node, available_modules):
            modules = ", ".join(sorted(available_modules))
            raise UserCodeError(
                f"{path}, line {node.lineno}: {ast.unparse(node)!r} cannot work in the package, "
                f"which has {modules} of plumbline",
                hint="Write from plumbline.MODULE import NAME; of your other file from .features import NAME",
            )
        if isinstance(node, ast.ImportFrom) and not node.level and str(node.module).partition(".")[0] == PACKAGE:
            lines[node.lineno - 1] = re.sub(rf"\bfrom {PACKAGE}\b", f"from {module}", lines[node.lineno - 1])
    return "".join(lines)


def _is_in_wheel(node: ast.Import | ast.ImportFrom, available_modules: set[str]) -> bool:
    """Return whether an import works in the wheel, or is one of a library."""
    level, source = getattr(node, "level", 0), getattr(node, "module", None) or ""
    names = {source, *(f"{source}.{alias.name}".strip(".") for alias in node.names)}
    if level:
        return bool({"features", "model"} & names)
    tops = {name.partition(".")[0] for name in names if name}
    if PACKAGE in tops:
        return isinstance(node, ast.ImportFrom) and bool(available_modules & {name.partition(".")[2] for name in names})
    return "src" not in tops


def pin_requirements(modules: Iterable[str]) -> list[str]:
    """Return the requirements of the wheel: the exact versions that are installed here.

    Parameters
    ----------
    modules : iterable of str
        Top names of the modules that the model file names and that the user's two files import.

    Raises
    ------
    ProjectError
        Where no distribution that is installed has a module.
    """
    extra_modules = sorted(set(modules) - set(LIBRARIES) - set(sys.stdlib_module_names))
    owners = importlib.metadata.packages_distributions() if extra_modules else {}
    orphans = [name for name in extra_modules if name not in owners]
    if orphans:
        raise ProjectError(
            f"package: module {orphans[0]!r} is of no installed package, so no package can require it",
            hint="Move its code into src/features.py or src/model.py, or install it as a package",
        )
    extra = {name for module in extra_modules for name in owners[module]}
    names = [*sorted(LIBRARIES.values()), *sorted(extra - set(LIBRARIES.values()))]
    return [f"{name}=={importlib.metadata.version(name)}" for name in names]


def build_wheel(
    project: Project, files: Mapping[str, bytes], requirements: Sequence[str], license_text: bytes, folder: Path
) -> Path:
    """Write the wheel into a folder, with the same bytes for the same content.

    Parameters
    ----------
    project : Project
    files : mapping of str to bytes
        Files that are put beside the predictor, by name; one is the model card.
    requirements : sequence of str
    license_text : bytes
    folder : Path

    Returns
    -------
    Path
        The wheel.

    Raises
    ------
    ProjectError
        Where a field of the project is not allowed, or its import name is one that is installed.
    """
    if project.module == "src" or importlib.util.find_spec(project.module) is not None:
        raise ProjectError(
            f"pyproject.toml: project.name {project.name!r} is a module that is installed here",
            hint="Choose another name",
        )
    with tempfile.TemporaryDirectory() as temporary:
        top = Path(temporary)
        _lay_out_module(top / project.module, project, files)
        (top / "README.md").write_bytes(files[CARD])
        (top / "LICENSE").write_bytes(license_text)
        (top / "pyproject.toml").write_bytes(_pyproject(project, requirements).encode())
        try:
            with _without_build_date():
                wheel = Path(next(WheelBuilder(str(top)).build(directory=str(top / "out"), versions=["standard"])))
        except (TypeError, ValueError) as error:
            message = f"pyproject.toml: {str(error).partition(', see ')[0]}"
            raise ProjectError(message, hint="Correct this key of pyproject.toml") from None
        folder.mkdir(parents=True, exist_ok=True)
        return Path(shutil.move(wheel, folder / wheel.name))


def _lay_out_module(module: Path, project: Project, files: Mapping[str, bytes]) -> None:
    """Write what can be imported: files of plumbline, the user's two, and the files beside the predictor."""
    for file in package_files():
        target = module / file.removeprefix(f"{PACKAGE}/")
        target.parent.mkdir(parents=True, exist_ok=True)
        (target.parent / "__init__.py").touch()  # so that it can be imported from the wheel itself, too
        shutil.copyfile(Sources().path(file), target)
    if project.name.lower() == PACKAGE:
        text = (module / CLI).read_text(encoding="utf-8")
        (module / CLI).write_bytes(text.replace(CLI_NAME, json.dumps(project.name)).encode())
    for path in USER_FILES:
        text = _rewrite_imports(path, Path(path).read_text(encoding="utf-8"), project.module)
        (module / Path(path).name).write_bytes(text.encode())
    init = f'{project.description!r}\n\nfrom .prediction.predictor import Predictor\n\n__all__ = ["Predictor"]\n'
    (module / "__init__.py").write_bytes(init.encode())
    for name, content in files.items():
        (module / "prediction" / name).write_bytes(content)


@contextmanager
def _without_build_date() -> Iterator[None]:
    """Remove the date that hatchling, in this process, reads from the environment: without it, it takes a fixed one."""
    date = os.environ.pop("SOURCE_DATE_EPOCH", None)
    try:
        yield
    finally:
        if date is not None:
            os.environ["SOURCE_DATE_EPOCH"] = date


def _pyproject(project: Project, requirements: Sequence[str]) -> str:
    def quote(value: str | Sequence[str]) -> str:
        return json.dumps(value, ensure_ascii=False)

    return f"""[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = {quote(project.name)}
version = {quote(project.version)}
description = {quote(project.description)}
license = {quote(project.license)}
license-files = ["LICENSE"]
readme = "README.md"
requires-python = {quote(project.requires_python)}
dependencies = {quote(requirements)}
[project.scripts]
{quote(project.name)} = "{project.module}.prediction.cli:run"
[tool.hatch.build]
ignore-vcs = true
[tool.hatch.build.targets.wheel]
packages = [{quote(project.module)}]
"""

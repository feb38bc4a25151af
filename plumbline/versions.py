"""Compute src/versions.json: for each stage one digest of the package's modules and libraries that it imports.

dvc.yaml depends on a stage's own digest, so that a change of the package makes stale the stages that use what was
changed, and no other. Digests are computed from the source, without importing it. The file is never trusted: each
stage, verify and check compute the digest again.
"""

import ast
import hashlib
import importlib.metadata
import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import NamedTuple

import yaml

from plumbline import paths
from plumbline.errors import ProjectError
from plumbline.files import write_json
from plumbline.lock import LOCK, pins
from plumbline.machinery import PACKAGE, find_source

STAGES = "src/stages"
MODULE_PARAMS = {  # modules that import what a parameter names, and the parameter
    f"{PACKAGE}/prediction/modelfile.py": "model.estimator",
    f"{PACKAGE}/metrics.py": "evaluate.metrics",
}
WRITE_COMMAND = "python -m plumbline versions"
# Libraries whose module has another name than they have in the lock; others are looked up where they are installed.
_DISTRIBUTIONS = {"sklearn": "scikit-learn", "yaml": "pyyaml"}
_BLOCKS = ("body", "orelse", "handlers", "finalbody", "cases")  # fields of a statement that hold statements
_COMPUTING_LIBRARIES = {"scikit-learn": ("joblib", "numpy", "scipy", "threadpoolctl")}  # those that compute for it


class Imports(NamedTuple):
    """What files import: the files of the project and the package, and the top names of modules of libraries."""

    files: set[str]
    modules: set[str]


@dataclass(frozen=True)
class StageCode:
    """What the digest of a stage is computed from.

    Attributes
    ----------
    files : dict of str to str
        The hash of each file of the package.
    libraries : dict of str to str
        The version of each library.

    Examples
    --------
    >>> StageCode({}, {"numpy": "2.0"}).digest == StageCode({}, {"numpy": "2.1"}).digest
    False
    """

    files: dict[str, str]
    libraries: dict[str, str]

    @property
    def digest(self) -> str:
        """The first 16 hexadecimal digits of a SHA-256 digest."""
        content = json.dumps([self.files, self.libraries], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:16]


class Sources:
    """The source of a project and of the package.

    Parameters
    ----------
    root : path
        The root of the project.
    package : path, optional
        The folder with its package, by default that of `plumbline.machinery.find_source`.
    """

    def __init__(self, root: str | Path = ".", package: Path | None = None) -> None:
        self._root = Path(root)
        self._tops = {"src": self._root, PACKAGE: package or find_source(root)}
        self._imports: dict[str, Imports] = {}

    def stages(self) -> list[str]:
        """Return the names of the files in src/stages."""
        return sorted(path.stem for path in (self._root / STAGES).glob("*.py") if path.stem != "__init__")

    def closure(self, *files: str) -> Imports:
        """Return all that files import, directly or through other files.

        Parameters
        ----------
        *files : str
            As "src/stages/train.py" or "plumbline/params.py".

        Returns
        -------
        Imports
            `files` contains the arguments, but not plumbline/__init__.py, which every import runs: it has the version
            alone.
        """
        closure, pending = Imports(set(), set()), [*files]
        while pending:
            file = pending.pop()
            if file not in closure.files:
                closure.files.add(file)
                imports = self._read_imports(file)
                pending += imports.files
                closure.modules.update(imports.modules)
        return closure

    def stage_code(self, stage: str) -> StageCode:
        """Return what the digest of a stage is computed from."""
        files, modules = self.closure(f"{STAGES}/{stage}.py")
        package_files = sorted(file for file in files if file.startswith(f"{PACKAGE}/"))
        for file in package_files:
            if file in MODULE_PARAMS:
                modules |= {name.partition(".")[0] for name in self._read_dotted_names(MODULE_PARAMS[file])}
        all_files = [name for file in package_files for name in (file, *self._companion_files(file))]
        return StageCode({file: _hash_text(self.path(file)) for file in all_files}, self._library_versions(modules))

    def path(self, file: str) -> Path:
        """Return where a file is that is named from the top, as "plumbline/params.py"."""
        return self._tops[file.partition("/")[0]] / file

    def _read_imports(self, file: str) -> Imports:
        if file not in self._imports:
            imports = Imports(set(), set())
            for module in _imported_names(file, self.path(file).read_bytes()):
                top, *_ = parts = module.split(".")
                if top in self._tops:
                    imports.files.update(self._module_files(parts))
                elif top not in sys.stdlib_module_names:
                    imports.modules.add(top)
            self._imports[file] = imports
        return self._imports[file]

    def _module_files(self, parts: list[str]) -> Iterator[str]:
        """The files of a module and of the packages around it."""
        for end in range(2, len(parts) + 1):
            stem = "/".join(parts[:end])
            yield from (file for file in (f"{stem}.py", f"{stem}/__init__.py") if self.path(file).is_file())

    def _companion_files(self, file: str) -> list[str]:
        """Files that a module reads and that have its name: page.html.j2 of page.py."""
        path = self.path(file)
        companions = [other for other in path.parent.glob(f"{path.stem}.*") if other.suffix not in (".py", ".pyc")]
        return sorted(f"{file.rpartition('/')[0]}/{companion.name}" for companion in companions)

    def _read_dotted_names(self, key: str) -> list[str]:
        """The dotted names in a parameter; none where params.yaml cannot be read, which another check reports."""
        try:
            content = yaml.safe_load((self._root / paths.PARAMS).read_bytes())
            group, name = key.split(".")
            value = (content[group] or {}).get(name)
        except (OSError, yaml.YAMLError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return []
        words = value if isinstance(value, list) else [value]
        return [word for word in words if isinstance(word, str) and "." in word]

    @cached_property
    def _pins(self) -> dict[str, str]:
        lock = self._root / LOCK
        return pins(lock.read_text(encoding="utf-8")) if lock.is_file() else {}

    def _library_versions(self, modules: set[str]) -> dict[str, str]:
        names = {name for module in modules for name in _distributions(module, self._pins)}
        names |= {library for name in names for library in _COMPUTING_LIBRARIES.get(name, ())}
        return {name: self._pins[name] for name in sorted(names & self._pins.keys())}


@cache  # the stage package asks for the same files several times
def _imported_names(file: str, text: bytes) -> tuple[str, ...]:
    """The dotted names that a file imports, anywhere in it; of `from a import b` also a.b, which may be a module."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):  # Python itself reports it
        return ()
    names: list[str] = []
    for node in _walk_statements(tree):
        if isinstance(node, ast.Import):
            names += (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(file.removesuffix(".py").split("/")[: -node.level]) if node.level else ""
            module = ".".join(part for part in (base, node.module) if part)
            names += (f"{module}.{alias.name}" for alias in node.names)
    return tuple(names)


def _walk_statements(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield all statements. No expression holds an import, and ast.walk over expressions takes most of a digest."""
    pending: list[ast.AST] = [*tree.body]
    while pending:
        node = pending.pop()
        yield node
        for field in _BLOCKS:
            pending += getattr(node, field, ())


def _hash_text(path: Path) -> str:
    """The hash of a text, the same whatever ends its lines."""
    return hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest()[:16]


def _distributions(module: str, lock_pins: Mapping[str, str]) -> list[str]:
    """The packages of the lock that have a module."""
    name = _DISTRIBUTIONS.get(module, module.replace("_", "-").lower())
    if name in lock_pins:
        return [name]
    return [re.sub(r"[-_.]+", "-", owner).lower() for owner in _package_owners().get(module, ())]


@cache
def _package_owners() -> Mapping[str, list[str]]:
    return importlib.metadata.packages_distributions()


def digests(root: str | Path = ".") -> dict[str, str]:
    """Return the digest of each file in src/stages, by the name of the stage."""
    sources = Sources(root)
    return {stage: sources.stage_code(stage).digest for stage in sources.stages()}


def read(root: str | Path = ".") -> dict[str, str]:
    """Return the content of src/versions.json; an empty dict where it cannot be read."""
    try:
        content = json.loads((Path(root) / paths.VERSIONS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def write(root: str | Path = ".") -> list[str]:
    """Write src/versions.json where it differs, and return the stages whose digest changed."""
    sys.audit("params.read", paths.PARAMS, tuple(MODULE_PARAMS.values()))  # a hermetic run listens
    old, new = read(root), digests(root)
    if old != new:
        write_json(str(Path(root) / paths.VERSIONS), new)
    return _differing_names(old, new)


def check(stage: str) -> None:
    """Check that a stage's digest in src/versions.json is that of its code.

    Raises
    ------
    ProjectError
        If it is another: DVC would store the result of the run as that of other code.
    """
    sys.audit("params.read", paths.VERSIONS, (stage,))  # a hermetic run listens
    digest, expected_digest = read().get(stage), Sources().stage_code(stage).digest
    if digest != expected_digest:
        message = f"{paths.VERSIONS}: {stage} is {digest}, expected {expected_digest}"
        hint = f"Write it: {WRITE_COMMAND}, then run again"
        raise ProjectError(f"{message}, the digest of what the stage imports", hint=hint)


def disagreements(root: str | Path = ".") -> list[str]:
    """Return a line for each stage whose digest in src/versions.json is not that of its code."""
    what = "is not the digest of what the stage imports"
    stages = _differing_names(read(root), digests(root))
    return [f"{paths.VERSIONS}: {stage} {what}. Write it: {WRITE_COMMAND}" for stage in stages]


def _differing_names(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    return sorted(name for name in {*old, *new} if old.get(name) != new.get(name))

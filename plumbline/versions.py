"""src/versions.json: of each stage one digest, of the package's modules that it imports and the libraries that it uses.

dvc.yaml depends on a stage's own key alone, so that a change of the package makes stale the stages that use what was
changed, and no other. Read from the source, without importing it; the file itself is never believed: each stage, verify
and check compute the digest again.
"""

import ast
import hashlib
import importlib.metadata
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import yaml

from plumbline import paths
from plumbline.errors import PlumblineError
from plumbline.files import write_json
from plumbline.lock import LOCK, pins

PACKAGE, STAGES = "plumbline", "src/stages"
# Libraries whose module has another name than they have in the lock; others are looked up where they are installed.
DISTRIBUTIONS = {"sklearn": "scikit-learn", "yaml": "pyyaml"}
BENEATH = {"scikit-learn": ("joblib", "numpy", "scipy", "threadpoolctl")}  # what computes for it
MODULE_PARAMS = {  # modules that import what a parameter names
    f"{PACKAGE}/prediction/modelfile.py": "model.estimator",
    f"{PACKAGE}/metrics.py": "evaluate.metrics",
}
WRITE_COMMAND = "python -m plumbline versions"


@dataclass(frozen=True)
class StageCode:
    """What stands behind a digest: the hash of each file of the package, and the version of each library."""

    files: dict[str, str]
    libraries: dict[str, str]

    @property
    def digest(self) -> str:
        content = json.dumps([self.files, self.libraries], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:16]


class Sources:
    """The source of a project and of the package, in `root`; where that has no package, of the installed one."""

    def __init__(self, root: str | Path = ".") -> None:
        self.root = Path(root)
        here = (self.root / PACKAGE).is_dir()
        self.tops = {"src": self.root, PACKAGE: self.root if here else Path(__file__).parents[1]}
        self._imports: dict[str, tuple[set[str], set[str]]] = {}

    def path(self, name: str) -> Path:
        """Where a file lies that is named from the top, as in plumbline/params.py."""
        return self.tops[name.partition("/")[0]] / name

    def stages(self) -> list[str]:
        return sorted(path.stem for path in (self.root / STAGES).glob("*.py") if path.stem != "__init__")

    def closure(self, *starts: str) -> tuple[set[str], set[str]]:
        """All files of ours that these import, directly or through others, and the top names of other modules.

        plumbline/__init__.py, which every import runs, is left out: it holds the version alone.
        """
        found, others, waiting = set[str](), set[str](), [*starts]
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                files, modules = self._read(name)
                waiting += files
                others |= modules
        return found, others

    def _read(self, name: str) -> tuple[set[str], set[str]]:
        if name not in self._imports:
            files, others = set[str](), set[str]()
            for module in _imported(name, self.path(name).read_bytes()):
                top, *_ = parts = module.split(".")
                if top not in self.tops:
                    others.add(top)
                    continue
                for end in range(2, len(parts) + 1):
                    stem = "/".join(parts[:end])
                    files |= {file for file in (f"{stem}.py", f"{stem}/__init__.py") if self.path(file).is_file()}
            self._imports[name] = files, others - sys.stdlib_module_names
        return self._imports[name]

    def stage_code(self, stage: str) -> StageCode:
        """What stands behind the digest of a stage."""
        files, modules = self.closure(f"{STAGES}/{stage}.py")
        own = sorted(file for file in files if file.startswith(f"{PACKAGE}/"))
        modules |= {
            word.partition(".")[0] for file in own if file in MODULE_PARAMS for word in self._named(MODULE_PARAMS[file])
        }
        hashes = {file: _hash(self.path(file)) for name in own for file in (name, *self.beside(name))}
        return StageCode(hashes, self._libraries(modules))

    def beside(self, name: str) -> list[str]:
        """Files that a module reads and that lie beside it under its name: page.html.j2 beside page.py."""
        path = self.path(name)
        return sorted(
            f"{name.rpartition('/')[0]}/{other.name}"
            for other in path.parent.glob(f"{path.stem}.*")
            if other.suffix not in (".py", ".pyc")
        )

    def _named(self, key: str) -> list[str]:
        """The dotted names under a key of params.yaml; a file that cannot be read is another check's affair."""
        try:
            content = yaml.safe_load((self.root / paths.PARAMS).read_bytes())
            group, name = key.split(".")
            value = (content[group] or {}).get(name)
        except (OSError, yaml.YAMLError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return []
        words = value if isinstance(value, list) else [value]
        return [word for word in words if isinstance(word, str) and "." in word]

    @cached_property
    def _pins(self) -> dict[str, str]:
        lock = self.root / LOCK
        return pins(lock.read_text(encoding="utf-8")) if lock.is_file() else {}

    def _libraries(self, modules: set[str]) -> dict[str, str]:
        known = self._pins
        names = {name for module in modules for name in _distributions(module, known)}
        names |= {below for name in names for below in BENEATH.get(name, ())}
        return {name: known[name] for name in sorted(names & known.keys())}


def _imported(name: str, text: bytes) -> Iterator[str]:
    """The dotted names that a file imports, wherever in it; of `from a import b` also a.b, which may be a module."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):  # Python itself will say so
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(name.removesuffix(".py").split("/")[: -node.level]) if node.level else ""
            module = ".".join(part for part in (base, node.module) if part)
            yield from (f"{module}.{alias.name}" for alias in node.names)


def _hash(path: Path) -> str:
    """Of the text, whatever ends its lines."""
    return hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest()[:16]


def _distributions(module: str, known: dict[str, str]) -> list[str]:
    """The packages of the lock that a module is of."""
    name = DISTRIBUTIONS.get(module, module.replace("_", "-").lower())
    return [name] if name in known else [re.sub(r"[-_.]+", "-", owner).lower() for owner in _owners().get(module, ())]


@cache
def _owners() -> dict[str, list[str]]:
    return {module: [*names] for module, names in importlib.metadata.packages_distributions().items()}


def digests(root: str | Path = ".") -> dict[str, str]:
    """The digest of each file in src/stages, by its name."""
    sources = Sources(root)
    return {stage: sources.stage_code(stage).digest for stage in sources.stages()}


def read(root: str | Path = ".") -> dict[str, str]:
    """src/versions.json as it is; empty where it cannot be read."""
    try:
        content = json.loads((Path(root) / paths.VERSIONS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def write(root: str | Path = ".") -> list[str]:
    """Writes the file where it differs; the stages whose digest is another one now."""
    sys.audit("params.read", paths.PARAMS, tuple(MODULE_PARAMS.values()))
    old, new = read(root), digests(root)
    if old != new:
        write_json(str(Path(root) / paths.VERSIONS), new)
    return sorted(name for name in {*old, *new} if old.get(name) != new.get(name))


def check(stage: str) -> None:
    """Refuses to run a stage whose digest is not that of its code: DVC would keep the result under the wrong name."""
    sys.audit("params.read", paths.VERSIONS, (stage,))  # heard by a hermetic run
    found, expected = read().get(stage), Sources().stage_code(stage).digest
    if found != expected:
        raise PlumblineError(
            f"{paths.VERSIONS}: {stage} is {found}, expected {expected}, the digest of what the stage imports. "
            f"Write it: {WRITE_COMMAND}, then run again"
        )


def disagreements(root: str | Path = ".") -> list[str]:
    """The stages whose digest is not that of the code, a line each."""
    old, new = read(root), digests(root)
    differing = sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
    return [
        f"{paths.VERSIONS}: {name} is not the digest of what the stage imports. Write it: {WRITE_COMMAND}"
        for name in differing
    ]

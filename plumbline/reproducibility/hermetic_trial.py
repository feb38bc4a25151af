"""Find what a stage needs and does not declare, and the reverse, by running it with more and with less."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

from plumbline import lock, machinery, versions
from plumbline.errors import InconclusiveError
from plumbline.paths import VERSIONS
from plumbline.reproducibility.dvc_files import LOCK, PIPELINE, Stage
from plumbline.reproducibility.hermetic_findings import make_findings
from plumbline.reproducibility.hermetic_run import (
    HermeticRun,
    Item,
    list_ambient_items,
    list_files,
    run_hermetically,
)
from plumbline.reproducibility.param_traps import TRAP, is_covered
from plumbline.reproducibility.report import CANNOT_TELL, Finding

_MAX_SEARCHES = 8  # for items that no run shows


@dataclass(frozen=True)
class StageReport:
    """What a stage does beside what dvc.yaml declares.

    Attributes
    ----------
    findings : tuple of Finding
    seconds : float
        The duration of the first run.
    runs : int
        How often it ran.
    inputs : tuple of str
        The files that it read.
    params : tuple of str
        The parameters that it read, as file:key.
    outputs : tuple of str
        The outputs that it wrote.
    """

    findings: tuple[Finding, ...]
    seconds: float
    runs: int
    inputs: tuple[str, ...]
    params: tuple[str, ...]
    outputs: tuple[str, ...]

    def summary(self) -> str:
        """Return a line about it."""
        counts = f"read {len(self.inputs)} files, {len(self.params)} parameters; wrote {len(self.outputs)} outputs"
        return f"{len(self.findings)} findings  {counts}; {self.seconds:.1f} s, {self.runs} run(s)"


def examine_stage(name: str, stages: Mapping[str, Stage], locked_hashes: Mapping[str, str]) -> StageReport:
    """Run a stage until it is known what it needs and what it writes.

    Parameters
    ----------
    name : str
        The stage.
    stages : mapping of str to Stage
        All stages of dvc.yaml.
    locked_hashes : mapping of str to str
        The hashes of its outputs in dvc.lock: a run with the same is one that has all it needs.
    """
    return _Trial(name, stages, locked_hashes).examine()


class _Digest:
    """The files and libraries in a stage's digest in src/versions.json, which dvc.yaml declares by one key."""

    def __init__(self, stage: Stage) -> None:
        self.item = Item("param", f"{VERSIONS}:{stage.name}")
        self.is_declared = stage.name in (stage.params.get(VERSIONS) or [])
        self.modules: set[str] = set()
        self.libraries: set[str] = set()
        sources = versions.Sources()
        if Path(VERSIONS).is_file() and stage.name in sources.stages():
            code = sources.stage_code(stage.name)
            self.modules = {f"{machinery.PACKAGE}/__init__.py", *code.files}
            self.libraries = {*code.libraries}

    @property
    def files(self) -> set[str]:
        """The modules, and the files from which the digest is computed."""
        return self.modules | {lock.LOCK.name, VERSIONS} if self.modules else set()

    def is_used(self, run: HermeticRun) -> bool:
        """Whether the stage imports any of it: then the key counts as read."""
        imports = run.names("import")
        owners = {owner for name in imports for owner in _package_owners().get(name.split(".")[0], ())}
        libraries = {re.sub(r"[-_.]+", "-", owner).lower() for owner in owners}
        return bool(libraries & self.libraries or _module_files(imports) & self.modules)


def _list_package_files() -> set[str]:
    """The files of the package, also where the project has it in .venv: the digest of a stage covers some of them."""
    folder = machinery.locate(machinery.PACKAGE)
    files = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return {f"{machinery.PACKAGE}/{path.relative_to(folder).as_posix()}" for path in files}


def _is_module(item: Item) -> bool:
    return item.kind == "file" and item.name.startswith(f"{machinery.PACKAGE}/") and item.name.endswith(".py")


def _module_files(names: Iterable[str]) -> set[str]:
    """The files that dotted names may stand for."""
    return {f"{name.replace('.', '/')}{suffix}" for name in names for suffix in (".py", "/__init__.py")}


@cache
def _package_owners() -> Mapping[str, list[str]]:
    return packages_distributions()


class _Trial:
    """Runs of a stage, with more and with less than it declares."""

    def __init__(self, name: str, stages: Mapping[str, Stage], locked_hashes: Mapping[str, str]) -> None:
        self._stage = stages[name]
        self._reference_hashes = locked_hashes
        self._digest = _Digest(self._stage)
        self._folders = sorted({Path(path).parent.as_posix() for stage in stages.values() for path in stage.outputs})
        self._full_stage = self._stage  # with the files of its digest
        if self._digest.is_declared:
            dependencies = [*self._stage.dependencies, *sorted(self._digest.files - {VERSIONS})]
            self._full_stage = replace(self._stage, dependencies=dependencies)
        self._ambient_items = list_ambient_items(stages, self._full_stage)
        if self._digest.files:
            other_files = _list_package_files() - {*self._full_stage.dependencies}
            self._ambient_items |= {Item("file", file) for file in other_files}
        if self._digest.files and not self._digest.is_declared:
            self._ambient_items -= {Item("file", file) for file in self._digest.files}
            self._ambient_items |= {self._digest.item}
        own_outputs = {Item("file", file) for path in self._stage.outputs for file in list_files(path)}
        self._candidates = {item for item in self._ambient_items - own_outputs if item.kind in ("file", "param")}
        self._seconds: list[float] = []

    def examine(self) -> StageReport:
        run = self._run()
        items = self._find_items(run)
        try:
            if not self._is_reference(run):
                run = self._complete(run, items)
            items |= self._find_unread(run, items)
            items |= {Item("extra file", name) for name in run.extra_files}
            items |= {Item("stray file", name) for name in run.stray_files}
            items |= {Item("missing output", path) for path in self._stage.outputs if path not in run.output_hashes}
            findings = self._make_findings(items)
        except InconclusiveError as error:
            findings = (Finding(CANNOT_TELL, f"{self._stage.name}: {error.message}", hint=error.hint),)
        inputs = tuple(sorted(name for name in run.read_files if Path(name).is_file()))
        params, outputs = tuple(sorted(run.names("param"))), tuple(sorted(run.output_hashes))
        return StageReport(findings, self._seconds[0], len(self._seconds), inputs, params, outputs)

    def _make_findings(self, items: Collection[Item]) -> tuple[Finding, ...]:
        """Findings about items; a module of the package is missing in the digest, not in the dependencies."""
        if self._digest.is_declared:
            items = [item._replace(kind="module") if _is_module(item) else item for item in items]
        return make_findings(self._stage.name, items)

    def _run(self, items: Collection[Item] = (), *, missing_items: Collection[Item] = ()) -> HermeticRun:
        if self._digest.item in items:
            items = {*items, *(Item("file", file) for file in self._digest.files)}
        run = run_hermetically(self._full_stage, self._folders, items, missing_items=missing_items)
        self._seconds.append(run.seconds)
        return run

    def _is_reference(self, run: HermeticRun) -> bool:
        """Whether it ended well, with the bytes of the reference."""
        hashes = self._reference_hashes
        return run.exit_code == 0 and all(
            run.output_hashes.get(path) == hashes.get(path) for path in self._stage.outputs
        )

    def _find_items(self, run: HermeticRun) -> set[Item]:
        """What a run shows that it looked for or used, and that is not declared."""
        files = {*run.names("read"), *run.names("miss"), *run.read_files, *_module_files(run.names("import"))}
        params = run.names("param") | {*re.findall(TRAP + r"([^\s'\"]+)", run.output)}
        items = {Item("file", name) for name in files} | {Item("param", name) for name in params}
        items |= {self._digest.item} if self._digest.is_used(run) else set()
        outer_items = {Item(kind, name) for kind in ("outside", "network") for name in run.names(kind)}
        return items & self._candidates | outer_items

    def _complete(self, run: HermeticRun, items: set[Item]) -> HermeticRun:
        """Add to `items` until the stage gives the reference: what runs show, then what a bisection finds."""
        if items and self._is_reference(run := self._run(items)):
            return run
        plain_run = self._run_plainly()
        items |= self._find_items(run) | self._find_items(plain_run)
        for _ in range(_MAX_SEARCHES):
            if self._is_reference(run := self._run(items)):
                return run
            items.add(self._bisect(items))
        message = f"the stage reads something that {PIPELINE} does not declare, and the search could not find what"
        raise InconclusiveError(message, hint=f"Compare the stage's code with deps and params in {PIPELINE}")

    def _run_plainly(self) -> HermeticRun:
        """A run with everything there; it becomes the reference where it has other bytes than dvc.lock."""
        run = self._run(self._ambient_items)
        if run.exit_code:
            last_line = " ".join(run.output.strip().splitlines()[-1:])
            message = f"the stage also fails in the normal environment: {last_line}"
            raise InconclusiveError(message, hint="Fix the error, then run make repro")
        if not self._is_reference(run):
            self._reference_hashes = run.output_hashes
            if not self._is_reference(self._run(self._ambient_items)):
                message = "the outputs differ in every run, although nothing changed"
                raise InconclusiveError(message, hint="Find the cause: python -m plumbline replay")
            message = f"{LOCK} has other bytes than a plain run here, which is the reference now"
            print(f"{self._stage.name}: {message}", flush=True)
        return run

    def _bisect(self, items: set[Item]) -> Item:
        """The last item of the shortest sorted list of ambient items with which the stage gives the reference."""
        ambient_items = sorted(self._ambient_items - items)
        low, high = 0, len(ambient_items)
        while high - low > 1:
            middle = (low + high) // 2
            is_enough = self._is_reference(self._run(items | {*ambient_items[:middle]}))
            low, high = (low, middle) if is_enough else (middle, high)
        return ambient_items[high - 1]

    def _find_unread(self, run: HermeticRun, items: set[Item]) -> set[Item]:
        """What is declared and has no effect, and environment variables that have one."""
        doubts = self._list_doubts(run)
        idle_items = doubts
        if doubts and not self._is_reference(self._run(items, missing_items=doubts)):
            idle_items = {item for item in doubts if len(doubts) > 1 and self._is_idle(items, item)}
        unread_items = {Item(f"unread {kind}", name) for kind, name in idle_items if kind != "environment"}
        return unread_items | {item for item in doubts - idle_items if item.kind == "environment"}

    def _is_idle(self, items: set[Item], item: Item) -> bool:
        return self._is_reference(self._run(items, missing_items={item}))

    def _list_doubts(self, run: HermeticRun) -> set[Item]:
        """What is declared and was not seen to be read, and variables that are not set and were read."""
        read_params = run.names("param") | ({self._digest.item.name} if self._digest.is_used(run) else set())
        declared_params = [f"{file}:{key}" for file, keys in self._stage.params.items() for key in keys or ()]
        doubts = {
            Item("param", param)
            for param in declared_params
            if not any(is_covered(name, [param]) or is_covered(param, [name]) for name in read_params)
        }
        for path in self._stage.dependencies:
            if not any(Path(name).is_relative_to(path) for name in run.read_files):
                doubts.add(Item("file", path))
        return doubts | {Item("environment", name) for name in run.names("environment")}

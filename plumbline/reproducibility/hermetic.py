"""Does dvc.yaml say of each stage all that it reads and writes, and nothing else? Run where nothing else exists.

docs/reproducibility.md has what is found, and what this cannot see.
"""

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from plumbline import versions
from plumbline.errors import PlumblineError
from plumbline.paths import PARAMS, VERSIONS
from plumbline.progress import progress
from plumbline.reproducibility.differences import CANNOT_TELL
from plumbline.reproducibility.hermetic_box import TRAP, Item, Ran, contents, covered, everything, run
from plumbline.reproducibility.hermetic_recorder import landlock
from plumbline.reproducibility.pipeline import LOCK, PIPELINE, Stage, declared, load
from plumbline.reproducibility.report import Finding

AGAIN = "python -m plumbline hermetic"
ROUNDS = 8  # of looking for what no run has shown
USED = "that {stage} uses it"
FOUND = {  # of an item: the word, what was expected, what was found, the cure, the list in dvc.yaml that it bears on
    "file": ("undeclared file", "in deps", USED, "add it to deps of {stage}", "deps"),
    "param": ("undeclared parameter", "in params", USED, "add it to params of {stage}", "params"),
    "outside": ("outside the project", "nothing", USED, "move it into the project and add it to deps", "deps"),
    "network": ("network", "no use of it", USED, "fetch it with dvc import-url and add it to deps", "deps"),
    "environment": ("environment", "no effect", "another result", "make it a parameter of {stage}", "params"),
    "written": ("undeclared output", "in outs", "that {stage} writes it", "add it to outs of {stage}", "outs"),
    "left": ("left elsewhere", "nothing", "that {stage} leaves it", "remove it, or make it one of outs", "outs"),
    "module": ("undeclared file", "behind the stage's digest", USED,
               f"import it by its name in what {{stage}} imports, then {versions.AGAIN}", "params"),
    "idle file": ("unread dependency", "to be read", "no reading, and without it the same bytes",
                  "take it out of deps of {stage}", "deps"),
    "idle param": ("unread parameter", "to be read", "no reading, and with nonsense in it the same bytes",
                   "take it out of params of {stage}", "params"),
    "absent": ("unwritten output", "a file or folder", "none", "take it out of outs of {stage}", "outs"),
}  # fmt: skip


@dataclass
class Report:
    """Of each stage its findings, the seconds of its first run, the number of its runs, and what was read."""

    stages: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def findings(self) -> list[Finding]:
        return [finding for told in self.stages.values() for finding in told["findings"]]

    @property
    def exit_code(self) -> int:
        words = {finding.kind for finding in self.findings}
        return 2 if CANNOT_TELL in words else 1 if words else 0

    def to_json(self) -> dict[str, object]:
        told = {name: one | {"findings": list(map(asdict, one["findings"]))} for name, one in self.stages.items()}
        return {"version": 1, "exit_code": self.exit_code, "stages": told, "means": means()}

    def lines(self) -> list[str]:
        word = ("hermetic", "not hermetic", CANNOT_TELL)[self.exit_code]
        named = [name for name, told in self.stages.items() if told["findings"]]
        following = f"fix the first finding, then {' '.join((AGAIN, *named))}" if named else "nothing; push"
        return [f"{word}: {len(self.findings)} findings in {len(self.stages)} stages", *map(str, self.findings),
                *(f"by: {line}" for line in means()), f"Next: {following}"]  # fmt: skip


def means() -> list[str]:
    """By what it is known, on this system."""
    version, python = landlock(), "Python alone; what other programs do elsewhere is not seen"
    return [
        "what is not declared is not there, an undeclared parameter is a trap, the home is empty",
        f"kept from files elsewhere: {'every program (Landlock)' if version else python}",
        f"kept from the network: {'every program, as to TCP (Landlock)' if version >= 4 else python}",
        "what is read: Python's record and times of access; what neither shows is taken away and tried",
    ]


def hermetic(names: list[str]) -> Report:
    """Examines these stages, or all, on the files in the working directory; says each as it is done."""
    stages = declared()
    if unknown := [name for name in names if name not in stages]:
        raise PlumblineError(f"{PIPELINE} has no stage {unknown[0]}, expected one of {', '.join(stages)}")
    if not Path(LOCK).exists():
        raise PlumblineError(f"{LOCK} is not here, so there is no result to compare with. First: make repro")
    locked, report = load(LOCK).get("stages") or {}, Report()
    with progress("stages", len(names or stages)) as advance:
        for name in names or stages:
            advance(0, name)
            ready(name, stages[name], locked)
            reference = {item["path"]: item["md5"] for item in locked[name]["outs"]}
            told = report.stages[name] = Trial(name, stages, reference).examine()
            read = f"read {len(told['read'])} files, {len(told['params'])} parameters"
            print(f"{name:12} {len(told['findings'])} findings  {read}; wrote {len(told['outs'])} outputs; "
                  f"{told['seconds']:.1f} s, {told['runs']} run(s)", flush=True)  # fmt: skip
            advance()
    return report


def ready(name: str, stage: Stage, locked: dict[str, Any]) -> None:
    if stage.unread:
        raise PlumblineError(
            f"{name}: uses {stage.unread[0]}, which is not read here. Name the other stages: {AGAIN} STAGE"
        )
    if name not in locked:
        raise PlumblineError(f"{LOCK} has no stage {name}. First: make repro")
    if absent := [dep for dep in stage.deps if not Path(dep).exists()]:
        raise PlumblineError(f"{name}: {absent[0]} is a dependency and is not here. Bring it: dvc pull, or make repro")


class Digest:
    """What stands behind the stage's own key of src/versions.json, which dvc.yaml declares by that key alone."""

    def __init__(self, name: str, stage: Stage) -> None:
        self.key = f"{VERSIONS}:{name}"
        self.is_declared = name in (stage.params.get(VERSIONS) or [])
        self.modules: set[str] = set()
        self.libraries: set[str] = set()
        sources = versions.Sources()
        if Path(VERSIONS).is_file() and name in sources.stages():
            behind = sources.behind(name)
            self.modules = {f"{versions.PACKAGE}/__init__.py", *behind.files}
            self.libraries = {*behind.libraries}

    @property
    def files(self) -> set[str]:
        """With what the digest itself is made of."""
        return self.modules | {versions.LOCK.name, VERSIONS} if self.modules else set()

    def used(self, ran: Ran) -> bool:
        """Whether the stage imports any of it: then the key is read, whoever looks at it."""
        imported = ran.looked.get("import", set())
        found = {
            re.sub(r"[-_.]+", "-", one).lower() for name in imported for one in owners().get(name.split(".")[0], ())
        }
        return bool(found & self.libraries or modules(imported) & self.modules)


def modules(imported: Iterable[str]) -> set[str]:
    """The files that these dotted names may stand for."""
    return {f"{name.replace('.', '/')}{end}" for name in imported for end in (".py", "/__init__.py")}


owners = cache(packages_distributions)  # of modules; not when this is imported, for it takes a moment


class Trial:
    """One stage, run as often as it takes to know what it needs."""

    def __init__(self, name: str, stages: dict[str, Stage], reference: dict[str, str]) -> None:
        self.name, self.stage, self.reference, self.digest = name, stages[name], reference, Digest(name, stages[name])
        self.boxed = self.stage
        self.parents = sorted({Path(out).parent.as_posix() for stage in stages.values() for out in stage.outs})
        if self.digest.is_declared:
            self.boxed = replace(self.stage, deps=[*self.stage.deps, *sorted(self.digest.files - {VERSIONS})])
        self.all = everything(stages, self.boxed)
        if self.digest.files and not self.digest.is_declared:
            self.all = self.all - {("file", one) for one in self.digest.files} | {("param", self.digest.key)}
        own = {("file", one) for out in self.stage.outs for one in contents(out)}
        self.nameable = {item for item in self.all - own if item[0] in ("file", "param")}
        self.seconds: list[float] = []

    def run(self, given: set[Item], without: frozenset[Item] = frozenset()) -> Ran:
        if ("param", self.digest.key) in given:
            given = given | {("file", one) for one in self.digest.files}
        ran = run(self.boxed, self.parents, given, without)
        self.seconds.append(ran.seconds)
        return ran

    def right(self, ran: Ran) -> bool:
        """It ended well, with the bytes of the reference."""
        return ran.code == 0 and all(ran.outs.get(out) == self.reference.get(out) for out in self.stage.outs)

    def examine(self) -> dict[str, Any]:
        ran = self.run(set())
        found = self.named(ran)
        try:
            if not self.right(ran):
                ran = self.explained(ran, found)
            items = found | self.doubted(ran, found)
            items |= {("written", name) for name in ran.written} | {("left", name) for name in ran.left}
            items |= {("absent", out) for out in self.stage.outs if out not in ran.outs}
            findings = [self.finding(*item) for item in sorted(items)]
        except PlumblineError as error:
            findings = [Finding(CANNOT_TELL, f"{self.name}: {error}", "", "", "make repro")]
        read = sorted(name for name in ran.read if Path(name).is_file())
        return {"findings": findings, "seconds": self.seconds[0], "runs": len(self.seconds), "read": read,
                "params": sorted(ran.looked.get("param", ())), "outs": sorted(ran.outs)}  # fmt: skip

    def named(self, ran: Ran) -> set[Item]:
        """What a run shows that it looked for or used, and that is not declared."""
        looked = ran.looked
        files = {*looked.get("read", ()), *looked.get("miss", ()), *ran.read, *modules(looked.get("import", ()))}
        params = looked.get("param", set()) | {*re.findall(TRAP + r"([^\s'\"]+)", ran.output)}
        params |= {self.digest.key} if self.digest.used(ran) else set()
        used = {("file", name) for name in files} | {("param", name) for name in params}
        return used & self.nameable | {(what, one) for what in ("outside", "network") for one in looked.get(what, ())}

    def explained(self, ran: Ran, found: set[Item]) -> Ran:
        """Adds to `found` until the stage gives the reference: what runs show, then by halving what is left."""
        if found and self.right(ran := self.run(found)):
            return ran
        whole = self.run(self.all)
        if whole.code:
            raise PlumblineError(
                f"fails with everything there, too: {' '.join(whole.output.strip().splitlines()[-1:])}"
            )
        if not self.right(whole):
            self.reference = whole.outs
            if not self.right(self.run(self.all)):
                raise PlumblineError("gives other bytes each time. Why: python -m plumbline replay")
            print(f"{self.name}: {LOCK} has other bytes than a plain run here, which is the reference now", flush=True)
        found |= self.named(ran) | self.named(whole)
        for _ in range(ROUNDS):
            if self.right(ran := self.run(found)):
                return ran
            found.add(self.halved(found))
        raise PlumblineError("needs more than it declares, and what was not found")

    def halved(self, found: set[Item]) -> Item:
        """The last of the shortest row of items with which all is well."""
        items = sorted(self.all - found)
        low, high = 0, len(items)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self.right(self.run(found | {*items[:middle]})) else (middle, high)
        return items[high - 1]

    def doubted(self, ran: Ran, found: set[Item]) -> set[Item]:
        """What is declared and was not seen to be read, and variables that were asked for: does it matter?"""
        seen = ran.looked.get("param", set()) | ({self.digest.key} if self.digest.used(ran) else set())
        keys = [f"{file}:{key}" for file, keys in self.stage.params.items() for key in keys or ()]
        doubts = {("param", key) for key in keys if not any(covered(one, [key]) or covered(key, [one]) for one in seen)}
        for dep in self.stage.deps:
            if not any(Path(name).is_relative_to(dep) for name in ran.read):
                doubts |= {("file", dep)}
        doubts |= {("environment", name) for name in ran.looked.get("environment", ())}
        idle = doubts
        if doubts and not self.right(self.run(found, frozenset(doubts))):
            idle = {one for one in doubts if len(doubts) > 1 and self.right(self.run(found, frozenset({one})))}
        unread = {(f"idle {kind}", name) for kind, name in idle if kind != "environment"}
        return unread | {one for one in doubts - idle if one[0] == "environment"}

    def finding(self, kind: str, name: str) -> Finding:
        if kind == "file" and self.digest.is_declared and re.match(f"{versions.PACKAGE}/.*\\.py$", name):
            kind = "module"
        word, expected, found, cure, part = FOUND[kind]
        name = name.removeprefix(f"{PARAMS}:")
        where = f"{PIPELINE}, line {self.line(part, name)}"
        return Finding(
            word, f"{self.name}: {name}", expected, found.format(stage=self.name),
            f"{cure.format(stage=self.name)} ({where})",
        )  # fmt: skip

    def line(self, part: str, name: str) -> int:
        """Where in dvc.yaml it stands, or its list, or the stage."""
        stages = YAML().load(Path(PIPELINE))["stages"]
        stage = stages[self.name]
        items = stage.get(part, [])
        at = next((i for i, one in enumerate(items) if one == name or
                   (isinstance(one, dict) and name.partition(":")[0] in one)), None)  # fmt: skip
        if at is not None:
            return items.lc.item(at)[0] + 1
        return (stage.lc.key(part) if part in stage else stages.lc.key(self.name))[0] + 1

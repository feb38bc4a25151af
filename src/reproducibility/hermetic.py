"""Does dvc.yaml say of each stage all that it reads and writes, and nothing else? Run where nothing else exists.

docs/reproducibility.md has what is found, and what this cannot see.
"""

import re
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from src.names import PARAMS, VERSIONS
from src.predictor.refusal import Refusal
from src.reproducibility.differences import CANNOT_TELL, Finding
from src.reproducibility.hermetic_box import TRAP, Item, Ran, contents, covered, everything, run
from src.reproducibility.hermetic_recorder import landlock
from src.reproducibility.pipeline import LOCK, PIPELINE, Stage, declared, load

CLEAN = "hermetic"
ROUNDS = 8  # of looking for what no run has named
FOUND = {  # of an item: the word, what was expected, what was found, the cure
    "file": ("undeclared file", "in deps", "that {stage} reads it", "add {name} to deps of {stage}, {line}"),
    "param": ("undeclared parameter", "in params", "that {stage} reads it", "add {name} to params of {stage}, {line}"),
    "outside": ("outside the project", "nothing", "that {stage} uses it", "move it into the project; declare {line}"),
    "network": ("network", "no use of it", "that {stage} connects", "fetch it with dvc import-url, and declare {line}"),
    "environment": ("environment", "the same result whatever it is", "another one", "make it a parameter of {stage}"),
    "out": ("undeclared output", "in outs", "that {stage} writes it", "add {name} to outs of {stage}, {line}"),
    "left": ("left elsewhere", "nothing", "that {stage} leaves it there", "remove it, or write it to one of {line}"),
    "unread file": ("unread dependency", "to be read", "no reading of it, and without it the same bytes",
                    "take {name} out of deps of {stage}, {line}"),
    "unread param": ("unread parameter", "to be read", "no reading of it, and with nonsense in it the same bytes",
                     "take {name} out of params of {stage}, {line}"),
    "unwritten": ("unwritten output", "a file or folder", "none", "take {name} out of outs of {stage}, {line}"),
}  # fmt: skip
LISTS = {"param": "params", "unread param": "params", "out": "outs", "left": "outs", "unwritten": "outs"}


@dataclass
class Report:
    """Of each stage: its findings, seconds of its first run, number of runs, and what was read."""

    stages: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def findings(self) -> list[Finding]:
        return [finding for told in self.stages.values() for finding in told["findings"]]

    @property
    def code(self) -> int:
        words = {finding.word for finding in self.findings}
        return 2 if CANNOT_TELL in words else 1 if words else 0

    def as_dict(self) -> dict[str, Any]:
        told = {name: one | {"findings": [asdict(each) for each in one["findings"]]} for name, one in self.stages.items()}
        return {"version": 1, "exit": self.code, "stages": told, "means": means()}

    def lines(self) -> list[str]:
        told = f"{len(self.findings)} findings" if self.findings else f"{PIPELINE} says what is read and written"
        clean = "push, or replay: python -m src.reproducibility replay"
        next_one = f"mend the first finding, then {self.again()}" if self.findings else clean
        return [f"{CLEAN if not self.code else 'not hermetic'}: {told}", *map(str, self.findings),
                *(f"means: {line}" for line in means()), f"Next: {next_one}"]  # fmt: skip

    def again(self) -> str:
        names = [name for name, told in self.stages.items() if told["findings"]]
        return " ".join(("python -m src.reproducibility hermetic", *names))


def means() -> list[str]:
    """By what it is known, on this system."""
    version = landlock()
    files = "every program's (Landlock)" if version else "Python's alone: what else it starts is not held"
    network = "every program's, by TCP (Landlock)" if version >= 4 else "Python's alone"
    return [
        "what is not declared is not there; parameters that are not declared are traps; an empty home",
        f"files outside the folder: {files}; network: {network}",
        "readings: Python's own record, and the files' times of access; what neither has is taken away and tried",
    ]


def hermetic(names: list[str]) -> Report:
    """Examines these stages, or all, with the files in the working directory; says each as it is done."""
    stages = declared()
    if unknown := [name for name in names if name not in stages]:
        raise Refusal(f"{PIPELINE} has no stage {unknown[0]}, expected one of {', '.join(stages)}")
    if not Path(LOCK).exists():
        raise Refusal(f"{LOCK} is not here, so there is no result to compare with. First: make repro")
    locked, report = load(LOCK).get("stages") or {}, Report()
    for name in names or stages:
        ready(name, stages[name], locked)
        reference = {item["path"]: item["md5"] for item in locked[name]["outs"]}
        report.stages[name] = Trial(name, stages, reference).examine()
        told = report.stages[name]
        words = f"{len(told['findings'])} findings" if told["findings"] else "clean"
        counts = f"{len(told['read'])} files and {len(told['params'])} parameters read, {len(told['outs'])} outputs"
        print(f"{name:12} {words:12} {counts}, {told['seconds']:.1f} s, runs: {told['runs']}", flush=True)
    return report


def ready(name: str, stage: Stage, locked: dict[str, Any]) -> None:
    if stage.unread:
        raise Refusal(f"{name}: uses {stage.unread[0]}, which hermetic does not read. Leave it out: name the others")
    if name not in locked:
        raise Refusal(f"{LOCK} has no stage {name}. First: make repro")
    if absent := [dep for dep in stage.deps if not Path(dep).exists()]:
        raise Refusal(f"{name}: {absent[0]} is a dependency and is not here. Bring it: dvc pull, or make repro")


@cache
def packages() -> dict[str, list[str]]:
    return {module: list(names) for module, names in packages_distributions().items()}


class Trial:
    """One stage, run as often as it takes to know what it needs."""

    def __init__(self, name: str, stages: dict[str, Stage], reference: dict[str, str]) -> None:
        self.name, self.stages, self.stage, self.reference = name, stages, stages[name], reference
        self.parents = {Path(out).parent.as_posix() for stage in stages.values() for out in stage.outs}
        self.declared = {one for dep in self.stage.deps for one in contents(dep)} | {PARAMS, *self.stage.params}
        self.all = everything(stages, self.stage)
        self.seconds: list[float] = []

    def run(self, given: set[Item], without: frozenset[Item] = frozenset()) -> Ran:
        ran = run(self.stage, self.parents, given, without)
        self.seconds.append(ran.seconds)
        return ran

    def right(self, ran: Ran) -> bool:
        """It ended well, with the bytes of the reference."""
        return ran.code == 0 and all(ran.outs.get(out) == self.reference.get(out) for out in self.stage.outs)

    def examine(self) -> dict[str, Any]:
        ran = first = self.run(set())
        found = self.named(ran)
        try:
            if not self.right(ran) and found:
                ran = self.run(found)
            if not self.right(ran):
                found |= self.named(ran)
                ran = self.searched(found)
        except Refusal as error:
            return self.told([Finding(CANNOT_TELL, f"{self.name}: {error}", "", "", "make repro")], first)
        findings = [*found, *self.doubtful(ran, found)]
        outs = [("out", name) for name in ran.written] + [("left", name) for name in ran.left]
        outs += [("unwritten", out) for out in self.stage.outs if out not in ran.outs]
        return self.told([self.finding(*item) for item in sorted({*findings, *outs})], ran)

    def named(self, ran: Ran) -> set[Item]:
        """What a run shows that it looked for or used, and that is not declared."""
        looked = ran.looked
        modules = {name.replace(".", "/") for name in looked.get("import", ())}
        names = {*looked.get("read", ()), *looked.get("miss", ()), *ran.read, *(f"{name}.py" for name in modules)}
        names |= {VERSIONS} if self.versions(ran) else set()
        params = {*looked.get("param", ()), *re.findall(TRAP + r"([^\s'\"]+)", ran.output)}
        traps = {item for item in self.all if item[0] == "param"}
        found = {("file", name) for name in names} & self.all - {("file", one) for out in self.stage.outs for one in contents(out)}
        found |= {item for item in traps if covered(item[1], list(params))}
        return found | {(what, name) for what in ("outside", "network") for name in looked.get(what, ())}

    def versions(self, ran: Ran) -> bool:
        """Whether it imports a package whose version stands in src/versions.json: that is how versions are declared."""
        if not Path(VERSIONS).is_file():
            return False
        of_note, modules = load(VERSIONS).keys(), {name.split(".")[0] for name in ran.looked.get("import", ())}
        return any(owner in of_note for module in modules for owner in packages().get(module, ()))

    def searched(self, found: set[Item]) -> Ran:
        """Adds to `found` until the stage gives the reference: what a plain run shows, then by halving what is left."""
        whole = self.run(self.all)
        if whole.code:
            raise Refusal(f"it fails with everything there, too: {whole.output.strip().splitlines()[-1:]}")
        if not self.right(whole):
            self.reference = whole.outs
            if not self.right(self.run(self.all)):
                raise Refusal("it gives other bytes each time (python -m src.reproducibility replay says why)")
            print(f"{self.name}: {LOCK} has other bytes than a plain run here gives; compared with that run", flush=True)
        found |= self.named(whole)
        for _ in range(ROUNDS):
            if self.right(ran := self.run(found)):
                return ran
            found.add(self.halved(found))
        raise Refusal("what it needs beside what is declared was not found")

    def halved(self, found: set[Item]) -> Item:
        """The last of the shortest row of items with which all is well."""
        items = sorted(self.all - found)
        low, high = 0, len(items)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self.right(self.run(found | {*items[:middle]})) else (middle, high)
        return items[high - 1]

    def doubtful(self, ran: Ran, found: set[Item]) -> set[Item]:
        """What is declared and was not seen to be read, and variables that were asked for: does it matter?"""
        params = ran.looked.get("param", set())
        keys = [f"{file}:{key}" for file, keys in self.stage.params.items() for key in keys or ()]
        doubts = {("file", dep) for dep in self.stage.deps if not any(Path(one).is_relative_to(dep) for one in ran.read)}
        doubts -= {("file", VERSIONS)} if self.versions(ran) else set()
        doubts |= {("param", key) for key in keys if not any(covered(one, [key]) or covered(key, [one]) for one in params)}
        doubts |= {("environment", name) for name in ran.looked.get("environment", ())}
        idle = doubts
        if doubts and not self.right(self.run(found, frozenset(doubts))):
            idle = {one for one in doubts if len(doubts) > 1 and self.right(self.run(found, frozenset({one})))}
        unread = {(f"unread {kind}", name) for kind, name in idle if kind != "environment"}
        return unread | {one for one in doubts - idle if one[0] == "environment"}

    def finding(self, kind: str, name: str) -> Finding:
        word, expected, found, cure = FOUND[kind]
        name = name.removeprefix(f"{PARAMS}:")
        said = {"stage": self.name, "name": name, "line": self.line(LISTS.get(kind, "deps"), name)}
        return Finding(word, f"{self.name}: {name}", expected, found.format(**said), cure.format(**said))

    def line(self, part: str, name: str) -> str:
        """Where in dvc.yaml it stands, or the list that it belongs to."""
        stages = YAML().load(Path(PIPELINE))["stages"]
        stage, at = stages[self.name], stages.lc.key(self.name)
        if part in stage:
            at = stage.lc.key(part)
            at = next((stage[part].lc.item(i) for i, item in enumerate(stage[part])
                       if item == name or (isinstance(item, dict) and name.partition(":")[0] in item)), at)  # fmt: skip
        return f"{PIPELINE} line {at[0] + 1}"

    def told(self, findings: list[Finding], ran: Ran) -> dict[str, Any]:
        read = sorted(name for name in ran.read if name in self.declared)
        return {"findings": findings, "seconds": self.seconds[0], "runs": len(self.seconds), "read": read,
                "params": sorted(ran.looked.get("param", ())), "outs": sorted(ran.outs)}  # fmt: skip

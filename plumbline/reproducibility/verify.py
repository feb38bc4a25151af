"""Is this dvc.lock true of these files, complete, and pushed? Read from hashes, without any data.

docs/reproducibility.md has the states, and what this cannot tell.
"""

import contextlib
import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from plumbline.paths import VERSIONS
from plumbline.process import git
from plumbline.reproducibility import differences as of
from plumbline.reproducibility import remote
from plumbline.reproducibility.differences import CANNOT_TELL, DROP, NOT_PUSHED, REPRO, STALE
from plumbline.reproducibility.pipeline import (
    LOCK,
    PIPELINE,
    Broken,
    Contents,
    Stage,
    declared,
    listed,
    locked,
    pointers,
)
from plumbline.reproducibility.report import Finding

FRESH, NO_RUN = "fresh", "no run is committed yet"
Wanted = dict[str, tuple[str, str]]  # of a remote: hash -> path, and the hash of the folder that it lies in
CONFIG = ".dvc/config"
AGAIN = "python -m plumbline verify"
NAMED = 3  # objects of a remote in one line
NEVER = (
    "that the bytes behind the hashes exist and are what the code makes (make repro runs what is due, or all of it "
    "after rm dvc.lock)",
    "copies in this folder of what DVC holds (dvc status); files that the code reads and dvc.yaml does not name; "
    "sizes in dvc.lock",
)


@dataclass(frozen=True)
class Verification:
    """Whether dvc.lock belongs to the files of a project and was pushed.

    `to_json` has a key for each attribute, each finding as a map of its fields (`Finding`), and `state` and
    `exit_code`.

    Attributes
    ----------
    findings : tuple of Finding
        Their kinds are `STALE`, `NOT_PUSHED` and `CANNOT_TELL`.
    checks, skipped_checks : tuple of str
        What was checked and what was not, a sentence each.
    uncommitted_files : tuple of str
        The files that were read and differ from HEAD: the answer is about the folder and not about the commit.
    has_run : bool
        False in a new project, of which no run is committed.
    """

    findings: tuple[Finding, ...] = ()
    checks: tuple[str, ...] = ()
    skipped_checks: tuple[str, ...] = ()
    uncommitted_files: tuple[str, ...] = ()
    has_run: bool = True

    @property
    def state(self) -> str:
        """`FRESH`, `NO_RUN`, or the most serious kind of finding."""
        if not self.has_run:
            return NO_RUN
        kinds = {finding.kind for finding in self.findings}
        return next((kind for kind in (STALE, NOT_PUSHED, CANNOT_TELL) if kind in kinds), FRESH)

    @property
    def exit_code(self) -> int:
        """0: fresh, or no run; 1: stale or not pushed; 2: cannot tell."""
        return {STALE: 1, NOT_PUSHED: 1, CANNOT_TELL: 2}.get(self.state, 0)

    def to_json(self) -> dict[str, object]:
        """Return the content of the file that --json names."""
        return {"state": self.state, "exit_code": self.exit_code} | asdict(self)

    def lines(self) -> list[str]:
        """Return the lines that are printed."""
        if not self.has_run:
            return [f"{NO_RUN}. First: {REPRO}"]
        count = len(self.findings)
        summary = f"{count} finding{'s' * (count > 1)}" if count else f"{LOCK} is of these files"
        lines = [f"{self.state}: {summary}", *map(str, self.findings)]
        lines += [f"checked: {line}" for line in self.checks]
        lines += [f"not checked: {line}" for line in self.skipped_checks]
        if files := self.uncommitted_files:
            names = ", ".join(files[:5]) + (", ..." if len(files) > 5 else "")
            lines.append(f"not committed, so said of this folder and not of HEAD: {names}")
        return lines


@dataclass
class _Draft:
    """A Verification that grows."""

    findings: list[Finding] = field(default_factory=list)
    checks: list[str] = field(default_factory=list)
    skipped_checks: list[str] = field(default_factory=list)

    def freeze(self, uncommitted_files: Iterable[str] = ()) -> Verification:
        return Verification(
            tuple(self.findings), tuple(self.checks), tuple(self.skipped_checks), tuple(uncommitted_files)
        )


def verify(folder: str | Path = ".", *, ask_remote: bool = True) -> Verification:
    """Compare dvc.lock with the files of a project, by hashes and without data.

    Parameters
    ----------
    folder : path
        The root of the project. It is the working directory of this process while the function runs.
    ask_remote : bool
        Whether to ask DVC's remotes which files they have.

    Returns
    -------
    Verification
        Also of a project whose files cannot be read: that is a finding.
    """
    with contextlib.chdir(folder):
        return _verify(ask_remote)


def _verify(ask_remote: bool) -> Verification:
    report = _Draft()
    try:
        stages = declared()
        if not Path(LOCK).exists():
            return without_lock(stages)
        lock = locked()
        held, remotes = pointers(), settings()
        report.findings += of.stages_differ(stages, lock)
        compare(stages, lock, held, report)
    except Broken as error:
        word = CANNOT_TELL if error.path == CONFIG else STALE
        report.findings.append(Finding(word, str(error), "", "", fixed(error)))
        report.skipped_checks.append("all else, until that is fixed")
        return report.freeze()
    if ask_remote:
        pushed(stages, lock, held, remotes, report)
    else:
        report.skipped_checks.append("whether it was pushed: --no-remote")
    report.skipped_checks += NEVER
    return report.freeze(not_committed(stages, held))


def fixed(error: Broken) -> str:
    if error.path == CONFIG:
        return f"fix {CONFIG} or {CONFIG}.local, then {AGAIN}"
    if error.path == VERSIONS:
        return of.DIGESTS
    if error.path != LOCK:
        return of.brought_back(error.path) if error.why == "is not here" else f"fix {error.path}, then {REPRO}"
    return f"git checkout --ours {LOCK} && {REPRO}" if git("ls-files", "-u", LOCK, strict=False) else DROP


def without_lock(stages: dict[str, Stage]) -> Verification:
    """Right after the project was made there is no run; later, a lock that is gone is a fault."""
    outs = {path: flags for stage in stages.values() for path, flags in stage.outs.items() if path != VERSIONS}
    kept = [path for path, flags in outs.items() if flags.get("cache") is False]  # VERSIONS comes with the project
    if git("ls-tree", "HEAD", "--", LOCK, strict=False):
        finding = Finding(STALE, f"{LOCK} is gone", "that of HEAD", "none", f"git checkout HEAD -- {LOCK}")
    elif results := listed("ls-files", "-z", "--", *kept) if kept else []:
        finding = Finding(STALE, f"{LOCK} is not here, results are", LOCK, results[0], REPRO)
    else:
        return Verification(has_run=False)
    return Verification((finding,), skipped_checks=("all else, until it is back",))


def compare(stages: dict[str, Stage], lock: dict[str, Any], held: dict[str, Any], report: _Draft) -> None:
    """Each stage that dvc.yaml and dvc.lock both have, part by part."""
    stated = {path: entry.get("md5", "") for path, entry in held.items()}
    stated |= {path: oid for path, oid, *_ in outputs(stages, lock) if oid}
    made = {path for stage in stages.values() for path in stage.outs}
    contents = Contents(stated, remote.listing)
    counts = {"dependencies": 0, "parameters": 0, "outputs": 0}
    for name, stage, entry in both(stages, lock):
        report.findings += of.command_differs(name, stage, entry)
        report.findings += of.outputs_differ(name, stage, entry)
        counts["outputs"] += len(stage.outs)
        if stage.frozen:
            report.skipped_checks.append(f"dependencies and parameters of {name}, which is frozen")
            continue
        report.findings += of.dependencies_differ(name, stage, entry, contents, made)
        report.findings += of.params_differ(name, stage, entry)
        report.findings += of.digests_differ(name, stage)
        counts["dependencies"] += len(stage.deps)
        counts["parameters"] += sum(len(keys or [file]) for file, keys in stage.params.items())
        outside = [path for path in stage.deps if of.is_away(path)]
        outside += [file for file in stage.params if file.endswith(".py")]
        report.skipped_checks += [f"{name}: {path}, which is not read here" for path in outside]
    told = ", ".join(f"{number} {what}" for what, number in counts.items())
    report.checks.append(f"commands of {len(stages)} stages, {told}, each against {LOCK}")


def both(stages: dict[str, Stage], lock: dict[str, Any]) -> Iterator[tuple[str, Stage, dict[str, Any]]]:
    return ((name, stage, lock[name]) for name, stage in stages.items() if name in lock and not stage.unread)


def outputs(stages: dict[str, Stage], lock: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, hash and flags of each output that is declared and in the lock."""
    for _, stage, entry in both(stages, lock):
        locked = {item["path"]: item.get("md5", "") for item in entry.get("outs") or []}
        yield from ((posixpath.normpath(path), locked[path], flags) for path, flags in stage.outs.items()
                    if path in locked)  # fmt: skip


def settings() -> tuple[str | None, list[str]]:
    """The default remote, and the names of all."""
    try:
        return remote.configured()
    except ValueError as error:
        raise Broken(CONFIG, str(error)) from None


def pushed(
    stages: dict[str, Stage], lock: dict[str, Any], held: dict[str, Any],
    remotes: tuple[str | None, list[str]], report: _Draft,
) -> None:  # fmt: skip
    """What each remote has of what dvc.lock and the pointers name."""
    default, known = remotes
    if not known:
        report.skipped_checks.append("whether it was pushed: there is no remote (docs/remotes.md)")
        return
    wanted: dict[str, Wanted] = {}
    entries = [*outputs(stages, lock), *((path, entry.get("md5", ""), entry) for path, entry in held.items())]
    for path, oid, flags in entries:
        if flags.get("cache", True) and flags.get("push", True) and oid:
            inside = (remote.listing(oid) or {}) if oid.endswith(".dir") else {}
            mine = wanted.setdefault(flags.get("remote") or default or "", {})
            mine |= {one: (f"{path}/{name}", oid) for name, one in inside.items()} | {oid: (path, "")}
            if oid.endswith(".dir") and not inside:
                report.skipped_checks.append(f"the files in {path}, one by one: its listing is not in the cache here")
    if wanted.pop("", None):
        what = f"there are remotes ({', '.join(known)}) and none is the default"
        report.findings.append(Finding(CANNOT_TELL, what, "", "", f"dvc remote default {known[0]}"))
    for name, answer in remote.ask({name: list(mine) for name, mine in wanted.items()}).items():
        report.findings += answered(name, answer, wanted[name])
        if "missing" in answer:
            report.checks.append(f"{len(wanted[name])} objects by name in {shown(name, answer)}")


def shown(name: str, answer: dict[str, Any]) -> str:
    return f"{name} ({hidden(answer['url'])})"


def hidden(text: str) -> str:
    """The same without a password in an address."""
    return re.sub(r"//[^/@\s]*@", "//", text)


def answered(name: str, answer: dict[str, Any], wanted: Wanted) -> Iterable[Finding]:
    where = f"remote {shown(name, answer)}"
    if "error" in answer:
        cure = f"look at its url (dvc remote list) and the network, then {AGAIN}"
        if answer["denied"]:
            cure = f"log in, or set the credentials of the remote (docs/remotes.md), then {AGAIN}"
        elif "but requires" in answer["error"]:  # DVC's words for a client that is not installed
            cure = "make setup"
        reason = "refused us" if answer["denied"] else "gave no answer"
        yield Finding(CANNOT_TELL, f"{where} {reason}: {hidden(answer['error'])}", "", "", cure)
    lost = sorted(answer.get("missing", []), key=lambda one: wanted[one])
    by_cure: dict[str, list[str]] = {}
    for oid in lost:
        by_cure.setdefault(pushing(oid, wanted[oid][1], lost), []).append(oid)
    for cure, oids in by_cure.items():  # one line for one cause, however many objects it has
        paths = [wanted[oid][0] for oid in oids]
        if len(oids) == 1:
            yield Finding(NOT_PUSHED, f"{paths[0]} is not in {where}", of.short(oids[0]), "nothing", cure)
        else:
            more = f" and {len(paths) - NAMED} more" if len(paths) > NAMED else ""
            what = f"{len(paths)} objects are not in {where}: {', '.join(paths[:NAMED])}{more}"
            yield Finding(NOT_PUSHED, what, "", "", cure)


def pushing(oid: str, folder: str, lost: list[str]) -> str:
    """How an object gets into the remote; folder: the hash of the one that it lies in."""
    if folder and folder not in lost:  # its presence is all that dvc push and dvc status -c look at
        return f"delete files/md5/{folder[:2]}/{folder[2:]} in the remote, then dvc push"
    return "dvc push" if remote.cached(oid).is_file() else f"dvc push in the clone that made it, or {REPRO} && dvc push"


def not_committed(stages: dict[str, Stage], held: dict[str, Any]) -> list[str]:
    """Which of the files that this was read from are not as in HEAD, or not in git at all."""
    made = {path for stage in stages.values() for path, flags in stage.outs.items() if flags.get("cache", True)}
    files = {LOCK, PIPELINE, *(entry["pointer"] for entry in held.values())}
    for stage in stages.values():
        files |= {*stage.deps, *stage.params, *stage.outs}
    files -= made | held.keys()
    prefix = git("rev-parse", "--show-prefix", strict=False).strip()
    asked = ("status", "--porcelain", "-z", "--no-renames", "-uall", "--ignored=matching", "--")
    entries = listed(*asked, *sorted(path for path in files if not of.is_away(path)))
    found = [(entry[:2], entry[3:].removeprefix(prefix)) for entry in entries]
    return [path for state, path in found if state != "!!" or path in files]

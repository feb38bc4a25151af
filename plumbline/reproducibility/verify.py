"""Check that dvc.lock belongs to the files of a project, is complete, and was pushed: from hashes, without data.

`plumbline docs reproducibility` lists the states, and what this check cannot see.
"""

import contextlib
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from plumbline.paths import VERSIONS
from plumbline.process import git, git_paths
from plumbline.reproducibility import differences, remote
from plumbline.reproducibility.dvc_files import (
    LOCK,
    PIPELINE,
    DvcFileError,
    LockedStage,
    Pointer,
    Stage,
    read_lock,
    read_pointers,
    read_stages,
)
from plumbline.reproducibility.hashes import HashLookup
from plumbline.reproducibility.pushes import PushReport, TrackedFile, check_pushes
from plumbline.reproducibility.report import CANNOT_TELL, NOT_PUSHED, REPRO, STALE, VERIFY, Finding

FRESH, NO_RUN = "fresh", "no run is committed yet"
_MAX_FILES = 5  # that are not committed, in one line
_LIMITS = (
    "whether the data behind the hashes exists and is what the code produces (make repro runs the stages that are "
    "stale, or all of them after rm dvc.lock)",
    "copies in this folder of what DVC stores (dvc status); files that the code reads and dvc.yaml does not name; "
    "sizes in dvc.lock",
)


@dataclass(frozen=True)
class Verification:
    """Whether dvc.lock belongs to the files of a project and was pushed.

    The JSON form has a key for each attribute, and `state` and `exit_code`; a finding is a map of the attributes of
    `Finding`.

    Attributes
    ----------
    findings : tuple of Finding
        Of the kinds `STALE`, `NOT_PUSHED` and `CANNOT_TELL`.
    checks, skipped_checks : tuple of str
        What was checked and what was not.
    uncommitted_files : tuple of str
        The files that were read and differ from HEAD: the answer is about the folder, not about the commit.
    has_run : bool
        False in a new project, where no run is committed.

    Examples
    --------
    >>> Verification(has_run=False).state
    'no run is committed yet'
    """

    findings: tuple[Finding, ...] = ()
    checks: tuple[str, ...] = ()
    skipped_checks: tuple[str, ...] = ()
    uncommitted_files: tuple[str, ...] = ()
    has_run: bool = True

    @property
    def state(self) -> str:
        """`FRESH`, `NO_RUN`, or the most serious kind of a finding."""
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
        """Return the lines that the command prints."""
        if not self.has_run:
            return [f"{NO_RUN}. First: {REPRO}"]
        count = len(self.findings)
        summary = f"{count} finding{'s' * (count > 1)}" if count else f"{LOCK} matches these files"
        lines = [f"{self.state}: {summary}", *map(str, self.findings)]
        lines += [f"checked: {line}" for line in self.checks]
        lines += [f"not checked: {line}" for line in self.skipped_checks]
        if files := self.uncommitted_files:
            names = ", ".join(files[:_MAX_FILES]) + (", ..." if len(files) > _MAX_FILES else "")
            lines.append(f"not committed, so this is about the folder and not about HEAD: {names}")
        return lines


def verify(
    folder: str | Path = ".",
    *,
    ask_remote: bool = True,
    timeout: float = remote.TIMEOUT,
    package: Path | None = None,
) -> Verification:
    """Compare dvc.lock with the files of a project and with DVC's remotes.

    Parameters
    ----------
    folder : path
        The root of the project. The whole process works in this folder until the function returns.
    ask_remote : bool
        Whether to ask the remotes which files they have.
    timeout : float
        Seconds that the remotes have to answer.
    package : path, optional
        The folder with the package plumbline of that project, an absolute path; by default the one that runs.

    Returns
    -------
    Verification
        A file that cannot be read is a finding, too, and no error.
    """
    with contextlib.chdir(folder):
        return _verify(ask_remote, timeout, package)


def _verify(ask_remote: bool, timeout: float, package: Path | None) -> Verification:
    findings: list[Finding] = []
    try:
        stages = read_stages()
        if not Path(LOCK).exists():
            return _verify_without_lock(stages)
        lock, pointers, remote_names = read_lock(), read_pointers(), remote.read_remote_names()
        comparison = _Comparison(stages, lock, pointers, package)
        findings += differences.compare_stage_names(stages, lock)
        findings.extend(comparison.compare())
    except DvcFileError as error:
        kind = CANNOT_TELL if error.path == remote.CONFIG else STALE
        findings.append(Finding(kind, error.message, hint=_repair_hint(error)))
        return Verification(tuple(findings), skipped_checks=("everything else, until this is fixed",))
    if ask_remote:
        pushes = check_pushes(comparison.tracked_files(), remote_names, timeout=timeout)
    else:
        pushes = PushReport(skipped_checks=["whether it was pushed: --no-remote"])
    return Verification(
        (*findings, *pushes.findings),
        (*comparison.checks(), *pushes.checks),
        (*comparison.skipped_checks, *pushes.skipped_checks, *_LIMITS),
        tuple(_list_uncommitted_files(stages, pointers)),
    )


def _repair_hint(error: DvcFileError) -> str:
    if error.path == remote.CONFIG:
        return f"fix {error.path} or {error.path}.local, then {VERIFY}"
    if error.path == VERSIONS:
        return differences.WRITE_DIGESTS
    if error.path != LOCK:
        return differences.restore_hint(error.path) if error.is_missing else f"fix {error.path}, then {REPRO}"
    is_merging = bool(git("ls-files", "-u", LOCK, strict=False))
    return f"git checkout --ours {LOCK} && {REPRO}" if is_merging else differences.REMOVE_LOCK


def _verify_without_lock(stages: Mapping[str, Stage]) -> Verification:
    """A new project has no run; later, a lock that is missing is a finding."""
    outputs = [pair for stage in stages.values() for pair in stage.outputs.items()]
    paths = [path for path, output in outputs if not output.is_cached and path != VERSIONS]  # a new project has it
    if git("ls-tree", "HEAD", "--", LOCK, strict=False):
        hint = f"git checkout HEAD -- {LOCK}"
        finding = Finding(STALE, f"{LOCK} is gone", hint=hint, expected="that of HEAD", actual="none")
    elif results := git_paths("ls-files", "-z", "--", *paths) if paths else []:
        finding = Finding(STALE, f"{LOCK} is not here, results are", hint=REPRO, expected=LOCK, actual=results[0])
    else:
        return Verification(has_run=False)
    return Verification((finding,), skipped_checks=("everything else, until it is back",))


@dataclass
class _Comparison:
    """The stages that dvc.yaml and dvc.lock both have, compared part by part."""

    stages: Mapping[str, Stage]
    lock: Mapping[str, LockedStage]
    pointers: Mapping[str, Pointer]
    package: Path | None
    counts: dict[str, int] = field(default_factory=lambda: {"dependencies": 0, "parameters": 0, "outputs": 0})
    skipped_checks: list[str] = field(default_factory=list)

    def compare(self) -> Iterator[Finding]:
        pointer_hashes = {path: pointer.hash for path, pointer in self.pointers.items()}
        output_hashes = {file.path: file.hash for file in self._locked_outputs() if file.hash}
        hashes = HashLookup(pointer_hashes | output_hashes, remote.read_listing)
        output_paths = {path for stage in self.stages.values() for path in stage.outputs}
        for stage, entry in self._pairs():
            yield from differences.compare_command(stage, entry)
            yield from differences.compare_outputs(stage, entry)
            self.counts["outputs"] += len(stage.outputs)
            if stage.is_frozen:
                self.skipped_checks.append(f"dependencies and parameters of {stage.name}, which is frozen")
                continue
            yield from differences.compare_dependencies(stage, entry, hashes, output_paths)
            yield from differences.compare_params(stage, entry)
            yield from differences.compare_digests(stage, self.package)
            self._count(stage)

    def tracked_files(self) -> Iterator[TrackedFile]:
        """What should be in the remotes, if it is pushed at all."""
        yield from self._locked_outputs()
        for path, pointer in self.pointers.items():
            yield TrackedFile(path, pointer.hash, pointer.output)

    def checks(self) -> list[str]:
        """What was compared."""
        counts = ", ".join(f"{number} {what}" for what, number in self.counts.items())
        return [f"commands of {len(self.stages)} stages, {counts}, each against {LOCK}"]

    def _count(self, stage: Stage) -> None:
        self.counts["dependencies"] += len(stage.dependencies)
        self.counts["parameters"] += sum(len(keys or [file]) for file, keys in stage.params.items())
        paths = [path for path in stage.dependencies if differences.is_external(path)]
        paths += [file for file in stage.params if file.endswith(".py")]
        self.skipped_checks += [f"{stage.name}: {path}, which is not read here" for path in paths]

    def _pairs(self) -> Iterator[tuple[Stage, LockedStage]]:
        for name, stage in self.stages.items():
            if name in self.lock and not stage.unsupported_keys:
                yield stage, self.lock[name]

    def _locked_outputs(self) -> Iterator[TrackedFile]:
        for stage, entry in self._pairs():
            for path, output in stage.outputs.items():
                if path in entry.outputs:
                    yield TrackedFile(posixpath.normpath(path), entry.outputs[path], output)


def _list_uncommitted_files(stages: Mapping[str, Stage], pointers: Mapping[str, Pointer]) -> list[str]:
    """The files that were read and differ from HEAD, or are not in git."""
    outputs = [pair for stage in stages.values() for pair in stage.outputs.items()]
    files = {LOCK, PIPELINE, *(pointer.file for pointer in pointers.values())}
    for stage in stages.values():
        files |= {*stage.dependencies, *stage.params, *stage.outputs}
    files -= {path for path, output in outputs if output.is_cached} | pointers.keys()
    return _list_changes(sorted(path for path in files if not differences.is_external(path)))


def _list_changes(paths: Sequence[str]) -> list[str]:
    prefix = git("rev-parse", "--show-prefix", strict=False).strip()
    arguments = ("status", "--porcelain", "-z", "--no-renames", "-uall", "--ignored=matching", "--", *paths)
    changes = [(entry[:2], entry[3:].removeprefix(prefix)) for entry in git_paths(*arguments)]
    return [path for status, path in changes if status != "!!" or path in paths]

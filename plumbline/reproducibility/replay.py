"""Run the committed pipeline again, from nothing and under other circumstances, and compare its outputs by bytes."""

import json
import tempfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from plumbline.errors import InconclusiveError
from plumbline.machinery import PACKAGE, find_source
from plumbline.reproducibility.circumstances import CIRCUMSTANCES, find_variables
from plumbline.reproducibility.clean_runs import CommittedPipeline, Run
from plumbline.reproducibility.dvc_files import LOCK, Stage
from plumbline.reproducibility.file_differences import first_difference, json_differences

IDENTICAL, METRICS_EQUAL, DIFFER = "identical", "metrics equal", "differ"
UNSTABLE = "no circumstance: two runs without any change also differ (file times, memory addresses, race conditions)"
OTHER_MACHINE = f"no circumstance: {LOCK} was written on another machine, or by other code"
_COMBINATION = "several together, none alone"


@dataclass(frozen=True)
class Difference:
    """An output that is not the one of dvc.lock in all circumstances.

    Attributes
    ----------
    output, stage : str
        Its path, and the stage that makes it.
    causes : tuple of str
        The circumstances that change it, or `UNSTABLE` or `OTHER_MACHINE`; empty where causes were not looked for.
    where : str
        The first difference, as of `first_difference`, or why the stage failed.
    is_first : bool
        Whether no input of the stage differs: then this is what to fix.
    """

    output: str
    stage: str
    causes: tuple[str, ...]
    where: str
    is_first: bool

    def __str__(self) -> str:
        return f"{self.stage}: {self.output}: {self.where}. Cause: {', '.join(self.causes) or 'not looked for'}"


@dataclass(frozen=True)
class ReplayReport:
    """Whether the committed pipeline gives the same bytes again.

    The JSON form has a key for each attribute, and `exit_code` and `circumstances`; a difference is a map of the
    attributes of `Difference`.

    Attributes
    ----------
    verdict : str
        `IDENTICAL`, `METRICS_EQUAL` or `DIFFER`.
    commit : str
    outputs : int
        The number of outputs in dvc.lock.
    differences : tuple of Difference
    notes : tuple of str
    seconds : dict of str to int
        The duration of each run, by its label.
    """

    verdict: str
    commit: str
    outputs: int
    differences: tuple[Difference, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: dict[str, int] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        """0 or, where outputs differ, 1."""
        return int(self.verdict == DIFFER)

    def to_json(self) -> dict[str, object]:
        """Return the content of the file that --json names."""
        return asdict(self) | {"exit_code": self.exit_code, "circumstances": list(CIRCUMSTANCES)}

    def lines(self) -> Iterator[str]:
        """Return the lines that the command prints."""
        same_count = self.outputs - len(self.differences)
        same = f"{same_count} of {self.outputs} outputs are byte for byte those of {LOCK}"
        yield f"{self.verdict}: {same}; changed were {', '.join(CIRCUMSTANCES)}"
        yield from (str(difference) for difference in self.differences if difference.is_first)
        if later_outputs := [difference.output for difference in self.differences if not difference.is_first]:
            yield f"{len(later_outputs)} outputs of later stages differ with them: {', '.join(later_outputs)}"
        yield from self.notes
        if self.verdict == DIFFER:
            yield "Next: fix the first stage (plumbline docs reproducibility), make repro, commit, replay again"
        else:
            yield f"Next: nothing; this holds for commit {self.commit[:9]} on this machine"


def replay(*, find_causes: bool = True, test_all: bool = False) -> ReplayReport:
    """Run the pipeline of HEAD, in the working directory's repository, with all circumstances changed at once.

    Parameters
    ----------
    find_causes : bool
        Whether to look for the circumstance that changes an output, with a run for each circumstance.
    test_all : bool
        Whether to change each circumstance alone even where no output differs.

    Raises
    ------
    InconclusiveError
        If a stage fails with nothing changed, or data that a .dvc file points to is not here.
    ProjectError
        If HEAD has no complete run, or contradicts itself.
    """
    with tempfile.TemporaryDirectory(prefix="replay-") as root:
        return _Replay(CommittedPipeline(Path(root))).compare(find_causes, test_all)


class _Replay:
    """Runs of a pipeline under different circumstances, and what differs between them."""

    def __init__(self, pipeline: CommittedPipeline) -> None:
        self._pipeline = pipeline
        self._seconds: dict[str, int] = {}

    def compare(self, find_causes: bool, test_all: bool) -> ReplayReport:
        """One run with all changed shows that nothing differs; else each change alone is compared with no change."""
        locked_hashes = self._pipeline.locked_hashes
        all_changed = self._run("all changed together", CIRCUMSTANCES)
        if not test_all and not _differing_outputs(all_changed.hashes, locked_hashes):
            return self._report(IDENTICAL)
        reference = self._run("nothing changed", ())
        missing_outputs = [f"{path} is not written" for path in locked_hashes if path not in reference.hashes]
        if failures := [*reference.failures.values(), *missing_outputs]:
            message = f"replay: the pipeline fails in a clean clone, without any changed circumstance: {failures[0]}"
            raise InconclusiveError(message, hint="Run make repro, then commit")
        is_search = test_all or (find_causes and bool(_differing_outputs(all_changed.hashes, reference.hashes)))
        runs = self._run_each_alone() if is_search else {}
        runs[_COMBINATION] = all_changed
        differences = tuple(self._list_differences(reference, runs))
        return self._report(*self._judge(reference, differences), differences)

    def _run(self, label: str, changes: Collection[str]) -> Run:
        result = self._pipeline.run(label, changes)
        self._seconds[label] = result.seconds
        return result

    def _run_each_alone(self) -> dict[str, Run]:
        runs = {UNSTABLE: self._run("nothing changed, again", ())}
        return runs | {name: self._run(f"{name} changed", (name,)) for name in CIRCUMSTANCES}

    def _report(
        self, verdict: str, notes: tuple[str, ...] = (), differences: tuple[Difference, ...] = ()
    ) -> ReplayReport:
        count = len(self._pipeline.locked_hashes)
        return ReplayReport(verdict, self._pipeline.commit, count, differences, notes, self._seconds)

    def _judge(self, reference: Run, differences: tuple[Difference, ...]) -> tuple[str, tuple[str, ...]]:
        """The verdict, and a note where only another machine explains the differences."""
        has_cause = any(difference.causes != (OTHER_MACHINE,) for difference in differences)
        locked_hashes, metric_files = self._pipeline.locked_hashes, self._pipeline.metric_files
        count = sum(reference.hashes.get(path) != digest for path, digest in locked_hashes.items())
        notes: tuple[str, ...] = ()
        if count and not has_cause:
            notes = (f"No circumstance matters to the {count}: they are the same here whatever is changed",)
        if not differences:
            return IDENTICAL, notes
        if has_cause or not metric_files or not all(self._is_metric_equal(reference, path) for path in metric_files):
            return DIFFER, notes
        return METRICS_EQUAL, notes

    def _is_metric_equal(self, reference: Run, path: str) -> bool:
        files = self._pipeline.head / path, reference.folder / path
        contents = [json.loads(file.read_text(encoding="utf-8")) for file in files]
        return not any(json_differences(*contents))

    def _list_differences(self, reference: Run, runs: Mapping[str, Run]) -> Iterator[Difference]:
        """Of each output that is not that of the lock in all runs: what changes it, and where."""
        causes = self._find_causes(reference, runs)
        first_outputs = _first_outputs(self._pipeline.stages, set(causes))
        for name in self._pipeline.order:
            for path in sorted(causes.keys() & self._pipeline.stages[name].outputs.keys()):
                where = self._explain(name, path, reference, runs.get(causes[path][0]))
                is_searched = len(runs) > 1 or causes[path] == [OTHER_MACHINE]
                labels = tuple(map(self._label_cause, causes[path])) if is_searched else ()
                yield Difference(path, name, labels, where, path in first_outputs)

    def _find_causes(self, reference: Run, runs: Mapping[str, Run]) -> dict[str, list[str]]:
        by_output = {}
        for path, locked_hash in self._pipeline.locked_hashes.items():
            causes = [name for name, run in runs.items() if run.hashes.get(path) != reference.hashes[path]]
            if UNSTABLE in causes:
                causes = [UNSTABLE]
            elif len(causes) > 1:
                causes = [name for name in causes if name != _COMBINATION]
            if causes or reference.hashes[path] != locked_hash:
                by_output[path] = causes or [OTHER_MACHINE]
        return by_output

    def _explain(self, stage: str, path: str, reference: Run, run: Run | None) -> str:
        """The first difference between the reference and a run, or what the lock names where there is no run."""
        show_values = self._pipeline.show_values or path in self._pipeline.metric_files
        if run is None:
            content = self._pipeline.find_content(path, self._pipeline.locked_hashes[path])
            if content is None:
                return "what the lock names is not here"
            return first_difference(content, reference.folder / path, show_values)
        if path not in run.hashes:
            return run.failures.get(stage, "was not made")
        return first_difference(reference.folder / path, run.folder / path, show_values)

    def _label_cause(self, cause: str) -> str:
        if cause != "environment variables":
            return cause
        names = find_variables(self._pipeline.head / "src", find_source(self._pipeline.head) / PACKAGE)
        return f"{cause} (the code names {', '.join(names)})" if names else cause


def _differing_outputs(hashes: Mapping[str, str], reference_hashes: Mapping[str, str]) -> set[str]:
    paths = hashes.keys() | reference_hashes.keys()
    return {path for path in paths if hashes.get(path) != reference_hashes.get(path)}


def _first_outputs(stages: Mapping[str, Stage], outputs: set[str]) -> set[str]:
    """Of outputs that differ, those of stages whose inputs do not: what to fix, the rest follows."""
    first_stages = [stage for stage in stages.values() if not outputs & set(stage.dependencies)]
    return {path for stage in first_stages for path in outputs & stage.outputs.keys()}

"""Check that dvc.yaml declares all that each stage reads and writes, and nothing else: run it where nothing else is.

`plumbline docs reproducibility` lists the findings, and what this check cannot see.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from plumbline.errors import InconclusiveError, ProjectError, UsageError
from plumbline.progress import progress
from plumbline.reproducibility.dvc_files import LOCK, PIPELINE, LockedStage, Stage, read_lock, read_stages
from plumbline.reproducibility.hermetic_recorder import landlock_version
from plumbline.reproducibility.hermetic_trial import StageReport, examine_stage
from plumbline.reproducibility.report import CANNOT_TELL, Finding

COMMAND = "python -m plumbline hermetic"


@dataclass(frozen=True)
class HermeticReport:
    """What dvc.yaml declares too little or too much, by stage.

    The JSON form has the keys `version` (2), `exit_code`, `stages` and `methods`; a stage is a map of the attributes of
    `StageReport`, and a finding a map of those of `Finding`.
    """

    stages: dict[str, StageReport]

    @property
    def findings(self) -> list[Finding]:
        """Those of all stages."""
        return [finding for stage in self.stages.values() for finding in stage.findings]

    @property
    def exit_code(self) -> int:
        """0, 1 with findings, or 2 where one of them is `CANNOT_TELL`."""
        kinds = {finding.kind for finding in self.findings}
        return 2 if CANNOT_TELL in kinds else 1 if kinds else 0

    def to_json(self) -> dict[str, object]:
        """Return the content of the file that --json names."""
        stages = {name: asdict(stage) for name, stage in self.stages.items()}
        return {"version": 2, "exit_code": self.exit_code, "stages": stages, "methods": _list_methods()}

    def lines(self) -> list[str]:
        """Return the lines that the command prints."""
        summary = ("hermetic", "not hermetic", CANNOT_TELL)[self.exit_code]
        names = [name for name, stage in self.stages.items() if stage.findings]
        next_step = f"fix the first finding, then {' '.join((COMMAND, *names))}" if names else "nothing; push"
        return [
            f"{summary}: {len(self.findings)} findings in {len(self.stages)} stages",
            *map(str, self.findings),
            *(f"method: {line}" for line in _list_methods()),
            f"Next: {next_step}",
        ]


def _list_methods() -> list[str]:
    """How findings are made on this system."""
    version, python = landlock_version(), "Python alone; what other programs do elsewhere is not seen"
    return [
        "what is not declared is not there, an undeclared parameter is a trap, the home is empty",
        f"kept from files elsewhere: {'every program (Landlock)' if version else python}",
        f"kept from the network: {'every program, as to TCP (Landlock)' if version >= 4 else python}",
        "what is read: Python's record and times of access; what neither shows is removed to see whether it matters",
    ]


def hermetic(names: Sequence[str] = ()) -> HermeticReport:
    """Run stages on the files in the working directory, and print a line when each is done.

    Parameters
    ----------
    names : sequence of str
        The stages; all of dvc.yaml where it is empty.

    Raises
    ------
    UsageError
        If dvc.yaml has no stage of that name.
    InconclusiveError
        If there is no complete run to compare with.
    ProjectError
        If dvc.yaml or dvc.lock is malformed, or a stage uses what is not read here.
    """
    stages = read_stages()
    if unknown_names := [name for name in names if name not in stages]:
        message = f"{PIPELINE} has no stage {unknown_names[0]}, expected one of {', '.join(stages)}"
        raise UsageError(message, hint=f"Name one of them, or none for all: {COMMAND}")
    if not Path(LOCK).exists():
        message = f"{LOCK} is not here, so there is no result to compare with"
        raise InconclusiveError(message, hint="First: make repro")
    lock, reports = read_lock(), dict[str, StageReport]()
    with progress("stages", len(names or stages)) as advance:
        for name in names or stages:
            advance(0, name)
            _check_stage(stages[name], lock)
            report = reports[name] = examine_stage(name, stages, lock[name].outputs)
            print(f"{name:12} {report.summary()}", flush=True)
            advance()
    return HermeticReport(reports)


def _check_stage(stage: Stage, lock: Mapping[str, LockedStage]) -> None:
    if stage.unsupported_keys:
        message = f"{stage.name}: uses {stage.unsupported_keys[0]}, which is not read here"
        raise ProjectError(message, hint=f"Name the other stages: {COMMAND} STAGE")
    if stage.name not in lock:
        raise InconclusiveError(f"{LOCK} has no stage {stage.name}", hint="First: make repro")
    if missing_paths := [path for path in stage.dependencies if not Path(path).exists()]:
        message = f"{stage.name}: {missing_paths[0]} is a dependency and is not here"
        raise InconclusiveError(message, hint="Bring it: dvc pull, or make repro")

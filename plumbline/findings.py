"""What a stage checked and decided: printed as it runs, and written to metrics/checks-STAGE.json at its end."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from plumbline import paths
from plumbline.errors import clean_line
from plumbline.files import write_json


class Severity(StrEnum):
    """How much a finding matters. A check that must stop the stage raises an error instead."""

    NOTE = "note"
    WARNING = "warning"
    LEFT_OUT = "left out"


class Kind(StrEnum):
    """What a finding is about; the value is printed, and is `kind` in metrics/checks-STAGE.json."""

    SCOPE = "of another table"
    # ingest
    SOURCE = "source"
    ROWS = "rows"
    UNLABELLED = "rows without a target"
    ROW_COUNTER = "row counter"
    UNNAMED = "columns without a name"
    NON_NUMERIC = "non-numeric values"
    DATE_FORMAT = "date format"
    KEY = "key"
    ID_LIKE = "id-like column"
    CONSTANT = "constant column"
    TASK = "task"
    POSITIVE = "positive class"
    SCHEMA = "schema"
    EXPECTATIONS = "expectations"
    # featurize
    SPLIT = "split"
    FEATURES = "features"
    LEAKAGE = "leakage"
    TARGET_LEAK = "target leakage"
    DERIVED_TARGET = "derived target"
    FUTURE_LEAK = "later than data.time"
    ROW_LEAK = "row on both sides"
    GROUP_LEAK = "group on both sides"
    TIME_LEAK = "training row after split.cut"
    IMPURE = "feature function"
    ALLOWED = "allowed"
    # train
    CROSS_VALIDATION = "cross-validation"
    THRESHOLD = "threshold"
    ESTIMATOR = "estimator"
    # evaluate
    SLICES = "slices"
    BEHAVIOUR = "behaviour"
    TRIVIAL_BASELINE = "trivial baseline"
    LINEAR_BASELINE = "linear baseline"
    REQUIREMENT = "requirement"
    WEAK_SLICE = "weak slice"
    # package
    PARITY = "parity"
    PACKAGE = "package"


@dataclass(frozen=True)
class Finding:
    """One thing that a stage checked or decided.

    Attributes
    ----------
    kind : Kind or str
        Any text in a stage of your own.
    severity : Severity
    evidence : str
        What was found, in a sentence for people; no program reads it.
    counts : mapping
        The numbers in it, for programs.
    allowed : str or None
        The reason in data.allow, where the finding would have stopped the stage without it.
    """

    kind: Kind | str
    severity: Severity
    evidence: str
    counts: Mapping[str, Any] = field(default_factory=dict)
    allowed: str | None = None


class Findings:
    """Collects the findings of one stage.

    Parameters
    ----------
    stage : str
        The name of the stage, as in dvc.yaml.

    Attributes
    ----------
    entries : list of Finding
    """

    def __init__(self, stage: str) -> None:
        self.stage = stage
        self.entries: list[Finding] = []

    def add(
        self,
        kind: Kind | str,
        evidence: str,
        severity: Severity = Severity.NOTE,
        *,
        allowed: str | None = None,
        **counts: Any,
    ) -> None:
        """Print a finding and keep it; `counts` are the numbers in `evidence`, by name."""
        self.entries.append(Finding(kind, severity, evidence, counts, allowed))
        mark = "" if severity is Severity.NOTE else f"{severity.upper()}: "
        print(clean_line(f"{self.stage}: {mark}{kind}: {evidence}"), flush=True)

    def write(self) -> None:
        """Write metrics/checks-STAGE.json."""
        write_json(paths.checks(self.stage), [asdict(finding) for finding in self.entries])


def read_findings(stage: str) -> list[Finding]:
    """Return what a stage wrote in its last run."""
    content = json.loads(Path(paths.checks(stage)).read_text(encoding="utf-8"))
    return [
        Finding(**entry | {"kind": Kind(entry["kind"]), "severity": Severity(entry["severity"])}) for entry in content
    ]

"""Every kind of table with the two required keys alone: a package that predicts, and a finding of its worth."""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

from plumbline import paths
from plumbline.findings import Finding, Kind, Severity, read_findings
from plumbline.packaging.wheel import read_module
from plumbline.testing.projects import Project
from template.tables.kinds import KINDS

CASES = [(name, {}) for name in KINDS] + [(name, kind.keys) for name, kind in KINDS.items() if kind.keys]


@contextmanager
def command(wheel: Path) -> Iterator[ModuleType]:
    """The command of a package, imported from its wheel."""
    package = read_module(wheel)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(wheel.resolve()))
        yield importlib.import_module(f"{package}.prediction.cli")
    for name in [name for name in sys.modules if name.split(".")[0] == package]:
        del sys.modules[name]


def read_finding(stage: str, kind: Kind) -> Finding:
    return next(finding for finding in read_findings(stage) if finding.kind is kind)


@pytest.mark.parametrize(("name", "keys"), CASES, ids=[" and ".join([name, *keys]) for name, keys in CASES])
def test_a_package_is_built_and_its_worth_is_found(project: Project, name: str, keys: dict[str, str]) -> None:
    kind = KINDS[name]
    source = kind.write(Path("data/source"))
    project.params(data={"source": source.as_posix(), "target": kind.target} | keys)
    project.run()
    (wheel,) = Path(paths.DIST).glob("*.whl")
    with command(wheel) as package:
        package.main(["predict", str(source), "-o", "output.parquet"])
    output, predictions = pd.read_parquet("output.parquet"), pd.read_parquet(paths.PREDICTIONS)
    answers = dict(zip(output.iloc[:, 0].astype(str), output.prediction, strict=True))  # by key, or row number
    assert [answers[str(key)] for key in predictions.key] == pytest.approx(predictions.prediction.tolist())
    assert kind.types in read_finding("ingest", Kind.SCHEMA).evidence
    baseline = read_finding("evaluate", Kind.TRIVIAL_BASELINE)
    assert ("the model is clearly better than the trivial baseline" in baseline.evidence) == kind.signal
    assert baseline.severity is (Severity.NOTE if kind.signal else Severity.WARNING)

"""Every kind of table by the two keys alone: a package that answers, and what it is worth, said in words."""

import importlib
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

from plumbline import paths
from plumbline.testing.projects import Project, project
from template.tables.kinds import KINDS

__all__ = ["project"]
CASES = [(name, {}) for name in KINDS] + [(name, kind.keys) for name, kind in KINDS.items() if kind.keys]


@contextmanager
def command(wheel: Path) -> Iterator[ModuleType]:
    """The command of a package, imported from its wheel."""
    package = wheel.name.split("-")[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(wheel.resolve()))
        yield importlib.import_module(f"{package}.prediction.cli")
    for name in [name for name in sys.modules if name.split(".")[0] == package]:
        del sys.modules[name]


def finding(stage: str, rule: str) -> dict:
    findings = json.loads(Path(paths.checks(stage)).read_text(encoding="utf-8"))
    return next(finding for finding in findings if finding["kind"] == rule)


@pytest.mark.parametrize(("name", "keys"), CASES, ids=[" and ".join([name, *keys]) for name, keys in CASES])
def test_a_package_is_made_and_its_worth_is_said(project: Project, name: str, keys: dict[str, str]) -> None:
    kind = KINDS[name]
    source = kind.write(Path("data/source"))
    project.params(data={"source": source.as_posix(), "target": kind.target} | keys)
    project.run()
    (wheel,) = Path(paths.DIST).glob("*.whl")
    with command(wheel) as package:
        package.main(["predict", str(source), "-o", "found.parquet"])
    output, predictions = pd.read_parquet("found.parquet"), pd.read_parquet(paths.PREDICTIONS)
    keys_or_numbers = output.iloc[:, 0].astype(str)
    answers = dict(zip(keys_or_numbers, output.prediction, strict=True))
    assert [answers[str(key)] for key in predictions.key] == pytest.approx(predictions.prediction.tolist())
    assert kind.types in finding("ingest", "schema")["evidence"]
    comparison = finding("evaluate", "trivial baseline")
    assert ("the model clearly beats the trivial one" in comparison["evidence"]) == kind.signal
    assert comparison["severity"] == ("note" if kind.signal else "warning")

"""The steps of the stage package: write the model card, build the wheel, and check that it predicts as evaluate did."""

import importlib
import io
import re
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from plumbline import design, params, paths
from plumbline.data.schema import HOLDOUT, SIDE, Schema
from plumbline.errors import ModelError
from plumbline.evaluation.fairness import Fairness
from plumbline.evaluation.performance import Performance
from plumbline.evaluation.slices import read_slices
from plumbline.files import replacing
from plumbline.findings import Findings, Kind, Severity, read_findings
from plumbline.keys import Params
from plumbline.packaging.card import CardContent, render_card
from plumbline.packaging.wheel import CARD, Project, build_wheel, pin_requirements, user_imports
from plumbline.prediction.golden import make_golden
from plumbline.prediction.predictor import Predictor
from plumbline.scope import explain_omission, includes

PROJECT = ("name", "version", "description", "license", "requires-python")
EARLIER_STAGES = ("ingest", "featurize", "train", "evaluate")
TOLERANCE = 1e-9
BATCH = 1 << 17  # rows


def read_project(source: str, schema: Schema, findings: Findings) -> Project:
    """Read the project's fields of pyproject.toml, with a plain description where it is about another table."""
    project = Project(*params.read_project(*PROJECT))
    tables = design.read_tables()
    if includes(tables, source):
        return project
    message = explain_omission(f"description in {paths.PROJECT}", tables, source, design.TABLE_HINT)
    findings.add(Kind.SCOPE, message, Severity.WARNING)
    description = " ".join(f"Predicts {schema.target.name} from {len(schema.inputs)} columns".split())
    return replace(project, description=description)


def make_card(p: Params, project: Project, schema: Schema, model: bytes) -> str:
    """Make the model card from the files of the earlier stages; `model` is the content of the model file."""
    limits = {"Milliseconds for one row": p.requirements.latency, "Megabytes of the package": p.requirements.size}
    content = CardContent(
        project,
        schema,
        Performance.read(),
        read_slices(),
        Fairness.read(),
        [finding for stage in EARLIER_STAGES for finding in read_findings(stage)],
        design.read_answers(p.data.source),
        limits,
        _read_model_json(model),
    )
    return render_card(content)


def _read_model_json(model: bytes) -> str:
    return zipfile.ZipFile(io.BytesIO(model)).read("schema.json").decode()


def write_package(project: Project, model: bytes, predictor: Predictor, card: str, findings: Findings) -> None:
    """Build the wheel, check it with `check_parity`, and put it into dist/."""
    files = {
        "model.skops": model,
        "schema.json": Path(paths.SCHEMA).read_bytes(),
        "golden.jsonl": make_golden(predictor).encode(),
        CARD: card.encode(),
    }
    model_imports = {name.split(".")[0] for name in re.findall(r'"__module__":"([^"]+)"', _read_model_json(model))}
    requirements = pin_requirements((model_imports | user_imports()) - {project.module})
    with tempfile.TemporaryDirectory() as temporary:
        wheel = build_wheel(project, files, requirements, Path("LICENSE").read_bytes(), Path(temporary))
        rows = check_parity(wheel, project.module, predictor.schema)
        size = wheel.stat().st_size
        with replacing(Path(paths.DIST) / wheel.name) as path:  # from another disk a move is a copy, which may stop
            shutil.copyfile(wheel, path)
    evidence = f"the packaged model repeats evaluate's predictions on {rows} raw holdout rows"
    findings.add(Kind.PARITY, evidence, rows=rows)
    findings.add(Kind.PACKAGE, f"{paths.DIST}/{wheel.name}, {len(requirements)} exact requirements", bytes=size)


def check_parity(wheel: Path, module: str, schema: Schema) -> int:
    """Predict each raw holdout row with the wheel in an empty folder, and compare with data/predictions.parquet.

    Parameters
    ----------
    wheel : Path
    module : str
        Its import name.
    schema : Schema

    Returns
    -------
    int
        The number of rows.

    Raises
    ------
    ModelError
        Where a prediction differs.
    """
    is_holdout = pc.equal(pq.read_table(paths.FEATURES, columns=[SIDE]).column(0), HOLDOUT)
    rows = pq.read_table(paths.TABLE, columns=[c.name for c in schema.inputs]).filter(is_holdout)
    reference = pq.read_table(paths.PREDICTIONS)
    with tempfile.TemporaryDirectory() as folder, _imported_from(wheel, module) as package, chdir(folder):
        _compare_rows(package.Predictor.load(), rows, reference)
    count: int = rows.num_rows
    return count


def _compare_rows(predictor: Predictor, rows: pa.Table, reference: pa.Table) -> None:
    for start in range(0, rows.num_rows, BATCH):
        batch = predictor.predict_typed(rows.slice(start, BATCH))
        predictions = pa.Table.from_pandas(batch, preserve_index=False)
        for name in predictions.column_names:
            differences = _count_differences(predictions.column(name), reference.column(name).slice(start, BATCH))
            if differences:
                raise ModelError(
                    f"package: {differences} of {rows.num_rows} holdout rows get another {name} from the package "
                    "than from evaluate; no package was written",
                    hint="Does features() look beyond its row?",
                )


@contextmanager
def _imported_from(wheel: Path, module: str) -> Iterator[ModuleType]:
    """Import a wheel's module in this process, and forget it afterwards.

    Another process would import pandas and scikit-learn again, which takes 2 s.
    """
    path = str(wheel.resolve())
    sys.path.insert(0, path)
    importlib.invalidate_caches()
    try:
        yield importlib.import_module(module)
    finally:
        sys.path.remove(path)
        for name in [name for name in sys.modules if name.split(".")[0] == module]:
            del sys.modules[name]


def _count_differences(predictions: pa.ChunkedArray, reference: pa.ChunkedArray) -> int:
    if pa.types.is_floating(predictions.type):
        is_close = np.isclose(predictions.to_numpy(), reference.to_numpy(), rtol=TOLERANCE, atol=TOLERANCE)
        return int((~is_close).sum())
    is_equal = pc.fill_null(pc.equal(predictions, reference.cast(predictions.type)), False)
    return int(predictions.length() - pc.sum(is_equal).as_py())

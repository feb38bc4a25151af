"""What the stage package does: builds the wheel, proves that it predicts what evaluate predicted, writes the card."""

import importlib
import io
import json
import re
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from plumbline import design, params, paths
from plumbline.data.schema import HOLDOUT, SIDE, Schema
from plumbline.errors import PlumblineError
from plumbline.files import replacing
from plumbline.findings import Findings, Kind, Severity, read_findings
from plumbline.packaging import card, wheel
from plumbline.prediction.golden import make_golden
from plumbline.prediction.predictor import Predictor
from plumbline.scope import explain_omission, includes

PROJECT = ("name", "version", "description", "license", "requires-python")
MEASURED = (paths.METRICS, paths.LINEAR, paths.TRIVIAL, paths.INTERVALS, paths.SLICES, paths.FAIRNESS)
EARLIER = ("ingest", "featurize", "train", "evaluate")
TOLERANCE = 1e-9
BATCH = 1 << 17


def make_card(
    project: wheel.Project, schema: Schema, content: bytes, source: str, limits: dict[str, float | None]
) -> str:
    """The model card; content: of the packaged model; limits: what requirements ask of the package."""
    findings = [finding for stage in EARLIER for finding in read_findings(stage)]
    measured = {path: _json(path) for path in MEASURED}
    return card.write(project, schema, measured, findings, _written(content), design.read_answers(source), limits)


def _written(archive: bytes) -> str:
    return zipfile.ZipFile(io.BytesIO(archive)).read("schema.json").decode()


def write_package(project: wheel.Project, content: bytes, predictor: Predictor, text: str, findings: Findings) -> None:
    """Builds the wheel, compares what it predicts with evaluate's predictions, and puts it into dist/.

    content: of the packaged model; text: of the card.
    """
    papers = {
        "model.skops": content,
        "schema.json": Path(paths.SCHEMA).read_bytes(),
        "golden.jsonl": make_golden(predictor).encode(),
        "model-card.md": text.encode(),
    }
    roots = {module.split(".")[0] for module in re.findall(r'"__module__":"([^"]+)"', _written(content))}
    requires = wheel.requirements((roots | wheel.imported()) - {project.module})
    with tempfile.TemporaryDirectory() as temporary:
        made = wheel.build(project, papers, requires, Path("LICENSE").read_bytes(), Path(temporary))
        rows = verify(made, project.module, predictor.schema)
        size = made.stat().st_size
        with replacing(Path(paths.DIST) / made.name) as path:  # from another disk a move is a copy, which may stop
            shutil.copyfile(made, path)
    findings.add(
        Kind.PARITY, f"the packaged model repeats evaluate's predictions on {rows} raw holdout rows", rows=rows
    )
    findings.add(Kind.PACKAGE, f"{paths.DIST}/{made.name}, {len(requires)} exact requirements", bytes=size)


def describe(source: str, schema: Schema, findings: Findings) -> wheel.Project:
    """The project of pyproject.toml, its description left out where it is about another table."""
    content = dict(zip(PROJECT, params.read_project(*PROJECT), strict=True))
    named = design.read_tables()
    if not includes(named, source):
        message = explain_omission(f"description in {paths.PROJECT}", named, source, design.TABLE_HINT)
        findings.add(Kind.SCOPE, message, Severity.WARNING)
        target = schema.target.name
        content["description"] = " ".join(f"Predicts {target} from {len(schema.inputs)} columns".split())
    return wheel.Project(*(content[name] for name in PROJECT))


def _json(path: str) -> Any:
    return json.loads(Path(path).read_text(encoding="utf-8"))


def verify(made: Path, module: str, schema: Schema) -> int:
    """Loads the wheel as a user would and predicts every raw holdout row; refuses what differs from evaluate."""
    sys.path.insert(0, str(made.resolve()))
    importlib.invalidate_caches()
    try:
        predictor = importlib.import_module(module).Predictor.load()
    finally:
        sys.path.remove(str(made.resolve()))
        for name in [name for name in sys.modules if name.split(".")[0] == module]:
            del sys.modules[name]
    held = pc.equal(pq.read_table(paths.FEATURES, columns=[SIDE]).column(0), HOLDOUT)
    raw = pq.read_table(paths.TABLE, columns=[c.name for c in schema.inputs]).filter(held)
    expected = pq.read_table(paths.PREDICTIONS)
    for start in range(0, raw.num_rows, BATCH):
        found = pa.Table.from_pandas(predictor.predict_typed(raw.slice(start, BATCH)), preserve_index=False)
        for name in found.column_names:
            bad = _differing(found.column(name), expected.column(name).slice(start, BATCH))
            if bad:
                raise PlumblineError(
                    f"package: {bad} of {raw.num_rows} holdout rows get another {name} from the package "
                    "than from evaluate; no package was written. Does features() look beyond its row?"
                )
    return raw.num_rows


def _differing(found: pa.ChunkedArray, expected: pa.ChunkedArray) -> int:
    if pa.types.is_floating(found.type):
        return int((~np.isclose(found.to_numpy(), expected.to_numpy(), rtol=TOLERANCE, atol=TOLERANCE)).sum())
    return found.length() - pc.sum(pc.fill_null(pc.equal(found, expected.cast(found.type)), False)).as_py()

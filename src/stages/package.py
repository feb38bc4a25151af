"""package: model, schema and the user's code -> one wheel that predicts from raw rows, and the model card."""

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

from src import design, names, params
from src.findings import RULE, Findings, is_about, left_out, read_findings, run, write_text
from src.packaging import card, wheel
from src.predictor import golden
from src.predictor.modelfile import dumps, loads
from src.predictor.predictor import Predictor
from src.predictor.refusal import Refusal
from src.predictor.schema import Schema
from src.predictor.tables import replacing

PARAMS = ("data.source", "requirements.latency", "requirements.size")
PROJECT = ("name", "version", "description", "license", "requires-python")
MEASURED = (names.METRICS, names.LINEAR, names.TRIVIAL, names.INTERVALS, names.SLICES, names.FAIRNESS)
EARLIER = ("ingest", "featurize", "train", "evaluate")
TOLERANCE = 1e-9
BATCH = 1 << 17


def main() -> None:
    p = params.read(*PARAMS)
    findings, folder = Findings("package"), Path(names.DIST)
    shutil.rmtree(folder, ignore_errors=True)
    schema = Schema.loads(Path(names.SCHEMA).read_text(encoding="utf-8"))
    project = described(p.source, schema, findings)
    fitted = loads(Path(names.MODEL).read_bytes(), names.MODEL)
    archive = dumps(fitted, project.module)
    written = zipfile.ZipFile(io.BytesIO(archive)).read("schema.json").decode()
    text = card.write(
        project,
        schema,
        {path: _json(path) for path in MEASURED},
        [finding for stage in EARLIER for finding in read_findings(stage)],
        written,
        design.answers(p.source),
        {"Milliseconds for one row": p.latency, "Megabytes of the package": p.size},
    )
    papers = {
        "model.skops": archive,
        "schema.json": Path(names.SCHEMA).read_bytes(),
        "golden.jsonl": golden.make(Predictor(fitted, schema)).encode(),
        "model-card.md": text.encode(),
    }
    roots = {module.split(".")[0] for module in re.findall(r'"__module__":"([^"]+)"', written)} | wheel.imported()
    requires = wheel.requirements(roots - {project.module}, _json(names.VERSIONS))
    with tempfile.TemporaryDirectory() as temporary:
        made = wheel.build(project, papers, requires, Path("LICENSE").read_bytes(), Path(temporary))
        rows = verify(made, project.module, schema)
        size = made.stat().st_size
        with replacing(folder / made.name) as path:  # from another disk a move is a copy, which may stop
            shutil.copyfile(made, path)
    findings.add("parity", f"the packaged model repeats evaluate's predictions on {rows} raw holdout rows", rows=rows)
    findings.add("package", f"{names.DIST}/{made.name}, {len(requires)} exact requirements", bytes=size)
    write_text(names.CARD, text)
    findings.write()


def described(source: str, schema: Schema, findings: Findings) -> wheel.Project:
    """The project of pyproject.toml, its description left out where it is about another table."""
    content = dict(zip(PROJECT, params.project(*PROJECT), strict=True))
    named = design.about()
    if not is_about(named, source):
        findings.add(RULE, left_out(f"description in {names.PROJECT}", named, source, design.CURE), "warning")
        target = next(column.name for column in schema.columns if column.role == "target")
        content["description"] = " ".join(f"Predicts {target} from {len(schema.inputs)} columns".split())
    return wheel.Project(*(content[name] for name in PROJECT))


def _json(path: str) -> Any:
    return json.loads(Path(path).read_text(encoding="utf-8"))


def verify(made: Path, module: str, schema: Schema) -> int:
    """Loads the wheel as a user would and predicts every raw holdout row; refuses what differs from evaluate."""
    sys.path.insert(0, str(made.resolve()))
    importlib.invalidate_caches()
    try:
        predictor = importlib.import_module(f"{module}.predictor.predictor").Predictor.load()
    finally:
        sys.path.remove(str(made.resolve()))
        for name in [name for name in sys.modules if name.split(".")[0] == module]:
            del sys.modules[name]
    held = pc.equal(pq.read_table(names.FEATURES, columns=[names.SIDE]).column(0), names.HOLDOUT)
    raw = pq.read_table(names.TABLE, columns=[c.name for c in schema.inputs]).filter(held)
    expected = pq.read_table(names.PREDICTIONS)
    for start in range(0, raw.num_rows, BATCH):
        found = pa.Table.from_pandas(predictor.predict_typed(raw.slice(start, BATCH)), preserve_index=False)
        for name in found.column_names:
            bad = _differing(found.column(name), expected.column(name).slice(start, BATCH))
            if bad:
                raise Refusal(
                    f"package: {bad} of {raw.num_rows} holdout rows get another {name} from the package "
                    "than from evaluate; no package was written. Does features() look beyond its row?"
                )
    return raw.num_rows


def _differing(found: pa.ChunkedArray, expected: pa.ChunkedArray) -> int:
    if pa.types.is_floating(found.type):
        return int((~np.isclose(found.to_numpy(), expected.to_numpy(), rtol=TOLERANCE, atol=TOLERANCE)).sum())
    return found.length() - pc.sum(pc.fill_null(pc.equal(found, expected.cast(found.type)), False)).as_py()


if __name__ == "__main__":
    run(main)

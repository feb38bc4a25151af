"""package: model, schema and the user's code -> one wheel that predicts from raw rows, and the model card."""

import importlib
import io
import json
import shutil
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from src import features, model, names
from src.checks import Findings, read_findings, run, write_text
from src.packaging import card, wheel
from src.predictor import golden
from src.predictor.modelfile import dumps, loads
from src.predictor.predictor import Predictor
from src.predictor.refusal import Refusal
from src.predictor.schema import Schema

PARAMS = ("name", "version", "description", "license", "requires-python")
TOLERANCE = 1e-9
BATCH = 1 << 17


def main() -> None:
    findings = Findings("package")
    project = _project()
    schema = Schema.loads(Path(names.SCHEMA).read_text(encoding="utf-8"))
    fitted = loads(Path(names.MODEL).read_bytes(), names.MODEL)
    content = dumps(fitted, project.module)
    archive = json.loads(zipfile.ZipFile(io.BytesIO(content)).read("schema.json"))
    earlier = [f for stage in ("ingest", "featurize", "train", "evaluate") for f in read_findings(stage)]
    measured = {"model": _json(names.METRICS), "linear": _json(names.LINEAR), "trivial": _json(names.TRIVIAL)}
    text = card.write(
        project, schema, measured, _json(names.INTERVALS), _json(names.SLICES), earlier, set(_keys(archive))
    )
    papers = {
        "model.skops": content,
        "schema.json": Path(names.SCHEMA).read_bytes(),
        "golden.jsonl": golden.make(Predictor(fitted, schema)).encode(),
        "model-card.md": text.encode(),
    }
    wheel.check_imports()
    roots = {value.split(".")[0] for value in _values(archive, "__module__")} | wheel.used_by(features, model)
    requires = wheel.requirements(roots - {project.module}, _json(names.VERSIONS))
    folder = Path(names.DIST)
    shutil.rmtree(folder, ignore_errors=True)
    made = wheel.build(project, papers, requires, Path("LICENSE").read_bytes(), folder)
    try:
        rows = verify(made, project.module, schema)
    except BaseException:
        made.unlink()
        raise
    findings.add("parity", f"the packaged model repeats evaluate's predictions on {rows} raw holdout rows", rows=rows)
    findings.add("package", f"{made.as_posix()}, {len(requires)} exact requirements", bytes=made.stat().st_size)
    write_text(names.CARD, text)
    findings.write()


def _project() -> wheel.Project:
    import tomllib

    content = tomllib.loads(Path(names.PROJECT).read_text(encoding="utf-8"))["project"]
    return wheel.Project(*(content[name] for name in PARAMS))


def _json(path: str) -> Any:
    return json.loads(Path(path).read_text(encoding="utf-8"))


def _keys(node: Any) -> list[str]:
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return [*(node if isinstance(node, dict) else ()), *(key for child in children for key in _keys(child))]


def _values(node: Any, wanted: str) -> set[str]:
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    found = {node[wanted]} if isinstance(node, dict) and wanted in node else set()
    return found.union(*(_values(child, wanted) for child in children))


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

"""How the model must behave: directions, invariances and certain rows, stated as data in expectations/behaviour.yaml.

docs/behaviour.md shows the three kinds. They are run on the raw rows of the holdout, through the predictor that ships.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from plumbline.data.schema import NUMERIC, Schema
from plumbline.errors import PlumblineError
from plumbline.params import suggest
from plumbline.prediction.predictor import Predictor
from plumbline.scope import includes, parse_tables
from plumbline.strictyaml import read_yaml

KINDS = ("raise", "swap", "row")
KEYS = {"name", "why", "then", "class", "allowed", *KINDS}
ORDERS = ("never lower", "never higher", "same")
TOLERANCE = 1e-9
CURE = "in it: table: {}"


@dataclass(frozen=True)
class Behaviour:
    """kind: raise {column: amount}, swap [column, column] or row {column: value}; then: what must follow.

    of: the class whose probability is looked at, None for a regression; allowed: the share of rows that may break it.
    """

    name: str
    kind: str
    what: Any
    then: Any
    of: Any
    allowed: float


def about(path: Path) -> tuple[str, ...]:
    """The tables that the behaviours in a file are about."""
    return _read(path)[0]


def load(path: Path, schema: Schema, source: str) -> list[Behaviour]:
    """The behaviours of this table in a file, if any; raises PlumblineError for what is no behaviour of it."""
    named, content = _read(path)
    if not includes(named, source):
        return []
    return [_one(each, schema, f"{path.as_posix()}: {each.get('name', 'one without a name')!r}") for each in content]


def _read(path: Path) -> tuple[tuple[str, ...], list[dict[str, Any]]]:
    """The tables and the behaviours, as they stand there; a bare list is about every table."""
    where = path.as_posix()
    content = (read_yaml(where) if path.exists() else None) or []
    given = content if isinstance(content, dict) else {"behaviours": content}
    listed = given.get("behaviours") or []
    odd = set(given) - {"table", "behaviours"}
    if odd or not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
        raise PlumblineError(
            f"{where}: expected a list of behaviours, or table and behaviours with such a list"
            f"{f', found {odd.pop()!r}' if odd else ''}. See docs/behaviour.md"
        )
    return parse_tables(given.get("table"), where), listed


def _one(given: dict[str, Any], schema: Schema, where: str) -> Behaviour:
    odd = [key for key in given if key not in KEYS]
    kinds = [kind for kind in KINDS if kind in given]
    if odd or len(kinds) != 1 or not {"name", "why", "then"} <= set(given):
        found = f"has {odd[0]!r}" if odd else f"has {', '.join(map(str, given))}"
        raise PlumblineError(
            f"{where}: {found}; expected name, why, then, and one of {', '.join(KINDS)}. See docs/behaviour.md"
        )
    kind, what = kinds[0], given[kinds[0]]
    types = {column.name: column.type for column in schema.inputs}
    fits = {"raise": isinstance(what, dict) and len(what) == 1, "swap": isinstance(what, list) and len(what) == 2}
    if not fits.get(kind, isinstance(what, dict)):
        raise PlumblineError(
            f"{where}: {kind} is {what!r}, expected {{column: amount}}, [column, column] or {{column: value}}"
        )
    for name in what:
        if name not in types or (kind == "raise" and types[name] not in NUMERIC):
            raise PlumblineError(
                f"{where}: {name!r} is no input{' of numbers' * (kind == 'raise')}",
                hint=suggest(str(name), types) or "See docs/behaviour.md",
            )
    wanted = [*schema.classes] if kind == "row" and schema.classes else [] if kind == "row" else ORDERS
    if given["then"] not in wanted and not (kind == "row" and isinstance(given["then"], dict)):
        raise PlumblineError(
            f"{where}: then is {given['then']!r}, expected {', '.join(map(str, wanted)) or '{above: 1, below: 2}'}"
        )
    of = given.get("class", schema.positive if schema.task == "binary" else None)
    if schema.classes and kind != "row" and of not in schema.classes:
        raise PlumblineError(f"{where}: class is {of!r}, expected one of {', '.join(map(str, schema.classes))}")
    return Behaviour(given["name"], kind, what, given["then"], of, float(given.get("allowed", 0)))


def broken(test: Behaviour, predictor: Predictor, rows: pa.Table) -> tuple[int, int]:
    """How many rows break it, of how many. rows: the inputs of raw rows with their types."""
    if test.kind == "row":
        found = predictor.predict([dict.fromkeys(predictor.types) | test.what])["prediction"].iloc[0]
        if isinstance(test.then, dict):
            ok = test.then.get("above", -np.inf) <= found <= test.then.get("below", np.inf)
        else:
            ok = found == test.then
        return int(not ok), 1
    before, after = (_score(test, predictor, part) for part in (rows, _changed(test, rows)))
    step = after - before
    bad = {"never lower": step < -TOLERANCE, "never higher": step > TOLERANCE, "same": np.abs(step) > TOLERANCE}
    return int(bad[test.then].sum()), len(rows)


def _score(test: Behaviour, predictor: Predictor, rows: pa.Table) -> np.ndarray:
    found = predictor.predict_typed(rows)
    return found["prediction" if test.of is None else f"probability_{test.of}"].to_numpy(dtype=float)


def _changed(test: Behaviour, rows: pa.Table) -> pa.Table:
    if test.kind == "raise":
        ((name, amount),) = test.what.items()
        values = rows.column(name)
        return rows.set_column(rows.column_names.index(name), name, pc.add(values, pa.scalar(amount, values.type)))
    first, second = test.what
    swapped = {first: rows.column(second), second: rows.column(first)}
    return pa.table({name: swapped.get(name, rows.column(name)) for name in rows.column_names})

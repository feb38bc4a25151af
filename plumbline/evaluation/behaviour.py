"""Behaviour tests of the model: directions, invariances and single rows, as expectations/behaviour.yaml has them.

`plumbline docs behaviour` shows the three kinds. They run on raw rows of the holdout, through the packaged predictor.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from plumbline.data.schema import NUMERIC, Schema
from plumbline.errors import ProjectError
from plumbline.formatting import short
from plumbline.params import suggest
from plumbline.prediction.predictor import Predictor
from plumbline.scope import includes, parse_tables
from plumbline.strictyaml import read_yaml

KINDS = ("raise", "swap", "row")
KEYS = {"name", "why", "then", "class", "allowed", *KINDS}
DIRECTIONS = ("never lower", "never higher", "same")
TOLERANCE = 1e-9
TABLE_HINT = "in it: table: {}"  # how a file names its tables
PAGE = "Write it as in plumbline docs behaviour"
_FORMS = {"raise": "{column: amount}", "swap": "[column, column]", "row": "{column: value}"}


@dataclass(frozen=True)
class Behaviour:
    """A behaviour that the model must have.

    Attributes
    ----------
    name : str
    kind : str
        raise, swap or row.
    change : dict or list
        raise: {column: amount}; swap: [column, column]; row: {column: value}.
    then : object
        raise and swap: a direction; row: the predicted class, or the bounds {above: number, below: number}.
    target_class : object
        The class whose probability is compared; None for a regression.
    allowed : float
        The share of rows that may violate it.
    """

    name: str
    kind: str
    change: Any
    then: Any
    target_class: Any
    allowed: float


def read_tables(path: Path) -> tuple[str, ...]:
    """Return the paths of the tables that the behaviours in a file are about."""
    return _read_file(path)[0]


def read_behaviours(path: Path, schema: Schema, source: str) -> list[Behaviour]:
    """Return the behaviours in a file; none where there is no file, or where it is about another table.

    Parameters
    ----------
    path : Path
        Usually expectations/behaviour.yaml.
    schema : Schema
    source : str
        data.source.

    Raises
    ------
    ProjectError
        Where the file cannot be read, or an entry is not a behaviour of this schema.
    """
    tables, entries = _read_file(path)
    if not includes(tables, source):
        return []
    return [
        _parse(entry, schema, f"{path.as_posix()}: {entry.get('name', 'one without a name')!r}") for entry in entries
    ]


def _read_file(path: Path) -> tuple[tuple[str, ...], list[dict[str, Any]]]:
    """Return the tables and the entries of a file; a bare list is about every table."""
    where = path.as_posix()
    content = (read_yaml(where) if path.exists() else None) or []
    form = content if isinstance(content, dict) else {"behaviours": content}
    entries = form.get("behaviours") or []
    unknown = set(form) - {"table", "behaviours"}
    if unknown or not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ProjectError(
            f"{where}: expected a list of behaviours, or table and behaviours with such a list"
            f"{f', found {unknown.pop()!r}' if unknown else ''}",
            hint=PAGE,
        )
    return parse_tables(form.get("table"), where), entries


def _parse(entry: Mapping[str, Any], schema: Schema, where: str) -> Behaviour:
    kind = _check_keys(entry, where)
    change, then = entry[kind], entry["then"]
    _check_change(kind, change, schema, where)
    _check_then(kind, then, schema, where)
    target_class = entry.get("class", schema.positive if schema.task == "binary" else None)
    if schema.classes and kind != "row" and target_class not in schema.classes:
        classes = ", ".join(map(str, schema.classes))
        hint = suggest(str(target_class), map(str, schema.classes)) or PAGE
        raise ProjectError(f"{where}: class is {target_class!r}, expected one of {classes}", hint=hint)
    return Behaviour(entry["name"], kind, change, then, target_class, float(entry.get("allowed", 0)))


def _check_keys(entry: Mapping[str, Any], where: str) -> str:
    """Return the kind of an entry, which must have all keys and no unknown one."""
    unknown = [key for key in entry if key not in KEYS]
    kinds = [kind for kind in KINDS if kind in entry]
    if unknown or len(kinds) != 1 or not {"name", "why", "then"} <= set(entry):
        keys = repr(unknown[0]) if unknown else ", ".join(map(str, entry))
        hint = (suggest(str(unknown[0]), KEYS) if unknown else "") or PAGE
        raise ProjectError(f"{where}: has {keys}; expected name, why, then, and one of {', '.join(KINDS)}", hint=hint)
    return kinds[0]


def _check_change(kind: str, change: Any, schema: Schema, where: str) -> None:
    is_well_formed = {
        "raise": isinstance(change, dict) and len(change) == 1,
        "swap": isinstance(change, list) and len(change) == 2,
        "row": isinstance(change, dict),
    }
    if not is_well_formed[kind]:
        raise ProjectError(f"{where}: {kind} is {change!r}, expected {_FORMS[kind]}", hint=PAGE)
    types = {column.name: column.type for column in schema.inputs}
    for name in change:
        if name not in types or (kind == "raise" and types[name] not in NUMERIC):
            raise ProjectError(
                f"{where}: {name!r} is not {'a numeric' if kind == 'raise' else 'an'} input",
                hint=suggest(str(name), types) or "data/schema.json lists the inputs",
            )


def _check_then(kind: str, then: Any, schema: Schema, where: str) -> None:
    allowed_values = DIRECTIONS if kind != "row" else schema.classes
    if then not in allowed_values and not (kind == "row" and isinstance(then, dict)):
        choices = ", ".join(map(str, allowed_values)) or "{above: 1, below: 2}"
        raise ProjectError(f"{where}: then is {then!r}, expected {choices}", hint=PAGE)


def count_violations(behaviour: Behaviour, predictor: Predictor, rows: pa.Table) -> tuple[int, int]:
    """Return how many rows violate a behaviour, and of how many.

    Parameters
    ----------
    behaviour : Behaviour
    predictor : Predictor
    rows : Table
        The inputs of raw rows, with their types.
    """
    if behaviour.kind == "row":
        row = dict.fromkeys(predictor.types) | behaviour.change
        return int(not _holds(behaviour.then, predictor.predict([row])["prediction"].iloc[0])), 1
    before, after = (_score(behaviour, predictor, table) for table in (rows, _apply_change(behaviour, rows)))
    step = after - before
    violations = {
        "never lower": step < -TOLERANCE,
        "never higher": step > TOLERANCE,
        "same": np.abs(step) > TOLERANCE,
    }
    return int(violations[behaviour.then].sum()), len(rows)


def describe_violations(behaviour: Behaviour, violations: int, rows: int) -> str:
    """Return how many rows violate a behaviour, and how many may, as a sentence.

    Examples
    --------
    >>> describe_violations(Behaviour("warmer, more sales", "raise", {}, "", None, allowed=0.05), 1, 125)
    "'warmer, more sales': 1 of 125 rows violates it (0.8 %; at most 5 % allowed)"
    """
    limit = f"at most {short(100 * behaviour.allowed)} %" if behaviour.allowed else "none"
    verb = "violates" if violations == 1 else "violate"
    share = short(100 * violations / rows)
    return f"{behaviour.name!r}: {violations} of {rows} rows {verb} it ({share} %; {limit} allowed)"


def _holds(then: Any, prediction: Any) -> bool:
    if isinstance(then, dict):
        return bool(then.get("above", -np.inf) <= prediction <= then.get("below", np.inf))
    return bool(prediction == then)


def _score(behaviour: Behaviour, predictor: Predictor, rows: pa.Table) -> np.ndarray:
    name = "prediction" if behaviour.target_class is None else f"probability_{behaviour.target_class}"
    return predictor.predict_typed(rows)[name].to_numpy(dtype=float)


def _apply_change(behaviour: Behaviour, rows: pa.Table) -> pa.Table:
    if behaviour.kind == "raise":
        ((name, amount),) = behaviour.change.items()
        values = rows.column(name)
        return rows.set_column(rows.column_names.index(name), name, pc.add(values, pa.scalar(amount, values.type)))
    first, second = behaviour.change
    columns = {first: rows.column(second), second: rows.column(first)}
    return pa.table({name: columns.get(name, rows.column(name)) for name in rows.column_names})

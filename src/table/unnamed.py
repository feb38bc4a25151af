"""Columns without a name: what merely counts the rows is dropped, any other keeps the name of its position."""

import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pyarrow as pa

from src.findings import Findings
from src.predictor.tables import Source, convert

PANDAS = re.compile(r"__index_level_\d+__")  # what pandas calls an index without a name in Parquet and Feather
SHOWN = 5  # names in a message


def settle_unnamed(source: Source, params: SimpleNamespace, findings: Findings) -> tuple[Source, tuple[str, ...]]:
    """The source without row counters, and those of its columns that name rows where they are distinct.

    These are the first column, if it has no name, and pandas' own index. params: what names one keeps it.
    """
    first = source.names[:1] if source.names[0] in source.unnamed else ()
    indexes = tuple(name for name in source.names if name in first or PANDAS.fullmatch(name))
    stated = {params.target, params.key, params.group, params.time, params.weight}
    stated |= {*params.ignore, *params.types, *params.protected}
    counters = [name for name in indexes if name not in stated and counts_rows(source, name)]
    for name in counters:
        what = f"pandas' index {name!r}" if PANDAS.fullmatch(name) else "the first column has no name and"
        words = f"{what} counts the rows: dropped. To keep it: data.types: {{{name}: integer}}"
        findings.add("row counter", words, "left out")
    kept = tuple(name for name in source.names if name not in counters)
    odd = [name for name in kept if name not in stated and name in (*source.unnamed, *indexes)]
    if odd:
        shown = f"{', '.join(map(repr, odd[:SHOWN]))}{', ...' * (len(odd) > SHOWN)}"
        cure = f"Name them in the file, or leave them out: data.ignore: [{', '.join(odd[:SHOWN])}]"
        words = f"{len(odd)} in the file, called {shown} here. {cure}"
        findings.add("columns without a name", words, "warning", columns=len(odd))
    types = source.types and {name: source.types[name] for name in kept}
    return replace(source, names=kept, types=types), tuple(name for name in indexes if name in kept)


def counts_rows(source: Source, name: str) -> bool:
    """Whether the column has each number from 0, or from 1, once, in any order: in the whole table or in each part."""
    parts = [_numbers(part, name) for part in source.parts or (source,)]
    whole = [part for part in parts if part is not None]
    if len(whole) < len(parts):
        return False
    return all(map(_is_counter, whole)) or _is_counter(np.concatenate(whole))


def _numbers(source: Source, name: str) -> np.ndarray | None:
    """The column's whole numbers, None where it holds anything else."""
    found = []
    for batch in source.batches():
        values = batch.column(name)
        if pa.types.is_timestamp(values.type) or values.null_count:
            return None
        try:
            found.append(convert(values, "integer", source.decimal).to_numpy())
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            return None
    return np.concatenate(found) if found else np.empty(0, "int64")


def _is_counter(values: np.ndarray) -> bool:
    ordered = np.sort(values)
    return len(ordered) > 0 and ordered[0] in (0, 1) and bool((np.diff(ordered) == 1).all())

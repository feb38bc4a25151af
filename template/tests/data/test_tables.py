"""Values get their types, and what was written comes back."""

import math
from datetime import datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plumbline.data.delimited import MISSING
from plumbline.data.schema import ARROW
from plumbline.data.sources import open_source
from plumbline.data.tables import convert, convert_or_null, open_sink
from plumbline.files import replacing, transaction

DAY, BAD = datetime(2024, 5, 1), object()
WORDS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])).filter(lambda w: w not in MISSING)
VALUES = {
    "integer": st.integers(-(2**63), 2**63 - 1),
    "number": st.floats(allow_nan=False),
    "boolean": st.booleans(),
    "category": WORDS,
    "timestamp": st.datetimes(datetime(1600, 1, 1), datetime(2400, 1, 1)),
}
ROWS = st.lists(st.fixed_dictionaries({kind: st.none() | VALUES[kind] for kind in VALUES}), min_size=1, max_size=5)
KINDS = st.lists(st.sampled_from(sorted(VALUES)), min_size=1, unique=True)


def read(path) -> pa.Table:
    return pa.concat_tables(open_source(str(path)).batches())


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
@settings(max_examples=50, deadline=None)
@given(rows=ROWS, kinds=KINDS)
def test_types_and_gaps_survive_being_written_and_read(tmp_path_factory, suffix: str, rows, kinds: list[str]) -> None:
    path = str(tmp_path_factory.getbasetemp() / f"round-trip{suffix}")
    table = pa.Table.from_pylist(rows, pa.schema([(kind, ARROW[kind]) for kind in kinds]))
    with open_sink(path) as write:
        write(table)
        write(table)
    result = read(path)
    assert pa.table({kind: convert(result[kind], kind) for kind in kinds}).equals(pa.concat_tables([table, table]))


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        (["1", "1.5", None, "", str(2**63)], "integer", [1, BAD, None, BAD, BAD]),
        ([1.5, 2.0], "integer", [BAD, 2]),
        (["7.0", "-7.", "7.01"], "integer", [7, -7, BAD]),
        ([[1]], "number", [BAD]),
        ([[1], None], "text", ["[1]", None]),
        (["1", "0x1F", "1_0", "1,5", " 1e3"], "number", [1, BAD, BAD, BAD, 1000]),
        ([math.nan, 7], "integer", [BAD, 7]),
        ([0, 1, 2], "boolean", [False, True, BAD]),
        ([], "text", []),
        ([1.0, 0.0], "boolean", [True, False]),
        (["TRUE", "maybe", " No", "t", "0"], "boolean", [True, BAD, False, True, False]),
        (["2024-02-30", "2024-05-01"], "timestamp", [BAD, DAY]),
        (["inf", "-Infinity"], "number", [math.inf, -math.inf]),
        (pa.array(["7", "x"]).dictionary_encode(), "integer", [7, BAD]),
        ([Decimal("1.5")], "number", [1.5]),
        (pa.array(["a", None], pa.large_string()), "category", ["a", None]),
        (pa.nulls(1), "timestamp", [None]),
        (pa.array([" 2024-05-01"], pa.string_view()), "timestamp", [DAY]),
        ([DAY.date()], "timestamp", [DAY]),
        (pa.array([1714521600 * 10**9 + 1], pa.timestamp("ns", "Asia/Tokyo")), "timestamp", [DAY]),
        (["2024-05-01T02:00:00+02:00"], "timestamp", [DAY]),
        (["2024-05-01 00:00Z", "x"], "timestamp", [DAY, BAD]),
        (["01.05.2024", "2024-05-01", None], "timestamp %d.%m.%Y", [DAY, BAD, None]),
        (["5/1/24 2:00 AM +0200"], "timestamp %m/%d/%y %I:%M %p %z", [DAY]),
        (pa.array([7], pa.int32()), "text", ["7"]),
        ([2**53 + 1], "number", [2**53]),
    ],
)
def test_values_get_a_type_of_the_schema_or_their_positions_are_returned(values, kind: str, expected: list) -> None:
    result, positions = convert_or_null(pa.chunked_array([pa.array(values)]), kind)
    assert positions == [i for i, value in enumerate(expected) if value is BAD]
    assert result.to_pylist() == [None if value is BAD else value for value in expected]
    assert result.type == ARROW[kind.split()[0]]


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path) -> None:
    path = tmp_path / "new folder" / "table.csv"
    with replacing(path) as temporary:
        temporary.write_text("old")
    with pytest.raises(KeyboardInterrupt), open_sink(str(path)) as write:
        write(pa.table({"a": [1]}))
        raise KeyboardInterrupt
    assert {file.name: file.read_text() for file in path.parent.iterdir()} == {"table.csv": "old"}


def test_files_of_a_transaction_appear_together_or_not_at_all(tmp_path) -> None:
    def make(*, stop: bool) -> None:
        with transaction():
            for name in "ab":
                with replacing(tmp_path / name) as temporary:
                    temporary.write_text("new")
                assert not (tmp_path / name).exists()
            if stop:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(stop=True)
    assert not list(tmp_path.iterdir())
    make(stop=False)
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {"a": "new", "b": "new"}

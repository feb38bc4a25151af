"""The split: a row's side depends on the row and the salt, and on nothing else."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plumbline.data.schema import ARROW, Column, Schema
from plumbline.data.split import position, shortfall, units

ROWS = st.lists(st.tuples(st.integers(-(2**53), 2**53), st.none() | st.text(max_size=3)), min_size=1, max_size=20)
LACKING = """110000 010101 - nothing
100000 - - the holdout has 1 rows, expected at least 2
110000 000101 - the holdout has 0 rows of its rarest class, expected at least 1
111000 011001 - the training set has 1 rows of its rarest class, expected at least 2
110000 - 778899 the holdout has 1 groups, expected at least 2"""


def sides(rows: list[tuple], roles: str, kind: str = "integer", salt: int = 0, share: float = 0.5) -> list[bool]:
    columns = (Column(name, "", role) for name, role in zip("aby", [*roles.split(), "target"], strict=True))
    a, b = zip(*rows, strict=True)
    table = pa.table({"a": pa.array(a, ARROW[kind]), "b": pa.array(b, pa.string()), "y": np.arange(len(a))})
    return list(position(units(table, Schema(tuple(columns), 0, "regression")), salt) < share)


@pytest.mark.parametrize("roles", ["feature ignored", "key feature", "feature group", "feature target"])
@settings(max_examples=25, deadline=None)
@given(rows=ROWS, more=ROWS, order=st.randoms(use_true_random=False))
def test_a_row_keeps_its_side_whatever_is_added_in_any_order_or_batch(
    roles: str, rows: list, more: list, order
) -> None:
    before, after = dict(zip(rows, sides(rows, roles), strict=True)), rows + more
    order.shuffle(after)
    for row, side in zip(after, sides(after, roles), strict=True):
        assert before.get(row, side) == side == sides([row], roles)[0]
    if "key" not in roles:  # without one, a column of whole numbers may gain decimals
        assert sides([*after, (0.5, "x")], roles, "number")[:-1] == sides(after, roles)


@pytest.mark.parametrize("salt", [0, 2**64])
def test_the_share_is_right_for_long_keys_and_groups_stay_together_and_salts_differ(salt: int) -> None:
    rows = [(2**60 + i, str(i % 500)) for i in range(10000)]
    first, second = (np.array(sides(rows, "key feature", salt=s, share=0.2)) for s in (salt, salt + 1))
    assert abs(first.mean() - 0.2) < 0.02
    assert abs((first & second).mean() - 0.04) < 0.01
    groups = np.array(sides(rows, "key group", salt=salt, share=0.2)).reshape(20, 500)
    assert (groups == groups[0]).all()
    assert abs(groups.mean() - 0.2) < 0.05


@pytest.mark.parametrize("line", LACKING.splitlines())
def test_what_a_side_lacks_is_named_with_its_count(line: str) -> None:
    *rows, words = line.split(" ", 3)
    holdout, codes, groups = (None if row == "-" else np.array([*map(int, row)]) for row in rows)
    assert holdout is not None
    assert (shortfall(holdout.astype(bool), codes, groups, min_rows=2) or "nothing") == words

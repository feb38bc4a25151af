"""Short names of expectations, columns and arguments for tables of examples."""

from typing import Any

from plumbline.expectations.expectation import Expectation

BETWEEN, SET, REGEX = (f"column_values_to_{what}" for what in ("be_between", "be_in_set", "match_regex"))
QUANTILE, PAIR = "column_quantile_values_to_be_between", "column_pair_values_a_to_be_greater_than_b"
N, W, T = {"column": "n"}, {"column": "w"}, {"column": "t"}
BELOW = {"type": "comparison", "column": {"name": "nope"}, "operator": "<", "parameter": 4}
HALF = {"quantiles": [0.5], "value_ranges": [[0, 1]]}


def expectations(*examples: tuple[str, dict[str, Any]], **extra: Any) -> list[Expectation]:
    """Expectations of these types, without their prefix, and arguments."""
    return [Expectation(f"expect_{kind}", kwargs, extra) for kind, kwargs in examples]

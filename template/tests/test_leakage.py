"""A share of what `python -m template.leaks` measures in full: no false stop, and at least 95 % of each leak found."""

import pytest

from template.leaks import __main__ as leaks

CLEAN, LEAKY = 42, 20


def test_no_table_without_a_leak_is_stopped() -> None:
    assert {seed: columns for seed in range(CLEAN) if (columns := leaks.find_false_stops(seed))} == {}


@pytest.mark.parametrize("leak", leaks.KINDS)
def test_planted_leaks_of_each_sort_are_caught(leak: str) -> None:
    kinds = leaks.KINDS[leak]
    cases = [(kinds[seed % len(kinds)], seed) for seed in range(max(LEAKY, len(kinds)))]
    missed = [case for case in cases if not leaks.is_found(leak, *case)]
    assert len(missed) <= (1 - leaks.SHARE) * len(cases), missed

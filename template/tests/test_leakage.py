"""A share of what `python -m template.leaks` measures in full: no false stop, and at least 95 % of each sort caught."""

import pytest

from template import leaks

HONEST, LEAKY = 42, 20


def test_no_table_without_a_leak_is_stopped() -> None:
    assert {seed: found for seed in range(HONEST) if (found := leaks.false_stops(seed))} == {}


@pytest.mark.parametrize("sort", leaks.SORTS)
def test_planted_leaks_of_each_sort_are_caught(sort: str) -> None:
    kinds = leaks.SORTS[sort]
    tried = [(kinds[seed % len(kinds)], seed) for seed in range(max(LEAKY, len(kinds)))]
    missed = [case for case in tried if not leaks.caught(sort, *case)]
    assert len(missed) <= (1 - leaks.SHARE) * len(tried), missed

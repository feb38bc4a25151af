"""A share of what template/weak.md holds: planted slices are found, and none is reported where there is none."""

from template.weak import find_slices, has_planted_slice


def test_planted_slices_are_found_and_none_is_made_up() -> None:
    assert sum(has_planted_slice(find_slices(seed, 4000, 1000, True)) for seed in range(8)) >= 6
    assert sum(not find_slices(1000 + seed, 4000, 1000, False) for seed in range(8)) >= 7

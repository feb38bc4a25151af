"""A share of what template/weak.md holds: planted slices are found, and nothing is confirmed where there is none."""

from template.weak import found, hit


def test_planted_slices_are_found_and_none_is_made_up() -> None:
    assert sum(hit(found(seed, 4000, 1000, True)) for seed in range(8)) >= 6
    assert sum(not found(1000 + seed, 4000, 1000, False) for seed in range(8)) >= 7

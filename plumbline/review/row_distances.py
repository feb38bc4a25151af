"""How near rows are to each other in their numbers, and which are so near that one was made from the other."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from sklearn.neighbors import NearestNeighbors

MAX_VALUES, MAX_ADDED = 500_000, 5_000_000  # rows times columns of base's rows and of all; beyond, it takes too long
MIN_COLUMNS = 3  # of numbers: with fewer, rows are near by chance
NEAR = 0.25  # of the median distance between a row of base and its nearest other one
SAMPLE = 2000  # rows of base from which that distance is taken
MIN_ROWS, CHANCE_FACTOR = 10, 5  # fewer near rows, or not so many times as by chance, are none
RARE = 3  # added to the near rows of the sample: where it has none, the share is below 3 of its size (95 %)


def to_numbers(values: pa.ChunkedArray) -> np.ndarray:
    """Return numbers, flags or times as floats, NaN where one is missing, shape (rows,)."""
    if pa.types.is_timestamp(values.type):
        values = values.cast(pa.int64())
    return np.array([np.nan if value is None else value for value in values.to_pylist()], dtype=float)


def standardize(numbers: np.ndarray, is_old: np.ndarray) -> np.ndarray:
    """Return numbers in standard deviations of base's rows, 0 where one is missing, shape (rows,)."""
    old_numbers = numbers[is_old & np.isfinite(numbers)]
    center, spread = (old_numbers.mean(), old_numbers.std()) if len(old_numbers) else (0.0, 0.0)
    scaled: np.ndarray = np.where(np.isfinite(numbers), numbers - center, 0.0) / (spread or 1.0)
    return scaled


@dataclass(frozen=True)
class Neighbours:
    """The rows of two tables as points.

    Attributes
    ----------
    old, new : ndarray of shape (rows, columns)
        Base's and head's rows, in standard deviations of base's.
    """

    old: np.ndarray
    new: np.ndarray

    @classmethod
    def from_tables(cls, old: pa.Table, new: pa.Table, names: Sequence[str]) -> "Neighbours":
        """Return the points of these columns of numbers, which both tables have; no points where they are few."""
        if len(names) < MIN_COLUMNS:
            return cls(np.empty((0, 0)), np.empty((0, 0)))
        is_old = np.arange(len(old) + len(new)) < len(old)
        numbers = [np.concatenate([to_numbers(table.column(name)) for table in (old, new)]) for name in names]
        points = np.stack([standardize(column, is_old) for column in numbers], axis=1)
        return cls(points[is_old], points[~is_old])

    @property
    def can_be_searched(self) -> bool:
        """Whether there are enough columns, and not more values than can be searched in seconds."""
        return self.old.size > 0 and self.old.size <= MAX_VALUES and self.old.size + self.new.size <= MAX_ADDED

    @cached_property
    def _scale(self) -> tuple[float, float]:
        """The distance below which rows are near, and the share of base's rows that have so near a row in base."""
        random = np.random.default_rng(0)
        sample = random.choice(len(self.old), min(SAMPLE, len(self.old)), replace=False)
        distances = NearestNeighbors(n_neighbors=2).fit(self.old).kneighbors(self.old[sample])[0][:, 1]
        limit = NEAR * float(np.median(distances))
        return limit, (int((distances <= limit).sum()) + RARE) / len(sample)

    def find_near(self, old_rows: np.ndarray, new_rows: np.ndarray, *, is_unique: bool = True) -> np.ndarray:
        """Return the pairs of a row of head with the nearest row of base, where it is near.

        Parameters
        ----------
        old_rows, new_rows : ndarray of shape (n,), (m,)
            Positions of the rows that are compared.
        is_unique : bool
            Whether a row of base has one copy at most, the nearest one.

        Returns
        -------
        ndarray of shape (pairs, 2)
            Positions in base's and head's table. None where they are no more than chance gives,
            which is measured among base's own rows: a table of few distinct values has many near rows.
        """
        pairs = np.empty((0, 2), dtype=int)
        if not len(old_rows) or len(new_rows) < MIN_ROWS or len(self.old) < SAMPLE // 100 or not self.can_be_searched:
            return pairs
        limit, chance = self._scale
        if not limit:
            return pairs
        search = NearestNeighbors(n_neighbors=1).fit(self.old[old_rows])
        distances, places = search.kneighbors(self.new[new_rows])
        order = np.argsort(distances[:, 0], kind="stable")
        order = order[distances[order, 0] <= limit]
        if is_unique:
            order = order[np.unique(places[order, 0], return_index=True)[1]]
        is_chance = len(order) < max(MIN_ROWS, CHANCE_FACTOR * chance * len(new_rows))
        return pairs if is_chance else np.stack([old_rows[places[order, 0]], new_rows[order]], axis=1)

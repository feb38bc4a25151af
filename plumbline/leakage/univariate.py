"""Features that alone predict the target, and times that are later than data.time."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from plumbline.data.schema import TARGET, TIME, feature_names, type_of
from plumbline.findings import Kind
from plumbline.formatting import short
from plumbline.leakage.leaks import Action, Leak

# Balanced accuracy. An honest feature may reach 0.985 (the smell of a mushroom); a copy of the target with 2 wrong rows
# in 1,000 has 0.998.
_STOP, _WARN = 0.995, 0.98
_FIRST_LOOK, _FIRST_ROWS = 0.9, 1000  # a feature below this on so many rows of each class is not examined further
_MIN_ROWS = 8  # rows of a class; fewer are separated by chance too often when many columns are tried
_MAX_CLASSES = 50  # the most frequent ones
_QUANTILES = (0.1, 0.3, 0.5, 0.7, 0.9)  # a number is predicted where it is known whether it is above each of these
_MANY_LEVELS = 20  # strings with more distinct values are read as numbers where they contain some
_ROWS_PER_LEVEL = 4  # on average; with fewer, levels say nothing
_NEARLY_ALL = 0.99  # of the rows, in which a time has to be later


def find_target_leaks(sample: pa.Table, task: str) -> list[Leak]:
    """Find features that alone predict the target, or nearly do.

    A feature is read in the best of three ways: by other rows of the same level, by the row with the nearest number, or
    by one threshold. A numeric target is predicted where it is known on which side of five quantiles it is.

    Parameters
    ----------
    sample : pyarrow.Table
        Features and @target, as the featurize stage writes them.
    task : str

    Returns
    -------
    list of Leak
        They stop the stage from a balanced accuracy of 0.995, and warn from 0.98.
    """
    rows, labels = _choose_labels(sample.column(TARGET).to_numpy(), task)
    leaks: list[Leak] = []
    if not labels:
        return leaks
    middle = labels[len(labels) // 2]
    first = np.sort(np.concatenate([np.flatnonzero(middle == code)[:_FIRST_ROWS] for code in range(middle.max() + 1)]))
    for name in feature_names(sample):
        if _best_accuracy(sample.column(name).take(rows[first]), [middle[first]]) < _FIRST_LOOK:
            continue
        accuracy = _best_accuracy(sample.column(name).take(rows), labels)
        if accuracy >= _WARN:
            verb = "predicts" if accuracy >= _STOP else "nearly predicts"
            evidence = f"{name!r} alone {verb} the target: balanced accuracy {short(accuracy)} on {len(rows)} rows"
            action = Action.STOP if accuracy >= _STOP else Action.WARN
            leaks.append(Leak(Kind.TARGET_LEAK, (name,), evidence, action))
    return leaks


def _choose_labels(target: np.ndarray, task: str) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return rows, and labels of each: its class, or for each of some quantiles whether it is above.

    The rows are shuffled: for equal numbers their order decides the nearest one, and a table may be sorted.
    """
    rows = np.random.default_rng(0).permutation(len(target))
    target = target[rows]
    if task == "regression":
        cuts = np.unique(np.quantile(np.unique(target), _QUANTILES, method="lower"))
        sides = [(target > cut).astype(int) for cut in cuts]
        return rows, [side for side in sides if _MIN_ROWS <= side.sum() <= len(side) - _MIN_ROWS]
    counts = np.bincount(target)
    classes = np.flatnonzero(counts >= _MIN_ROWS)
    classes = classes[np.argsort(-counts[classes], kind="stable")][:_MAX_CLASSES]
    mask = np.isin(target, classes)
    return rows[mask], [np.unique(target[mask], return_inverse=True)[1]] if len(classes) > 1 else []


def _best_accuracy(values: pa.ChunkedArray, labels: Sequence[np.ndarray]) -> float:
    """Return the mean balanced accuracy of the best way to read a feature; 0 where it is low for one of the labels."""
    codes, numbers = _read_feature(values)
    accuracies = []
    for label in labels:
        guesses = []
        if _ROWS_PER_LEVEL * (codes.max() + 1) <= len(codes):
            guesses.append(_guess_by_level(codes, label, np.bincount(label)))
        if numbers is not None:
            order = np.argsort(numbers, kind="stable")[: np.count_nonzero(~np.isnan(numbers))]
            guesses.append(_guess_by_neighbour(numbers, order, label))
            sides = (_guess_by_threshold(numbers, order, (label > cut).astype(int)) for cut in range(label.max()))
            guesses.append(np.sum([*sides], axis=0))
        accuracies.append(max((_balanced_accuracy(guess, label) for guess in guesses), default=0.0))
        if accuracies[-1] < _FIRST_LOOK:
            return 0.0
    return float(np.mean(accuracies))


def _read_feature(values: pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray | None]:
    """Return a feature as codes of its levels, of which missing is one, and as numbers where it has an order."""
    kind = type_of(values.type)
    if kind in ("category", "boolean"):
        dictionary = values.combine_chunks().dictionary_encode()
        levels, numbers = dictionary.dictionary, None
        codes = pc.fill_null(dictionary.indices, len(levels)).to_numpy()
        if kind == "category" and len(levels) > _MANY_LEVELS:
            words = pd.Series(levels.to_numpy(zero_copy_only=False))
            parts = words.str.extract(r"([-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)")[0]
            numbers = np.append(pd.to_numeric(parts).to_numpy(dtype=float, na_value=np.nan), np.nan)[codes]
        return codes, numbers
    if kind == "timestamp":
        values = values.cast(pa.int64())
    numbers = values.to_numpy().astype(float)
    return pd.factorize(numbers, use_na_sentinel=False)[0], numbers


def _guess_by_level(codes: np.ndarray, label: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Guess each row's class from the other rows of its level; -1 where there is no other."""
    counts = np.bincount(codes * len(sizes) + label, minlength=(codes.max() + 1) * len(sizes)).reshape(-1, len(sizes))
    rest = counts[codes]
    rest[np.arange(len(codes)), label] -= 1
    return np.where(rest.any(axis=1), np.argmax(rest / sizes, axis=1), -1)


def _guess_by_neighbour(numbers: np.ndarray, order: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Guess each row's class from the row with the nearest number; rows without a number from each other."""
    guess = np.full(len(label), -1)
    missing = np.isnan(numbers)
    if missing.any():
        guess[missing] = _guess_by_level(np.zeros(missing.sum(), int), label[missing], np.bincount(label))
    if len(order) > 1:
        sorted_label = label[order]
        with np.errstate(all="ignore"):  # infinite numbers
            step = np.diff(numbers[order])
        is_previous_nearer = np.append(step, np.inf) >= np.append(np.inf, step)
        guess[order] = np.where(is_previous_nearer, np.roll(sorted_label, 1), np.roll(sorted_label, -1))
    return guess


def _guess_by_threshold(numbers: np.ndarray, order: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Guess each row's side of two by the best threshold on all rows; rows without a number have one side."""
    sizes = np.bincount(label)
    weights = np.where(label == 1, 1 / sizes[1], -1 / sizes[0])
    guess = np.full(len(label), int(weights[np.isnan(numbers)].sum() > 0))
    if len(order):
        below, total = np.cumsum(weights[order]), weights[order].sum()
        best = int(np.argmax(np.abs(2 * below - total)))
        guess[order] = int(2 * below[best] < total)
        guess[order[: best + 1]] = int(2 * below[best] > total)
    return guess


def _balanced_accuracy(guess: np.ndarray, label: np.ndarray) -> float:
    """Return the balanced accuracy; 0 where there are more errors than a quarter of the rows of the rarer classes."""
    sizes, errors = np.bincount(label), np.bincount(label[guess != label], minlength=label.max() + 1)
    rare_rows = len(label) - sizes.max()
    return float(1 - (errors / sizes).mean()) if errors.sum() <= rare_rows / 4 else 0.0


def find_future_times(sample: pa.Table, time: str | None) -> list[Leak]:
    """Find timestamps that are later than data.time in nearly all rows, as warnings.

    Parameters
    ----------
    sample : pyarrow.Table
        Features, and @time where the table has it.
    time : str or None
        The name of @time in the source.
    """
    leaks: list[Leak] = []
    if TIME not in sample.column_names or not pa.types.is_timestamp(sample[TIME].type):
        return leaks
    for name in feature_names(sample):
        values = sample[name]
        if not pa.types.is_timestamp(values.type):
            continue
        count = len(sample) - values.null_count
        later = pc.sum(pc.greater(values, sample[TIME].cast(values.type))).as_py() or 0
        if count and later >= _NEARLY_ALL * count:
            evidence = f"{name!r} is later than {time!r} in {later} of {count} rows: was it known by then?"
            leaks.append(Leak(Kind.FUTURE_LEAK, (name,), evidence, Action.WARN))
    return leaks

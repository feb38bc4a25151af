"""Two commits to one review: which predictions are needed, the verdict on them, and what is shown next to it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np

from plumbline import paths
from plumbline.data.schema import Schema
from plumbline.formatting import short
from plumbline.review.alignment import align, match_tables
from plumbline.review.attribution import attribute_change
from plumbline.review.changes import describe_changes, read_importances
from plumbline.review.commits import RECIPE, Commit, SideError
from plumbline.review.data_diff import compare_tables
from plumbline.review.decide import Decision, compare_slices, compare_with_trivial, decide, keep_sliceable
from plumbline.review.executed_model import Replicas
from plumbline.review.lost_rows import find_lost_rows, may_hide
from plumbline.review.near_duplicates import find_added, write_units
from plumbline.review.new_rows import NewRows
from plumbline.review.obstacles import (
    ObstacleError,
    check_task,
    find_lost_floors,
    find_obstacles,
    read_own_rows,
    read_split,
)
from plumbline.review.predictions import Design, Predictions, Rows, choose_design, predict, predict_sides
from plumbline.review.recipe_digest import output_hashes, read_lock
from plumbline.review.required_slices import compare_required_slices, cut_required, find_lost_slices
from plumbline.review.result.changes import DataChanges
from plumbline.review.result.comparison import Word
from plumbline.review.result.review import Review
from plumbline.review.secondary_metrics import EvaluatedSide, check_floors, compare_metrics, draw_curves, measure_head
from plumbline.review.settings import Settings, read_names
from plumbline.review.sides import Side

IDENTICAL = "data, code, parameters and versions of the recipe are identical"
MAX_LABEL_SHIFT = 0.05  # above it the labels of the remaining rows are distributed otherwise than before


def compare_commits(base: Side, head: Side, settings: Settings) -> tuple[Review, Replicas | None]:
    """Return the review of head against base; where base does not run, of head against the trivial baseline.

    Returns
    -------
    review : Review
    replicas : Replicas or None
        Head's models; None where there was no comparison.

    Raises
    ------
    SideError
        Where head does not run or does not predict.
    NoDataError
        Where the source of head cannot be had.
    ContractError
        Where the package of head has another contract.
    """
    is_same = has_same_recipe(base, head)
    review = describe_changes(base, head, word="same", why=IDENTICAL)
    if is_same:
        return review, None
    head.prepare()
    return _compare_recipes(review, base, head, settings)


def has_same_recipe(base: Commit, head: Commit) -> bool:
    """Whether nothing that the model may depend on differs, nor what the committed runs made."""
    digest = head.recipe_digest()
    return not base.recipe_error and base.recipe_digest() == digest and _list_outputs(base) == _list_outputs(head)


def _list_outputs(commit: Commit) -> dict[str, Any]:
    """Return the outputs of the recipe in dvc.lock with their hashes."""
    entries = read_lock(commit.commit)
    return dict(chain.from_iterable(output_hashes(entries.get(stage, {})).items() for stage in RECIPE))


def _compare_recipes(review: Review, base: Side, head: Side, settings: Settings) -> tuple[Review, Replicas | None]:
    try:
        if base.recipe_error:
            return _evaluate_alone(review, head, settings, base.recipe_error), None
        base.prepare(head)
        return _compare_prepared(review, base, head, settings)
    except ObstacleError as error:
        return replace(_evaluate_alone(review, head, settings, error.message), obstacle=error.message), None
    except SideError as error:
        if error.side != base.name:
            raise
        return _evaluate_alone(review, head, settings, error.message), None


def _evaluate_alone(review: Review, head: Side, settings: Settings, problem: str) -> Review:
    design = choose_design(head, replicas=settings.replicas, folds=settings.folds)
    predictions, schema = predict(head, head, design), head.schema
    errors, clause = compare_with_trivial(predictions, schema, settings)
    side = _evaluate(head, predictions, predictions.select_rows(predictions.is_complete))
    metrics = measure_head(side, schema, settings.floors)
    return replace(
        review,
        word="cannot tell",
        why=f"{problem}; {clause}",
        head_only=errors,
        metrics=tuple(metrics),
        floors=check_floors(metrics, settings.floors),
    )


def _evaluate(side: Side, predictions: Predictions, rows: Rows) -> EvaluatedSide:
    has_auto_threshold = side.params_or_none.get("model.threshold") == "auto"
    return EvaluatedSide(predictions, rows, has_auto_threshold)


@dataclass(frozen=True)
class _Pair:
    """Both sides and their predictions, of the same rows unless there is a reason against it."""

    base: Side
    head: Side
    settings: Settings
    design: Design
    predictions: dict[Side, Predictions]
    unpaired_reason: str | None

    @cached_property
    def schema(self) -> Schema:
        return self.head.schema

    @cached_property
    def base_rows(self) -> Rows | None:
        """Base's own rows, where the two sides are evaluated on different rows."""
        predictions = self.predictions[self.base]
        return predictions.select_rows(predictions.is_complete) if self.unpaired_reason else None


def _compare_prepared(review: Review, base: Side, head: Side, settings: Settings) -> tuple[Review, Replicas]:
    data_changes, relabelled = None, np.array([], dtype=int)
    is_added = np.zeros(head.schema.rows, dtype=bool)
    if base.table_digest != head.table_digest:
        data_changes, relabelled = compare_tables(base.folder, head.folder, match_tables(base, head))
        is_added = find_added(base, head)
    pair = _predict_pair(base, head, settings, is_added)
    decision = decide(
        pair.predictions[base],
        pair.predictions[head],
        pair.schema,
        settings,
        relabelled=relabelled,
        base_rows=pair.base_rows,
    )
    word, why = _doubt_selection(decision.word, decision.why, data_changes)
    new_rows = _describe_new_rows(pair, decision, is_added)
    word, why = new_rows.doubt(word, why)
    lost_rows = None
    if word != "worse" and data_changes and may_hide(data_changes.rows):
        lost_rows = find_lost_rows(base, head, settings)
    word, why = lost_rows.doubt(word, why) if lost_rows else (word, why)
    review = replace(
        review,
        word=word,
        why=why,
        comparison=replace(decision.comparison, unpaired_reason=pair.unpaired_reason),
        label_effect=decision.label_effect,
        data_changes=data_changes,
        importance=read_importances(base, head),
    )
    review = _add_slices(_add_metrics(review, pair, decision.all_rows.rows), pair, decision)
    replicas = _describe_replicas(pair, decision)
    obstacles = [
        *_find_obstacles(review, pair, decision),
        *new_rows.find_harm(word),
        lost_rows.obstacle if lost_rows else None,
    ]
    return replace(review, obstacle="; ".join(filter(None, obstacles)) or None), replicas


def _describe_replicas(pair: _Pair, decision: Decision) -> Replicas:
    rows, predictions = decision.all_rows.rows, pair.predictions[pair.head]
    folds, slices = pair.design.folds, cut_required(pair.head, rows, pair.settings.must_work)
    share = 1 - (1 / folds if folds else len(rows) / predictions.scores.shape[1])
    return Replicas(predictions, decision.criterion, share, {label: part for label, (_, _, part) in slices.items()})


def _find_obstacles(review: Review, pair: _Pair, decision: Decision) -> Iterator[str]:
    assert review.comparison is not None
    base, head, settings = pair.base, pair.head, pair.settings
    yield from find_obstacles(base, head, pair.design, review.comparison, decision.all_rows.rows)
    yield from find_lost_floors(review.metrics, settings.floors)
    if settings.must_work:
        base_rows = read_own_rows(base, is_holdout=pair.design.folds is None)
        yield from find_lost_slices(review.slices, base, base_rows, settings.must_work)


def _describe_new_rows(pair: _Pair, decision: Decision, is_added: np.ndarray) -> NewRows:
    """Return the rows that head added; none where the sides have different rows."""
    base, head = (pair.predictions[side] for side in (pair.base, pair.head))
    has_cut = pair.design.split is not None and pair.design.split.cut is not None
    are_apart = bool(pair.design.units or has_cut or pair.schema.column("group"))
    return NewRows(base, head, decision.criterion, is_added & (pair.unpaired_reason is None), are_apart)


def _predict_pair(base: Side, head: Side, settings: Settings, is_added: np.ndarray) -> _Pair:
    """Let both sides predict head's rows, or each its own where they cannot predict the same ones."""
    check_task(base, head)
    base_schema, schema = base.schema, head.schema
    split = read_split(base, head)
    design = choose_design(head, split, replicas=settings.replicas, folds=settings.folds)
    reason = None if base_schema.classes == schema.classes else "the classes are others"
    has_time = design.split is not None and design.split.cut is not None
    near = replace(design, units=write_units(head, is_added, has_cut=has_time) if is_added.any() else None)
    if not reason:
        try:
            predictions = predict_sides([base, head], head, near)
            if np.array_equal(predictions[base].units, predictions[head].units):
                return _Pair(base, head, settings, near, predictions, None)
            reason = "rows are split by another key"
        except SideError as error:
            if error.side != base.name:
                raise
            reason = error.message
    predictions = {base: predict(base, base, design), head: predict(head, head, near)}  # base has no added row
    if base_schema.classes == schema.classes and (aligned := align(base, head, predictions)):
        return _Pair(base, head, settings, near, predictions | {base: aligned}, None)
    return _Pair(base, head, settings, design, predictions, reason)


def _doubt_selection(word: Word, why: str, data_changes: DataChanges | None) -> tuple[Word, str]:
    """Return the verdict; better on the rows that head kept may be due to which rows it kept."""
    shift = data_changes.rows.label_shift if data_changes else 0.0
    if word != "better" or shift <= MAX_LABEL_SHIFT:
        return word, why
    why = "better, but rows of base are gone or have another label, and the distribution of labels shifted with them"
    return "cannot tell", f"{why} (by {short(shift)}, from 0 to 1)"


def _add_metrics(review: Review, pair: _Pair, rows: Rows) -> Review:
    base_rows = rows if pair.base_rows is None else pair.base_rows
    base = _evaluate(pair.base, pair.predictions[pair.base], base_rows)
    head = _evaluate(pair.head, pair.predictions[pair.head], rows)
    floors = pair.settings.floors
    metrics, problems = compare_metrics(base, head, pair.schema, floors, pair.settings.metrics)
    return replace(
        review,
        metrics=tuple(metrics),
        omissions=_list_omissions(problems, pair.schema, pair.settings, pair.head),
        floors=check_floors(metrics, floors),
        curves=draw_curves(base, head, pair.schema),
    )


def _add_slices(review: Review, pair: _Pair, decision: Decision) -> Review:
    base, head = (pair.predictions[side] for side in (pair.base, pair.head))
    if pair.base_rows is not None:
        sides = (pair.base, base, pair.base_rows), (pair.head, head)
        return replace(review, slices=compare_required_slices(decision.all_rows, *sides))
    table = str(pair.head.folder / paths.TABLE)
    return replace(
        review,
        slices=compare_slices(decision.all_rows, base, head, pair.schema, table),
        attribution=attribute_change(decision.criterion, pair.predictions, pair.base, pair.head, pair.design),
    )


def _list_omissions(problems: dict[str, str], schema: Schema, settings: Settings, head: Commit) -> tuple[str, ...]:
    """Say which of the project's own metrics and which columns of evaluate.slices are not shown, and why."""
    lines = [f"metric {name}: {problem}" for name, problem in problems.items()]
    new_metrics = [name for name in read_names(head, "evaluate.metrics") if "." in name]
    lines += [
        f"metric {name}: evaluate.metrics of base does not name it, and base decides what is measured"
        for name in new_metrics
        if name not in settings.metrics and name not in settings.floors
    ]
    columns = () if settings.slices == "auto" else settings.slices
    missing = [name for name in columns if name not in keep_sliceable(columns, schema)]
    return (*lines, *(f"slices of {name}: it is not a column of head beside target and key" for name in missing))

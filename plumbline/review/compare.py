"""Two commits to one review: which predictions are needed, the verdict on them, and what is shown next to it."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from plumbline import paths
from plumbline.data.schema import Schema
from plumbline.formatting import short
from plumbline.review.attribution import attribute_change
from plumbline.review.changes import describe_changes, read_importances
from plumbline.review.commits import RECIPE, Commit, SideError
from plumbline.review.data_diff import compare_tables
from plumbline.review.decide import Decision, compare_slices, compare_with_trivial, decide, keep_sliceable
from plumbline.review.predictions import Design, Predictions, Rows, choose_design, predict, predict_sides
from plumbline.review.result.changes import DataChanges
from plumbline.review.result.comparison import Word
from plumbline.review.result.review import Review
from plumbline.review.secondary_metrics import EvaluatedSide, check_floors, compare_metrics, draw_curves
from plumbline.review.settings import Settings, read_names
from plumbline.review.sides import ContractError, Side

IDENTICAL = "data, code, parameters and versions of the recipe are identical"
MAX_LABEL_SHIFT = 0.05  # above it the labels of the remaining rows are distributed otherwise than before


def compare_commits(base: Side, head: Side, settings: Settings) -> Review:
    """Return the review of head against base; where base does not run, of head against the trivial model.

    Raises
    ------
    SideError
        Where head does not run or does not predict.
    NoDataError
        Where the source of a side cannot be had.
    """
    is_same = has_same_recipe(base, head)
    review = describe_changes(base, head, word="same", why=IDENTICAL)
    if is_same:
        return review
    head.prepare()
    try:
        return _compare_recipes(review, base, head, settings)
    except ContractError as error:  # of head: a commit that raises the contract can be merged all the same
        return replace(review, word="cannot tell", why=error.message)


def has_same_recipe(base: Commit, head: Commit) -> bool:
    """Whether nothing that the model depends on differs."""
    digest = head.recipe_digest(*RECIPE)
    return not base.recipe_error and base.recipe_digest(*RECIPE) == digest


def _compare_recipes(review: Review, base: Side, head: Side, settings: Settings) -> Review:
    try:
        if base.recipe_error:
            return _evaluate_alone(review, head, settings, base.recipe_error)
        base.prepare(head)
        return _compare_prepared(review, base, head, settings)
    except SideError as error:
        if error.side != base.name:
            raise
        return _evaluate_alone(review, head, settings, error.message)


def _evaluate_alone(review: Review, head: Side, settings: Settings, problem: str) -> Review:
    design = choose_design(head, replicas=settings.replicas, folds=settings.folds)
    errors, clause = compare_with_trivial(predict(head, head, design), head.schema, settings)
    return replace(review, word="cannot tell", why=f"{problem}; {clause}", head_only=errors)


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


def _compare_prepared(review: Review, base: Side, head: Side, settings: Settings) -> Review:
    data_changes, relabelled = None, np.array([], dtype=int)
    if base.recipe_digest("ingest") != head.recipe_digest("ingest"):
        data_changes, relabelled = compare_tables(base.folder, head.folder)
    pair = _predict_pair(base, head, settings)
    decision = decide(
        pair.predictions[base],
        pair.predictions[head],
        pair.schema,
        settings,
        relabelled=relabelled,
        base_rows=pair.base_rows,
    )
    word, why = _doubt_selection(decision.word, decision.why, data_changes)
    review = replace(
        review,
        word=word,
        why=why,
        comparison=replace(decision.comparison, unpaired_reason=pair.unpaired_reason),
        label_effect=decision.label_effect,
        data_changes=data_changes,
        importance=read_importances(base, head),
    )
    review = _add_metrics(review, pair, decision.all_rows.rows)
    return review if pair.unpaired_reason else _add_slices(review, pair, decision)


def _predict_pair(base: Side, head: Side, settings: Settings) -> _Pair:
    """Let both sides predict head's rows, or each its own where they cannot predict the same ones."""
    base_schema, schema = base.schema, head.schema
    if base_schema.task != schema.task:
        problem = f"had the task {base_schema.task}, and it is {schema.task} now"
        raise SideError(base, problem, hint="Compare with a commit of the same task")
    design = choose_design(head, replicas=settings.replicas, folds=settings.folds)
    reason = None if base_schema.classes == schema.classes else "the classes are others"
    if not reason:
        try:
            predictions = predict_sides([base, head], head, design)
            if np.array_equal(predictions[base].units, predictions[head].units):
                return _Pair(base, head, settings, design, predictions, None)
            reason = "rows are split by another key"
        except SideError as error:
            if error.side != base.name:
                raise
            reason = error.message
    return _Pair(base, head, settings, design, {side: predict(side, side, design) for side in (base, head)}, reason)


def _doubt_selection(word: Word, why: str, data_changes: DataChanges | None) -> tuple[Word, str]:
    """Return the verdict; better on the rows that head kept may be due to which rows it kept."""
    shift = data_changes.rows.label_shift if data_changes else 0.0
    if word != "better" or shift <= MAX_LABEL_SHIFT:
        return word, why
    why = "better, but rows of base are gone or have another label, and the distribution of labels shifted with them"
    return "cannot tell", f"{why} (by {short(shift)}, from 0 to 1)"


def _add_metrics(review: Review, pair: _Pair, rows: Rows) -> Review:
    base = EvaluatedSide(pair.predictions[pair.base], rows if pair.base_rows is None else pair.base_rows)
    head = EvaluatedSide(pair.predictions[pair.head], rows)
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

"""Render the folded parts of a review's comment: metrics, slices, data, how it was computed; standard library only."""

from collections.abc import Mapping

from plumbline.formatting import short
from plumbline.review.markdown import (
    code,
    code_commit,
    code_list,
    escape,
    escape_with_stop,
    fold,
    format_p_value,
    table,
)
from plumbline.review.result.changes import Attribution, DataChanges, RowChanges
from plumbline.review.result.comparison import SliceComparison
from plumbline.review.result.review import Review

SLICES = (
    "The gain is base's error minus head's. The p values are those of the minimum-effect test, corrected for the "
    "number of slices (Holm). A slice blocks where `requirements.must_work` of base names it and it is worse."
)
GAIN = "gain (above 0: head is better)"
CORRECTED = "corrected p of worse"  # as a family (Holm)
DEFAULT_ALPHA = 0.05
MAX_SENTENCES = 20


def render_details(review: Review) -> list[str]:
    """Return the folded parts in Markdown, each empty where the review has nothing of it."""
    return [
        fold("All metrics", *_metrics(review)),
        fold("Slices", *_slices(review)),
        fold("Data", *_data(review.data_changes)) if review.data_changes else "",
        fold("Data or recipe", _attribution(review.attribution, interval_level(review))) if review.attribution else "",
        fold("Expectations and floors", _expectations(review), _floors(review)),
        fold("What was accepted", _acceptances(review)),
        fold("Run again", _rerun(review)),
        fold("How it was computed", "\n".join(f"- {line}" for line in _provenance(review))),
    ]


def interval_level(review: Review) -> str:
    """Return the level of the intervals of a review, such as 90 %."""
    comparison = review.comparison or (review.release and review.release.comparison)
    return format_level(comparison.alpha if comparison else DEFAULT_ALPHA)


def format_level(alpha: float) -> str:
    """Return the level of the interval whose ends are those of two one-sided tests.

    Examples
    --------
    >>> format_level(0.05)
    '90 %'
    """
    return f"{short(100 - 200 * alpha)} %"


def _metrics(review: Review) -> list[str]:
    rows = [
        [code(m.name), short(m.base), short(m.head), short(m.difference), _interval(m.low, m.high)]
        for m in review.metrics
    ]
    omissions = [f"- Not shown: {escape_with_stop(sentence)}" for sentence in review.omissions[:MAX_SENTENCES]]
    return [
        describe_metrics(review) if rows else "",
        table(["metric", "base", "head", "head minus base", "95 % interval"], rows),
        "\n".join(omissions),
    ]


def describe_metrics(review: Review) -> str:
    """Return how the metrics are computed, and why log_loss differs from the number that decides."""
    text = "Means over the replicas. These are shown only: the metric of the first line decides."
    if review.comparison is None or review.comparison.metric != "log_loss":
        return text
    return (
        f"{text} Of two classes the positive one is predicted from each side's own `model.threshold` on; `log_loss` is "
        "clipped where it decides, and not here."
    )


def _slices(review: Review) -> list[str]:
    rows = [
        [
            f"{code(part.column)} = {code(part.level)}",
            short(part.rows),
            short(part.verdict.difference),
            _interval(part.verdict.low, part.verdict.high),
            format_p_value(part.corrected_p_worse),
            "yes" if part.is_blocking else "",
        ]
        for part in sort_slices(review.slices)
    ]
    heads = ["slice", "rows", GAIN, f"{interval_level(review)} interval", CORRECTED, "blocks"]
    return [SLICES, table(heads, rows)] if rows else []


def sort_slices(slices: tuple[SliceComparison, ...]) -> list[SliceComparison]:
    """Return the slices that block first, then those of the smallest p value."""
    return sorted(slices, key=lambda part: (not part.is_blocking, part.corrected_p_worse, part.verdict.difference))


def _interval(low: float | None, high: float | None) -> str:
    return f"{short(low)} to {short(high)}"


def _data(changes: DataChanges) -> list[str]:
    rows, columns = changes.rows, changes.columns
    lines = [f"Rows: {short(rows.base_count)} before, {short(rows.head_count)} now; {describe_rows(rows)}."]
    for action, names in (("added", columns.added_names), ("removed", columns.removed_names)):
        if names:
            lines.append(f"Columns {action}: {code_list(names)}.")
    types = [[code(change.column), code(change.base), code(change.head)] for change in columns.type_changes]
    return [
        *lines,
        table(["column", "type before", "type now"], types),
        table(["column", "values changed"], _items(rows.change_count_by_column)),
        table(["column", "shift of its distribution (0 none, 1 complete)"], _items(changes.shifts)),
    ]


def _items(numbers: Mapping[str, float]) -> list[list[str]]:
    return [[code(name), short(number)] for name, number in numbers.items()]


def describe_rows(rows: RowChanges) -> str:
    """Return how many rows were added, removed and changed."""
    text = f"{short(rows.added_count)} rows added, {short(rows.removed_count)} removed"
    labels = short(rows.label_change_count)
    if rows.change_count is not None:
        suffix = f" ({labels} of them have another label)" if rows.change_count else ""
        return f"{text}, {short(rows.change_count)} changed{suffix}"
    return f"{text}, {labels} with another label" if rows.label_change_count else text


def _attribution(attribution: Attribution, level: str) -> str:
    effects = (("data", attribution.data), ("code and parameters", attribution.code))
    rows = [
        [cause, short(effect.difference), _interval(effect.low, effect.high), code(effect.word)]
        for cause, effect in effects
        if effect
    ]
    return table(["effect of", GAIN, f"{level} interval", "verdict"], rows)


def _expectations(review: Review) -> str:
    counts = review.expectation_counts
    return f"Expectations: {short(counts.base)} before, {short(counts.head)} now." if counts else ""


def _floors(review: Review) -> str:
    rows = [[code(f.metric), short(f.floor), short(f.head), "yes" if f.is_broken else "no"] for f in review.floors]
    return table(["metric", "floor", "head", "broken"], rows)


def _acceptances(review: Review) -> str:
    rows = [
        [
            code(reason.name),
            escape(reason.message),
            by.format_author(code(by.author)),
            code_commit(by.commit),
            escape(by.why),
        ]
        for reason in review.reasons
        if (by := reason.acceptance)
    ]
    return table(["reason", "what was found", "who", "commit", "why"], rows)


def _rerun(review: Review) -> str:
    differences = review.rerun.metric_differences if review.rerun else ()
    rows = [[code(d.file), code(d.key), code(d.committed_value), code(d.rerun_value)] for d in differences]
    return table(["file", "key", "committed", "run again"], rows)


def list_facts(review: Review) -> list[tuple[str, str]]:
    """Return names and values of the numbers behind the verdict."""
    trivial = "Error of the trivial baseline (class shares, median or mean)"
    if comparison := review.comparison:
        return [
            ("Rows compared", short(comparison.rows)),
            ("Replicas (seeds and splits of each side)", short(comparison.replicas)),
            (trivial, short(comparison.trivial_error)),
            ("Margin (the smallest change that matters)", short(comparison.verdict.margin)),
        ]
    return [(trivial, short(review.head_only.trivial_error))] if review.head_only else []


def _provenance(review: Review) -> list[str]:
    """Return lines on what was compared and how."""
    origin = f", {escape(review.base_origin)}" if review.base_origin else ""
    lines = [f"Base: {code_commit(review.base_commit)}{origin}", f"Head: {code_commit(review.head_commit)}"]
    lines += [f"{name}: {value}" for name, value in list_facts(review)]
    if rerun := review.rerun:
        why = f", since {escape(rerun.why)}" if rerun.why else ""
        lines.append(f"Stages run again: {code_list(rerun.stages) or 'none'}{why}")
        if rerun.different_outputs:
            lines.append(f"Run again, different bytes: {code_list(rerun.different_outputs)}")
    if effect := review.label_effect:
        word = effect.word_with_them
        consequence = f"left out; with them: {code(word)}" if word else "not left out: too few others"
        lines.append(f"Rows with another label: {short(effect.rows)}, {consequence}")
    if review.second_opinion:
        lines.append(f"Head's own review says: {code(review.second_opinion.word)}")
    lines += [f"{name}: {text}" for name, sentence in _remarks(review) if (text := escape(sentence))]
    return lines


def _remarks(review: Review) -> list[tuple[str, str]]:
    """Return sentences with the names under which they are shown."""
    remarks = [("Reason for the verdict", review.why)]
    if review.comparison:
        remarks.append(("Evaluated on different rows", review.comparison.unpaired_reason or ""))
    if review.recipe_trials:
        remarks.append(("Comparisons", review.recipe_trials.notice or ""))
    if review.package_check:
        remarks.append(("Package", review.package_check.why))
    if review.second_opinion:
        remarks.append(("Head's own review, why", review.second_opinion.why))
    return remarks + [("Note", note) for note in review.notes[:MAX_SENTENCES]]

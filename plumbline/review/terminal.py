"""Render a review for a terminal, with the verdict on the first line."""

from functools import partial

from plumbline.errors import clean_line
from plumbline.formatting import short
from plumbline.review.comment import KIND_NAMES, describe_machinery, format_interval, list_files
from plumbline.review.details import describe_rows, format_level, sort_slices
from plumbline.review.markdown import SENTENCE_LENGTH, clean, format_p_value
from plumbline.review.result.changes import DataChanges
from plumbline.review.result.checks import Reason
from plumbline.review.result.comparison import Comparison, MetricComparison, SliceComparison
from plumbline.review.result.review import Review

MAX_SLICES = MAX_SHIFTS = 3
clean_sentence = partial(clean, max_length=SENTENCE_LENGTH)


def render_terminal(review: Review) -> list[str]:
    """Return the lines to print."""
    lines = [_headline(review.word, review.comparison, "base"), f"  {review.why}"]
    if review.comparison:
        lines += _numbers(review, review.comparison)
    lines.append(f"  changed: {_changes(review)}")
    if review.machinery_change:
        lines += [f"  machinery: {line}" for line in describe_machinery(review.machinery_change, clean_sentence)]
    if review.data_changes:
        lines += _table(review.data_changes)
    if review.metrics:
        lines.append(f"  {'all metrics':24} {'base':>10} {'head':>10} {'head-base':>10} (95 % interval)")
    lines += [_metric(metric) for metric in review.metrics]
    lines += [f"  not shown: {sentence}" for sentence in review.omissions]
    lines += [_slice(part) for part in sort_slices(review.slices)[:MAX_SLICES]]
    lines += [f"  {remark}" for remark in _remarks(review)]
    if release := review.release:
        lines.append(f"  against the release: {_headline(release.word, release.comparison, release.name)}")
    lines += [_reason(reason) for reason in review.reasons]
    lines += [f"note: {note}" for note in review.notes]
    return [clean_line(line) for line in lines]


def _headline(word: str, comparison: Comparison | None, reference: str) -> str:
    if comparison is None:
        return word
    verdict, metric = comparison.verdict, comparison.metric
    if verdict.difference == 0:
        return f"{word}: {metric} is the same"
    direction = "lower" if verdict.difference > 0 else "higher"
    text = f"{word}: {metric} is {short(abs(verdict.difference))} {direction} than {reference}"
    if verdict.low is None or verdict.high is None:
        return text
    level = format_level(comparison.alpha)
    return f"{text} ({level} interval: {format_interval(verdict.low, verdict.high)})"


def _numbers(review: Review, comparison: Comparison) -> list[str]:
    verdict = comparison.verdict
    margin = f"margin {short(verdict.margin)}" if verdict.margin else "no margin: base is no better than trivial"
    lines = [
        f"  base {review.base_commit[:9]}: {short(comparison.base_error)}, head {review.head_commit[:9]}: "
        f"{short(comparison.head_error)}, trivial baseline: {short(comparison.trivial_error)}; {margin}; "
        f"{comparison.rows} rows, {comparison.replicas} replicas"
    ]
    if comparison.unpaired_reason:
        lines.insert(0, f"  the two sides were evaluated on different rows: {comparison.unpaired_reason}")
    if verdict.detectable_difference is not None and review.word == "cannot tell":
        lines.append(f"  this review can detect a worsening of {short(verdict.detectable_difference)} (power 80 %)")
        if verdict.rows_needed:
            lines[-1] += f"; to detect one as large as the margin, about {verdict.rows_needed:,} rows are needed"
    return lines


def _changes(review: Review) -> str:
    """Return kinds and files; the names of files come from whoever opened the pull request."""
    kinds = ", ".join(KIND_NAMES[kind] for kind in review.changed_kinds) or "nothing that the model depends on"
    files = list_files(review.changed_files, clean)
    return f"{kinds} ({files})" if files else kinds


def _table(changes: DataChanges) -> list[str]:
    columns = changes.columns
    counts = (
        (len(columns.added_names), "added"),
        (len(columns.removed_names), "removed"),
        (len(columns.type_changes), "retyped"),
    )
    parts = [f"  table: {describe_rows(changes.rows)}"]
    parts += [f"{count} columns {action}" for count, action in counts if count]
    lines = [", ".join(parts)]
    shifts = [f"{name} {share:g}" for name, share in [*changes.shifts.items()][:MAX_SHIFTS]]
    return [*lines, f"  largest shifts of distributions (0 to 1): {', '.join(shifts)}"] if shifts else lines


def _metric(metric: MetricComparison) -> str:
    values = " ".join(f"{short(value):>10}" for value in (metric.base, metric.head, metric.difference))
    return f"  {metric.name:24} {values} ({short(metric.low)} to {short(metric.high)})"


def _slice(part: SliceComparison) -> str:
    difference = part.verdict.difference
    size = f"{short(abs(difference))} {'better' if difference > 0 else 'worse'}"
    p_value = f"corrected p of worse {format_p_value(part.corrected_p_worse)}"
    return f"  slice {part.column} = {part.level}: {size}, {p_value}, {part.rows} rows"


def _remarks(review: Review) -> list[str]:
    """Return what a reader should know in addition to the numbers."""
    remarks = [review.recipe_trials.notice if review.recipe_trials else None]
    if review.attribution:
        remarks.append(review.attribution.sentence)
    if effect := review.label_effect:
        word = effect.word_with_them
        consequence = f"are left out; with them: {word}" if word else "are not left out: too few others"
        remarks.append(f"{effect.rows} rows have another label and {consequence}")
    if review.second_opinion:
        remarks.append(f"head's own review says: {review.second_opinion.word}")
    if review.package_check:
        remarks.append(review.package_check.why)
    return [remark for remark in remarks if remark]


def _reason(reason: Reason) -> str:
    if by := reason.acceptance:
        status, end = "accepted", f"accepted {by.format_author(by.author)} in {by.commit[:9]}: {by.why}"
    else:
        status, end = "RED", f"Next: {reason.hint}"
    return f"{status}: {reason.name}: {reason.message}. {end}"

"""Render a review as the comment on a pull request, in Markdown; standard library only.

A stranger may have written any text in the result, so all texts are escaped.
"""

from collections.abc import Callable

from plumbline.formatting import short
from plumbline.review.details import describe_rows, format_level, interval_level, render_details
from plumbline.review.markdown import clean, code, code_commit, escape_with_stop, table
from plumbline.review.result.changes import ENTRY_LENGTH, MAX_ENTRIES, ChangedFiles, Kind, MachineryChange
from plumbline.review.result.checks import Reason
from plumbline.review.result.comparison import NO_MARGIN, Comparison, Verdict, Word
from plumbline.review.result.review import Review

MARKER = "<!-- review of pull requests -->"  # by which post.py finds its comment again
MAX_BYTES = 58_000  # without the notice; GitHub refuses 65,536 characters
NOTICE = "**Cut here**, for length: the rest is in `result.json` and `review.html`."
HEADLINES: dict[Word, str] = {
    "better": "Better: the model got better",
    "worse": "Worse: the model got worse",
    "same": "Same: overall the model is as good as before",
    "cannot tell": "Cannot tell whether the model got better or worse",
}
KIND_NAMES: dict[Kind, str] = {
    "data": "data",
    "params": "parameters",
    "code": "code",
    "machinery": "the machinery",
    "versions": "versions of libraries",
}
BY_AUTHOR = "Computed by the author of this pull request: CI has no data here and could not check the numbers."
MAX_FILES, MAX_PARAMETERS, MAX_REASONS = 10, 5, 10


def render_comment(review: Review) -> str:
    """Return the comment, of less than 60,000 bytes; what does not fit is cut between two parts."""
    size, parts = len(MARKER), list[str]()
    for part in filter(None, (*_first_screen(review), *render_details(review))):
        size += len(part.encode()) + 2
        if size > MAX_BYTES:
            parts.append(NOTICE)
            break
        parts.append(part)
    return "\n\n".join([MARKER, *parts]) + "\n"


def _first_screen(review: Review) -> list[str]:
    """Return the parts that a reader sees without unfolding anything."""
    rows = []
    if review.comparison:
        rows.append(_row(review.comparison, review.word))
    if (release := review.release) and release.comparison:
        rows.append(_row(release.comparison, release.word, f", before: the release {code(release.name)}"))
    level = interval_level(review)
    return [
        describe_verdict(review),
        f"**{BY_AUTHOR}**" if review.is_computed_by_author else "",
        table(["metric", "base (before)", "head (after)", f"change ({level} interval)", "verdict"], rows),
        describe_changes(review),
        _describe_machinery_change(review.machinery_change) if review.machinery_change else "",
        _describe_next_steps(review),
    ]


def describe_verdict(review: Review) -> str:
    """Return the verdict, the metric, the size of the change and its interval, in Markdown."""
    headline, comparison = HEADLINES[review.word], review.comparison
    if comparison is None:
        return f"**{headline}.** {escape_with_stop(review.why)}".rstrip()
    base, head, difference = comparison.base_error, comparison.head_error, comparison.verdict.difference
    size = f"is {short(head)}, as before."
    if difference:
        share = f" ({100 * abs(difference) / base:.1f} %)" if base > 0 else ""
        direction = "lower" if difference > 0 else "higher"
        size = f"went from {short(base)} to {short(head)}, {short(abs(difference))} {direction}{share}."
    change = f"The metric {code(comparison.metric)} (lower is better) {size}"
    return " ".join([f"**{headline}.**", change, _describe_interval(comparison), _describe_margin(review)]).strip()


def _describe_interval(comparison: Comparison) -> str:
    low, high = comparison.verdict.low, comparison.verdict.high
    if low is None or high is None or low == high == 0:
        return ""
    return f"The {format_level(comparison.alpha)} interval of the change is {format_interval(low, high)}."


def format_interval(low: float, high: float) -> str:
    """Return an interval of the change as words instead of signs.

    Examples
    --------
    >>> format_interval(-0.1, 0.2)
    '0.1 worse to 0.2 better'
    """
    if low >= 0:
        return f"{short(low)} to {short(high)} better"
    if high <= 0:
        return f"{short(-high)} to {short(-low)} worse"
    return f"{short(-low)} worse to {short(high)} better"


def _describe_margin(review: Review) -> str:
    comparison = review.comparison
    if comparison is None or comparison.verdict.difference == 0:
        return ""
    margin = comparison.verdict.margin
    if review.word == "same":
        return f"That is within the margin of {short(margin)}, the smallest change that matters."
    why = f" Why it is inconclusive: {escape_with_stop(review.why)}" if review.word == "cannot tell" else ""
    if margin > 0:
        return f"The margin, the smallest change that matters, is {short(margin)}.{why}"
    trivial = f"base is no better than the trivial baseline, whose error is {short(comparison.trivial_error)}"
    text = f"No margin can be derived, since {trivial}: set `review.margin` in `params.yaml`."
    return text if NO_MARGIN in review.why else f"{text}{why}"


def _row(comparison: Comparison, word: Word, suffix: str = "") -> list[str]:
    return [
        code(comparison.metric) + suffix,
        short(comparison.base_error),
        short(comparison.head_error),
        _format_change(comparison.verdict),
        f"**{word}**",
    ]


def _format_change(verdict: Verdict) -> str:
    size = "none"
    if verdict.difference:
        size = f"{short(abs(verdict.difference))} {'better' if verdict.difference > 0 else 'worse'}"
    if verdict.low is None or verdict.high is None:
        return size
    return f"{size} ({format_interval(verdict.low, verdict.high)})"


def describe_changes(review: Review) -> str:
    """Return what the difference may come from, in Markdown: kinds, files, parameters, rows."""
    kinds = ", ".join(dict.fromkeys(KIND_NAMES[kind] for kind in review.changed_kinds))
    parts = [f"**What changed:** {kinds or 'nothing that the model depends on'}."]
    if files := list_files(review.changed_files, code):
        parts.append(f"Files: {files}.")
    if review.parameter_changes:
        parts.append(f"Parameters: {_list_parameters(review)}.")
    if review.data_changes:
        parts.append(f"Data: {describe_rows(review.data_changes.rows)}.")
    if review.attribution:
        parts.append(escape_with_stop(review.attribution.sentence))
    if review.comparison and review.comparison.unpaired_reason:
        reason = escape_with_stop(review.comparison.unpaired_reason)
        parts.append(f"The two sides were evaluated on different rows: {reason}")
    return " ".join(filter(None, parts))


def _describe_machinery_change(change: MachineryChange) -> str:
    first, *rest = describe_machinery(change, escape_with_stop)
    return "\n".join([f"**Machinery:** {first}", *(f"- {line}" for line in rest)])


def describe_machinery(change: MachineryChange, escape_text: Callable[[str], str]) -> list[str]:
    """Return sentences on another package plumbline: the versions, then what the changelog says.

    Parameters
    ----------
    change : MachineryChange
    escape_text : callable
        Makes a sentence harmless where the text is shown.
    """
    base, head = (escape_text(clean(version or "none")).removesuffix(".") for version in (change.base, change.head))
    lines = [f"plumbline {base} to {head}: {escape_text(clean(change.why, ENTRY_LENGTH))}"]
    lines += [f"Changelog: {escape_text(clean(entry, ENTRY_LENGTH))}" for entry in change.changelog[:MAX_ENTRIES]]
    if change.omitted_count > 0:
        lines.append(f"Changelog: {change.omitted_count:,} more entries, see plumbline docs changelog")
    return lines


def _list_parameters(review: Review) -> str:
    changes = [f"{code(c.name)} {code(c.base)} → {code(c.head)}" for c in review.parameter_changes[:MAX_PARAMETERS]]
    omitted_count = len(review.parameter_changes) - len(changes)
    return ", ".join(changes) + (f" and {omitted_count:,} more" if omitted_count else "")


def list_files(files: ChangedFiles, escape_name: Callable[[str], str]) -> str:
    """Return the first changed files by name, and how many more there are.

    Parameters
    ----------
    files : ChangedFiles
        The files that differ.
    escape_name : callable
        Makes a name harmless where the text is shown.
    """
    names = ", ".join(map(escape_name, files.first_paths[:MAX_FILES]))
    more = f" and {files.omitted_count:,} more" if files.omitted_count > 0 else ""
    generated = f"{files.generated_count:,} written by the run" if files.generated_count > 0 else ""
    return "; ".join(filter(None, [names + more, generated]))


def _describe_next_steps(review: Review) -> str:
    open_reasons = review.open_reasons
    accepted_reasons = [reason for reason in review.reasons if reason.acceptance]
    lines = [_describe_reason(reason) for reason in (*open_reasons[:MAX_REASONS], *accepted_reasons[:MAX_REASONS])]
    if count := len(open_reasons):
        plural, what = ("s", "Fix each") if count > 1 else ("", "Fix it")
        opening = f"**What to do now: the check is red for {count} reason{plural}.** {what}, or accept it:"
    elif review.word == "cannot tell":
        opening = f"**What to do now:** the check is green and blocks nothing. {_describe_power(review)}"
    else:
        opening = "**What to do now:** nothing, the check is green."
    return "\n".join([opening, "", *lines]) if lines else opening


def _describe_reason(reason: Reason) -> str:
    if by := reason.acceptance:
        author = f"accepted {by.format_author(code(by.author))} in {code_commit(by.commit)}"
        return f"- {code(reason.name)}: {author}, since {escape_with_stop(by.why)}"
    return f"- {code(reason.name)}: {escape_with_stop(reason.message)} **Next:** {escape_with_stop(reason.hint)}"


def _describe_power(review: Review) -> str:
    """Return how large a worsening the review can detect, and how many rows detect one as large as the margin."""
    if review.comparison is None or review.comparison.verdict.detectable_difference is None:
        return ""
    verdict = review.comparison.verdict
    size = short(verdict.detectable_difference)
    text = f"This review can detect a worsening of {size} (power 80 %)."
    is_selection = bool(review.data_changes and review.data_changes.rows.label_shift)  # more rows would not help
    if verdict.rows_needed is None or is_selection:
        return text
    return f"{text} To detect one as large as the margin, about {verdict.rows_needed:,} rows are needed."

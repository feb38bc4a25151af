"""Why a review is red, and which of these reasons people accepted in the commits of the branch."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import chain

from plumbline import paths
from plumbline.errors import PlumblineError
from plumbline.files import write_json
from plumbline.formatting import short
from plumbline.process import git
from plumbline.reproducibility.verify import verify
from plumbline.review.acceptances import read_trailers
from plumbline.review.commits import Commit
from plumbline.review.executed_model import Replicas
from plumbline.review.markdown import format_p_value
from plumbline.review.package_check import PackageReport, check_package
from plumbline.review.rerun import RunReport, rerun_stages
from plumbline.review.result.changes import RowChanges
from plumbline.review.result.checks import Acceptance, PackageCheck, Reason
from plumbline.review.result.review import Review
from plumbline.review.result.wire import ResultError, decode, encode
from plumbline.review.safeguards import REQUIRE, build_reason, find_weaker_safeguards
from plumbline.review.sides import PristineSide, Side
from plumbline.review.unmet_expectations import find_unmet_expectations

NAMES = (
    "worse",
    "worse-than-release",
    "incomparable",
    "slice",
    "floor",
    "lock",
    "metrics",
    "not-pushed",
    "package",
    "machinery",
    "expectations",
    "floors",
    "margin",
    "behaviour",
    "labels",
    "leakage",
    "tests",
    "author",
    "cannot-tell",
)
RISING = ("cannot tell", "same", "better")
LOCK_REASONS = {"stale": "lock", "not pushed": "not-pushed"}  # by the kind of a finding of verify
EXCHANGE = 0.5  # share of the rows of base, and of those that are gone
IMPROVE = "Improve the model, its features or its data"


def add_reasons(review: Review, base: Side, head: Side, replicas: Replicas | None = None) -> Review:
    """Return the review with its reasons, what was accepted of them, and the checks of the committed run.

    Parameters
    ----------
    review : Review
        The comparison.
    base, head : Side
        The package is checked where head is prepared.
    replicas : Replicas, optional
        Head's models in the review, where there was a comparison.
    """
    pristine_head = PristineSide("head", head.commit)
    reports = [_run_check(verify_lock, base, pristine_head)]
    if review.has_data:
        reports.append(_run_check(partial(_rerun_once, base), base, pristine_head))
    check_reasons = [*chain.from_iterable(report.reasons for report in reports)]
    package = _check_package(head, replicas, [reason for reason in check_reasons if reason.name == "package"])
    reasons = [*find_reasons(review, base), *check_reasons]
    reasons += _find_package_reasons(package, {reason.name for reason in check_reasons})
    reasons += [build_reason("expectations", line, "Correct the table") for line in find_unmet_expectations(base, head)]
    if not base.recipe_error:
        reasons += find_weaker_safeguards(base, head)
    acceptances, notes = read_acceptances(base, head)
    return replace(
        review,
        rerun=reports[-1].rerun,
        package_check=package.check,
        reasons=tuple(replace(reason, acceptance=acceptances.get(reason.name)) for reason in reasons),
        notes=(*chain.from_iterable(report.notes for report in reports), *notes, *_note_attributes(base, head)),
    )


def _find_package_reasons(package: PackageReport, names: set[str]) -> Iterator[Reason]:
    """Yield what a fit of the recipe shows, but for what has a reason of these names already."""
    if package.check.is_consistent is False and "package" not in names:
        yield build_reason("package", package.check.why, "Run make repro, and commit what it wrote")
    if package.worse_model:
        action = "Find what in your code depends on the seed or on the number of rows"
        yield build_reason("package", package.worse_model, action)
    if package.false_metric and not {"lock", "metrics"} & names:
        yield build_reason("metrics", package.false_metric, "Correct what writes it")


def _note_attributes(base: Commit, head: Commit) -> list[str]:
    """Return a note where head changes which files GitHub shows the difference of."""
    if git("diff", "--name-only", base.commit, head.commit, "--", ":(top,glob)**/.gitattributes"):
        return ["head changes .gitattributes, which can hide the changes of files on GitHub: look with git diff --text"]
    return []


def _run_check(check: Callable[[PristineSide], RunReport], base: Commit, head: PristineSide) -> RunReport:
    """Run a check in a clean worktree; that it cannot run is a reason where base has settings of DVC."""
    try:
        head.check_out()
        return check(head)
    except PlumblineError as error:
        message = f"not checked: {error.message}"
        if git("ls-tree", base.commit, "--", ".dvc/config"):
            return RunReport(reasons=(build_reason("lock", message, "Fix that, as base has it"),))
        return RunReport(notes=(message,))


def _check_package(head: Side, replicas: Replicas | None, differences: list[Reason]) -> PackageReport:
    """Check the package, unless it is already known to be another one: then nothing of it is imported."""
    if differences:
        return PackageReport(PackageCheck(is_consistent=False, why=differences[0].message))
    if head.is_prepared:
        return check_package(head, replicas)
    why = "the package was not compared, since nothing was fitted"
    return PackageReport(PackageCheck(is_consistent=None, why=why))


def find_reasons(review: Review, base: Commit) -> Iterator[Reason]:
    """Yield the reasons that follow from the numbers."""
    if review.word == "worse":
        yield build_reason("worse", review.why, IMPROVE)
    if (release := review.release) and release.word == "worse":
        yield build_reason("worse-than-release", f"worse than {release.name}: {release.why}", IMPROVE)
    for part in review.slices:
        if part.is_blocking:
            size = f"{short(abs(part.verdict.difference))} (corrected p {format_p_value(part.corrected_p_worse)})"
            yield build_reason("slice", f"worse where {part.column} = {part.level}, by {size}", IMPROVE)
    for floor in review.floors:
        if floor.is_broken:
            message = f"{floor.metric} is {short(floor.head)}, its floor {short(floor.floor)}"
            yield build_reason("floor", message, IMPROVE)
    if review.is_computed_by_author:
        message = "CI holds no data, and shows what the author computed"
        yield build_reason("author", message, "Run CI where the data is (plumbline docs ci)")
    yield from _find_obstacle(review)
    yield from _find_other_machinery(review)
    yield from _find_label_reasons(review, base)
    yield from _find_required_word(review, base)


def _find_obstacle(review: Review) -> Iterator[Reason]:
    if review.obstacle:
        yield build_reason("incomparable", review.obstacle, "Take that from base")


def _find_other_machinery(review: Review) -> Iterator[Reason]:
    if (change := review.machinery_change) and change.is_rebuilt is False:
        hint = "Take vendor/, pyproject.toml and requirements.lock of base, or update again"
        yield build_reason("machinery", change.why, f"{hint} (plumbline docs pull-requests)")


def _find_label_reasons(review: Review, base: Commit) -> Iterator[Reason]:
    rows = review.data_changes.rows if review.data_changes else None
    if rows and rows.label_change_count:
        message = f"{rows.label_change_count} rows of base have another label in head"
        yield build_reason("labels", message, "Restore the labels")
    if rows and _is_exchange(rows):
        message = f"{rows.removed_count} of base's {rows.base_count} rows are gone, and {rows.added_count} others came"
        yield build_reason("labels", f"{message}: nobody can compare their labels", "Keep the rows that base has")
    weight = base.params_or_none.get("data.weight")
    changes = [change for change in review.parameter_changes if change.name == "data.weight"]
    if changes:
        message = f"data.weight was {changes[0].base} and is {changes[0].head}"
        yield build_reason("labels", message, "Restore it")
    elif rows and (count := rows.change_count_by_column.get(str(weight), 0) if weight else 0):
        message = f"{count} rows of base have another weight in head"
        yield build_reason("labels", message, "Restore the weights")


def _is_exchange(rows: RowChanges) -> bool:
    """Whether most rows of base are gone and as many came: they may be the same rows under other labels."""
    return rows.removed_count > EXCHANGE * rows.base_count and rows.added_count > EXCHANGE * rows.removed_count


def _find_required_word(review: Review, base: Commit) -> Iterator[Reason]:
    required = base.params_or_none.get("review.require")
    is_identical = review.word == "same" and review.comparison is None
    if required in REQUIRE[1:] and not is_identical and review.word in RISING[: RISING.index(required)]:
        message = f"{review.word}, and review.require asks for {required}"
        yield build_reason("cannot-tell", message, "Add rows")


def verify_lock(head: PristineSide) -> RunReport:
    """Check that head's dvc.lock belongs to its files and was pushed, by the code that judges and not by head's."""
    try:
        findings = verify(head.folder, package=head.machinery).findings
    except Exception as error:  # a stranger may have written these files: an error is a reason and ends no review
        message = f"whether dvc.lock belongs to the files could not be checked: {type(error).__name__}: {error}"
        return RunReport(reasons=(build_reason("lock", message, "Look with python -m plumbline verify"),))
    return RunReport(
        reasons=tuple(
            build_reason(LOCK_REASONS[finding.kind], finding.message, finding.hint)
            for finding in findings
            if finding.kind in LOCK_REASONS
        ),
        notes=tuple(f"{finding.message}: {finding.kind}" for finding in findings if finding.kind not in LOCK_REASONS),
    )


def _rerun_once(base: Commit, head: PristineSide) -> RunReport:
    """Return the report of a rerun, which is stored next to the worktree: the same commits give the same again."""
    file = head.folder.with_name(f"{head.folder.name}-against-{base.commit[:12]}.json")
    with contextlib.suppress(OSError, ResultError):  # absent, or of another version
        return decode(file.read_bytes(), RunReport, file=file.name)
    report = rerun_stages(base, head)
    if not (report.rerun and paths.DIST in report.rerun.different_outputs):  # else the cache may get the wheel later
        write_json(str(file), encode(report))
    return report


def read_acceptances(base: Commit, head: Commit) -> tuple[Mapping[str, Acceptance], list[str]]:
    """Return who accepted what, by the name of the reason, and notes on lines that accept nothing.

    A line `Accept: NAME: why` in a commit message of the branch accepts a reason; the newest commit counts.
    """
    acceptances: dict[str, Acceptance] = {}
    notes = []
    for acceptance, value in read_trailers(base, head):
        commit = acceptance.commit
        name, _, why = (part.strip() for part in value.partition(":"))
        if name not in NAMES:
            place = f"Accept: {name!r} (commit {commit[:9]})"
            notes.append(f"{place} is not the name of a reason, expected one of {', '.join(NAMES)}")
        elif not why:
            place = f"Accept: {name} (commit {commit[:9]})"
            notes.append(f"{place} has no explanation, so it is ignored. Write Accept: {name}: WHY")
        else:
            acceptances.setdefault(name, replace(acceptance, why=why))
    return acceptances, notes

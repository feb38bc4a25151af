"""Ten made-up results of a review, as different as they can be; `rename` puts a text where names and sentences are."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

from plumbline.review.result.changes import (
    Attribution,
    ChangedFiles,
    ColumnChanges,
    DataChanges,
    ExpectationCounts,
    LabelEffect,
    MachineryChange,
    ParameterChange,
    RecipeTrials,
    RowChanges,
    TypeChange,
)
from plumbline.review.result.checks import Acceptance, MetricDifference, PackageCheck, Reason, Rerun, SecondOpinion
from plumbline.review.result.comparison import (
    Comparison,
    FloorCheck,
    MetricComparison,
    ReleaseComparison,
    SliceComparison,
    Verdict,
    Word,
)
from plumbline.review.result.figures import Curve, Curves, Importance, Points
from plumbline.review.result.review import Review

SHA = "0123456789abcdef0123456789abcdef01234567"
HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "](http://evil.example)",
    "| a | b |",
    "@somebody",
    "#12",
    "www.evil.example",
    "http://evil.example",
    "a@evil.example",
    "&lt;b&gt;&#64;x",
    "`` ` ```",
    "a\n\n# title\n- item",
    "a\u202eb\u200bc\x00",
    ":tada:",
    "x" * 300,
    "--><script>",
    "</details>",
    "![i](http://evil.example/i.png)",
    "[x]: http://evil.example",
    "GH-12",
    "deadbeef",
    SHA,
    "1. one",
    "$a$",
    "\\",
    "",
    "~~~",
    "<!--",
    "me/it#3",
    "mailto:a@b.cd",
    "\ud800",
]
WHY = "the difference is larger than its noise"
LITERALS = ("word", "word_with_them", "changed_kinds")  # our own words


def make_verdict(word: Word, difference: float, low: float, high: float, margin: float = 0.01) -> Verdict:
    return Verdict(word=word, why=WHY, difference=difference, margin=margin, low=low, high=high)


METRICS = tuple(
    MetricComparison(
        name=name, base=0.8, head=0.81, difference=0.01, low=-0.01, high=0.03, head_low=0.8, head_high=0.82
    )
    for name in ("roc_auc", "accuracy")
)
CURVES = Curves(
    ranking=Curve(
        x_label="false positive rate",
        y_label="true positive rate",
        base=Points((0.0, 0.2, 1.0), (0.0, 0.7, 1.0)),
        head=Points((0.0, 0.2, 1.0), (0.0, 0.8, 1.0)),
    )
)
IMPORTANCE = Importance(base={"amount": 0.2}, head={"amount": 0.1, "income": 0.2})
CHANGED_FILES = ChangedFiles(first_paths=("params.yaml", "src/features.py"), omitted_count=3, generated_count=8)
DATA_CHANGES = DataChanges(
    has_key=True,
    rows=RowChanges(
        base_count=1190,
        head_count=1200,
        added_count=20,
        removed_count=10,
        change_count=3,
        change_count_by_column={"amount": 3},
    ),
    columns=ColumnChanges(
        added_names=("income",),
        removed_names=("age",),
        type_changes=(TypeChange(column="town", base="text", head="number"),),
    ),
    shifts={"amount": 0.3},
)
MACHINERY_CHANGE = MachineryChange(
    base="0.2.0+c0123456789ab",
    head="0.3.0+cba9876543210",
    changelog=("A new metric", "A faster review"),
    omitted_count=2,
    is_rebuilt=True,
    why="the template's commit gives the same bytes as the wheel of head",
)
RERUN = Rerun(
    stages=("train", "evaluate"),
    why="their entries in dvc.lock are not those of base",
    identical_outputs=("dist",),
    different_outputs=("metrics/metrics.json",),
    metric_differences=(
        MetricDifference(file="metrics/metrics.json", key="log_loss", committed_value="0.3", rerun_value="0.31"),
    ),
)


def make_comparison(verdict: Verdict) -> Comparison:
    return Comparison(
        metric="log_loss",
        alpha=0.05,
        base_error=0.3204567,
        head_error=0.3204567 - verdict.difference,
        trivial_error=0.69,
        rows=1200,
        replicas=5,
        verdict=replace(verdict, detectable_difference=0.03, rows_needed=5200),
    )


def make_slice(verdict: Verdict) -> SliceComparison:
    return SliceComparison(
        column="region", level="north", rows=300, verdict=verdict, corrected_p_worse=0.4, is_blocking=False
    )


def make_review(word: Word, difference: float, low: float, high: float, **values: Any) -> Review:
    """A review of a change of data and code, with everything that a review can have but a release and reasons."""
    verdict = make_verdict(word, difference, low, high)
    review = Review(
        word=word,
        why=WHY,
        base_commit=SHA,
        head_commit=SHA[::-1],
        base_origin="the merge base of HEAD and origin/main",
        project="loans",
        comparison=make_comparison(verdict),
        slices=(make_slice(verdict),),
        metrics=METRICS,
        omissions=("metric src.model.cost: evaluate.metrics of base does not name it",),
        floors=(FloorCheck(metric="roc_auc", floor=0.7, head=0.81, is_broken=False),),
        curves=CURVES,
        importance=IMPORTANCE,
        changed_kinds=("data", "params", "code"),
        changed_files=CHANGED_FILES,
        parameter_changes=(ParameterChange(name="model.rate", base="0.1", head="2"),),
        machinery_change=MACHINERY_CHANGE,
        data_changes=DATA_CHANGES,
        label_effect=LabelEffect(rows=4, word_with_them=word),
        attribution=Attribution(
            sentence="the data made no difference that matters",
            data=make_verdict("same", 0.001, -0.01, 0.01),
            code=verdict,
        ),
        expectation_counts=ExpectationCounts(base=7, head=7),
        recipe_trials=RecipeTrials(count=1),
        rerun=RERUN,
        package_check=PackageCheck(is_consistent=True, why="the same"),
        second_opinion=SecondOpinion(word=word, why="head's own rule"),
        notes=("another CPU was used",),
    )
    return replace(review, **values)


def make_reason(name: str, message: str = "log_loss is higher", acceptance: Acceptance | None = None) -> Reason:
    return Reason(name=name, message=message, hint="look at the slices below", acceptance=acceptance)


def strip(review: Review, **values: Any) -> Review:
    """The same review as if nothing had been computed."""
    nothing: dict[str, Any] = dict.fromkeys(
        (
            "comparison",
            "curves",
            "importance",
            "data_changes",
            "label_effect",
            "attribution",
            "rerun",
            "second_opinion",
        )
    )
    return replace(review, **(nothing | {"parameter_changes": ()} | values))


def with_verdict(review: Review, **values: Any) -> Review:
    """The same review with other numbers in its verdict."""
    assert review.comparison is not None
    verdict = replace(review.comparison.verdict, **values)
    return replace(review, comparison=replace(review.comparison, verdict=verdict))


def with_comparison(review: Review, **values: Any) -> Review:
    """The same review with other numbers in its comparison."""
    assert review.comparison is not None
    return replace(review, comparison=replace(review.comparison, **values))


ACCEPTANCE = Acceptance(commit=SHA, author="Ada", why="the new law asks for it")
WORSE = make_review("worse", -0.0412, -0.0601, -0.0223, reasons=(make_reason("worse"),))
SAME = make_review("same", 0.0002, -0.001, 0.0013)
EXAMPLES = {
    "better": make_review("better", 0.0286, 0.0201, 0.0371),
    "identical": strip(SAME, why="data, code, parameters are identical", changed_kinds=()),
    "same": SAME,
    "worse": WORSE,
    "slice": replace(SAME, reasons=(make_reason("slice", "region = north is worse"),)),
    "release": replace(
        SAME,
        release=ReleaseComparison(name="loans@v1.0.0", word="worse", why=WHY, comparison=WORSE.comparison),
        reasons=(make_reason("worse-than-release"),),
    ),
    "small": make_review("cannot tell", 0.01, -0.05, 0.07, why="too small: 60 rows, at least 100 are needed"),
    "unpaired": with_comparison(
        make_review("cannot tell", -0.02, -0.09, 0.05), unpaired_reason="rows are split by another key"
    ),
    "author": strip(
        SAME, word="cannot tell", why="no data", is_computed_by_author=True, reasons=(make_reason("author"),)
    ),
    "accepted": replace(
        WORSE,
        reasons=(
            make_reason("worse", acceptance=ACCEPTANCE),
            make_reason("floor", "roc_auc is 0.69, below 0.7"),
        ),
    ),
}


def rename(value: Any, text: str) -> Any:
    """The same review with the text for every name and sentence that data, a branch or a commit may bring."""
    if isinstance(value, str):
        return text
    if isinstance(value, Mapping):
        return dict.fromkeys([text][: len(value)], next(iter(value.values()), None))
    if isinstance(value, tuple):
        return tuple(rename(item, text) for item in value)
    if not is_dataclass(value):
        return value
    is_ours = not isinstance(value, SecondOpinion)
    names = [field.name for field in fields(value) if not (is_ours and field.name in LITERALS)]
    return replace(value, **{name: rename(getattr(value, name), text) for name in names})  # type: ignore[type-var]

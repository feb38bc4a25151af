"""featurize: every row once, in the table's order, with its key, its side and its target."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from plumbline.errors import PlumblineError
from plumbline.findings import read_findings
from plumbline.pipeline import featurize
from plumbline.testing.projects import Project, make_table


@pytest.fixture
def run(project: Project, monkeypatch: pytest.MonkeyPatch) -> Any:
    """ingest of a table, then featurize in batches of 50 rows with these features."""

    def run(features=lambda rows: rows, frame: pd.DataFrame | None = None, split: dict | None = None, **data: Any):
        project.table(make_table(rows=120) if frame is None else frame, **data)
        project.change(split=split or {})
        project.run("ingest")
        monkeypatch.setattr(featurize, "BATCH", 50)
        monkeypatch.setattr("src.features.features", features)
        project.run("featurize")
        return pq.read_table("data/features.parquet")

    return run


def test_rows_keep_their_order_with_key_side_and_target(run) -> None:
    frame = make_table(rows=120).sample(frac=1, random_state=0)
    rows, first_rows = run(frame=frame).to_pandas(), run(frame=frame.head(100)).to_pandas()
    assert list(rows.columns) == ["x1", "x2", "colour", "flag", "@key", "@target", "@side"]
    assert rows["@key"].tolist() == frame.row_id.tolist()
    assert np.allclose(rows.x1, frame.x1, rtol=1e-12)
    assert rows["@target"].tolist() == (frame.target == "yes").astype(int).tolist()
    assert rows["@side"].head(100).tolist() == first_rows["@side"].tolist()
    assert set(rows["@side"]) == {"train", "holdout"}


def test_roles_stand_beside_the_features_and_rows_without_a_key_are_numbered(run) -> None:
    frame = make_table("regression", rows=120).drop(columns="row_id")
    frame = frame.assign(g=np.arange(120) % 40, t=pd.date_range("2024-01-01", periods=120), w=2.5)
    roles: dict[str, Any] = {"group": "g", "time": "t", "weight": "w", "allow": {"g": "made up"}}
    rows = run(frame=frame, split={"cut": "2024-04-01"}, **roles).to_pandas()
    assert rows["@key"].tolist() == list(range(1, 121))
    assert (rows[["@weight", "@group", "@time"]].to_numpy() == frame[["w", "g", "t"]].to_numpy()).all()
    assert rows["@side"].tolist() == ["train"] * 91 + ["holdout"] * 29
    assert np.allclose(rows["@target"], frame.target, rtol=1e-12)


@pytest.mark.parametrize(
    ("early", "late", "kind"),
    [(None, "x", "string"), (None, 1.5, "double"), (None, True, "bool"), (None, None, "double"), (1, 0.5, "double")],
)
def test_a_feature_whose_type_shows_only_in_a_later_batch_has_it_from_the_first_row(run, early, late, kind) -> None:
    frame = make_table(rows=120).assign(last=np.arange(120) >= 100)
    table = run(lambda rows: rows.assign(new=[late if last else early for last in rows["last"]]), frame)
    assert str(table.schema.field("new").type) == kind
    assert table["new"].to_pylist() == [early] * 100 + [late] * 20


WRONG = {
    "expected the 120 rows it was given": lambda rows: rows[rows.x1 > 0],
    "in their order": lambda rows: rows[::-1],
    "made a column '@key'; expected distinct names, none beginning with @": lambda rows: rows.rename(
        columns={"x1": "@key"}
    ),
    "made a column 'x2'; expected distinct": lambda rows: rows.rename(columns={"x1": "x2"}),
    "made a column 1; expected distinct": lambda rows: rows.rename(columns={"x1": 1}),
    r"'new' \(object\) is not a column of numbers": lambda rows: rows.assign(new=["hidden", *range(len(rows) - 1)]),
    r"'new' \(timedelta": lambda rows: rows.assign(new=pd.Timedelta(1, "D")),
    "not all have 'n20'": lambda rows: rows.assign(**{f"n{len(rows)}": 1.0}),
    "Field new has incompatible types": lambda rows: rows.assign(new="hidden" if len(rows) < 50 else 1.0),
}


@pytest.mark.parametrize("words", WRONG)
def test_features_that_are_not_one_row_for_one_row_are_refused_and_nothing_is_written(run, words: str) -> None:
    with pytest.raises(PlumblineError, match=f"^src/features.py: .*{words}") as error:
        run(WRONG[words])
    assert "hidden" not in str(error.value)
    assert [path.name for path in sorted(Path("data").iterdir())] == ["schema.json", "source", "table.parquet"]


def test_a_split_that_cannot_be_used_is_refused_with_the_next_salt_that_can(run) -> None:
    frame = make_table(rows=60).assign(target=["rare"] * 3 + ["often"] * 57)
    with pytest.raises(
        PlumblineError,
        match=r"has \d rows of its rarest class, expected at least .* Use the next salt .*, split.salt: \d+$",
    ) as error:
        run(frame=frame)
    salt = int(str(error.value).rsplit(" ", 1)[1])
    for useless in range(1, salt):
        with pytest.raises(PlumblineError):
            run(frame=frame, split={"salt": useless})
    run(frame=frame, split={"salt": salt})
    with pytest.raises(PlumblineError, match=r"has \d rows of its rarest class.*Use more rows"):
        run(frame=frame.tail(58))
    for time, type_ in ((None, None), ("x1", "number")):
        with pytest.raises(PlumblineError, match=f"split.cut needs data.time of type timestamp, found {type_}"):
            run(split={"cut": "2024-01-01"}, time=time)


def test_what_is_found_stops_in_one_line_with_its_cure_and_leaves_the_last_file_and_a_reason_lets_it_pass(run) -> None:
    frame = make_table(rows=120)
    run(frame=frame)
    before = Path("data/features.parquet").read_bytes()
    leaky = frame.assign(copy=frame.target, coded=np.where(frame.target == "yes", 7, 9))

    def features(rows: pd.DataFrame) -> pd.DataFrame:
        return rows.assign(rank=rows.x1.rank(), at=range(len(rows)))

    with pytest.raises(PlumblineError) as error:
        run(features, leaky)
    halves = "depends on other rows: its values change when the function gets half of the rows"
    assert str(error.value) == (
        f"leakage: 'rank' of src/features.py {halves}; 'at' of src/features.py {halves}; 'copy' alone predicts "
        "the target: balanced accuracy 1 on 120 rows; and 1 more. Move what is learned from rows to src/model.py, "
        "or set data.allow: {'rank': reason}. Set data.ignore: ['copy', 'coded'] (or remove it in "
        "src/features.py), or data.allow: "
        "{'copy': reason} when it is known before the target"
    )
    assert Path("data/features.parquet").read_bytes() == before
    with pytest.raises(
        PlumblineError, match=r"data.allow names 'cop', expected a column or feature. Did you mean 'copy'"
    ):
        run(frame=leaky, allow={"cop": "known"})
    run(frame=leaky, allow={"copy": "known before", "coded": "known", "x1": "well"})
    findings = {(f.kind, f.severity, f.allowed) for f in read_findings("featurize")}
    assert {("target leakage", "note", reason) for reason in ("known before", "known")} < findings
    assert ("allowed", "warning", None) in findings
    assert not any(rule == "leakage" for rule, *_ in findings)


def test_rows_groups_and_times_between_the_sides(run, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = make_table("regression", rows=120).assign(g=np.arange(120) // 2, t=pd.date_range("2024-01-01", periods=120))
    frame["paid"] = frame.t + pd.Timedelta("3h")
    frame.loc[119, ["x1", "x2", "colour", "flag"]] = frame.loc[0, ["x1", "x2", "colour", "flag"]]
    cut: Any = {"time": "t", "split": {"cut": "2024-04-02"}}
    hint = "Set another split.cut, or null, or data.allow: {'g': reason}"
    with pytest.raises(PlumblineError, match=f"1 groups of 'g' are on both sides of split.cut. {hint}"):
        run(frame=frame.assign(g=(np.arange(120) + 1) // 2), group="g", **cut)
    run(lambda rows: rows.drop(columns="t"), frame, group="g", **cut)
    warnings = {f.kind: f.evidence for f in read_findings("featurize") if f.severity == "warning"}
    assert warnings == {"later than data.time": "'paid' is later than 't' in 120 of 120 rows: was it known by then?"}
    run(lambda rows: rows[["x1", "x2", "colour"]], frame, **cut)
    warnings = {f.kind: f.evidence for f in read_findings("featurize") if f.severity == "warning"}
    assert warnings == {
        "row on both sides": "1 of 28 rows of the holdout (3.571 %) have the features of a training row"
    }
    monkeypatch.setattr(featurize, "_is_after", lambda schema, cut: np.arange(120) >= 100)
    with pytest.raises(
        PlumblineError, match=r"leakage: 8 training rows are not before 2024-04-02. Report it: this is a bug"
    ):
        run(frame=frame, **cut)


def test_rows_with_equal_features_on_both_sides_of_a_split_by_key_are_counted_and_a_group_ends_the_warning(run) -> None:
    frame = make_table(rows=120)
    copies = frame.head(30).assign(row_id=range(5000, 5030), target=frame["target"].head(30).iloc[::-1].to_numpy())
    table = pd.concat([frame, copies], ignore_index=True)
    rows = run(frame=table).to_pandas()
    features = rows[["x1", "x2", "colour", "flag"]].apply(lambda row: "|".join(map(str, row)), axis=1)
    holdout = rows["@side"] == "holdout"
    count = int(features[holdout].isin(features[~holdout]).sum())
    (warning,) = (f for f in read_findings("featurize") if f.severity == "warning")
    words = (
        f"{count} of {holdout.sum()} rows of the holdout ({100 * count / holdout.sum():.4g} %) have the features of a"
    )
    hint = "If such rows belong together (a patient, a shop), name what they share: data.group: COLUMN"
    assert (warning.kind, warning.evidence) == ("row on both sides", f"{words} training row. {hint}")
    assert count > 1
    run(frame=table.assign(g=[*range(120), *range(30)]), group="g")
    assert not [f for f in read_findings("featurize") if f.severity == "warning"]


def test_no_leak_is_one_note_that_names_the_checks(run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(featurize, "SAMPLE", 7)  # of 120 rows every 18th, across batches
    run()
    (note,) = (finding for finding in read_findings("featurize") if finding.kind == "leakage")
    assert note.evidence.startswith("no leakage found. Checked: single features")
    assert (note.severity, note.counts) == ("note", {"rows": 7})

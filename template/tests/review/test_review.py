"""make review on real commits: what decides, what is fitted, and which word comes out."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from plumbline.review.result.review import Review
from plumbline.review.sides import Side
from plumbline.review.worktrees import FOLDER, PREDICTIONS
from plumbline.testing.projects import make_table
from template.tests.review.conftest import MODEL, PARAMS, Commit, fail_review, git, open_names, run_review
from template.tests.runs import is_documented


def test_what_is_no_part_of_the_recipe_costs_no_fit(repository: Path, commit_change: Commit) -> None:
    commit_change(lambda folder: (folder / "docs/project.yaml").write_text("problem: {question: why}\n"))
    before, (first, *_), result = run_review(repository)
    assert (before, first.split(":")[0]) == ("", "same")
    assert "identical" in result.why


def test_worse_is_red_and_a_second_look_fits_nothing(repository: Path, commit_change: Commit) -> None:
    commit_change(model={"arguments": {"C": 1e-5, "max_iter": 200}})
    before, (first, *rest), result = run_review(repository, code=1)
    assert "head: fits" in before
    assert first.startswith("worse: log_loss ")
    assert " higher than base" in first
    comparison = result.comparison
    assert comparison.head_error > comparison.base_error + comparison.verdict.margin
    assert comparison.verdict.low < comparison.verdict.high < 0
    assert comparison.rows == 260
    assert {metric.name for metric in result.metrics} > {"roc_auc", "accuracy"}
    assert any("roc_auc" in line for line in rest)
    assert result.curves.ranking.x_label == "false positive rate"
    assert len(result.curves.ranking.base.x) == len(result.curves.ranking.base.y) > 2
    page = (repository / FOLDER / "review.md").read_text(encoding="utf-8").splitlines()
    assert page[2].startswith("**Worse: the model got worse.** The metric `log_loss`")
    assert "log_loss" in (repository / FOLDER / "review.html").read_text(encoding="utf-8")
    before, _, again = run_review(repository, code=1)
    assert "fits" not in before
    assert again == result
    assert git(repository, "status", "--porcelain") == ""
    git(repository, "checkout", "-q", "-B", "back", "work")
    (repository / "params.yaml").write_text(yaml.safe_dump(PARAMS))
    git(repository, "commit", "-qam", "back")
    before, (first, *_), _ = run_review(repository, "work")
    assert first.startswith("better: log_loss ")
    assert "fits" not in before, "this recipe was base's"


def test_only_the_seed_of_a_model_without_chance_is_the_same(repository: Path, commit_change: Commit) -> None:
    commit_change(model={"seed": 7})
    _, _, result = run_review(repository)
    assert (result.word, result.why) == ("same", "the predictions are identical")


def test_base_predicts_the_rows_of_heads_table_with_heads_labels(repository: Path, commit_change: Commit) -> None:
    def other_rows(folder: Path) -> None:
        table = pd.concat([make_table(rows=260), make_table(rows=300)[260:]])
        table.reset_index(drop=True).drop(index=range(20)).to_csv(folder / "data/source/table.csv", index=False)

    commit_change(other_rows)
    _, _, result = run_review(repository)
    assert result.comparison.rows == 280
    assert result.comparison.unpaired_reason is None
    assert result.changed_kinds == ("data",)
    rows = result.data_changes.rows
    assert (rows.added_count, rows.removed_count) == (40, 20)
    assert result.word in ("same", "cannot tell")


def test_where_base_cannot_predict_heads_table_the_same_rows_are_compared(
    repository: Path, commit_change: Commit
) -> None:
    """Each side predicts its own table; base's prediction of a row goes to the row of head that is the same."""

    def without(folder: Path) -> None:
        table = make_table(rows=260).drop(columns="x2").sample(frac=1, random_state=0)
        table[:240].to_csv(folder / "data/source/table.csv", index=False)

    commit_change(without)
    _, _, result = run_review(repository)
    assert result.word in ("same", "cannot tell")
    assert (result.comparison.unpaired_reason, result.obstacle, result.comparison.rows) == (None, None, 240)
    assert result.comparison.verdict.standard_error > 0
    assert result.comparison.base_error == pytest.approx(0.137, abs=0.01), "that of the same rows and no others"


def test_a_better_model_is_better_and_needs_nobody(repository: Path, commit_change: Commit) -> None:
    commit_change(model={"arguments": {"C": 1e-5, "max_iter": 200}})
    git(repository, "tag", "-f", "weak")
    (repository / "params.yaml").write_text(yaml.safe_dump(PARAMS))
    git(repository, "commit", "-qam", "a better one")
    _, (first, *_), result = run_review(repository, "weak")
    assert first.startswith("better")
    assert result.reasons == ()


def test_base_decides_with_its_own_code(repository: Path, commit_change: Commit) -> None:
    def lie(folder: Path) -> None:
        path = folder / "plumbline/review/decide.py"
        code = path.read_text()
        forgery = code.replace("Decision(comparison.verdict.word, ", 'Decision("better", ')
        assert forgery != code
        path.write_text(forgery)

    commit_change(lie, model={"arguments": {"C": 1e-5, "max_iter": 200}})
    _, (first, *rest), result = run_review(repository, code=1)
    assert first.startswith("worse")
    assert result.second_opinion.word == "better"
    assert "  head's own review says: better" in rest


def test_settings_are_those_of_base(repository: Path, commit_change: Commit) -> None:
    commit_change(model={"arguments": {"C": 1e-5, "max_iter": 200}}, review={"replicas": 3, "margin": 1000.0})
    _, (first, *_), result = run_review(repository, code=1)
    assert first.startswith("worse")
    assert result.comparison.verdict.margin < 1


def test_a_slice_that_must_work_is_red_where_the_harm_matters(repository: Path) -> None:
    """Harm in one slice, with a margin that it passes and with one that it does not."""

    def review_harm(margin: object, code: int) -> Review:
        git(repository, "checkout", "-q", "-f", "-B", "strict", "base")
        rules = {"review": {"replicas": 3, "margin": margin}, "requirements": {"must_work": ["flag = True"]}}
        (repository / "params.yaml").write_text(yaml.safe_dump(PARAMS | rules))
        git(repository, "commit", "-qam", "strict")
        harm = "def features(rows):\n    return rows.assign(x1=rows.x1.where(~rows.flag, 0.0), flag=False)\n"
        (repository / "src/features.py").write_text(harm)
        git(repository, "commit", "-qam", "harm")
        return run_review(repository, "strict~1", code=code)[2]

    result = review_harm("auto", 1)
    (slice_,) = (part for part in result.slices if (part.column, part.level) == ("flag", "True"))
    assert slice_.verdict.difference < result.comparison.verdict.difference < 0
    assert [part.level for part in result.slices if part.is_blocking] == ["True"]
    assert open_names(result) == ["worse", "slice"]
    lax = review_harm(-4 * slice_.verdict.difference, 0)
    assert lax.slices
    assert not any(part.is_blocking for part in lax.slices)


def test_a_broken_floor_and_a_release_that_was_better_are_red(repository: Path, commit_change: Commit) -> None:
    git(repository, "checkout", "-q", "-f", "-B", "old", "base")
    git(repository, "tag", "-f", "model@v1.0.0")
    worse = PARAMS | {"model": MODEL | {"arguments": {"C": 1e-5, "max_iter": 200}}}
    (repository / "params.yaml").write_text(yaml.safe_dump(worse | {"requirements": {"floors": {"log_loss": 0.3}}}))
    git(repository, "commit", "-qam", "worse, and landed")
    (repository / "src/model.py").open("a").write("# no change\n")
    git(repository, "commit", "-qam", "next")
    _, (first, *rest), result = run_review(repository, "old~1", code=1)
    git(repository, "tag", "-d", "model@v1.0.0")
    assert first.startswith("same: ")
    assert open_names(result) == ["worse-than-release", "floor"]
    assert result.release.name == "model@v1.0.0"
    assert any("worse: log_loss " in line and "higher than model@v1.0.0" in line for line in rest)


def test_where_base_does_not_run_head_is_held_against_the_trivial_model(repository: Path) -> None:
    git(repository, "checkout", "-q", "-f", "-B", "broken", "base")
    (repository / "src/features.py").write_text("def features(rows):\n    return rows.no_such\n")
    git(repository, "commit", "-qam", "broken")
    git(repository, "checkout", "-q", "base", "--", "src/features.py")
    git(repository, "commit", "-qam", "fixed")
    _, (first, *_), result = run_review(repository, "broken~1")
    assert first == "cannot tell"
    assert "base (" in result.why
    assert "does not run" in result.why
    assert "clearly better than the trivial baseline" in result.why


@pytest.mark.parametrize("file", ["dvc.yaml", "params.yaml"])
def test_where_base_has_no_pipeline_head_is_held_against_the_trivial_model(repository: Path, file: str) -> None:
    git(repository, "checkout", "-q", "-f", "-B", "early", "base")
    git(repository, "rm", "-q", file)
    git(repository, "commit", "-qm", "before there was one")
    git(repository, "checkout", "-q", "base", "--", file)
    git(repository, "commit", "-qam", "the first pipeline")
    _, (first, *_), result = run_review(repository, "early~1")
    assert first == "cannot tell"
    assert f"has no {file}; head is clearly better than the trivial baseline" in result.why


def test_what_cannot_be_compared_is_one_line_and_another_exit_code(repository: Path, commit_change: Commit) -> None:
    line = fail_review(repository, "no-such-branch")
    assert line.startswith("ERROR: no-such-branch: no commit of this name")

    def broken(folder: Path) -> None:
        (folder / "src/features.py").write_text("def features(rows):\n    return rows.no_such\n")

    def no_stage(folder: Path) -> None:
        pipeline = yaml.safe_load((folder / "dvc.yaml").read_text())
        del pipeline["stages"]["train"]
        (folder / "dvc.yaml").write_text(yaml.safe_dump(pipeline))

    def no_yaml(folder: Path) -> None:
        (folder / "params.yaml").write_text("data: {source: [\n")

    def alias(folder: Path) -> None:
        (folder / "params.yaml").write_text("data: &all {source: table.csv, target: target}\nmodel: *all\n")

    def deep(folder: Path) -> None:
        (folder / "params.yaml").write_text("[" * 5000)

    def no_source(folder: Path) -> None:
        (folder / "params.yaml").write_text(yaml.safe_dump(PARAMS | {"data": {"target": "target"}}))

    for edit, words in (
        (broken, "does not run: src/features.py"),
        (no_stage, "has no stage train in dvc.yaml"),
        (no_yaml, "has a params.yaml that cannot be read, line 2"),
        (alias, "has a params.yaml that cannot be read, line 2: aliases are not allowed"),
        (deep, "has a params.yaml that cannot be read"),
        (no_source, "has no data.source in params.yaml"),
    ):
        commit_change(edit)
        line = fail_review(repository)
        assert line.startswith("ERROR: head (")
        assert words in line
        assert is_documented(line)


def test_rows_of_a_group_count_as_one_in_slices_too(repository: Path) -> None:
    """Fewer than five groups in a slice: it is shown to be worse by nobody."""
    git(repository, "checkout", "-q", "-f", "-B", "grouped", "base")
    table = make_table(rows=260).assign(flag=lambda rows: np.arange(260) < 60, shop=lambda rows: np.arange(260) // 20)
    table.to_csv(repository / "data/source/table.csv", index=False)
    by_shop = PARAMS | {"data": PARAMS["data"] | {"group": "shop"}, "requirements": {"must_work": ["flag = True"]}}
    by_shop["split"] = {"salt": 1}
    (repository / "params.yaml").write_text(yaml.safe_dump(by_shop))
    git(repository, "commit", "-qam", "by shop")
    (repository / "params.yaml").write_text(yaml.safe_dump(by_shop | {"model": MODEL | {"arguments": {"C": 1e-5}}}))
    git(repository, "commit", "-qam", "harm")
    _, _, result = run_review(repository, "grouped~1", code=1)
    levels = [part.level for part in result.slices if part.column == "flag"]
    assert levels == ["False"]  # ten shops; of the other level there are three
    assert result.comparison.verdict.degrees_of_freedom < 15


def test_a_model_never_predicts_a_row_that_it_was_trained_on(repository: Path, commit_change: Commit) -> None:
    """In every replica each row is left out once, by the same fold on both sides."""
    commit_change(model={"arguments": {"C": 1e-5, "max_iter": 200}})
    run_review(repository, code=1)
    folders = [*(repository / PREDICTIONS).iterdir()]
    for folder in folders:
        for path in folder.glob("[0-9].npz"):
            assert not np.isnan(np.load(path)["scores"]).any()
    assert len(folders) > 1


def test_a_base_without_a_review_cannot_tell(repository: Path) -> None:
    git(repository, "checkout", "-q", "-f", "-B", "early", "base")
    shutil.rmtree(repository / "plumbline/review")
    git(repository, "commit", "-qam", "no review yet")
    early = git(repository, "rev-parse", "HEAD")
    git(repository, "checkout", "-q", "base", "--", "plumbline/review")
    (repository / "params.yaml").write_text(yaml.safe_dump(PARAMS | {"model": MODEL | {"arguments": {"C": 1e-5}}}))
    git(repository, "commit", "-qam", "review and harm")
    _, (first, *_), _ = run_review(repository, early)
    assert first.startswith("cannot tell: ")


@pytest.mark.parametrize(
    ("edit", "output"),
    [
        (None, "base: ingest, featurize as head"),
        ("def features(rows):\n    return rows.assign(twice=2 * rows.x1)\n", "base: ingest\nbase: featurize"),
    ],
)
def test_what_is_prepared_is_taken_over_where_nothing_that_it_depends_on_differs(
    repository: Path, commit_change: Commit, monkeypatch, capsys, edit: str | None, output: str
) -> None:
    commit_change(lambda folder: edit and (folder / "src/features.py").write_text(edit), model={"seed": 5})
    monkeypatch.chdir(repository)
    head, base = (
        Side(name, git(repository, "rev-parse", commit)) for name, commit in (("head", "work"), ("base", "base"))
    )
    shutil.rmtree(base.folder, ignore_errors=True)
    head.prepare()
    base.prepare(head)
    assert output in capsys.readouterr().out
    tables = [(side.folder / "data/features.parquet").read_bytes() for side in (head, base)]
    assert (tables[0] == tables[1]) == (edit is None)

"""The committed run is executed again where it is not base's, and what was forged shows."""

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from plumbline.review.author import FILE, read_author_review
from plumbline.review.commits import SideError
from plumbline.review.gate import verify_lock
from plumbline.review.rerun import rerun_stages
from plumbline.review.result.checks import MetricDifference, Rerun
from plumbline.review.sides import PristineSide, Side
from plumbline.testing.projects import environment
from template.tests.review.conftest import MODEL, PARAMS, git, open_names, run_review

pytestmark = pytest.mark.slow


def run_module(folder: Path, *words: str) -> None:
    variables = environment(PYTHONPATH="")
    process = subprocess.run(
        [sys.executable, "-m", *words], cwd=folder, capture_output=True, encoding="utf-8", env=variables
    )
    assert process.returncode == 0, process.stderr


@pytest.fixture(scope="module")
def run(repository: Path) -> Path:
    """The project with DVC, a committed run on `run`, and on `next` one of another model."""
    git(repository, "checkout", "-q", "-f", "-B", "run", "base")
    run_module(repository, "dvc", "init", "-q")
    run_module(repository, "dvc", "config", "core.analytics", "false")
    for branch, model in (("run", MODEL), ("next", MODEL | {"arguments": {"C": 0.5, "max_iter": 200}})):
        git(repository, "checkout", "-q", "-B", branch)
        (repository / "params.yaml").write_text(yaml.safe_dump(PARAMS | {"model": model}))
        run_module(repository, "plumbline", "repro")
        git(repository, "add", "-A")
        git(repository, "commit", "-qm", branch)
    return repository


def check_run(
    run: Path, monkeypatch: pytest.MonkeyPatch, base: str = "run"
) -> tuple[Rerun, list[str], tuple[str, ...]]:
    """What was run again, names of the reasons, notes; the cache is there and no remote is."""
    monkeypatch.chdir(run)
    head = PristineSide("head", git(run, "rev-parse", "HEAD"))
    head.check_out()
    lock_report = verify_lock(head)
    assert Path.cwd() == run
    report = rerun_stages(Side("base", git(run, "rev-parse", base)), head)
    assert report.rerun is not None
    return report.rerun, [reason.name for reason in (*lock_report.reasons, *report.reasons)], report.notes


def forge(run: Path, path: str, change) -> None:
    """A file in git and its hash in dvc.lock, as one who knows DVC would."""
    old = (run / path).read_bytes()
    (run / path).write_bytes(new := change(old))
    lock_file = run / "dvc.lock"
    hashes = [hashlib.md5(content, usedforsecurity=False).hexdigest() for content in (old, new)]
    lock_file.write_text(lock_file.read_text().replace(*hashes).replace(f"size: {len(old)}\n", f"size: {len(new)}\n"))
    git(run, "commit", "-qam", f"forged {path}")


def test_an_honest_run_is_executed_from_where_it_differs_and_is_the_same(run: Path, monkeypatch) -> None:
    git(run, "checkout", "-q", "-f", "-B", "work", "next")
    rerun, names, notes = check_run(run, monkeypatch)
    assert rerun.stages == ("train", "evaluate", "package")
    assert (rerun.different_outputs, names, notes) == ((), [], ())
    assert {"data/model.skops", "metrics/metrics.json", "dist"} <= {*rerun.identical_outputs}
    rerun, names, _ = check_run(run, monkeypatch, "next")
    assert (rerun.stages, names) == ((), [])


def test_without_cache_and_remote_all_is_executed_from_nothing(run: Path, monkeypatch) -> None:
    git(run, "checkout", "-q", "-f", "-B", "work", "next")
    (run / ".dvc/cache").rename(run / "away")
    rerun, names, _ = check_run(run, monkeypatch)
    shutil.rmtree(run / ".dvc/cache")
    (run / "away").rename(run / ".dvc/cache")
    assert (rerun.different_outputs, names) == ((), [])
    assert "metrics/metrics.json" in rerun.identical_outputs


def test_forged_metrics_are_found_with_and_without_a_forged_lock(run: Path, monkeypatch) -> None:
    def better(old: bytes) -> bytes:
        metrics = json.loads(old)
        return (json.dumps(metrics | {"log_loss": metrics["log_loss"] / 2}) + "\n").encode()

    git(run, "checkout", "-q", "-f", "-B", "work", "next")
    forge(run, "metrics/metrics.json", better)
    rerun, names, _ = check_run(run, monkeypatch)
    assert names == ["metrics"], "all hashes agree: nothing but the run itself tells"
    first = rerun.metric_differences[0]
    assert (first.file, first.key) == ("metrics/metrics.json", "log_loss")
    assert float(first.committed_value) == pytest.approx(float(first.rerun_value) / 2)
    git(run, "checkout", "-q", "-f", "-B", "work", "next")
    (run / "metrics/metrics.json").write_bytes(better((run / "metrics/metrics.json").read_bytes()))
    git(run, "commit", "-qam", "metrics alone")
    assert "lock" in check_run(run, monkeypatch)[1]


def test_a_forged_card_is_found_though_it_is_no_json(run: Path, monkeypatch) -> None:
    git(run, "checkout", "-q", "-f", "-B", "work", "next")
    forge(run, "metrics/model-card.md", lambda old: old + b"It is the best of all.\n")
    rerun, names, _ = check_run(run, monkeypatch)
    assert names == ["metrics"]
    (difference,) = rerun.metric_differences
    assert difference == MetricDifference(
        file="metrics/model-card.md", key="", committed_value="a text", rerun_value="another"
    )


def test_what_is_no_json_or_no_lock_is_found_without_a_traceback(run: Path, monkeypatch) -> None:
    git(run, "checkout", "-q", "-f", "-B", "work", "next")
    forge(run, "metrics/metrics.json", lambda old: b"all is well\n")
    rerun, names, _ = check_run(run, monkeypatch)
    assert names == ["metrics"]
    assert rerun.metric_differences[0].file == "metrics/metrics.json"
    for entry in ("all is well", ["train"], {"cmd": "python -m src.stages.train", "outs": [7, {"path": [1]}]}):
        git(run, "checkout", "-q", "-f", "-B", "work", "next")
        content = yaml.safe_load((run / "dvc.lock").read_text())
        content["stages"]["train"] = entry
        (run / "dvc.lock").write_text(yaml.safe_dump(content))
        git(run, "commit", "-qam", "no entry")
        _, names, _ = check_run(run, monkeypatch, "next")  # the other entries are those of base
        assert set(names) == {"lock"}, entry


def test_a_model_of_other_bytes_alone_is_a_note(run: Path, monkeypatch) -> None:
    """As on another processor: dvc.lock has another hash of the model, and the numbers are the same."""
    git(run, "checkout", "-q", "-f", "-B", "work", "next")
    content = yaml.safe_load((run / "dvc.lock").read_text())
    md5 = next(out["md5"] for out in content["stages"]["train"]["outs"] if out["path"] == "data/model.skops")
    (run / "dvc.lock").write_text((run / "dvc.lock").read_text().replace(md5, "0" * 32))
    git(run, "commit", "-qam", "another processor")
    rerun, names, notes = check_run(run, monkeypatch)
    assert (rerun.different_outputs, names) == (("data/model.skops",), [])
    assert notes == ("run again: other bytes, the same numbers: data/model.skops",)


def test_a_run_that_cannot_be_repeated_is_said_with_its_own_line(run: Path, monkeypatch) -> None:
    git(run, "checkout", "-q", "-f", "-B", "work", "next")
    (run / "src/features.py").write_text("def features(rows):\n    return rows.no_such\n")
    (run / "dvc.lock").write_text((run / "dvc.lock").read_text().replace("python -m", "python  -m"))
    git(run, "commit", "-qam", "broken")
    _, names, _ = check_run(run, monkeypatch)
    assert set(names) == {"lock"}


@pytest.fixture
def private(repository: Path, tmp_path: Path) -> Path:
    """The project with its source behind a pointer, in the cache of this clone and nowhere else."""
    folder = tmp_path / "private"
    git(tmp_path, "clone", "-q", str(repository), str(folder))
    git(folder, "checkout", "-q", "-B", "private", "base")
    git(folder, "rm", "-q", "--cached", "data/source/table.csv")
    git(folder, "commit", "-qm", "the table leaves git")
    run_module(folder, "dvc", "init", "-q")
    run_module(folder, "dvc", "add", "-q", "data/source/table.csv")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "a pointer")
    git(folder, "tag", "pointer")
    return folder


def test_a_table_behind_a_pointer_comes_from_the_cache_wherever_it_lies(
    private: Path, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.chdir(private)
    Path(".dvc/cache").rename(tmp_path / "cache")
    run_module(private, "dvc", "cache", "dir", "--local", "-q", str(tmp_path / "cache"))
    Path("data/source/table.csv").unlink()
    head = Side("head", git(private, "rev-parse", "HEAD"))
    head.check_out()
    head._fetch_source()
    assert (head.folder / "data/source/table.csv").is_file()
    assert not Path(".dvc/cache").exists()


def test_a_table_that_is_not_what_its_pointer_says_is_refused(private: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """DVC believes a file in its cache; and a file next to its pointer may be in git, too."""
    monkeypatch.chdir(private)
    table = Path("data/source/table.csv")
    git(private, "checkout", "-q", "-f", "-B", "forged", "pointer")
    table.unlink(missing_ok=True)
    table.write_text("forged")
    git(private, "add", "-f", str(table))
    git(private, "commit", "-qm", "forged")
    base, head = (Side(name, git(private, "rev-parse", name)) for name in ("pointer", "HEAD"))
    for side in (base, head):
        side.check_out()
    base._fetch_source()
    base._check_source()
    assert (base.folder / table).read_text() != "forged", "base's table comes from the cache"
    with pytest.raises(SideError, match=r"is neither in the cache nor in a remote|has another data/source"):
        head._fetch_source()
        head._check_source()
    (base.folder / table).chmod(0o644)
    (base.folder / table).write_text("forged")  # as the cache may have it
    with pytest.raises(SideError, match=r"has another data/source/table\.csv here than its pointer"):
        base._check_source()


def refuse_forged_reviews(clone: Path) -> None:
    """Anybody can write metrics/review.json: a file of another form is no review."""
    content = json.loads((clone / FILE).read_text())
    review = content["review"]
    base = Side("base", git(clone, "rev-parse", "origin/change~2"))
    forged_reviews: list[object] = [None, [], "same", {"word": "same"}, {**review, "word": "good"}]
    forged_reviews += [{**review, "word": ["same"]}, {**review, "word": "\ud800"}, {**review, "why": "\ud800"}]
    forged_reviews += [{**review, name: 7} for name in ("slices", "floors", "metrics", "data_changes", "changed_kinds")]
    forged_reviews += [{key: review[key] for key in review if key != name} for name in ("why", "word", "base_commit")]
    forged_reviews += [{**review, "slices": [{"is_blocking": True}]}, {**review, "version": 1}]
    forged_comparisons = [{"base_error": 10**400}, {"trivial_error": "0.1"}, {"verdict": None}]
    forged_reviews += [{**review, "comparison": review["comparison"] | forgery} for forgery in forged_comparisons]
    forgeries = [None, [], "same", *({**content, "review": forged_review} for forged_review in forged_reviews)]
    for forgery in forgeries:
        (clone / FILE).write_text(json.dumps(forgery))
        git(clone, "commit", "-qam", "forged")
        result = read_author_review(base, Side("head", git(clone, "rev-parse", "HEAD")))
        assert result.why.startswith("no data. Run CI where the data is"), forgery
        assert not result.is_computed_by_author
    git(clone, "commit", "-q", "--allow-empty", "-m", "trust\n\nAccept: author: me")
    _, (first, *_), _ = run_review(clone, "origin/change~2")
    assert first.startswith("cannot tell")


def test_where_ci_holds_no_data_the_authors_review_counts_when_it_is_of_these_files_and_accepted(
    private: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(private, "checkout", "-q", "-f", "-B", "change", "pointer")
    (private / "params.yaml").write_text(yaml.safe_dump(PARAMS | {"model": MODEL | {"arguments": {"C": 0.9}}}))
    run_module(private, "plumbline", "repro")
    git(private, "add", "-A")
    git(private, "commit", "-qm", "a change")
    run_review(private, "pointer", "--keep")
    git(private, "add", "metrics/review.json")
    git(private, "commit", "-qm", "my review")
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(private), str(clone))
    _, _, result = run_review(clone, "origin/change~2", code=1)
    assert (result.is_computed_by_author, open_names(result)) == (True, ["author"])
    assert result.word in ("same", "cannot tell")
    assert result.comparison is not None
    git(clone, "commit", "-q", "--allow-empty", "-m", "trust\n\nAccept: author: the data may not leave the ward")
    _, _, result = run_review(clone, "origin/change~2")
    assert result.reasons[0].acceptance.why == "the data may not leave the ward"
    monkeypatch.chdir(clone)
    refuse_forged_reviews(clone)
    git(clone, "reset", "-q", "--hard", "origin/change")
    (clone / "src/model.py").open("a").write("# another file\n")
    git(clone, "commit", "-qam", "one more")
    _, (first, *_), result = run_review(clone, "origin/change~2", code=1)
    assert first.startswith("cannot tell")
    assert "is of other files than these" in result.why
    assert not result.is_computed_by_author

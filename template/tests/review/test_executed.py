"""The committed run is executed again where it is not base's, and what was forged shows."""

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from plumbline.review.author import KEPT, of_author
from plumbline.review.executed import executed
from plumbline.review.gate import Untouched, lock
from plumbline.review.sides import Side
from plumbline.testing.projects import environment
from template.tests.review.conftest import MODEL, PARAMS, git, review

pytestmark = pytest.mark.slow


def command(folder: Path, *words: str) -> None:
    ran = subprocess.run([sys.executable, "-m", *words], cwd=folder, capture_output=True, encoding="utf-8",
                         env=environment(PYTHONPATH=""))  # fmt: skip
    assert ran.returncode == 0, ran.stderr


@pytest.fixture(scope="module")
def run(repository: Path) -> Path:
    """The project with DVC, a committed run on `run`, and on `next` one of another model."""
    git(repository, "checkout", "-q", "-f", "-B", "run", "base")
    command(repository, "dvc", "init", "-q")
    command(repository, "dvc", "config", "core.analytics", "false")
    for branch, model in (("run", MODEL), ("next", MODEL | {"arguments": {"C": 0.5, "max_iter": 200}})):
        git(repository, "checkout", "-q", "-B", branch)
        (repository / "params.yaml").write_text(yaml.safe_dump(PARAMS | {"model": model}))
        command(repository, "plumbline", "repro")
        git(repository, "add", "-A")
        git(repository, "commit", "-qm", branch)
    return repository


def found(run: Path, monkeypatch: pytest.MonkeyPatch, base: str = "run") -> tuple[dict, list[str], list[str]]:
    """What was executed, names of the reasons, notes; the cache is there and no remote is."""
    monkeypatch.chdir(run)
    head = Untouched("head", git(run, "rev-parse", "HEAD"))
    head.bring()
    stated, _ = lock(head)
    told, reasons, notes = executed(Side("base", git(run, "rev-parse", base)), head)
    return told, [each["name"] for each in (*stated, *reasons)], notes


def forge(run: Path, path: str, change) -> None:
    """A file in git and its hash in dvc.lock, as one who knows DVC would."""
    old = (run / path).read_bytes()
    (run / path).write_bytes(new := change(old))
    lock_file = run / "dvc.lock"
    hashes = [hashlib.md5(each, usedforsecurity=False).hexdigest() for each in (old, new)]
    lock_file.write_text(lock_file.read_text().replace(*hashes).replace(f"size: {len(old)}\n", f"size: {len(new)}\n"))
    git(run, "commit", "-qam", f"forged {path}")


def test_an_honest_run_is_executed_from_where_it_differs_and_is_the_same(run: Path, monkeypatch) -> None:
    git(run, "checkout", "-q", "-f", "-B", "work", "next")
    told, names, notes = found(run, monkeypatch)
    assert told["stages"] == ["train", "evaluate", "package"]
    assert (told["differ"], names, notes) == ([], [], [])
    assert {"data/model.skops", "metrics/metrics.json", "dist"} <= {*told["identical"]}
    told, names, _ = found(run, monkeypatch, "next")
    assert (told["stages"], names) == ([], [])


def test_without_cache_and_remote_all_is_executed_from_nothing(run: Path, monkeypatch) -> None:
    git(run, "checkout", "-q", "-f", "-B", "work", "next")
    (run / ".dvc/cache").rename(run / "away")
    told, names, _ = found(run, monkeypatch)
    shutil.rmtree(run / ".dvc/cache")
    (run / "away").rename(run / ".dvc/cache")
    assert (told["differ"], names) == ([], [])
    assert "metrics/metrics.json" in told["identical"]


def test_forged_metrics_are_found_with_and_without_a_forged_lock(run: Path, monkeypatch) -> None:
    def better(old: bytes) -> bytes:
        kept = json.loads(old)
        return (json.dumps(kept | {"log_loss": kept["log_loss"] / 2}) + "\n").encode()

    git(run, "checkout", "-q", "-f", "-B", "work", "next")
    forge(run, "metrics/metrics.json", better)
    told, names, _ = found(run, monkeypatch)
    assert names == ["metrics"], "all hashes agree: nothing but the run itself tells"
    assert (told["metrics_differ"][0]["file"], told["metrics_differ"][0]["key"]) == ("metrics/metrics.json", "log_loss")
    git(run, "checkout", "-q", "-f", "-B", "work", "next")
    (run / "metrics/metrics.json").write_bytes(better((run / "metrics/metrics.json").read_bytes()))
    git(run, "commit", "-qam", "metrics alone")
    assert "lock" in found(run, monkeypatch)[1]


def test_a_forged_card_is_found_though_it_is_no_json(run: Path, monkeypatch) -> None:
    git(run, "checkout", "-q", "-f", "-B", "work", "next")
    forge(run, "metrics/model-card.md", lambda old: old + b"It is the best of all.\n")
    told, names, _ = found(run, monkeypatch)
    assert names == ["metrics"]
    assert told["metrics_differ"] == [
        {"file": "metrics/model-card.md", "key": "", "committed": "a text", "executed": "another"}
    ]


def test_what_is_no_json_or_no_lock_is_found_without_a_traceback(run: Path, monkeypatch) -> None:
    git(run, "checkout", "-q", "-f", "-B", "work", "next")
    forge(run, "metrics/metrics.json", lambda old: b"all is well\n")
    told, names, _ = found(run, monkeypatch)
    assert names == ["metrics"]
    assert told["metrics_differ"][0]["file"] == "metrics/metrics.json"
    for entry in ("all is well", ["train"], {"cmd": "python -m src.stages.train", "outs": [7, {"path": [1]}]}):
        git(run, "checkout", "-q", "-f", "-B", "work", "next")
        content = yaml.safe_load((run / "dvc.lock").read_text())
        content["stages"]["train"] = entry
        (run / "dvc.lock").write_text(yaml.safe_dump(content))
        git(run, "commit", "-qam", "no entry")
        _, names, _ = found(run, monkeypatch, "next")  # the other entries are those of base
        assert set(names) == {"lock"}, entry


def test_a_model_of_other_bytes_alone_is_a_note(run: Path, monkeypatch) -> None:
    """As on another processor: dvc.lock has another hash of the model, and the numbers are the same."""
    git(run, "checkout", "-q", "-f", "-B", "work", "next")
    content = yaml.safe_load((run / "dvc.lock").read_text())
    ours = next(out["md5"] for out in content["stages"]["train"]["outs"] if out["path"] == "data/model.skops")
    (run / "dvc.lock").write_text((run / "dvc.lock").read_text().replace(ours, "0" * 32))
    git(run, "commit", "-qam", "another processor")
    told, names, notes = found(run, monkeypatch)
    assert (told["differ"], names) == (["data/model.skops"], [])
    assert notes == ["run again: other bytes, the same numbers: data/model.skops"]


def test_a_run_that_cannot_be_repeated_is_said_with_its_own_line(run: Path, monkeypatch) -> None:
    git(run, "checkout", "-q", "-f", "-B", "work", "next")
    (run / "src/features.py").write_text("def features(rows):\n    return rows.no_such\n")
    (run / "dvc.lock").write_text((run / "dvc.lock").read_text().replace("python -m", "python  -m"))
    git(run, "commit", "-qam", "broken")
    _, names, _ = found(run, monkeypatch)
    assert set(names) == {"lock"}


@pytest.fixture
def private(repository: Path, tmp_path: Path) -> Path:
    """The project with its source behind a pointer, in the cache of this clone and nowhere else."""
    folder = tmp_path / "private"
    git(tmp_path, "clone", "-q", str(repository), str(folder))
    git(folder, "checkout", "-q", "-B", "private", "base")
    git(folder, "rm", "-q", "--cached", "data/source/table.csv")
    git(folder, "commit", "-qm", "the table leaves git")
    command(folder, "dvc", "init", "-q")
    command(folder, "dvc", "add", "-q", "data/source/table.csv")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "a pointer")
    git(folder, "tag", "pointer")
    return folder


def test_a_table_behind_a_pointer_comes_from_the_cache_wherever_it_lies(
    private: Path, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.chdir(private)
    Path(".dvc/cache").rename(tmp_path / "cache")
    command(private, "dvc", "cache", "dir", "--local", "-q", str(tmp_path / "cache"))
    Path("data/source/table.csv").unlink()
    head = Side("head", git(private, "rev-parse", "HEAD"))
    head.bring()
    head._bring_source()
    assert (head.folder / "data/source/table.csv").is_file()
    assert not Path(".dvc/cache").exists()


def forge_reviews(clone: Path) -> None:
    """Anybody can write metrics/review.json: what cannot be told from it is no review."""
    kept = json.loads((clone / KEPT).read_text())
    base = Side("base", git(clone, "rev-parse", "origin/change~2"))
    forged: list[object] = [None, [], "same", {"word": "same"}, {**kept, "word": "good"}, {**kept, "word": ["same"]}]
    forged += [{**kept, name: 7} for name in ("slices", "floors", "metrics", "data", "changed")]
    forged += [{key: kept[key] for key in kept if key != lost} for lost in ("why", "slices", "base", "low")]
    forged += [{**kept, "slices": [{"blocks": True}]}, {**kept, "base": 10**400}, {**kept, "trivial": "0.1"}]
    for each in forged:
        (clone / KEPT).write_text(json.dumps(each))
        git(clone, "commit", "-qam", "forged")
        result = of_author(base, Side("head", git(clone, "rev-parse", "HEAD")))
        assert result["why"].startswith("no data. Run CI where the data is"), each
        assert "computed_by" not in result
    git(clone, "commit", "-q", "--allow-empty", "-m", "trust\n\nAccept: author: me")
    (_, first, *_), _ = review(clone, "origin/change~2")
    assert first.startswith("cannot tell")


def test_where_ci_holds_no_data_the_authors_review_counts_when_it_is_of_these_files_and_accepted(
    private: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(private, "checkout", "-q", "-f", "-B", "change", "pointer")
    (private / "params.yaml").write_text(yaml.safe_dump(PARAMS | {"model": MODEL | {"arguments": {"C": 0.9}}}))
    command(private, "plumbline", "repro")
    git(private, "add", "-A")
    git(private, "commit", "-qm", "a change")
    review(private, "pointer", "--keep")
    git(private, "add", "metrics/review.json")
    git(private, "commit", "-qm", "my review")
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(private), str(clone))
    _, result = review(clone, "origin/change~2", code=1)
    assert (result["computed_by"], result["red"]) == ("author", ["author"])
    assert result["word"] in ("same", "cannot tell")
    assert "difference" in result
    git(clone, "commit", "-q", "--allow-empty", "-m", "trust\n\nAccept: author: the data may not leave the ward")
    _, result = review(clone, "origin/change~2")
    assert result["reasons"][0]["accepted"]["why"] == "the data may not leave the ward"
    monkeypatch.chdir(clone)
    forge_reviews(clone)
    git(clone, "reset", "-q", "--hard", "origin/change")
    (clone / "src/model.py").open("a").write("# another file\n")
    git(clone, "commit", "-qam", "one more")
    (_, first, *_), result = review(clone, "origin/change~2", code=1)
    assert first.startswith("cannot tell")
    assert "is of other files than these" in result["why"]
    assert "computed_by" not in result

"""What a review does where another commit has another package, another contract with a review, or none."""

import inspect
import shutil
from pathlib import Path

import pytest
import yaml

from plumbline import contract
from plumbline.commands.review import ROLE
from plumbline.review.judge import OPINION
from plumbline.review.result.checks import SecondOpinion
from plumbline.review.result.review import Review
from plumbline.review.result.wire import encode
from plumbline.review.sides import JUDGES
from template.tests.review.conftest import MODEL, Commit, git, open_names, run_review


def test_a_base_from_before_the_package_cannot_tell_with_a_plain_reason(repository: Path) -> None:
    git(repository, "checkout", "-q", "-f", "-B", "before", "base")
    shutil.rmtree(repository / "plumbline")
    pipeline = yaml.safe_load((repository / "dvc.yaml").read_text())
    for stage in pipeline["stages"].values():
        stage["params"] = [key for key in stage["params"] if isinstance(key, str)]
    (repository / "dvc.yaml").write_text(yaml.safe_dump(pipeline))
    git(repository, "commit", "-qam", "before the package")
    before = git(repository, "rev-parse", "HEAD")
    git(repository, "checkout", "-q", "base", "--", ".")
    git(repository, "commit", "-qam", "the package")
    _, lines, result = run_review(repository, before)
    assert lines[0] == "cannot tell"
    assert "Traceback" not in "".join(lines)
    why = "base has no review code that can read head. The review code of head gives: cannot tell: base ("
    assert result.why.startswith(why)
    assert "has no package plumbline that can run: requirements.lock has no pin of plumbline-ml" in result.why
    assert "clearly better than the trivial baseline" in result.why


def review_forgery(repository: Path, path: str, old: str, new: str) -> Review:
    """Review a head with another text in a file of the package and the src/versions.json of base."""
    file = repository / path
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new, 1))
    git(repository, "commit", "-qam", "forged")
    assert "src/versions.json" not in git(repository, "diff", "--name-only", "base", "HEAD")
    return run_review(repository)[2]


def test_other_code_under_the_digests_of_base_is_measured(repository: Path, commit_change: Commit) -> None:
    commit_change()
    result = review_forgery(repository, "plumbline/training/recipe.py", '"""', '"""Forged. ')
    assert (result.word, result.changed_kinds) == ("same", ("code",))
    assert result.comparison.verdict.difference == 0, "measured, not called identical"


def test_another_review_is_measured_and_its_predictions_are_the_same(repository: Path, commit_change: Commit) -> None:
    commit_change()
    result = review_forgery(repository, "plumbline/review/gate.py", '"""Why a review', '"""Why one review')
    assert (result.word, result.why) == ("same", "the predictions are identical")
    assert result.second_opinion.word == "same"


@pytest.mark.parametrize("side", ["base", "head"])
def test_another_contract_cannot_tell(repository: Path, commit_change: Commit, side: str) -> None:
    """Of head it is red too, unless it is accepted or the template gives its wheel."""
    commit_change(model=MODEL | {"arguments": {"C": {"base": 0.7, "head": 0.6}[side]}})  # what no other test measured
    code = (repository / "plumbline/contract.py").read_text()
    newer_code = code.replace("CONTRACT = fitted_model.CONTRACT", "CONTRACT = 99")
    assert newer_code != code
    for text in (newer_code, code) if side == "base" else (code, newer_code):
        (repository / "plumbline/contract.py").write_text(text)
        git(repository, "commit", "-q", "--allow-empty", "-am", "contract")
    (repository / "src/model.py").open("a").write("# another recipe\n")
    git(repository, "commit", "-qam", "another recipe")
    # Base's review is of base's contract: where head's judges, it is of head's.
    is_base = side == "base"
    _, lines, result = run_review(repository, "HEAD~2", role="base" if is_base else None, code=0 if is_base else 1)
    assert result.word == "cannot tell"
    assert "does not support: its contract with a review is version" in result.why, lines
    assert ("clearly better than the trivial baseline" in result.why) == is_base
    assert open_names(result) == ([] if is_base else ["incomparable"])


def test_the_names_that_reviews_of_older_commits_use_stay() -> None:
    """A review of another version starts this one and is started by it."""
    assert ROLE == "REVIEW_BY_BASE"
    assert OPINION.as_posix() == ".review/of-head.json"
    assert encode(SecondOpinion(word="same", why="x")) == {"word": "same", "why": "x"}
    assert JUDGES[:2] == ("plumbline/commands/review.py", "plumbline/review")
    assert issubclass(contract.Refusal, Exception)
    assert {"read_rows", "read_other_rows", "fit", "scores", "predict", "CONTRACT"} < {*dir(contract)}
    assert [*inspect.signature(contract.fit).parameters] == ["features", "seed"]

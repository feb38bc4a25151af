"""What a review does where another commit has another package, another contract with a review, or none."""

import shutil
from pathlib import Path

import pytest
import yaml

from template.tests.review.conftest import MODEL, Change, git, review


def test_a_base_from_before_the_package_cannot_tell_with_a_plain_reason(repository: Path) -> None:
    git(repository, "checkout", "-q", "-f", "-B", "before", "base")
    shutil.rmtree(repository / "plumbline")
    pipeline = yaml.safe_load((repository / "dvc.yaml").read_text())
    for stage in pipeline["stages"].values():
        stage["params"] = [each for each in stage["params"] if isinstance(each, str)]
    (repository / "dvc.yaml").write_text(yaml.safe_dump(pipeline))
    git(repository, "commit", "-qam", "before the package")
    before = git(repository, "rev-parse", "HEAD")
    git(repository, "checkout", "-q", "base", "--", ".")
    git(repository, "commit", "-qam", "the package")
    lines, result = review(repository, before)
    assert lines[1] == "cannot tell"
    assert "Traceback" not in "".join(lines)
    assert result["why"].startswith("base has no review, so head's own judged, which says: cannot tell: base (")
    assert "has no plumbline/contract.py, by which a review asks a commit: it is from before there" in result["why"]
    assert "clearly better than the trivial model" in result["why"]


def forged(repository: Path, path: str, old: str, new: str) -> dict:
    """Head with another text in a file of the package, beside it the src/versions.json of base; the result."""
    file = repository / path
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new, 1))
    git(repository, "commit", "-qam", "forged")
    assert "src/versions.json" not in git(repository, "diff", "--name-only", "base", "HEAD")
    return review(repository)[1]


def test_other_code_under_the_digests_of_base_is_measured(repository: Path, changed: Change) -> None:
    changed()
    result = forged(repository, "plumbline/training/recipe.py", '"""', '"""Forged. ')
    assert (result["word"], result["changed"]) == ("same", ["code"])
    assert result["difference"] == 0, "measured, not called identical"


def test_another_review_is_the_same_recipe(repository: Path, changed: Change) -> None:
    changed()
    result = forged(repository, "plumbline/review/moved.py", '"""What moved it', '"""What has moved it')
    assert (result["word"], "difference" in result) == ("same", False)
    assert result["why"].endswith("of the recipe are identical")
    assert result["evaluator"]["word"] == "same"


@pytest.mark.parametrize("side", ["base", "head"])
def test_another_contract_cannot_tell(repository: Path, changed: Change, side: str) -> None:
    """Of head, too: else no pull request could raise it."""
    changed(model=MODEL | {"arguments": {"C": {"base": 0.7, "head": 0.6}[side]}})  # what no other test measured
    code = (repository / "plumbline/contract.py").read_text()
    other = code.replace("CONTRACT = prediction.CONTRACT", "CONTRACT = 99")
    assert other != code
    for text in (other, code) if side == "base" else (code, other):
        (repository / "plumbline/contract.py").write_text(text)
        git(repository, "commit", "-q", "--allow-empty", "-am", "contract")
    (repository / "src/model.py").open("a").write("# another recipe\n")
    git(repository, "commit", "-qam", "another recipe")
    # Base's review is of base's contract: where head's judges, it is of head's.
    lines, result = review(repository, "HEAD~2", by="base" if side == "base" else None)
    assert result["word"] == "cannot tell"
    assert "cannot be asked: its contract with a review is version" in result["why"], lines
    assert ("clearly better than the trivial model" in result["why"]) == (side == "base")
    assert result["red"] == []

"""Which commits git's history gives a review: the merge base, and the last release."""

from pathlib import Path

import pytest

from plumbline.errors import PlumblineError
from plumbline.review.changes import find_release
from plumbline.review.commits import Commit
from plumbline.review.sides import find_merge_base
from template.tests.review.conftest import git


@pytest.fixture
def project(repository: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project with the commits base, base-2 and base-3, one after the other."""
    monkeypatch.chdir(repository)
    git(repository, "checkout", "-q", "-f", "--detach", "base")
    if tags := git(repository, "tag", "--list", "*@v*", "base-*").split():
        git(repository, "tag", "-d", *tags)
    for name in ("base-2", "base-3"):
        git(repository, "commit", "-q", "--allow-empty", "-m", name)
        git(repository, "tag", name)
    return repository


def _hash(folder: Path, name: str) -> str:
    return git(folder, "rev-parse", f"{name}^{{commit}}")


def test_the_last_release_is_found_by_the_name_that_its_tag_has_now(project: Path) -> None:
    head = Commit("base", _hash(project, "base-3"))
    (name,) = head.pipeline["artifacts"]
    assert find_release(head) is None
    git(project, "tag", f"{name}@v1", "base")
    git(project, "tag", "-a", "-m", "x", "typo@v2", "base-2")
    assert find_release(head).name == f"{name}@v1"
    git(project, "tag", f"{name}@v2", "typo@v2")
    git(project, "tag", "-d", "typo@v2")
    release = find_release(head)
    assert (release.name, release.commit) == (f"{name}@v2", _hash(project, "base-2"))


def test_a_release_beside_the_history_is_none(project: Path) -> None:
    (name,) = Commit("base", _hash(project, "base")).pipeline["artifacts"]
    git(project, "tag", f"{name}@v1", "base-3")
    assert find_release(Commit("base", _hash(project, "base-2"))) is None


def test_branches_that_were_merged_into_each_other_need_a_merge_first(project: Path) -> None:
    for name in ("a", "b"):
        git(project, "checkout", "-q", "-B", name, "base-3")
        git(project, "commit", "-q", "--allow-empty", "-m", name)
    start = _hash(project, "a")
    git(project, "checkout", "-q", "a")
    git(project, "merge", "-q", "-m", "x", "b")
    git(project, "checkout", "-q", "b")
    assert find_merge_base("a").commit == _hash(project, "b")
    git(project, "merge", "-q", "--no-ff", "-m", "x", start)
    with pytest.raises(PlumblineError, match="have 2 merge bases") as error:
        find_merge_base("a")
    assert error.value.hint.endswith("git merge a")
    git(project, "merge", "-q", "-m", "x", "a")
    assert find_merge_base("a").commit == _hash(project, "a")

"""Whether the template gives the wheel of head, and what is said of another package."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from plumbline.machinery import wheel_path
from plumbline.process import git
from plumbline.review.gate import find_reasons
from plumbline.review.machinery_change import compare_machinery
from plumbline.review.result.review import Review
from plumbline.review.sides import Side
from template.tests.review.wheels import CHANGELOG, bump, checked_out, commit, find_change
from template.zoo.wheels import edit_wheel

BUILD = 'import shutil, sys, os\nos.makedirs(sys.argv[1])\nshutil.copy("{0}", sys.argv[1])\n'


def write_state(template: Path | str, revision: str) -> None:
    Path(".cruft.json").write_text(json.dumps({"template": str(template), "commit": revision}))


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """A template whose commit builds the wheel that the project has then."""
    folder = tmp_path / "template"
    (folder / "template/bake").mkdir(parents=True)
    git("init", "-q", cwd=folder)
    return folder


def release(template: Path) -> str:
    """Commit a template that builds the wheel in vendor/ of this folder; return its hash."""
    name = wheel_path().name
    shutil.copyfile(wheel_path(), template / name)
    (template / "template/bake/wheel.py").write_text(BUILD.format(name))
    git("add", "-A", cwd=template)
    git("-c", "user.name=x", "-c", "user.email=x", "commit", "-qm", "x", cwd=template)
    return git("rev-parse", "HEAD", cwd=template).strip()


def test_a_change_is_announced_with_versions_and_what_the_changelog_says(base: Side, template: Path) -> None:
    write_state(template, release(template))
    linked = Side("base", commit("linked").commit)
    assert compare_machinery(checked_out(linked), checked_out(commit("other things"))) is None
    entries = "- A new\n  metric.\n- <img src=x>\u202e" + "y" * 999 + "\n- Three.\n- Four.\n"
    edit_wheel(Path(), {CHANGELOG: ("- The first", f"{entries}- The first")}, version="0.3.0")
    write_state(template, release(template))
    change = find_change(linked, commit())
    assert [version.partition("+c")[0] for version in (change.base or "", change.head or "")] == ["0.2.0", "0.3.0"]
    assert change.changelog[0] == "A new metric."
    assert change.changelog[1].startswith("<img src=x>\ufffdyyy")
    assert [len(entry) for entry in change.changelog[1:]] == [160, 6]
    assert change.omitted_count == 1
    assert (change.is_rebuilt, change.why) == (
        True,
        "the template's commit gives the same bytes as the wheel of head",
    )


def test_a_wheel_that_the_template_does_not_give_is_a_reason(base: Side, template: Path) -> None:
    write_state(template, release(template))
    linked = Side("base", commit("linked").commit)
    head = bump(**{"plumbline/review/one.py": ("", "lie = 1\n")})
    change = find_change(linked, head)
    assert (change.is_rebuilt, change.changelog) == (False, ())
    review = Review(word="same", why="", base_commit="", head_commit="", machinery_change=change)
    assert [reason.name for reason in find_reasons(review, linked)] == ["machinery"]


def use_another_template(template: Path) -> None:
    write_state(template.parent / "another", git("rev-parse", "HEAD", cwd=template).strip())


def name_a_dangling_commit(template: Path) -> None:
    revision = release(template)
    git("reset", "-q", "--hard", "HEAD~1", cwd=template)
    write_state(template, revision)


def build_nothing(template: Path) -> None:
    (template / "template/bake/wheel.py").write_text("")
    git("-c", "user.name=x", "-c", "user.email=x", "commit", "-qam", "x", cwd=template)
    write_state(template, git("rev-parse", "HEAD", cwd=template).strip())


def test_where_nobody_can_build_it_that_is_said_and_is_no_reason(base: Side, template: Path) -> None:
    write_state(template, release(template))
    linked = Side("base", commit("linked").commit)
    edit_wheel(Path(), {}, version="0.3.0")
    shutil.rmtree(template)
    change = find_change(linked, commit())
    assert change.is_rebuilt is None
    words = "nobody compared the wheel with the template: the template that base names cannot be cloned"
    assert change.why.startswith(words)
    review = Review(word="same", why="", base_commit="", head_commit="", machinery_change=change)
    assert [*find_reasons(review, linked)] == []


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (use_another_template, "head names another template than base"),
        (name_a_dangling_commit, "which head names, is on no branch and no tag of the template"),
        (build_nothing, "of the template builds no wheel"),
        (lambda template: write_state(template, "--help"), "head's .cruft.json names no commit"),
        (lambda template: Path(".cruft.json").write_text("[" * 9999), "head has no .cruft.json"),
    ],
)
def test_a_head_that_does_not_say_what_its_wheel_is_made_from_is_a_reason(
    base: Side, template: Path, spoil: Callable[[Path], object], words: str
) -> None:
    write_state(template, release(template))
    linked = Side("base", commit("linked").commit)
    edit_wheel(Path(), {}, version="0.3.0")
    spoil(template)
    change = find_change(linked, commit())
    assert change.is_rebuilt is False
    assert change.why.startswith("the wheel of head cannot be compared with the template: ")
    assert words in change.why
    review = Review(word="same", why="", base_commit="", head_commit="", machinery_change=change)
    assert [reason.name for reason in find_reasons(review, linked)] == ["machinery"]

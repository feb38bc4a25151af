"""Base and head with another package plumbline each, as a wheel or as a folder: which one runs, and what is said."""

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from plumbline.commands.review import _can_judge, _refuse_prepared_files
from plumbline.errors import ProjectError
from plumbline.machinery import wheel_path
from plumbline.process import git
from plumbline.review.changes import describe_changes, list_changed_kinds
from plumbline.review.commits import SideError
from plumbline.review.gate import find_reasons
from plumbline.review.machinery_change import compare_machinery
from plumbline.review.result.changes import MachineryChange
from plumbline.review.result.review import Review
from plumbline.review.sides import JUDGES, Side
from plumbline.testing.projects import ROOT
from template.zoo.wheels import build_wheel, edit_wheel, write_wheel

VERSION = "import plumbline; print(plumbline.__version__)"
PACKAGE = {
    "plumbline/__init__.py": '__version__ = "0.2.0"\n',
    "plumbline/docs/changelog.md": "# Changelog\n\n## 0.2\n\n- The first entry.\n",
    **{name if name.endswith(".py") else f"{name}/one.py": "" for name in JUDGES if name.startswith("plumbline/")},
    "plumbline/machinery.py": "",
}
BUILD = 'import shutil, sys, os\nos.makedirs(sys.argv[1])\nshutil.copy("{0}", sys.argv[1])\n'
CHANGELOG = "plumbline/docs/changelog.md"


def commit(message: str = "x") -> Side:
    git("add", "-A")
    git("-c", "user.name=x", "-c", "user.email=x", "commit", "-q", "--allow-empty", "-m", message)
    return Side("head", git("rev-parse", "HEAD").strip())


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Side:
    """A commit whose package is a tiny wheel; the project is the working directory."""
    folder = tmp_path / "project"
    (folder / "src/stages").mkdir(parents=True)
    monkeypatch.chdir(folder)
    for name in ("pyproject.toml", "requirements.lock"):
        shutil.copyfile(ROOT / name, name)
    Path("src/stages/evaluate.py").touch()
    Path(".gitignore").write_text(".review\n")
    Path("params.yaml").write_text("data: {source: a.csv}\n")
    Path("dvc.yaml").write_text("stages: {ingest: {cmd: x, params: [{src/versions.json: [evaluate]}]}}\n")
    write_wheel(folder, *build_wheel({name: text.encode() for name, text in PACKAGE.items()}))
    git("init", "-q")
    return Side("base", commit().commit)


def bump(**edits: tuple[str, str]) -> Side:
    """Commit a wheel of version 0.3.0 with another text in some files."""
    edit_wheel(Path(), edits, version="0.3.0")
    return commit()


def write_folder(files: dict[str, str]) -> None:
    for name, text in files.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text, encoding="utf-8")


def checked_out(side: Side) -> Side:
    side.check_out()
    return side


def run_version(side: Side) -> str:
    return side.run([sys.executable, "-c", VERSION]).strip()


def test_each_side_runs_its_own_package_and_never_one_below_the_project(base: Side) -> None:
    head = bump()
    write_folder({"plumbline/__init__.py": '__version__ = "of this folder"\n'})
    for side, version in ((base, "0.2.0"), (head, "0.3.0")):
        side.check_out()
        assert run_version(side) == version
        assert not side.machinery.resolve().is_relative_to(Path.cwd().resolve())
        first, second = side.environment()["PYTHONPATH"].split(os.pathsep)
        assert (first, second) == (str(side.machinery), str(side.folder.absolute()))


def test_a_folder_of_a_commit_comes_before_its_wheel_as_after_eject(base: Side) -> None:
    write_folder(PACKAGE | {"plumbline/__init__.py": '__version__ = "0.2.1"\n'})
    head = checked_out(commit("ejected"))
    assert run_version(head) == "0.2.1"
    assert head.environment()["PYTHONPATH"] == str(head.folder.absolute())


def damage(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1] + b"x")


def replace_by_text(path: Path) -> None:
    write_wheel(Path(), "0.2.0+cabc", b"no zip")


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (damage, "does not have the hash that requirements.lock has for it"),
        (Path.unlink, "is not there, which requirements.lock names"),
        (replace_by_text, "the wheel in vendor/ cannot be unpacked"),
        (lambda path: Path("requirements.lock").unlink(), "requirements.lock has no pin of plumbline-ml"),
    ],
)
def test_a_wheel_that_is_not_that_of_the_lock_is_one_line_and_runs_nothing(
    base: Side, edit: Callable[[Path], None], words: str
) -> None:
    edit(wheel_path())
    head = checked_out(commit())
    for ask in (head.environment, lambda: head.recipe_digest("ingest")):
        with pytest.raises(SideError, match=r"^head \(.{9}\) has no package plumbline that can run: ") as refusal:
            ask()
        assert words in refusal.value.message
        assert not _can_judge(head, base)


def test_a_new_machinery_alone_needs_no_other_environment_and_is_no_other_library(base: Side) -> None:
    head = bump()
    assert (base.python, head.python) == (sys.executable, sys.executable)
    assert list_changed_kinds(base, head) == ("machinery",)
    review = describe_changes(base, head, word="same", why="")
    assert review.changed_files.first_paths == ("requirements.lock", "pyproject.toml")
    lock = Path("requirements.lock")
    lock.write_text(lock.read_text().replace("\nnumpy==", "\nnumpy==1", 1))
    assert list_changed_kinds(head, commit("numpy")) == ("versions",)


def test_other_libraries_are_an_environment_of_its_own(base: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []
    monkeypatch.setattr(Side, "run", lambda self, command: commands.append(command))
    lock = Path("requirements.lock")
    lock.write_text(lock.read_text().replace("\nnumpy==", "\nnumpy==1", 1))
    head = commit("numpy")
    assert head.python == sys.executable
    assert Path(base.python).is_relative_to(base.folder.absolute())
    assert commands == [[sys.executable, "-m", "src.environment"]]


def test_the_code_that_reviews_is_compared_whatever_form_it_has(base: Side) -> None:
    other = bump(**{"plumbline/review/one.py": ("", "more = 1\n")})
    git("checkout", "-q", base.commit)
    shutil.rmtree("vendor")
    write_folder(PACKAGE)
    folder = commit("the same, as a folder")
    write_folder({"plumbline/pipeline/evaluate.py": "more = 1\n"})
    edited = commit("an edit")
    digests = [checked_out(side).review_digest() for side in (base, other, folder, edited)]
    assert digests[0] == digests[2]
    assert len({*digests}) == 3


def test_a_base_judges_head_where_it_can_read_the_form_of_head(base: Side) -> None:
    head = bump()
    assert _can_judge(base, head)
    git("checkout", "-q", base.commit)
    git("rm", "-rq", "vendor")
    old_files = {name: text for name, text in PACKAGE.items() if name != "plumbline/machinery.py"}
    write_folder(old_files)
    before = Side("base", commit("before the wheel").commit)
    assert _can_judge(before, commit("a folder, too"))
    assert not _can_judge(before, head)


@pytest.mark.parametrize("path", [".review/cells/a/0.npz", ".review"])
def test_a_head_with_files_below_the_folder_of_reviews_is_refused(base: Side, path: str) -> None:
    """A link .review/worktrees/BASE to head's own folder would be taken for the worktree of base."""
    _refuse_prepared_files(base)
    shutil.rmtree(".review", ignore_errors=True)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text("forged")
    git("add", "-f", path)
    with pytest.raises(ProjectError, match=r"has \.review/ in git, where a review keeps what it made"):
        _refuse_prepared_files(commit("forged"))


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


def find_change(base: Side, head: Side) -> MachineryChange:
    change = compare_machinery(checked_out(base), checked_out(head))
    assert change
    return change


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


def add_entry(text: str, marker: str = "") -> str:
    """A lock with one more entry of the package, of another version."""
    return f"{text.rstrip()}\nplumbline-ml==9.9.9{marker} \\\n    --hash=sha256:{'0' * 64}\n"


@pytest.mark.parametrize(
    "change_lock",
    [
        add_entry,
        lambda text: add_entry(text, " ; python_version < '3'"),
        lambda text: text + "Plumbline_ML==9.9.9 \\\n    --hash=sha256:00\n",
        lambda text: text.replace("plumbline-ml==0.2.0", "plumbline-ml==9.9.9"),
    ],
)
def test_a_lock_with_another_entry_of_the_package_is_refused(base: Side, change_lock: Callable[[str], str]) -> None:
    lock = Path("requirements.lock")
    lock.write_text(change_lock(lock.read_text(encoding="utf-8")), encoding="utf-8")
    head = checked_out(commit("another entry"))
    with pytest.raises(SideError, match=r"requirements\.lock has"):
        head.machinery  # noqa: B018
    change = find_change(base, head)
    assert change.is_rebuilt is False


def test_a_folder_in_place_of_the_wheel_is_said(base: Side) -> None:
    write_folder(PACKAGE)
    Path("requirements.lock").unlink()  # as before there was a wheel
    change = find_change(base, commit("ejected"))
    assert (change.head, change.is_rebuilt) == ("0.2.0, the folder plumbline/", None)
    assert compare_machinery(*(checked_out(commit(name)) for name in ("one", "two"))) is None

"""Base and head with another package plumbline each, as a wheel or as a folder: which one runs, and what is said."""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from plumbline import machinery
from plumbline.commands.review import _can_judge
from plumbline.machinery import wheel_path
from plumbline.process import git
from plumbline.review.changes import describe_changes, list_changed_kinds
from plumbline.review.commits import SideError
from plumbline.review.interpreters import PLAIN
from plumbline.review.machinery_change import compare_machinery
from plumbline.review.sides import PristineSide, Side
from template.tests.review.wheels import PACKAGE, bump, checked_out, commit, find_change, write_folder
from template.zoo.wheels import build_wheel, write_wheel

LIMIT = 4 * 2**20
VERSION = "import plumbline; print(plumbline.__version__)"


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


def replace_by_bomb(path: Path) -> None:
    write_wheel(Path(), *build_wheel({"plumbline/__init__.py": b'__version__ = "0.2.0"', "x": bytes(2 * LIMIT)}))


def spoil(name: str) -> Callable[[Path], object]:
    return lambda path: Path(name).write_bytes(b"\xff" + Path(name).read_bytes())


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (replace_by_bomb, "the wheel in vendor/ unpacks to 8 MB, expected at most 4"),
        (spoil("requirements.lock"), "requirements.lock is not UTF-8"),
        (spoil("pyproject.toml"), "pyproject.toml cannot be read"),
        (damage, "does not have the hash that requirements.lock has for it"),
        (Path.unlink, "is not there, which requirements.lock names"),
        (replace_by_text, "the wheel in vendor/ cannot be unpacked"),
        (lambda path: Path("requirements.lock").unlink(), "requirements.lock has no pin of plumbline-ml"),
    ],
)
def test_a_wheel_that_is_not_that_of_the_lock_is_one_line_and_runs_nothing(
    base: Side, edit: Callable[[Path], None], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machinery, "MAX_UNPACKED", LIMIT)
    edit(wheel_path())
    head = checked_out(commit())
    with pytest.raises(SideError, match=r"^head \(.{9}\) has no package plumbline that can run: ") as refusal:
        head.environment()
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
    assert commands == [[PLAIN, "-P", "-m", "src.environment"]], "head's libraries would run at its start"
    pristine = PristineSide(base.name, base.commit)
    assert pristine.python == Side(base.name, base.commit, data_from=head).python == base.python


def test_the_environment_of_the_project_serves_head_where_base_judges_in_its_own(
    base: Side, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[list[str]] = []
    monkeypatch.setattr(Side, "run", lambda self, command: commands.append(command))
    lock = Path("requirements.lock")
    lock.write_text(lock.read_text().replace("\nnumpy==", "\nnumpy==1", 1))
    head = commit("numpy")
    base.check_out()
    monkeypatch.setattr(sys, "prefix", str(base.folder / ".venv"))
    assert base.python == sys.executable
    assert Side("head without .venv", head.commit).python.startswith(str(head.folder.absolute()))
    assert len(commands) == 1
    Path(".venv/bin").mkdir(parents=True)
    Path(".venv/bin/python").touch()
    assert head.python == str(Path(".venv/bin/python").absolute())
    lock.write_text(lock.read_text().replace("\nnumpy==", "\nnumpy==2", 1))
    assert Side("head of another lock", commit("numpy 2").commit).python == str(Path(".venv/bin/python").absolute())
    assert Side("head with an old .venv", head.commit).python != str(Path(".venv/bin/python").absolute())
    assert len(commands) == 2
    shutil.copyfile(head.folder / "requirements.lock", ".venv/requirements.lock")  # what it was filled from
    assert Side("head with its lock in .venv", head.commit).python == str(Path(".venv/bin/python").absolute())


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

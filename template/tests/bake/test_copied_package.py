"""A project with a copy of the package in plumbline/ is updated to one with the wheel, as docs/updating.md says."""

import re
import shutil
from pathlib import Path

import pytest

from plumbline import updates
from template.tests.bake.conftest import Tools, git, tree
from template.tests.bake.shell import bake_tag, clone_history, find_commands, find_unmerged, make_in, run_line, solve
from template.tests.bake.test_update import FEATURES, PLOTS, RUN, change, commit, is_yours, update, write
from template.tests.libraries import create_venv

LIBRARY = "lightgbm==4.6.0 \\\n    --hash=sha256:" + "0" * 64 + "\n"
COLOUR = ('"#0072b2"', '"#005a9c"')


@pytest.fixture(scope="module")
def history(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template with the tags v0.1.0, the last commit with a copy of the package, and v0.2.0, this one."""
    clone = clone_history(template, tmp_path_factory.mktemp("history"), "v0.1.0", "template/bake/wheel.py")
    git(clone, "tag", "--force", "v0.2.0")
    return clone


@pytest.fixture
def project(tools: Tools, history: Path, tmp_path: Path) -> Path:
    """A project of v0.1.0 with features, another seed, and a run."""
    project = bake_tag(tools, history, "v0.1.0", tmp_path)
    write(project, "src/features.py", FEATURES)
    change(project, "params.yaml", ("  seed: 0 ", "  seed: 7 "))
    for name, text in RUN.items():
        write(project, name, text)
    commit(project, "Our work")
    return project


def add_library(project: Path) -> None:
    """Add lightgbm to pyproject.toml and, as make lock did, to the lock."""
    change(project, "pyproject.toml", ("dependencies = [\n", 'dependencies = [\n  "lightgbm",\n'))
    lock = (project / "requirements.lock").read_text(encoding="utf-8")
    lock = re.sub(r"\A.*\n", "# dependencies sha256:ours\n", lock)
    write(project, "requirements.lock", re.sub(r"(?m)^(?=lxml|mako|markdown)", LIBRARY, lock, count=1))
    commit(project, "lightgbm")


def test_the_copy_goes_and_what_the_user_wrote_stays(tools: Tools, project: Path) -> None:
    before = tree(project)
    update(tools, project)
    after = tree(project)
    assert find_unmerged(project) == []
    yours = {name for name in before if is_yours(name) and name != "requirements.lock"}
    assert {name: after[name] for name in yours} == {name: before[name] for name in yours}
    assert not [name for name in after if name.startswith("plumbline/") or name.endswith(".rej")]
    (wheel,) = (project / "vendor").iterdir()
    pins = (project / "pyproject.toml").read_text(encoding="utf-8"), (project / "requirements.lock").read_text("utf-8")
    assert all(f"plumbline-ml=={wheel.name.split('-')[1]}" in text for text in pins)
    assert "  seed: 7 " in (project / "params.yaml").read_text(encoding="utf-8")


def test_a_library_of_ones_own_is_a_conflict_that_each_command_names(tools: Tools, project: Path, monkeypatch) -> None:
    add_library(project)
    assert "with conflicts" in update(tools, project)
    assert find_unmerged(project) == ["pyproject.toml", "requirements.lock"]
    for verb in ("repro", "lock"):
        output = make_in(project, verb, code=2)
        assert "ERROR: pyproject.toml has marks of a merge conflict. Keep the lines that the project needs" in output
    solve(project)
    expected = "ERROR: requirements.lock has marks of a merge conflict. Run make lock, then this again"
    assert expected in make_in(project, "repro", code=2)
    monkeypatch.chdir(project)
    (line,) = updates.list_remains()
    assert line.startswith("pyproject.toml is unmerged. ")


@pytest.mark.parametrize("library", [False, True])
def test_a_change_of_the_copy_is_left_and_its_user_is_told_where_it_belongs(
    library: bool, tools: Tools, project: Path, monkeypatch
) -> None:
    if library:
        add_library(project)
    change(project, PLOTS, COLOUR)
    commit(project, "Our colour")
    assert "Retrying" in update(tools, project)
    rest = [path.relative_to(project).as_posix() for path in (project / "plumbline").rglob("*.*")]
    assert rest == [PLOTS]
    if library:
        expected = "Make the changes of pyproject.toml.rej in it by hand, delete that file, then run: make lock"
        assert expected in make_in(project, "repro", code=2)
    monkeypatch.chdir(project)
    *rejects, line = updates.list_remains()
    assert [reject.partition(" has ")[0] for reject in rejects] == (
        ["pyproject.toml.rej", "requirements.lock.rej"] if library else []
    )
    assert line.startswith(f"{PLOTS}: not used, the package is a wheel. ")
    (command,) = re.findall(r"which plumbline eject writes: (git diff \w+ -- plumbline)\. ", line)
    assert f"+MODEL, LINEAR, TRIVIAL, ACCENT = {COLOUR[1]}" in git(project, *command.split()[1:])
    commit(project, "Update")
    assert updates.list_remains() == [*rejects, line]


@pytest.mark.slow
def test_a_project_with_a_copy_runs_as_the_page_says(tools: Tools, project: Path) -> None:
    """With the package index: a library and a change of the package go through the update, step by step."""
    for name in RUN:
        (project / name).unlink()
    change(project, "pyproject.toml", ("dependencies = [\n", 'dependencies = [\n  "lightgbm",\n'))
    change(project, PLOTS, COLOUR)
    commit(project, "Our colour")
    log, save, *undo = find_commands("From 0.1, with")[:4]
    created = git(project, *log.split()[1:]).strip()
    for line in (save, *undo):
        run_line(project, line.replace("COMMIT", created))
    update(tools, project)
    assert find_unmerged(project) == ["pyproject.toml"]
    solve(project)
    output = make_in(project, "lock")  # without a .venv
    assert re.search(r"  added    lightgbm [\d.]+\n", output)
    assert "  added    plumbline-ml" not in output, "the template's lock has it"
    shutil.rmtree(project / ".venv")
    create_venv(project)
    make_in(project, "repro")
    commit(project, "Update from the template")
    assert "in order" in make_in(project, "check")
    eject, *steps = find_commands("From 0.1, with")[5:9]
    for line in (eject, *steps):
        run_line(project, line)
    assert git(project, "diff", "--name-only", "HEAD", "--", "plumbline").split() == [PLOTS]
    output = run_line(project, "dvc repro")
    assert re.findall(r"Running stage '(\w+)'", output) == ["versions", "evaluate"]
    commit(project, "Our colour, again")
    assert "in order" in make_in(project, "check")

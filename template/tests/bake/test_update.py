"""A project that people have worked in follows the template: what they wrote stays, what is new arrives."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from plumbline.testing.projects import ROOT, environment, make_table
from template.tests.bake.conftest import Tools, git, tree
from template.tests.docs.conftest import blocks
from template.tests.libraries import create_venv

YOURS = (
    "data/",
    "metrics/",
    "expectations/",
    "docs/project.yaml",
    "src/features.py",
    "src/model.py",
    "src/versions.json",
    "dvc.lock",
    "requirements.lock",
    "LICENSE",
    ".dvc/config",
)
PAGE, PLOTS, WORKFLOW, RENAMED = "docs/your-model.md", "plumbline/report/plots.py", "ci.yml", "checks.yml"
DELETED = {"docs/your-table.md", "docs/your-features.md", "docs/operating.md"}  # by the user, the template, renamed
FEATURES = '''"""Features of this project."""

import pandas as pd


def features(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(twice=rows["x1"] * 2)
'''
RUN = {"dvc.lock": "schema: '2.0'\n", "metrics/metrics.json": "{}\n", "data/schema.json": "{}\n"}
Make = Callable[..., Path]


def write(folder: Path, name: str, text: str) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8", newline="\n")


def change(folder: Path, name: str, *changes: tuple[str, str]) -> None:
    """Replace what is exactly once in a file."""
    text = (folder / name).read_text(encoding="utf-8")
    for old, new in changes:
        assert text.count(old) == 1, f"{name}: {old!r}"
        text = text.replace(old, new)
    write(folder, name, text)


def commit(folder: Path, message: str) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "-m", message)


def make_second_version(clone: Path) -> None:
    """Change what v2 has and v1 has not: lines near the user's own and elsewhere, a key, a new file, another sample."""
    change(clone, PAGE, ("By parameters, or in", "In v2: by parameters, or in"))
    line = "  shuffle: true  # the rows before they are cut\n"
    change(clone, "params.yaml", ("  threshold: 0.5", f"{line}  threshold: 0.5"))
    key = '    shuffle: bool = _key(True, "true or false", lambda value: isinstance(value, bool))\n'
    change(clone, "plumbline/keys.py", ("    threshold: float", f"{key}    threshold: float"))
    write(clone, "docs/new-in-v2.md", "# What is new?\n")
    change_excluded_files(clone, "v2")


def make_latest_version(clone: Path) -> None:
    """Change what came after v2: the same files again, a renamed page, a deleted one, and the template's own files."""
    change(clone, PAGE, ("\n## A pipeline of your own\n", "\n## A pipeline of your very own\n"))
    change(clone, PLOTS, ('"font.size": 10', '"font.size": 11'), ("MAX_BARS = 15", "MAX_BARS = 16"))
    change(clone, "params.yaml", ("  holdout: 0.2 ", "  holdout: 0.25 "))
    change(clone, "dvc.yaml", ("    desc: model, schema and your two files ->", "    desc: model and schema ->"))
    change(clone, f".github/workflows/{WORKFLOW}", ("timeout-minutes: 45", "timeout-minutes: 50"))
    change(clone, "docs/your-table.md", ("## Formats\n", "## Formats of files\n"))
    git(clone, "mv", "docs/operating.md", "docs/running.md")
    (clone / "docs/your-features.md").unlink()
    write(clone, "template/only.md", "The template's own.\n")
    change_excluded_files(clone, "latest")


def change_excluded_files(clone: Path, name: str) -> None:
    """Change what reaches no project."""
    change(clone, "src/features.py", ("    return rows\n", f"    # {name}\n    return rows\n"))
    change(clone, "src/model.py", ("TRUSTED: tuple", f"# {name}\nTRUSTED: tuple"))
    for path in (
        "data/README.md",
        "data/source/breast-cancer.csv",
        "LICENSE",
        "template/licences/MIT.txt",
        "expectations/behaviour.yaml",
        "docs/project.yaml",
        "dvc.lock",
        "src/versions.json",
        "metrics/model-card.md",
        "requirements.lock",
    ):
        write(clone, path, (clone / path).read_text(encoding="utf-8") + f"# {name}\n")
    change(clone, ".dvc/config", ("[core]\n", f"[core]\n    {name}_key = false\n"))


@pytest.fixture(scope="module")
def releases(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template with the tags v1 and v2 and a commit after them."""
    clone = tmp_path_factory.mktemp("released") / "released.git"
    git(template, "clone", "--quiet", str(template), str(clone))
    git(clone, "tag", "v1")
    for step, tag in ((make_second_version, "v2"), (make_latest_version, "latest")):
        step(clone)
        commit(clone, tag)
        git(clone, "tag", tag)
    return clone


@pytest.fixture
def make(tools: Tools, releases: Path, tmp_path: Path) -> Make:
    """A project of a tag, with the user's own table or the sample."""
    make_table().to_csv(tmp_path / "own.csv", index=False)

    def bake(tag: str, own: bool = True, to: str = "out") -> Path:
        (tmp_path / to).mkdir()
        answers = {"data": str(tmp_path / "own.csv"), "target": "target"} if own else {}
        tools.bake(f"file://{releases}", tmp_path / to, "--checkout", tag, **answers)
        return tmp_path / to / "my-project"

    return bake


def work(project: Path) -> None:
    """What a user does in the first weeks, but for the run."""
    write(project, "src/features.py", FEATURES)
    change(project, "src/model.py", ('return Pipeline([("columns"', 'return Pipeline(steps=[("columns"'))
    change(project, "params.yaml", ("  seed: 0 ", "  seed: 7 "))
    (_, _, stage), (_, _, entry), (_, _, keys), (_, _, test) = blocks("extend.md")[:4]
    write(project, "src/stages/summary.py", stage)
    write(project, "tests/test_summary.py", test)
    change(project, "dvc.yaml", ("stages:\n", f"stages:\n{entry}"))
    write(project, "params.yaml", (project / "params.yaml").read_text(encoding="utf-8") + "\n" + keys)
    change(project, PAGE, ("# How do I change the model?", "# How do we change the model?"))
    write(project, "docs/project.yaml", "problem:\n  question: What does a house cost?\n")
    write(project, "expectations/behaviour.yaml", "# none yet\n")
    (project / "docs/your-table.md").unlink()
    (project / f".github/workflows/{WORKFLOW}").rename(project / f".github/workflows/{RENAMED}")


def make_worked_project(project: Path) -> Path:
    work(project)
    for name, text in RUN.items():
        write(project, name, text)
    commit(project, "Our work")
    return project


def update(tools: Tools, project: Path, *options: str) -> str:
    return tools.run("cruft", "update", "--skip-apply-ask", *options, cwd=project)


def is_yours(name: str) -> bool:
    return name.startswith(YOURS)


@pytest.mark.parametrize(("tag", "own"), [("v1", True), ("v2", True), ("v1", False)])
def test_what_the_user_wrote_stays_and_what_is_new_arrives(tools: Tools, make: Make, tag: str, own: bool) -> None:
    project, fresh = make_worked_project(make(tag, own)), make("latest", own, "fresh")
    work(fresh)
    before, expected = tree(project), tree(fresh)
    assert "out of date" in tools.run("cruft", "check", cwd=project, code=1)
    output = update(tools, project)
    after = tree(project)
    assert "conflict" not in output
    unchanged = {name for name in before if is_yours(name)} | {f".github/workflows/{RENAMED}"}
    assert {name for name in after if is_yours(name)} | {f".github/workflows/{RENAMED}"} == unchanged
    assert {name: after[name] for name in unchanged} == {name: before[name] for name in unchanged}
    rest = {name for name in expected if not is_yours(name)} - unchanged
    assert {name: after[name] for name in after.keys() - unchanged} == {name: expected[name] for name in rest}
    assert {*DELETED, "template/only.md", "plumbline/keys.py"}.isdisjoint(after)
    assert {"docs/running.md", "docs/new-in-v2.md"} <= after.keys()
    (wheel,) = (project / "vendor").iterdir()
    assert wheel.name != next((make(tag, own, "old") / "vendor").iterdir()).name
    assert not git(project, "diff", "--check")
    assert "up to date" in tools.run("cruft", "check", cwd=project)
    commit(project, "Update")
    assert "Nothing to do" in update(tools, project)
    assert git(project, "status", "--porcelain") == ""


def test_one_line_changed_on_both_sides_is_marked_there_and_nowhere_else(tools: Tools, make: Make) -> None:
    project = make_worked_project(make("v1"))
    change(project, "params.yaml", ("  holdout: 0.2 ", "  holdout: 0.3 "))
    commit(project, "More rows held out")
    assert "with conflicts" in update(tools, project)
    session = (ROOT / "docs/updating.md").read_text(encoding="utf-8").partition("$ git status --short\n")[2]
    status = re.sub(r"\+c\w+", "+c...", git(project, "status", "--short"))
    assert session[: session.index("$ ")] == status
    states = {line[3:]: line[:2] for line in git(project, "status", "--porcelain").splitlines()}
    assert [name for name, state in states.items() if "U" in state] == ["params.yaml"]
    assert states["pyproject.toml"] == "M "  # all the rest is staged
    assert states[".cruft.json"] == " M"
    text = (project / "params.yaml").read_text(encoding="utf-8")
    conflict = text.split("<<<<<<< ours\n")[1].split(">>>>>>> theirs\n")[0]
    assert [part.split("  #")[0] for part in conflict.split("=======\n")] == ["  holdout: 0.3", "  holdout: 0.25"]
    marks = git(project, "grep", "-lE", "^(<<<<<<<|=======|>>>>>>>)( |$)").splitlines()
    assert marks == ["params.yaml"]
    assert not [*project.rglob("*.rej")]
    assert "unclean git project" in tools.run("cruft", "update", "--skip-apply-ask", cwd=project, code=1)


def test_what_git_cannot_merge_lies_beside_the_file_and_the_rest_arrives(tools: Tools, make: Make) -> None:
    """After an update by somebody else git has not the template's file that the next one starts from."""
    project = make_worked_project(make("v1"))
    change(project, "params.yaml", ("  holdout: 0.2 ", "  holdout: 0.3 "))
    commit(project, "More rows held out")
    update(tools, project, "--checkout", "v2")
    commit(project, "Update to v2")
    clone = project.parent / "clone"
    git(project, "clone", "--quiet", f"file://{project}", str(clone))
    assert "*.rej" in update(tools, clone)
    assert [path.relative_to(clone).as_posix() for path in clone.rglob("*.rej")] == ["params.yaml.rej"]
    assert "+  holdout: 0.25" in (clone / "params.yaml.rej").read_text(encoding="utf-8")
    assert git(clone, "diff", "--stat", "params.yaml") == ""
    assert (clone / "docs/running.md").is_file()
    assert len(list((clone / "vendor").iterdir())) == 1
    assert not git(clone, "diff", "--check")


def test_the_users_file_gone_is_no_obstacle(tools: Tools, make: Make, tmp_path: Path) -> None:
    project = make_worked_project(make("v1"))
    (tmp_path / "own.csv").unlink()
    for path in (project / "data/source").iterdir():
        path.unlink()
    commit(project, "The table is elsewhere")
    update(tools, project)
    assert (project / "docs/new-in-v2.md").is_file()
    assert not [*(project / "data").glob("source/*")]


@pytest.mark.parametrize("by", ["cookiecutter", "cruft"])
def test_right_after_making_nothing_differs_on_any_day(tools: Tools, make: Make, releases, tmp_path, by: str) -> None:
    project = make("latest")
    if by == "cruft":
        answers = json.dumps({"data": str(tmp_path / "own.csv"), "target": "target", "project_name": "By Cruft"})
        create = ("cruft", "create", f"file://{releases}", "--no-input", "--extra-context", answers)
        tools.run(*create, cwd=tmp_path)
        project = tmp_path / "by-cruft"
    day = "class Later(datetime.date):\n    today = classmethod(lambda cls: datetime.date(2041, 2, 3))\n"
    write(tmp_path, "later/sitecustomize.py", f"import datetime\n{day}datetime.date = Later\n")
    later = {"PYTHONPATH": str(tmp_path / "later")}
    assert tools.run("cruft", "diff", "--exit-code", cwd=project, **later) == ""
    assert "up to date" in tools.run("cruft", "check", cwd=project)


def make_in(project: Path, *verbs: str, code: int = 0) -> str:
    """What `make` printed, which must end with `code`."""
    env = environment(PYTHON=sys.executable, PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    ran = subprocess.run(["make", *verbs], cwd=project, env=env, capture_output=True, encoding="utf-8", check=False)
    assert ran.returncode == code, ran.stdout[-3000:] + ran.stderr[-3000:]
    return ran.stdout + ran.stderr


@pytest.mark.slow
def test_the_updated_project_runs_after_make_lock(tools: Tools, make: Make) -> None:
    """With the package index."""
    project = make("v1")
    work(project)
    commit(project, "Our work")
    create_venv(project)
    update(tools, project)
    for verb in ("repro", "check"):
        assert "which requirements.lock does not have. Run make lock, then this again" in make_in(project, verb, code=2)
    lock = (project / "requirements.lock").read_text(encoding="utf-8")
    output = make_in(project, "lock")
    assert "requirements.lock: 0 added, 0 removed, 1 changed" in output
    (wheel,) = (project / "vendor").iterdir()
    version = wheel.name.split("-")[1]
    assert re.search(rf"  changed  plumbline-ml \S+ -> {re.escape(version)}\n", output)
    new_lock = (project / "requirements.lock").read_text(encoding="utf-8")
    assert len({*lock.splitlines()} ^ {*new_lock.splitlines()}) == 6, "another package changed"
    shutil.rmtree(project / ".venv")
    create_venv(project)
    make_in(project, "repro")
    commit(project, "Update")
    assert "check: parameters, lock, digests and all of the above are in order" in make_in(project, "check")

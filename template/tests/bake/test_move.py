"""A project from before plumbline was a package is updated: its people's work stays, and the page says what to fix."""

import re
import subprocess
from pathlib import Path

import pytest

from template.tests.bake.conftest import Tools, git
from template.tests.bake.shell import bake_tag, clone_history, make_in
from template.tests.bake.test_update import FEATURES, change, commit, update, write
from template.tests.docs.conftest import blocks
from template.tests.libraries import create_venv

OLD_BLOCK = re.compile(r"(?ms)^(?:`[\w./-]+`[^\n]*\n\n)?```\w+\n(.*?)^```$")


@pytest.fixture(scope="module")
def history(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template with the tag `before`: the last commit in which the machinery lay in src/."""
    return clone_history(template, tmp_path_factory.mktemp("history"), "before", "plumbline/__main__.py")


@pytest.fixture
def project(tools: Tools, history: Path, tmp_path: Path) -> Path:
    """A project of that commit, with features, a model and a stage by its people."""
    project = bake_tag(tools, history, "before", tmp_path)
    write(project, "src/features.py", FEATURES)
    change(project, "src/model.py", ('return Pipeline([("columns"', 'return Pipeline(steps=[("columns"'))
    change(project, "params.yaml", ("  seed: 0 ", "  seed: 7 "))
    stage, entry, keys, _ = OLD_BLOCK.findall((project / "docs/extend.md").read_text(encoding="utf-8"))[:4]
    write(project, "src/stages/summary.py", stage)
    change(project, "dvc.yaml", ("stages:\n", f"stages:\n{entry}"))
    write(project, "params.yaml", (project / "params.yaml").read_text(encoding="utf-8") + "\n" + keys)
    commit(project, "Our work")
    return project


def test_an_update_from_before_the_package_has_conflicts_only_where_the_user_edited(
    tools: Tools, project: Path
) -> None:
    names = ("src/features.py", "src/model.py", "src/stages/summary.py")
    contents = {name: (project / name).read_bytes() for name in names}
    update(tools, project)
    states = {line[3:]: line[:2] for line in git(project, "status", "--porcelain").splitlines()}
    assert [name for name, state in states.items() if "U" in state] == ["dvc.yaml", "params.yaml"]
    assert states["src/names.py"] == "D "
    assert not [*project.rglob("*.rej")]
    assert len(list((project / "vendor").iterdir())) == 1
    assert {name: (project / name).read_bytes() for name in contents} == contents
    assert {path.name for path in (project / "src").iterdir()} == {
        "environment.py",
        "features.py",
        "model.py",
        "stages",
        "versions.json",
    }
    assert "  seed: 7 " in (project / "params.yaml").read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_project_from_before_the_package_runs_as_the_page_says(tools: Tools, project: Path) -> None:
    update(tools, project)
    git(project, "checkout", "--theirs", "dvc.yaml")
    git(project, "checkout", "--ours", "params.yaml")
    (_, _, stage), (_, _, entry) = blocks("extend.md")[:2]
    write(project, "src/stages/summary.py", stage)
    change(project, "dvc.yaml", ("stages:\n", f"stages:\n{entry}"))
    page = (project / "docs/updating.md").read_text(encoding="utf-8")
    old, new = re.findall(r"(?m)^\| `(from \.learning\S* import columns)` \| `(.+)` \|$", page)[0]
    programs = create_venv(project)
    output = make_in(project, "repro", code=2)
    assert "ERROR: src/model.py, line 7: raised ModuleNotFoundError: No module named 'src.learning'. " in output
    assert f"It is in plumbline now: write {new}" in output
    change(project, "src/model.py", (old, new))
    make_in(project, "repro")
    commit(project, "The update")
    make_in(project, "check")
    ran = subprocess.run([programs / "python", "-m", "pytest", "tests/test_dvc_yaml.py"], cwd=project, check=False)
    assert ran.returncode == 0

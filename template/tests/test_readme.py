"""The README's console blocks do what they show, in a fresh clone; `...` stands for any lines."""

import importlib
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"(?ms)^```console\n(.*?)^```", README)
FEWER = "--ignore=tests/test_clone.py --ignore=tests/test_pipeline.py"
SESSION = re.findall(r"(?m)^\$ (.+)\n((?:(?!\$ ).*\n)*)", "".join(BLOCKS))


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("readme") / "clone"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    (folder / ".venv").symlink_to(Path(sys.prefix), target_is_directory=True)
    return folder


def pattern(expected: str) -> re.Pattern[str]:
    lines = [r"(?:.*\n)*" if line == "..." else re.escape(line) + r"\n" for line in expected.splitlines()]
    return re.compile("".join(lines))


@pytest.mark.slow
def test_console_blocks_print_what_the_readme_shows(clone: Path) -> None:
    assert len(SESSION) > 4
    for command, expected in SESSION:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        changes = {
            **os.environ,
            "PATH": path,
            "PYTHON": sys.executable,
            "PYTEST_ADDOPTS": FEWER,
        }
        ran = subprocess.run(command, shell=True, cwd=clone, env=changes, capture_output=True, encoding="utf-8")  # noqa: S602
        assert ran.returncode == 0, f"{command}: {ran.stdout[-1500:]} {ran.stderr[-1500:]}"
        assert pattern(expected).fullmatch(ran.stdout), f"{command} printed:\n{ran.stdout[-3000:]}"


def test_blocks_that_are_not_run_are_listed() -> None:
    blocks = re.findall(r"(?m)^```\w+ not run$", README)
    section = README.split("## What is not run")[1]
    assert len(blocks) == 4
    for block in ("cookiecutter", "The block for Windows", "The block of the package's command"):
        assert block in section


def test_badges_are_true() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    low, high = re.findall(r"3\.(\d+)", project["requires-python"])
    assert f"python-3.{low}_to_3.{int(high) - 1}-" in README
    assert f"licence-{project['license']}-" in README
    assert (ROOT / ".github/workflows/ci.yml").exists()


def test_every_path_of_the_tree_is_there_and_no_other() -> None:
    tree = README.split("## Files and folders")[1].split("```")[1]
    paths = {line.split()[0].rstrip("/") for line in tree.strip().splitlines()}
    assert all((ROOT / path).exists() for path in paths - {"vendor"})  # a project's: here plumbline/ is the source
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, encoding="utf-8", check=True).stdout
    top = {path.split("/")[0] for path in files.splitlines() if not path.startswith((".", "LICENSE"))}
    own = {"plumbline", "template", "hooks", "cookiecutter.json", "{{cookiecutter.__project_slug}}"}
    assert all(f"`{name}" in README.split("## The template's own files")[1] for name in own)
    assert top - own <= {path.split("/")[0] for path in paths}
    inside = [path.split("/") for path in files.splitlines() if path.startswith(("src/", "plumbline/"))]
    folders = {(top, folder) for top, folder, *rest in inside if rest}
    assert {f"src/{folder}" for top, folder in folders if top == "src"} <= paths
    table = (ROOT / "plumbline/docs/extend.md").read_text(encoding="utf-8").split("Its folders:")[1].split("\n\n")[1]
    names = " ".join(line.split("|")[1] for line in table.splitlines())
    assert {folder for top, folder in folders if top == "plumbline"} == set(re.findall(r"`(\w+)`", names))


def test_every_file_that_the_text_names_is_there() -> None:
    names = re.findall(r"`((?:tests|src|docs|notebooks|template)/[\w/.-]+\.\w+)`", README)
    assert len(names) > 5
    assert [name for name in names if not (ROOT / name).exists()] == []


def test_the_walk_from_dvc_yaml_to_a_function_leads_there() -> None:
    sentence = r"`(\w+\.\w+)` in `(src/stages/\w+)\.py` is `(\w+)` in the module `([\w.]+)`"
    match = re.search(sentence, " ".join(README.split()))
    assert match
    call, stage, name, module_name = match.groups()
    assert f"cmd: python -m {stage.replace('/', '.')}\n" in (ROOT / "dvc.yaml").read_text(encoding="utf-8")
    assert f"{call}(" in (ROOT / f"{stage}.py").read_text(encoding="utf-8")
    module = getattr(importlib.import_module(stage.replace("/", ".")), call.partition(".")[0])
    assert (module.__name__, call.partition(".")[2]) == (module_name, name)
    assert getattr(module, name).__module__ == module_name

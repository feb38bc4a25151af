"""What the pages show is run by a test or said not to be; every link leads somewhere; the stage of the docs runs."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from plumbline.commands.links import LINK, find_broken_links
from plumbline.pages import FOLDER, GROUPS
from plumbline.testing.projects import ROOT, environment
from template.tests.docs.conftest import PAGES, blocks, without_template_blocks

ALL = [ROOT / "README.md", *PAGES, *sorted((ROOT / "template").glob("*.md"))]
PROJECT = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / ".github/pull_request_template.md"]
SHIPPED = sorted((ROOT / "plumbline/docs").glob("*.md"))
# Blocks of commands that are not marked, and the test that runs them.
RUN = {
    "README.md": "test_readme.py",
    "plumbline/docs/expectations.md": "commands/test_draft.py",
    "plumbline/docs/experiments.md": "docs/test_experiments.py",
    "plumbline/docs/remotes.md": "docs/test_pages.py",
}


@pytest.mark.parametrize("page", ALL, ids=lambda page: page.name)
def test_every_link_leads_to_a_file_and_to_a_heading_in_it(page: Path) -> None:
    assert find_broken_links(page) == []


def test_the_list_has_every_page_of_the_package_once_and_no_name_twice() -> None:
    names = [name for members in GROUPS.values() for name in members]
    assert sorted(names) == [page.stem for page in SHIPPED]
    assert len({page.name for page in PAGES}) == len(PAGES)


@pytest.mark.parametrize("page", [*PROJECT, *SHIPPED], ids=lambda page: page.name)
def test_a_link_of_a_page_leads_nowhere_that_a_project_has_not(page: Path) -> None:
    """A project has the package's pages in its wheel only, where they lie beside each other."""
    links = [link.partition("#")[0] for link in LINK.findall(without_template_blocks(page)) if ":" not in link]
    paths = [(page.parent / link).resolve().relative_to(ROOT).as_posix() for link in links if link]
    if page in SHIPPED:
        assert all((ROOT / path) in SHIPPED for path in paths), paths
    else:
        assert not [path for path in paths if path.startswith(("plumbline", "template"))]


def test_no_file_of_a_project_names_the_path_of_a_page_of_the_package() -> None:
    folders = ["plumbline", "src", "tests", "notebooks", "expectations", ".github/workflows"]
    command = ["git", "ls-files", *folders, "*.yaml", "Makefile", "pyproject.toml", *map(str, PROJECT)]
    files = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=True).stdout.splitlines()
    path = re.compile(rf"\b{FOLDER}/({'|'.join(page.stem for page in SHIPPED)})\b")
    assert len(files) > 200
    files.remove("docs/updating.md")  # which is also about older versions
    assert not [name for name in files if path.search(without_template_blocks(ROOT / name))]


@pytest.mark.parametrize("page", ALL, ids=lambda page: page.name)
def test_commands_are_run_by_a_test_or_marked_as_not_run(page: Path) -> None:
    command_blocks = re.findall(r"(?m)^```(?:console|bash|sh|powershell)$", page.read_text(encoding="utf-8"))
    name = page.relative_to(ROOT).as_posix()
    assert bool(command_blocks) == (name in RUN), name
    assert (ROOT / "template/tests" / RUN.get(name, "docs/test_pages.py")).exists()


def run(folder: Path, command: str) -> str:
    env = environment(PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    ran = subprocess.run(command, shell=True, cwd=folder, env=env, capture_output=True, encoding="utf-8")  # noqa: S602
    assert ran.returncode == 0, f"{command}: {ran.stdout[-2000:]}{ran.stderr[-2000:]}"
    return ran.stdout


def test_the_local_remote_of_the_page_works_as_shown(tmp_path: Path) -> None:
    (clone := tmp_path / "clone").mkdir()
    run(clone, "git init -q && dvc init -q && echo a > table.csv && dvc add -q table.csv")
    (session,) = [content for _, language, content in blocks("remotes.md") if language == "console"]
    for command, expected in re.findall(r"(?m)^\$ (.+)\n((?:(?!\$ ).*\n)*)", session):
        output = run(clone, command)
        assert expected == "...\n" or expected in output, output


@pytest.mark.slow
def test_the_stage_of_the_page_runs_and_its_tests_pass(tmp_path: Path) -> None:
    run(tmp_path, f"git clone --quiet {ROOT} clone")
    clone = tmp_path / "clone"
    (clone / ".venv").symlink_to(Path(sys.prefix), target_is_directory=True)
    for path, language, content in blocks("extend.md"):
        if language == "diff":
            continue
        if path == "dvc.yaml":
            content = (clone / path).read_text(encoding="utf-8").replace("stages:\n", f"stages:\n{content}", 1)
        elif path == "params.yaml":
            content = (clone / path).read_text(encoding="utf-8") + "\n" + content
        assert path
        (clone / path).write_text(content, encoding="utf-8")
    assert "summary" in yaml.safe_load((clone / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    assert "summary: rows: 569 rows" in run(clone, "dvc repro summary")
    run(clone, "python -m pytest -q tests/test_dvc_yaml.py tests/test_summary.py && python -m plumbline params")
    assert "summary" in json.loads((clone / "src/versions.json").read_text(encoding="utf-8"))
    insert_step(clone)
    with pytest.raises(AssertionError, match="569 rows, expected 1000 or more"):
        run(clone, "dvc repro ingest")


def insert_step(folder: Path) -> None:
    """Edits a stage as the page shows: what it takes out and leaves stands there, in one place for each part."""
    ((path, diff),) = [(path, content) for path, language, content in blocks("extend.md") if language == "diff"]
    text = (folder / path).read_text(encoding="utf-8")
    for part in diff.split("...\n"):
        lines = part.splitlines(keepends=True)
        old, new = ("".join(line[1:] for line in lines if line[0] != sign) for sign in "+-")
        assert text.count(old) == 1
        text = text.replace(old, new)
    (folder / path).write_text(text, encoding="utf-8")

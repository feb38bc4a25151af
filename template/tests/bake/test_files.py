"""What a project is made of: the tracked files less the template's own, few of them changed by answers."""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import yaml

from plumbline.extras import remote_extras
from plumbline.testing.projects import ROOT
from template.bake import files
from template.bake.answers import FOLDERS, BakeError
from template.tests.bake.conftest import git, tree

TOP = {
    "LICENSE",
    "Makefile",
    "README.md",
    "data",
    "docs",
    "dvc.yaml",
    "expectations",
    "notebooks",
    "params.yaml",
    "pyproject.toml",
    "requirements.lock",
    "src",
    "tests",
    "vendor",
}
HIDDEN = {
    ".cruft.json",
    ".dvc",
    ".dvcignore",
    ".git",
    ".gitattributes",
    ".github",
    ".gitignore",
    ".pre-commit-config.yaml",
}
OWN = {"dvc.lock", "data/schema.json"}  # the first make repro makes them, and metrics/
MOST_FILES, MOST_NAMES, MOST_LINES = 60, 16, 900  # of Python, with tests
SAMPLE = re.compile("(?i)breast|cancer|malignan|benign|nucle(us|i)|wisconsin")
Bake = Callable[..., Path]


# Supported sets of answers; TABLE stands for a table of one's own. The unsupported are in test_answers, test_table.
SETS: dict[str, dict[str, str]] = {
    "defaults": {},
    "a table": {"data": "TABLE", "target": "b"},
    "a table and a remote": {"data": "TABLE", "target": "größe in cm", "dvc_remote": "../store"},
    "the sample and a cloud": {
        "dvc_remote": "azure://container/path",
        "license": "Apache-2.0",
        "python_version": "3.11",
    },
    "another name": {
        "project_name": "Wärme 2030",
        "author": 'A "B" C',
        "license": "BSD-3-Clause",
        "python_version": "3.14",
    },
    "proprietary": {"data": "TABLE", "target": "a", "license": "Proprietary", "description": "50 % # of {what}: <x>"},
}


def tracked_files(folder: Path) -> set[str]:
    return set(git(folder, "ls-files", "-z").strip("\0").split("\0"))


def contents(folder: Path) -> dict[str, str]:
    names = (name for name in tracked_files(folder) if not name.endswith(".whl"))
    return {name: (folder / name).read_text(encoding="utf-8") for name in names}


def wheel_name(project: Path) -> str:
    (path,) = (project / "vendor").iterdir()
    return f"vendor/{path.name}"


def test_all_defaults_give_the_tracked_files_less_the_templates_own_byte_for_byte(bake: Bake, template: Path) -> None:
    project = bake()
    assert {path.name for path in project.iterdir()} == TOP | HIDDEN
    assert len(TOP) <= MOST_NAMES - 2  # dvc.lock and metrics are committed after the first run
    own_folders = ("template", "hooks", ".ci", "plumbline")
    template_files = {name for name in tracked_files(template) if name.split("/")[0] not in own_folders}
    community = {name for name in template_files if re.match(r"\.github/([A-Z]|.*/(template|publish)\.yml)", name)}
    excluded_files = {name for name in template_files if "cookiecutter" in name or name.startswith("metrics/")}
    excluded_files |= community | OWN
    assert tracked_files(project) == template_files - excluded_files | {".cruft.json", wheel_name(project)}
    changed_files = {
        name
        for name in tracked_files(project)
        if name not in tracked_files(template) or (project / name).read_bytes() != (template / name).read_bytes()
    }
    expected = {
        wheel_name(project),
        ".cruft.json",
        "LICENSE",
        "README.md",
        "dvc.yaml",
        "pyproject.toml",
        "requirements.lock",
    }
    assert changed_files == expected
    folders = {path.name for path in project.iterdir() if path.is_dir()} - HIDDEN
    assert folders == FOLDERS - {"metrics", "dist"}
    assert not any(runs for _, runs in tree(project).values())
    assert git(project, "status", "--porcelain") == ""
    assert len(git(project, "log", "--oneline").splitlines()) == 1


def test_with_a_table_of_ones_own_nothing_is_left_of_the_sample_or_the_template(bake: Bake, table: Path) -> None:
    project = bake(project_name="House Prices", data=str(table), target="größe in cm", author="A. Nother")
    texts = contents(project)
    pipeline = yaml.safe_load(texts["dvc.yaml"])["stages"].values()
    outs = [out for stage in pipeline for out in stage["outs"] if isinstance(out, dict)]  # those in git
    assert len({*tracked_files(project), "dvc.lock", *(next(iter(out)) for out in outs)}) <= MOST_FILES
    assert sum(len(text.splitlines()) for name, text in texts.items() if name.endswith(".py")) <= MOST_LINES
    assert not any(SAMPLE.search(f"{name} {text}") for name, text in texts.items() if name != "requirements.lock")
    # plumbline is the name of the package, Plumbline that of this repository
    lines = [
        (name, line) for name, text in texts.items() for line in text.splitlines() if re.search(r"\bPlumbline\b", line)
    ]
    assert [name for name, _ in lines if name != ".cruft.json"] == ["README.md"]
    assert not any(re.search(r"template-only|cookiecutter\.json|\{\{ ?cookiecutter", text) for text in texts.values())
    assert not [
        name
        for name, text in texts.items()
        if name.startswith("docs/") and re.search("cookiecutter", text) and name != "docs/updating.md"
    ]
    answers = yaml.safe_load(texts["docs/project.yaml"])
    questions = yaml.safe_load((ROOT / "docs/project.yaml").read_text(encoding="utf-8"))
    source = f"data/source/{table.name}"
    assert answers.pop("table") == source and questions.pop("table")
    assert {group: dict.fromkeys(keys) for group, keys in questions.items()} == answers
    assert yaml.safe_load(texts["expectations/behaviour.yaml"]) == {"table": source, "behaviours": []}
    assert texts["expectations/behaviour.yaml"].startswith("# How the model must behave")


def test_no_column_class_or_file_name_of_the_sample_stands_in_the_code() -> None:
    data = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))["data"]
    rows = pd.read_csv(ROOT / data["source"])
    words = {*rows.columns, *rows[data["target"]], Path(data["source"]).stem} - {"id"}
    assert len(words) > 30
    texts = {
        name: (ROOT / name).read_text(encoding="utf-8").lower()
        for name in tracked_files(ROOT)
        if name.startswith(("plumbline/", "src/", "tests/")) and (ROOT / name).is_file()
    }
    assert len({name.split("/")[0] for name in texts}) == 3
    assert not [(name, word) for name, text in texts.items() for word in words if word in text]


@pytest.mark.parametrize("answers", SETS.values(), ids=SETS)
def test_every_supported_set_is_linted_parsed_and_whole(bake: Bake, table: Path, template: Path, answers: dict) -> None:
    project = bake(**{name: answer.replace("TABLE", str(table)) for name, answer in answers.items()})
    texts = contents(project)
    for name, text in texts.items():
        if name.endswith((".yaml", ".yml")):
            list(yaml.safe_load_all(text))
    tomllib.loads(texts["pyproject.toml"])
    json.loads(texts[".cruft.json"])
    assert not any(re.search(r"template-only|\{\{ ?cookiecutter|OWNER/REPO", text) for text in texts.values())
    own = {f"data/source/{table.name}"} if "data" in answers else set()
    assert texts.keys() - tracked_files(template) == {".cruft.json"} | own
    assert {name for name in tracked_files(project) - texts.keys()} == {wheel_name(project)}
    for command in (["check"], ["format", "--check"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--quiet", "--no-cache"]
        ran = subprocess.run(ruff, cwd=project, check=False)
        assert ran.returncode == 0
    assert git(project, "status", "--porcelain") == ""


def test_each_answer_has_its_effect(bake: Bake, table: Path) -> None:
    answers = {
        "project_name": "Über Häuser",
        "description": 'What a "house" costs: €',
        "author": "Ä. O'Neil",
        "data": str(table),
        "target": "größe in cm",
        "dvc_remote": "s3://bucket/path",
        "python_version": "3.12",
        "license": "Apache-2.0",
        "github_handle": "acme/ml-team",
    }
    project = bake(**answers)
    assert project.name == "uber-hauser"
    texts = contents(project)
    metadata = tomllib.loads(texts["pyproject.toml"])["project"]
    assert (metadata["name"], metadata["description"]) == ("uber-hauser", answers["description"])
    assert (metadata["authors"], metadata["license"]) == ([{"name": answers["author"]}], answers["license"])
    assert texts["README.md"].startswith(f"# {answers['project_name']}\n\n{answers['description']}\n")
    data = yaml.safe_load(texts["params.yaml"])["data"]
    assert (data["source"], data["target"]) == ("data/source/my table.csv", answers["target"])
    assert (project / data["source"]).read_bytes() == table.read_bytes()
    assert f"url = {answers['dvc_remote']}\n" in texts[".dvc/config"]
    versions = re.findall(r"python-version: (.+)", "".join(texts[name] for name in texts if "/workflows/" in name))
    assert versions == ['"3.12"'] * 6
    owners = [line.split() for line in texts[".github/CODEOWNERS"].splitlines() if not line.startswith("#")]
    machinery = ["/vendor/", "/requirements.lock", "/plumbline/", "/src/environment.py", "/src/stages/"]
    settings = ["/.github/", "/.dvc/", "/.gitattributes", "/.gitignore", "/dvc.yaml", "/pyproject.toml", "/Makefile"]
    names = [*machinery, *settings]
    assert owners == [[name, "@acme/ml-team"] for name in names]
    assert "Apache License" in texts["LICENSE"]
    assert "Copyright 20" in texts["LICENSE"]
    assert answers["author"] in texts["LICENSE"]
    assert json.loads(texts[".cruft.json"])["context"]["cookiecutter"]["description"] == answers["description"]


@pytest.mark.parametrize("licence", ["MIT", "BSD-3-Clause", "Proprietary"])
def test_licences_name_the_author_and_the_package_states_them(bake: Bake, licence: str) -> None:
    project = bake(license=licence, author="A. Nother")
    assert re.search(r"Copyright \(c\) 20\d\d A\. Nother", (project / "LICENSE").read_text(encoding="utf-8"))
    metadata = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert metadata["license"] == ("LicenseRef-Proprietary" if licence == "Proprietary" else licence)


@pytest.mark.parametrize(
    ("remote", "url", "extras"),
    [
        ("/a b/c", "/a b/c", []),
        ("store", "../store", []),
        ("../store", "../../store", []),
        ("gs://b/p", "gs://b/p", ["gs"]),
        ("https://h/p", "https://h/p", []),
        ("ssh://u@h/p", "ssh://u@h/p", ["ssh"]),
    ],
)
def test_a_remote_is_the_default_and_brings_what_dvc_needs_for_it(bake: Bake, remote, url, extras) -> None:
    project = bake(dvc_remote=remote)
    command = [sys.executable, "-m", "dvc", "config", "--list"]
    config = subprocess.run(command, cwd=project, capture_output=True, encoding="utf-8", check=True).stdout
    assert "core.remote=storage\n" in config
    assert f"    url = {url}\n" in (project / ".dvc/config").read_text(encoding="utf-8")
    assert remote_extras(str(project / ".dvc/config")) == extras


ANSWERS = {
    "project_name": "x",
    "description": "d",
    "author": "a",
    "data": "",
    "target": "",
    "dvc_remote": "",
    "python_version": "3.13",
    "license": "MIT",
    "github_handle": "",
    "slug": "x",
}


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("pyproject.toml", "\nname = ", "\nnom = "),
        ("pyproject.toml", "\nname = ", '\nname = "x"\nname = '),
        ("README.md", "# Plumbline", "Plumbline"),
        (".github/workflows/ci.yml", "python-version:", "python:"),
        ("README.md", "<!-- template-only:end -->", ""),
    ],
)
def test_an_edit_that_no_longer_fits_stops_the_making(template: Path, tmp_path: Path, name, old, new) -> None:
    git(template, "clone", "--quiet", str(template), str(tmp_path / "changed"))
    path = tmp_path / "changed" / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    (tmp_path / "made").mkdir()
    with pytest.raises(BakeError, match="the template is broken"):
        files.write_project(tmp_path / "changed", tmp_path / "made", ANSWERS)


def test_the_day_and_the_data_change_nothing_but_the_licence(template: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        files.write_project(template, tmp_path / name, ANSWERS | {"data": f"/{name}/x.csv", "target": "y"})
    assert tree(tmp_path / "one") == tree(tmp_path / "two")

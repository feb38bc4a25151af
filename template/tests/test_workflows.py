"""The run: lines of the workflows do what they say, as far as they can be run without the host."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from template.tests.bake.conftest import Tools, git
from tests.conftest import ROOT

WORKFLOWS = {path.stem: yaml.safe_load(path.read_text()) for path in (ROOT / ".github/workflows").glob("*.yml")}
PIPX = """#!/usr/bin/env bash
# pipx run TOOL ARGUMENTS, out of an environment that has the tools
shift; tool="${1%%==*}"; shift; exec "%s/$tool" "$@"
"""


def lines(workflow: str, job: str) -> list[str]:
    return [step["run"] for step in WORKFLOWS[workflow]["jobs"][job]["steps"] if "run" in step]


def test_python_lines_name_modules_and_verbs_that_are_there() -> None:
    targets = set(re.findall(r"(?m)^(\w+):$", (ROOT / "Makefile").read_text(encoding="utf-8")))
    for name, workflow in WORKFLOWS.items():
        for line in (line for job in workflow["jobs"] for text in lines(name, job) for line in text.splitlines()):
            for module in re.findall(r"python -m ([\w.]+)", line):
                assert (ROOT / module.replace(".", "/")).with_suffix(".py").exists(), line
            made = re.match(r"make (?:-C \S+ )?(.+)", line)
            assert not made or set(made[1].split()) <= targets, line
            for path in re.findall(r"pytest .*?(template/\S+)", line):
                assert (ROOT / path).exists(), line


@pytest.mark.parametrize(
    ("results", "code"), [("success success", 0), ("success failure", 1), ("cancelled", 1), ("", 1)]
)
def test_the_one_required_check_is_green_only_when_every_job_is(results: str, code: int) -> None:
    (script,) = lines("ci", "pass")
    ran = subprocess.run(["bash", "-euo", "pipefail", "-c", script], env=os.environ | {"RESULTS": results}, check=False)
    assert ran.returncode == code


@pytest.mark.slow
def test_the_steps_of_a_user_with_nothing_but_pipx(tools: Tools, template: Path, tmp_path: Path) -> None:
    git(template, "clone", "--quiet", "--bare", str(template), str(tmp_path / "repo.git"))
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/pipx").write_text(PIPX % tools.bin, encoding="utf-8")
    (tmp_path / "bin/pipx").chmod(0o755)
    commit = git(template, "rev-parse", "HEAD").strip()
    changes = {
        "COOKIECUTTER": "cookiecutter==2.6.0", "CRUFT": "cruft==2.16.0",
        "ADDRESS": f"file://{tmp_path / 'repo.git'}", "COMMIT": commit,
        "HOME": str(tmp_path), "COOKIECUTTER_CONFIG": str(tools.home / "config.yaml"), "PYTHON": sys.executable,
        "PATH": f"{tmp_path / 'bin'}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }  # fmt: skip
    for number, script in enumerate(lines("template", "user")):
        ran = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script], cwd=tmp_path, env=os.environ | changes, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, encoding="utf-8", check=False,
        )  # fmt: skip
        assert ran.returncode == 0, f"{script}: {ran.stdout[-3000:]}"
        if number == 0:
            (tmp_path / "my-project/.venv").symlink_to(Path(sys.prefix), target_is_directory=True)

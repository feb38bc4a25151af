"""The page on experiments, each command in a clone whose path has a blank, and the way back that a refusal prints."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from plumbline.pipeline.stage import RESTORE
from plumbline.testing.projects import ROOT, environment
from template.tests.docs.conftest import blocks
from template.tests.test_readme import pattern

WHO = "-c user.name=x -c user.email=x@y.z"
SESSION = "".join(content for _, language, content in blocks("experiments.md") if language == "console")
COMMANDS = re.findall(r"(?m)^\$ (.+)\n((?:(?!\$ ).*\n)*)", SESSION)


def run(command: str, folder: Path, active: bool = True) -> subprocess.CompletedProcess[str]:
    """Not active: the environment is that of a new terminal."""
    path = [str(Path(sys.executable).parent)] * active + [os.environ["PATH"]]
    env = environment(PATH=os.pathsep.join(path), PYTHON=sys.executable)
    return subprocess.run(command, shell=True, cwd=folder, env=env, capture_output=True, encoding="utf-8")  # noqa: S602


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("experiments") / "a clone"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    (folder / ".venv").symlink_to(Path(sys.prefix), target_is_directory=True)
    ran = run(f"dvc repro && git add -A && git {WHO} commit -qm run --allow-empty", folder)
    assert ran.returncode == 0, ran.stdout[-1500:] + ran.stderr[-1500:]
    return folder


def state(folder: Path) -> dict[str, bytes]:
    outs = [*folder.glob("data/*"), *folder.glob("metrics/*"), *folder.glob("dist/*"), folder / "dvc.lock"]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in outs if path.is_file()}


def is_output(expected: str, output: str) -> bool:
    """Whether that was printed; ... stands for any lines, or for any words in a line."""
    words = pattern(expected).pattern.replace(r"\.\.\.", ".*")
    return re.fullmatch(re.sub(r"(\\ )+", r"\\s+", words), output) is not None


@pytest.mark.slow
def test_each_command_of_the_page_prints_what_it_shows(clone: Path) -> None:
    before = state(clone)
    assert len(COMMANDS) == 11
    for command, expected in COMMANDS:
        ran = run(command, clone)
        assert ran.returncode == 0, f"{command}: {ran.stdout[-1500:]}{ran.stderr[-1500:]}"
        assert is_output(expected, ran.stdout), f"{command} printed:\n{ran.stdout[-3000:]}"
    assert state(clone) == before
    diff = run("git diff --stat HEAD try-deep", clone).stdout
    assert "params.yaml" in diff and "metrics/metrics.json" in diff


@pytest.mark.slow
@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("model.arguments.max_depth=4", ""),
        ("++model.arguments.max_depth=4", "    max_depth: 4"),
        ("'data.ignore=[mean area, mean radius]'", "  - mean radius"),
        ("requirements.size=null", "  size:"),
    ],
)
def test_each_form_of_an_override_gives_a_file_that_is_accepted(clone: Path, override: str, line: str) -> None:
    """The last stage stands for all of them: what is looked at is what becomes of params.yaml."""
    ran = run(f"dvc exp run --single-item package -S {override}", clone)
    text = (clone / "params.yaml").read_text(encoding="utf-8")
    check = run("python -m plumbline params", clone)
    run("git checkout -q . && dvc checkout -q && dvc exp remove -A", clone)
    assert (ran.returncode == 0) == (line != ""), ran.stderr
    assert line in text
    assert text.count("  # ") > 30, "comments were lost"
    assert "all keys and values are valid" in check.stdout, check.stderr


@pytest.mark.slow
def test_the_way_back_that_a_refusal_prints_works_in_a_new_terminal(clone: Path) -> None:
    before = state(clone)
    params = clone / "params.yaml"
    text = params.read_text(encoding="utf-8").replace("estimator: auto", "estimator: sklearn.nope")
    params.write_text(text.replace("salt: 0", "salt: 1"), encoding="utf-8")
    ran = run("dvc repro", clone)
    assert ran.returncode
    assert state(clone) != before
    command = ran.stderr.partition(RESTORE)[2].splitlines()[0]
    assert command.startswith("git restore dvc.lock metrics && python3 -m ")
    back = run(command.replace("python3", f"'{sys.executable}'"), clone, active=False)
    assert back.returncode == 0, back.stdout + back.stderr
    assert state(clone) == before
    assert run("git status --porcelain", clone).stdout == " M params.yaml\n"

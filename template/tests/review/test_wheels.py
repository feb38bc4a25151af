"""Reviews of a project whose machinery is a wheel: base's wheel judges, and each side runs with its own."""

import re
from pathlib import Path

import pytest
import yaml

from plumbline.machinery import unpack, wheel_path
from plumbline.review.worktrees import FOLDER
from template.tests.review.conftest import MODEL, PARAMS, fail_review, git, open_names, run_review
from template.zoo.wheels import edit_wheel

WORSE = {"arguments": {"C": 1e-5, "max_iter": 200}}
IF_WORSE = "    if is_worse:\n        return "


@pytest.fixture
def project(wheel_repository: Path) -> Path:
    git(wheel_repository, "checkout", "-q", "-f", "-B", "work", "base")
    return wheel_repository


def commit_model(folder: Path, **model: object) -> None:
    (folder / "params.yaml").write_text(yaml.safe_dump(PARAMS | {"model": MODEL | model}))
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "another recipe")


def test_a_wheel_of_head_that_says_better_is_judged_by_that_of_base(project: Path) -> None:
    """It has another minor version, which base can judge."""
    lie = (f'{IF_WORSE}"worse"', f'{IF_WORSE}"better"')
    train = "plumbline/training/recipe.py"
    edit_wheel(project, {"plumbline/review/verdict.py": lie, train: ("", "\n# Another version.\n")}, version="0.9.0")
    commit_model(project, **WORSE)
    before, lines, result = run_review(project, code=1)
    assert "creating a separate environment" not in before, "the libraries are the same"
    assert (result.word, open_names(result)) == ("worse", ["worse"])
    assert result.second_opinion.word == "better"
    assert result.changed_kinds == ("params", "machinery")
    change = result.machinery_change
    assert (change.head.partition("+")[0], change.is_rebuilt) == ("0.9.0", None)
    assert "base has no .cruft.json" in change.why
    comment = (project / FOLDER / "review.md").read_text(encoding="utf-8")
    assert f"**Machinery:** plumbline `{change.base}` to `{change.head}`: nobody compared the wheel" in comment
    assert f"plumbline {change.base} to {change.head}: nobody" in (project / FOLDER / "review.html").read_text("utf-8")
    assert any(line.startswith("  machinery: plumbline ") for line in lines)


def test_a_head_of_another_contract_is_red_and_says_why(project: Path) -> None:
    number = ("CONTRACT = fitted_model.CONTRACT", "CONTRACT = 99")
    edit_wheel(project, {"plumbline/contract.py": number}, version="1.0.0")
    commit_model(project, arguments={"C": 0.7})
    _, _, result = run_review(project, code=1)
    assert result.word == "cannot tell"
    assert re.search("does not support: its contract with a review is version 99, expected [0-9]+$", result.why)
    assert open_names(result) == ["incomparable"]
    assert result.obstacle == result.why


def test_a_wheel_of_head_whose_hash_does_not_fit_the_lock_is_one_line(project: Path) -> None:
    lock, base_package = project / "requirements.lock", unpack(project)
    content = lock.read_text()
    edit_wheel(project, {"plumbline/training/recipe.py": ("", "\nlie = 1\n")})
    package = wheel_path(project)
    old = re.findall(r"plumbline-ml==\S+ \\\n    --hash=sha256:(\w+)", content)
    lock.write_text(re.sub(r"(plumbline-ml==\S+ \\\n    --hash=sha256:)\w+", rf"\g<1>{old[0]}", lock.read_text()))
    commit_model(project)
    line = fail_review(project, package=base_package)
    assert line.startswith("ERROR: head (")
    assert f"has no package plumbline that can run: vendor/{package.name} does not have the hash that" in line


def test_a_base_whose_wheel_does_not_fit_its_lock_cannot_judge_and_head_is_measured_alone(project: Path) -> None:
    wheel = wheel_path(project)
    wheel.write_bytes(wheel.read_bytes() + b"x")
    commit_model(project)
    git(project, "checkout", "-q", "base", "--", "vendor")
    commit_model(project, arguments={"C": 0.7})
    _, (first, *_), result = run_review(project, "HEAD~1")
    assert first == "cannot tell"
    assert "does not have the hash that requirements.lock has for it" in result.why
    assert "clearly better than the trivial baseline" in result.why

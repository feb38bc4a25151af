"""Every `run:` step of every workflow is run, as GitHub does it, as far as that is possible without the host."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from plumbline import __version__
from plumbline.__main__ import COMMANDS
from plumbline.testing.projects import ROOT
from template.bake.files import OWNERS
from template.tests.bake.conftest import AUTHOR, Tools, git
from template.tests.workflows.conftest import RUN
from template.tests.workflows.runner import WORKFLOWS, context, environment, read_calls, run, write_stand_in

HOME = ROOT / ".github/workflows"
JOBS = [(name, job) for name, workflow in WORKFLOWS.items() for job in workflow["jobs"]]
PIPX = """#!/usr/bin/env bash
# pipx run TOOL ARGUMENTS, out of an environment that has the tools
shift; tool="${1%%==*}"; shift; exec "%s/$tool" "$@"
"""


def list_scripts(workflow: str, job: str) -> list[str]:
    return [step["run"] for step in WORKFLOWS[workflow]["jobs"][job]["steps"] if "run" in step]


# What each job calls when nothing goes wrong; git is itself. Jobs that are not here have a test of their own below.
CALLS: dict[tuple[str, str], list[str]] = {
    ("ci", "check-test"): ["make setup", "make check test", "python -m src.environment pytest -m slow"],
    ("ci", "pass"): [],
    ("main", "deliver"): ["make setup", "python -m src.environment plumbline deliver"],
    ("release", "build"): [
        "make setup",
        "python -m src.environment plumbline deliver pull",
        "make repro",
        "python -m src.environment plumbline release model@v1.2.3",
    ],
    ("release", "publish"): [
        "gh release create model@v1.2.3 release/dist/a.whl --verify-tag --title model@v1.2.3 "
        "--notes-file release/metrics/model-card.md"
    ],
    ("nightly", "proofs"): [
        "make setup",
        "python -m src.environment pytest -m slow",
        "python -m src.environment plumbline verify",
        "python -m src.environment plumbline deliver pull",
        "python -m src.environment plumbline replay",
        "make repro",
        "python -m src.environment plumbline hermetic",
        "python -m src.environment plumbline links",
    ],
    ("nightly", "renew"): ["make lock UPGRADE=1", "python -m src.environment plumbline deliver pull", "make repro"],
    ("review", "review"): ["python -P ./src/environment.py plumbline review HEAD^1"],
    ("comment", "comment"): ["python3 -m src.environment --bare plumbline comment TEMP/result"],
    ("template", "machinery"): [
        "python -m src.environment",
        "python -m src.environment pytest -m slow or not slow template/tests",
        "python -m src.environment template.tests.with_wheel",
    ],
    ("template", "drills"): [
        "python -m src.environment",
        "python -m src.environment template.zoo",
        "python -m src.environment template.faults",
        "python -m src.environment pytest -m slow -k every_block template/tests/test_week.py",
        "python -m src.environment pytest -m slow or not slow -k every_other_mutation template/tests",
    ],
    ("template", "elsewhere"): [
        "python -m src.environment",
        "python -m src.environment plumbline repro",
        "python -m src.environment pytest",
        "python -m src.environment pytest template/tests/bake",
    ],
    ("template", "notice"): [
        "gh issue list --repo o/r --state open --search The nightly run of the template failed "
        "in:title --json number --jq length",
        "gh issue create --repo o/r --title The nightly run of the template failed --body See "
        "https://host/o/r/actions/runs/1",
    ],
}
TESTED_ELSEWHERE = {("template", "user"), ("nightly", "propose"), ("publish", "build"), ("publish", "release")}


def test_every_job_is_run_by_a_test() -> None:
    assert {*CALLS, *TESTED_ELSEWHERE} == {*JOBS}


@pytest.mark.parametrize(("name", "job"), CALLS, ids=map("-".join, CALLS))
def test_the_steps_of_a_job_end_well_and_call_this(name: str, job: str, repository: Path, tmp_path: Path) -> None:
    for command in ("make", "python", "python3"):
        write_stand_in(tmp_path / "bin", command)
    write_stand_in(tmp_path / "bin", "gh", "echo 0")
    (repository / "release/dist").mkdir(parents=True)
    (repository / "release/dist/a.whl").touch()
    event = {"workflow_run": RUN, "schedule": ""}
    status = {"needs": {"check-test": {"result": "success"}}}
    context_ = context(event, **status)
    context_["github"]["event_name"] = "schedule"
    has_failed_need = (name, job) == ("template", "notice")
    env = environment(tmp_path) | AUTHOR
    result = run(name, job, context_, repository, env, has_failed_need=has_failed_need)
    assert not result.is_failure, result.output
    assert not result.is_skipped
    commands = [line.replace(str(tmp_path / "temp"), "TEMP") for line in read_calls(tmp_path)]
    assert commands == CALLS[name, job]


@pytest.mark.parametrize("version", [__version__, "9.9.9"])
def test_the_package_is_built_and_released_under_the_tag_of_its_version(version: str, tmp_path: Path) -> None:
    git(ROOT, "clone", "--quiet", str(ROOT), str(tmp_path / "clone"))
    write_stand_in(tmp_path / "bin", "gh", "echo 0")
    context_ = context({})
    context_["github"]["ref_name"] = f"v{version}"
    results = [run("publish", job, context_, tmp_path / "clone", environment(tmp_path)) for job in ("build", "release")]
    assert results[0].is_failure == (version != __version__), results[0].output
    names = [f"dist/plumbline_ml-{__version__}{end}" for end in ("-py3-none-any.whl", ".tar.gz")]
    assert all((tmp_path / "clone" / name).stat().st_size > 10**5 for name in names)
    release = f"gh release create v{version} {' '.join(names)} --verify-tag --title v{version} --generate-notes"
    assert read_calls(tmp_path)[-1] == release


def test_python_lines_name_modules_and_verbs_that_are_there() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"(?m)^(\w+):$", makefile)) | {
        f"{name}=" for name in re.findall(r"\$\(([A-Z]+)\)", makefile)
    }
    for name, job in JOBS:
        for line in (line for text in list_scripts(name, job) for line in text.splitlines()):
            for module in re.findall(r"(?:python3? -m|src\.environment) ((?:src|template|plumbline)\b[\w.]*)", line):
                path = ROOT / module.replace(".", "/")
                assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), line
            for verb in re.findall(r"(?:python3? -m|src\.environment) plumbline (\S+)", line):
                assert verb.strip(";") in COMMANDS, line
            match = re.match(r"make (?:-C \S+ )?(.+)", line)
            assert not match or set(re.sub(r"=\S+", "=", match[1]).split()) <= targets, line
            for path in re.findall(r"pytest .*?(template/\S+)", line):
                assert (ROOT / path).exists(), line


@pytest.mark.parametrize("path", sorted(HOME.glob("*.yml")), ids=lambda path: path.stem)
def test_a_workflow_is_thin_pinned_bounded_and_has_no_right_without_a_reason(path: Path) -> None:
    text, workflow = path.read_text(encoding="utf-8"), WORKFLOWS[path.stem]
    assert workflow["permissions"] == {}
    assert workflow["concurrency"]["group"]
    assert workflow["defaults"]["run"]["shell"] == "bash"
    assert "pull_request_target" not in text
    assert "actions/cache@" not in text or path.stem == "main"
    assert "actions/cache/save@" not in text or path.stem == "main"
    for line in re.findall(r"uses: (.+)", text):
        assert re.fullmatch(r"[\w-]+/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line
    for line in re.findall(r"(?m)^      [\w-]+: (?:read|write)\b.*$", text):
        assert re.search(r" # to \w+ ", line), line
    for job in workflow["jobs"].values():
        assert job["timeout-minutes"] <= 180
        assert all("${{" not in step["run"] for step in job["steps"] if "run" in step)


def test_code_of_a_pull_request_meets_no_secret_and_no_right_to_write() -> None:
    for name, workflow in WORKFLOWS.items():
        if "pull_request" in workflow[True]:  # YAML 1.1 reads `on` as true
            permissions = [job.get("permissions", {}) for job in workflow["jobs"].values()]
            writes = {right for rights in permissions for right, what in rights.items() if what == "write"}
            assert writes <= ({"issues"} if name == "template" else set())  # the notice, on schedule alone
            assert "secrets." not in (HOME / f"{name}.yml").read_text(encoding="utf-8")
    assert WORKFLOWS["template"]["jobs"]["notice"]["if"].endswith("&& github.event_name == 'schedule'")
    steps = WORKFLOWS["comment"]["jobs"]["comment"]["steps"]
    assert steps[0]["with"]["ref"] == "${{ github.event.repository.default_branch }}"
    assert [step["uses"].split("@")[0] for step in steps if "uses" in step] == [
        "actions/checkout",
        "actions/download-artifact",
    ]


def test_what_names_another_workflow_or_its_caches_names_what_is_there() -> None:
    assert WORKFLOWS["comment"][True]["workflow_run"]["workflows"] == [WORKFLOWS["review"]["name"]]
    (save,) = [step["with"] for step in WORKFLOWS["main"]["jobs"]["deliver"]["steps"] if "save" in step.get("uses", "")]
    restores = [
        step["with"] for step in WORKFLOWS["review"]["jobs"]["review"]["steps"] if "restore" in step.get("uses", "")
    ]
    assert save["path"] == restores[1]["path"]
    assert save["key"].startswith(restores[1]["restore-keys"])
    step_lists = [job["steps"] for workflow in WORKFLOWS.values() for job in workflow["jobs"].values()]
    keys = {
        step["with"]["key"]
        for steps in step_lists
        for step in steps
        if step.get("with", {}).get("path") == "~/.cache/uv"
    }
    assert len(keys) == 1


@pytest.mark.parametrize(
    ("results", "code"), [("success success", 0), ("success failure", 1), ("cancelled", 1), ("skipped", 1), ("", 1)]
)
def test_the_check_is_green_only_when_every_job_is(tmp_path: Path, results: str, code: int) -> None:
    needs = {str(number): {"result": result} for number, result in enumerate(results.split())}
    assert run("ci", "pass", context(needs=needs), tmp_path, environment(tmp_path)).is_failure == bool(code)


def test_the_command_of_the_page_names_an_owner_and_requires_jobs_of_these_names(repository, tmp_path) -> None:
    page = (ROOT / "plumbline/docs/security.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"(?s)```console not run\n(.*?)```", page)
    write_stand_in(tmp_path / "bin", "gh", '[[ "$*" != *.login* ]] && cat > "$HOME/input" || echo somebody')
    script = re.sub(r"(?m)^\$ ", "", block)
    subprocess.run(["bash", "-e", "-c", script], cwd=repository, env=environment(tmp_path) | AUTHOR, check=True)
    owners = git(repository, "show", "origin/main:.github/CODEOWNERS")
    assert OWNERS.format(owner="@somebody").endswith(f"\n{owners}")  # as the bake writes it
    content = json.loads((tmp_path / "home/input").read_text(encoding="utf-8"))
    assert [check["context"] for check in content["required_status_checks"]["checks"]] == ["pass", "review"]
    assert content["restrictions"] is None  # GitHub refuses a request without this key
    for workflow, job in (("ci", "pass"), ("review", "review")):
        assert WORKFLOWS[workflow]["jobs"][job]["name"] == job
        assert {"pull_request", "merge_group"} <= WORKFLOWS[workflow][True].keys()


@pytest.mark.slow
def test_the_steps_of_a_user_with_nothing_but_pipx(tools: Tools, template: Path, tmp_path: Path) -> None:
    git(template, "clone", "--quiet", "--bare", str(template), str(tmp_path / "repo.git"))
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/pipx").write_text(PIPX % tools.bin, encoding="utf-8")
    (tmp_path / "bin/pipx").chmod(0o755)
    commit = git(template, "rev-parse", "HEAD").strip()
    changes = {
        "COOKIECUTTER": "cookiecutter==2.6.0",
        "CRUFT": "cruft==2.16.0",
        "ADDRESS": f"file://{tmp_path / 'repo.git'}",
        "COMMIT": commit,
        "HOME": str(tmp_path),
        "COOKIECUTTER_CONFIG": str(tools.home / "config.yaml"),
        "PYTHON": sys.executable,
        "PATH": f"{tmp_path / 'bin'}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    for number, script in enumerate(list_scripts("template", "user")):
        ran = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=tmp_path,
            env=os.environ | changes,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            check=False,
        )
        assert ran.returncode == 0, f"{script}: {ran.stdout[-3000:]}"
        if number == 0:
            (tmp_path / "my-project/.venv").symlink_to(Path(sys.prefix), target_is_directory=True)

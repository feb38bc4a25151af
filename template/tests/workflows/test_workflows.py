"""Every `run:` step of every workflow is run, as GitHub does it, as far as that is possible without the host."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from template.tests.bake.conftest import AUTHOR, Tools, git
from template.tests.workflows.api import BOT, Api
from template.tests.workflows.conftest import RUN, TOKEN
from template.tests.workflows.runner import WORKFLOWS, environment, run, stand_in
from tests.conftest import ROOT

HOME = ROOT / ".github/workflows"
JOBS = [(name, job) for name, workflow in WORKFLOWS.items() for job in workflow["jobs"]]
ZEROS = {"ref": "refs/pull/7/merge", "sha": "0" * 40, "ref_name": "model@v1.2.3", "repository": "o/r", "token": TOKEN,
         "server_url": "https://host", "run_id": "1"}  # fmt: skip
PIPX = """#!/usr/bin/env bash
# pipx run TOOL ARGUMENTS, out of an environment that has the tools
shift; tool="${1%%==*}"; shift; exec "%s/$tool" "$@"
"""


def context(event: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    runner = {"os": "Linux", "arch": "X64", "temp": "TEMP"}
    return {"github": ZEROS | {"event": event or {}}, "runner": runner, "secrets": {}, "vars": {}} | more


def calls(folder: Path) -> list[str]:
    path = folder / "calls"
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def lines(workflow: str, job: str) -> list[str]:
    return [step["run"] for step in WORKFLOWS[workflow]["jobs"][job]["steps"] if "run" in step]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository of two commits and its remote, main checked out."""
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", "origin.git")
    git(tmp_path, "clone", "--quiet", str(tmp_path / "origin.git"), "work")
    work = tmp_path / "work"
    git(work, "switch", "--quiet", "--orphan", "main")
    for text in ("one\n", "two\n"):
        for name in ("requirements.lock", "src/versions.json", ".github/workflows/ci.yml"):
            (work / name).parent.mkdir(parents=True, exist_ok=True)
            (work / name).write_text(text)
        git(work, "add", "--all")
        git(work, "commit", "--quiet", "-m", text)
    git(work, "push", "--quiet", "-u", "origin", "main")
    return work


# What each job calls when nothing goes wrong; git is itself. Jobs that are not here have a test of their own below.
CALLED: dict[tuple[str, str], list[str]] = {
    ("ci", "check-test"): ["make setup", "make check test", "python -m src.environment pytest -m slow"],
    ("ci", "pass"): [],
    ("main", "deliver"): ["make setup", "python -m src.environment src.delivery"],
    ("release", "build"): ["make setup", "python -m src.environment src.delivery bring", "make repro",
                           "python -m src.environment src.release model@v1.2.3"],
    ("release", "publish"): ["gh release create model@v1.2.3 release/dist/a.whl --verify-tag --title model@v1.2.3 "
                             "--notes-file release/metrics/model-card.md"],
    ("nightly", "proofs"): ["make setup", "python -m src.environment pytest -m slow",
                            "python -m src.environment src.reproducibility verify",
                            "python -m src.environment src.links"],
    ("nightly", "renew"): ["make lock", "python -m src.environment src.delivery bring", "make repro"],
    ("review", "review"): ["python -m src.environment src.review HEAD^1"],
    ("comment", "comment"): ["python3 -m src.review.post TEMP/result"],
    ("template", "machinery"): ["python -m src.environment",
                                "python -m src.environment pytest -m slow or not slow template/tests"],
    ("template", "elsewhere"): ["python -m src.environment", "python -m src.environment src.repro",
                                "python -m src.environment pytest",
                                "python -m src.environment pytest template/tests/bake"],
    ("template", "notice"): ["gh issue list --repo o/r --state open --search The weekly run of the template failed "
                             "in:title --json number --jq length",
                             "gh issue create --repo o/r --title The weekly run of the template failed --body See "
                             "https://host/o/r/actions/runs/1"],
}  # fmt: skip
OWN = {("template", "user"), ("nightly", "propose")}


def test_every_job_is_run_by_a_test() -> None:
    assert {*CALLED, *OWN} == {*JOBS}


@pytest.mark.parametrize(("name", "job"), CALLED, ids="-".join)
def test_the_steps_of_a_job_end_well_and_call_this(name: str, job: str, repository: Path, tmp_path: Path) -> None:
    for each in ("make", "python", "python3"):
        stand_in(tmp_path / "bin", each)
    stand_in(tmp_path / "bin", "gh", "echo 0")
    (repository / "release/dist").mkdir(parents=True)
    (repository / "release/dist/a.whl").touch()
    event = {"workflow_run": RUN, "schedule": ""}
    status = {"needs": {"check-test": {"result": "success"}}}
    about = context(event, **status)
    about["github"]["event_name"] = "schedule"
    ran = run(
        name, job, about, repository, environment(tmp_path) | AUTHOR, before=(name, job) == ("template", "notice")
    )
    assert not ran.failed, ran.printed
    assert not ran.skipped
    found = [line.replace(str(tmp_path / "temp"), "TEMP") for line in calls(tmp_path)]
    assert found == CALLED[name, job]


def test_python_lines_name_modules_and_verbs_that_are_there() -> None:
    targets = set(re.findall(r"(?m)^(\w+):$", (ROOT / "Makefile").read_text(encoding="utf-8")))
    for name, job in JOBS:
        for line in (line for text in lines(name, job) for line in text.splitlines()):
            for module in re.findall(r"(?:python3? -m|src\.environment) (src[\w.]+)", line):
                path = ROOT / module.replace(".", "/")
                assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), line
            made = re.match(r"make (?:-C \S+ )?(.+)", line)
            assert not made or set(made[1].split()) <= targets, line
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
            asked = [job.get("permissions", {}) for job in workflow["jobs"].values()]
            written = {right for rights in asked for right, what in rights.items() if what == "write"}
            assert written <= ({"issues"} if name == "template" else set())  # the notice, on schedule alone
            assert "secrets." not in (HOME / f"{name}.yml").read_text(encoding="utf-8")
    assert WORKFLOWS["template"]["jobs"]["notice"]["if"].endswith("&& github.event_name == 'schedule'")
    steps = WORKFLOWS["comment"]["jobs"]["comment"]["steps"]
    assert steps[0]["with"]["ref"] == "${{ github.event.repository.default_branch }}"
    assert [step["uses"].split("@")[0] for step in steps if "uses" in step] == [
        "actions/checkout", "actions/download-artifact"]  # fmt: skip


@pytest.mark.parametrize(
    ("results", "code"), [("success success", 0), ("success failure", 1), ("cancelled", 1), ("skipped", 1), ("", 1)]
)
def test_the_check_is_green_only_when_every_job_is(tmp_path: Path, results: str, code: int) -> None:
    needs = {str(number): {"result": result} for number, result in enumerate(results.split())}
    assert run("ci", "pass", context(needs=needs), tmp_path, environment(tmp_path)).failed == bool(code)


def test_the_command_of_the_page_names_an_owner_and_requires_jobs_of_these_names(repository, tmp_path) -> None:
    page = (ROOT / "docs/security.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"(?s)```console not run\n(.*?)```", page)
    stand_in(tmp_path / "bin", "gh", '[[ "$*" != *.login* ]] && cat > "$HOME/input" || echo somebody')
    script = re.sub(r"(?m)^\$ ", "", shown)
    subprocess.run(["bash", "-e", "-c", script], cwd=repository, env=environment(tmp_path) | AUTHOR, check=True)
    owned = git(repository, "show", "origin/main:.github/CODEOWNERS")
    assert owned == "/src/review/ @somebody\n/.github/ @somebody\n"
    content = json.loads((tmp_path / "home/input").read_text(encoding="utf-8"))
    assert [check["context"] for check in content["required_status_checks"]["checks"]] == ["pass", "review"]
    assert content["restrictions"] is None  # GitHub refuses a request without this key
    for workflow, job in (("ci", "pass"), ("review", "review")):
        assert WORKFLOWS[workflow]["jobs"][job]["name"] == job
        assert {"pull_request", "merge_group"} <= WORKFLOWS[workflow][True].keys()


# The review: who judges, and what is left of it.
def project(work: Path, who: str, code: int, review: bool = True) -> None:
    """A tiny project whose review says who it is and ends in `code`."""
    (work / "src").mkdir(exist_ok=True)
    (work / "src/environment.py").write_text("import runpy, sys\nsys.argv[:] = sys.argv[1:]\n"
                                             "runpy.run_module(sys.argv[0], run_name='__main__')\n")  # fmt: skip
    if review:
        (work / "src/review").mkdir(exist_ok=True)
        (work / "src/review/__main__.py").write_text(
            f"import sys\nprint('{who} judges', sys.argv[1:])\nsys.exit({code})\n"
        )
    git(work, "add", "--all")
    git(work, "commit", "--quiet", "--allow-empty", "-m", who)


def reviewed(tmp_path: Path, work: Path, base: int | None, event: dict[str, Any] | None = None) -> Any:
    """What review.yml does on the merge of a branch, whose review is green, into a base, whose review ends in base."""
    project(work, "base", base or 0, review=base is not None)
    git(work, "switch", "--quiet", "--create", "branch")
    project(work, "head", 0)
    git(work, "switch", "--quiet", "main")
    git(work, "merge", "--quiet", "--no-ff", "-m", "merge", "branch")
    env = environment(tmp_path)
    return run("review", "review", context(event), work, env)


@pytest.mark.parametrize(("base", "says", "failed"), [
    (0, "base judges", False), (1, "base judges", True), (2, "base judges", True),
    (None, "head judges", False)])  # fmt: skip
def test_base_judges_where_it_can_and_the_result_is_kept_even_when_red(repository, tmp_path, base, says, failed):
    ran = reviewed(tmp_path, repository, base)
    assert f"{says} ['HEAD^1']" in ran.printed
    assert ran.failed is failed
    kept = [inputs["path"] for used, inputs in ran.used if used == "actions/upload-artifact"]
    assert kept == [".review/result.json", ".review/review.html"]
    assert {used for used, _ in ran.used} == {"actions/checkout", "actions/setup-python", "actions/cache/restore",
                                             "actions/upload-artifact"}  # fmt: skip
    (checkout,) = (inputs for used, inputs in ran.used if used == "actions/checkout")
    assert checkout == {"persist-credentials": "false", "fetch-depth": "0"}


def test_a_pull_request_that_deletes_the_pipeline_is_judged_by_base(repository: Path, tmp_path: Path) -> None:
    project(repository, "base", 1)
    git(repository, "switch", "--quiet", "--create", "branch")
    git(repository, "rm", "--quiet", "-r", "src")
    git(repository, "commit", "--quiet", "-m", "All gone")
    git(repository, "switch", "--quiet", "main")
    git(repository, "merge", "--quiet", "--no-ff", "-m", "merge", "branch")
    ran = run("review", "review", context(), repository, environment(tmp_path))
    assert "base judges" in ran.printed
    assert ran.failed


def test_a_group_in_a_queue_is_judged_against_its_own_base(repository: Path, tmp_path: Path) -> None:
    first = git(repository, "rev-parse", "HEAD~1").strip()
    ran = reviewed(tmp_path, repository, 0, {"merge_group": {"base_sha": first}})
    assert f"head judges ['{first}']" in ran.printed  # that commit has no review
    (_, keys), *_ = [used for used in ran.used if "results" in used[1].get("key", "")]
    assert keys["key"] == f"results-Linux-X64-{first}"
    shutil.rmtree(tmp_path / "temp/base")
    again = run("review", "review", context(), repository, environment(tmp_path))  # a folder that a runner kept
    assert not again.failed, again.printed


# The comment.
def commenting(api: Api, tmp_path: Path, run_: dict[str, Any]) -> Any:
    """comment.yml with main's code beside it, and no package: -S leaves out all that is installed."""
    env = environment(tmp_path)
    for name in ("predictor/refusal.py", "review/post.py", "review/comment.py"):
        (tmp_path / "main/src" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / "src" / name, tmp_path / "main/src" / name)
    stand_in(tmp_path / "bin", "python3", f'exec {sys.executable} -S "$@"')
    (tmp_path / "event.json").write_text(json.dumps({"workflow_run": run_}), encoding="utf-8")
    env |= {name: os.environ[name] for name in ("GITHUB_API_URL", "GITHUB_REPOSITORY", "GITHUB_EVENT_PATH")}
    event = {"workflow_run": run_, "repository": {"default_branch": "main"}}
    return run("comment", "comment", context(event), tmp_path / "main", env)


@pytest.mark.parametrize("conclusion", ["success", "failure", "timed_out"])
def test_the_comment_is_written_without_a_package_installed(api: Api, tmp_path: Path, conclusion: str) -> None:
    ran = commenting(api, tmp_path, RUN | {"conclusion": conclusion})
    assert "pull request 7: the comment is new" in ran.printed
    assert not ran.failed
    assert TOKEN not in ran.printed
    assert [one["user"] for one in api.comments] == [BOT]
    assert api.tokens == {f"Bearer {TOKEN}"}
    (asked,) = (inputs for used, inputs in ran.used if used == "actions/download-artifact")
    assert asked == {"name": "result", "path": "TEMP/result", "run-id": "1", "github-token": TOKEN}


@pytest.mark.parametrize("change", [{"conclusion": "cancelled"}, {"conclusion": "action_required"},
                                    {"conclusion": "skipped"}, {"event": "merge_group"},
                                    {"event": "push"}])  # fmt: skip
def test_no_comment_for_what_was_cancelled_or_is_of_no_pull_request(api: Api, tmp_path: Path, change) -> None:
    assert commenting(api, tmp_path, RUN | change).skipped
    assert api.asked == []


# Main, release, the lock.
@pytest.mark.parametrize(("keep", "saved"), [("true", 1), ("false", 0), ("", 0)])
def test_caches_are_written_only_where_delivery_says_so(repository, tmp_path, keep: str, saved: int) -> None:
    stand_in(tmp_path / "bin", "make")
    stand_in(tmp_path / "bin", "python", f'echo "keep={keep}" >> "$GITHUB_OUTPUT"; test "$DVC_CONFIG_LOCAL" = given')
    ran = run("main", "deliver", context(secrets={"DVC_CONFIG_LOCAL": "given"}), repository, environment(tmp_path))
    assert not ran.failed
    assert [used for used, _ in ran.used].count("actions/cache/save") == saved


@pytest.mark.parametrize(("private", "allowed", "attested"), [(False, "", 1), (True, "", 0), (True, "true", 1)])
def test_what_is_public_is_attested_and_what_is_private_where_it_is_asked(
    repository, tmp_path, private, allowed, attested
) -> None:
    stand_in(tmp_path / "bin", "gh", 'test "$GH_TOKEN" && test "$GH_REPO" = o/r')
    about = context({"repository": {"private": private}}, vars={"ATTEST": allowed})
    ran = run("release", "publish", about, repository, environment(tmp_path))
    assert not ran.failed
    assert [used for used, _ in ran.used].count("actions/attest-build-provenance") == attested


def test_a_release_that_is_refused_leaves_nothing_to_publish(repository: Path, tmp_path: Path) -> None:
    stand_in(tmp_path / "bin", "make")
    stand_in(tmp_path / "bin", "python", '[[ "$*" != *src.release* ]]')
    ran = run("release", "build", context(), repository, environment(tmp_path))
    assert ran.failed
    assert "actions/upload-artifact" not in [used for used, _ in ran.used]


@pytest.mark.parametrize(("code", "failed"), [(0, False), (1, True), (2, False)])
def test_a_lock_that_is_stale_is_red_and_one_that_cannot_be_told_is_not(repository, tmp_path, code, failed) -> None:
    stand_in(tmp_path / "bin", "make")
    stand_in(tmp_path / "bin", "python", f'[[ "$*" != *verify* ]] || exit {code}')
    ran = run("nightly", "proofs", context({"schedule": "23 3 * * *"}), repository, environment(tmp_path))
    assert ran.failed is failed
    assert calls(tmp_path)[-1] == "python -m src.environment src.links"


@pytest.mark.parametrize(("cron", "job", "skipped"), [
    ("23 3 * * *", "proofs", False), ("23 3 * * *", "renew", True), ("53 4 * * 0", "proofs", True),
    ("53 4 * * 0", "renew", False), (None, "proofs", False), (None, "renew", False)])  # fmt: skip
def test_each_night_has_its_jobs(repository: Path, tmp_path: Path, cron, job: str, skipped: bool) -> None:
    for each in ("make", "python"):
        stand_in(tmp_path / "bin", each)
    crons = [entry["cron"] for entry in WORKFLOWS["nightly"][True]["schedule"]]
    assert cron is None or cron in crons
    ran = run("nightly", job, context({"schedule": cron}), repository, environment(tmp_path))
    assert ran.skipped is skipped


LOCKS = "echo three > requirements.lock; echo three > src/versions.json; echo bad > .github/workflows/ci.yml"


def renewal(repository: Path, tmp_path: Path, makes: str, open_: int, secrets: dict[str, str]) -> Any:
    stand_in(tmp_path / "bin", "make", makes)
    stand_in(tmp_path / "bin", "python", "exit 1")  # the table is not to be had
    stand_in(tmp_path / "bin", "gh", f'[[ "$*" != "pr list"* ]] || echo {open_}; echo "token $GH_TOKEN" >> "$CALLS"')
    env = environment(tmp_path)
    first = run("nightly", "renew", context({"schedule": None}), repository, env)
    assert not first.failed, first.printed
    git(repository, "reset", "--quiet", "--hard")
    about = context(needs={"renew": {"outputs": first.outputs}}, secrets=secrets)
    return run("nightly", "propose", about, repository, env)


@pytest.mark.parametrize(("open_", "secrets"), [(0, {}), (0, {"LOCK_TOKEN": "mine"}), (1, {})])
def test_a_new_lock_is_a_pull_request_that_changes_nothing_else(repository, tmp_path, open_, secrets) -> None:
    ran = renewal(repository, tmp_path, LOCKS, open_, secrets)
    assert not ran.failed, ran.printed
    made = calls(tmp_path)
    assert "make lock" in made
    assert "make repro" not in made
    assert f"token {secrets.get('LOCK_TOKEN', TOKEN)}" in made
    changed = git(repository, "diff", "--name-only", "main", "origin/lock-renewal").split()
    assert changed == ["requirements.lock", "src/versions.json"]
    (opened,) = [call for call in made if call.startswith("gh pr create")] or [""]
    assert bool(opened) == (open_ == 0)
    assert ("Close and reopen" in opened) == (not open_ and not secrets)


def test_a_lock_that_is_up_to_date_is_no_pull_request(repository: Path, tmp_path: Path) -> None:
    assert renewal(repository, tmp_path, "true", 0, {}).skipped
    assert not [call for call in calls(tmp_path) if call.startswith("gh")]


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

"""Decisions of jobs: which commit's code reviews, when there is a comment, what is cached, released and proposed."""

import hashlib
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from plumbline.testing.projects import ROOT
from template.bake.wheel import FILE_NAME, build_wheel
from template.tests.bake.conftest import git
from template.tests.workflows.api import BOT, Api
from template.tests.workflows.conftest import RUN, TOKEN
from template.tests.workflows.runner import WORKFLOWS, context, environment, read_calls, run, write_stand_in

# The review: who judges, and what is left of it.
BOOTSTRAP = """import os, runpy, sys
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.argv[:] = sys.argv[1:]
runpy.run_module(sys.argv[0], run_name='__main__')
"""


def write_project(work: Path, who: str, code: int, form: str = "folder") -> None:
    """A tiny project whose review says who it is and ends in `code`; the form is folder, wheel, old or none."""
    (work / "src").mkdir(exist_ok=True)
    (work / "src/environment.py").write_text(BOOTSTRAP)
    if form != "none":
        (work / "plumbline").mkdir(exist_ok=True)
        (work / "plumbline/__main__.py").write_text(
            f"import sys\nprint('{who} judges', sys.argv[2:])\nsys.exit({code})\n"
        )
    if form == "folder":
        (work / "plumbline/machinery.py").touch()
    if form == "wheel":  # of which the lock tells; the stand-in has a folder all the same
        (work / "requirements.lock").write_text("plumbline-ml==0.2.0+cabc \\\n    --hash=sha256:0\n")
    git(work, "add", "--all")
    git(work, "commit", "--quiet", "--allow-empty", "-m", who)


def run_review(tmp_path: Path, work: Path, base: int, form: str = "folder", event: dict[str, Any] | None = None) -> Any:
    """What review.yml does on the merge of a branch, whose review is green, into a base, whose review ends in base."""
    write_project(work, "base", base, form)
    git(work, "switch", "--quiet", "--create", "branch")
    write_project(work, "head", 0)
    git(work, "switch", "--quiet", "main")
    git(work, "merge", "--quiet", "--no-ff", "-m", "merge", "branch")
    env = environment(tmp_path)
    return run("review", "review", context(event), work, env)


@pytest.mark.parametrize(
    ("base", "form", "line", "is_failure"),
    [
        (0, "folder", "base judges", False),
        (1, "folder", "base judges", True),
        (2, "wheel", "base judges", True),
        (1, "old", "head judges", False),
        (1, "none", "head judges", False),
    ],
)
def test_base_judges_where_it_can_and_the_result_is_kept_even_when_red(
    repository, tmp_path, base, form, line, is_failure
):
    result = run_review(tmp_path, repository, base, form)
    assert f"{line} ['HEAD^1']" in result.output
    assert result.is_failure is is_failure
    paths = [inputs["path"] for action, inputs in result.actions if action == "actions/upload-artifact"]
    assert paths == [".review/result.json", ".review/review.html"]
    assert {action for action, _ in result.actions} == {
        "actions/checkout",
        "actions/setup-python",
        "actions/cache/restore",
        "actions/upload-artifact",
    }
    (checkout,) = (inputs for action, inputs in result.actions if action == "actions/checkout")
    assert checkout == {"persist-credentials": "false", "fetch-depth": "0"}


def test_a_pull_request_that_deletes_the_pipeline_is_judged_by_base(repository: Path, tmp_path: Path) -> None:
    write_project(repository, "base", 1)
    git(repository, "switch", "--quiet", "--create", "branch")
    git(repository, "rm", "--quiet", "-r", "src", "plumbline")
    git(repository, "commit", "--quiet", "-m", "All gone")
    git(repository, "switch", "--quiet", "main")
    git(repository, "merge", "--quiet", "--no-ff", "-m", "merge", "branch")
    result = run("review", "review", context(), repository, environment(tmp_path))
    assert "base judges" in result.output
    assert result.is_failure


def test_a_group_in_a_queue_is_judged_against_its_own_base(repository: Path, tmp_path: Path) -> None:
    first = git(repository, "rev-parse", "HEAD~1").strip()
    result = run_review(tmp_path, repository, 0, event={"merge_group": {"base_sha": first}})
    assert f"head judges ['{first}']" in result.output  # that commit has no review
    (_, keys), *_ = [step for step in result.actions if "results" in step[1].get("key", "")]
    assert keys["key"] == f"results-Linux-X64-{first}"
    shutil.rmtree(tmp_path / "temp/base")
    again = run("review", "review", context(), repository, environment(tmp_path))  # a folder that a runner kept
    assert not again.is_failure, again.output


# The comment.
def run_comment(api: Api, tmp_path: Path, run_: dict[str, Any], *, has_wheel: bool = False) -> Any:
    """comment.yml with main's code beside it, and no package: -S leaves out all that is installed."""
    env = environment(tmp_path)
    (tmp_path / "main/vendor").mkdir(parents=True)
    if has_wheel:
        version, wheel = build_wheel(ROOT)
        (tmp_path / "main/vendor" / FILE_NAME.format(version=version)).write_bytes(wheel)
        pyproject = f'[project]\ndependencies = ["plumbline-ml=={version}"]\n'
        (tmp_path / "main/pyproject.toml").write_text(pyproject, encoding="utf-8")
        digest = hashlib.sha256(wheel).hexdigest()
        lock = f"plumbline-ml=={version} \\\n    --hash=sha256:{digest}\n"
        (tmp_path / "main/requirements.lock").write_text(lock, encoding="utf-8")
    else:
        shutil.copytree(ROOT / "plumbline", tmp_path / "main/plumbline", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "dvc.yaml", tmp_path / "main")
    (tmp_path / "main/src").mkdir()
    shutil.copy(ROOT / "src/environment.py", tmp_path / "main/src")
    (tmp_path / "temp/result").mkdir()
    (tmp_path / "temp/result/result.json").write_text(
        '{"version": 4, "word": "same", "why": "", "base_commit": "", "head_commit": ""}', encoding="utf-8"
    )
    write_stand_in(tmp_path / "bin", "python3", f'exec {sys.executable} -S "$@"')
    (tmp_path / "event.json").write_text(json.dumps({"workflow_run": run_}), encoding="utf-8")
    env |= {name: os.environ[name] for name in ("GITHUB_API_URL", "GITHUB_REPOSITORY", "GITHUB_EVENT_PATH")}
    event = {"workflow_run": run_, "repository": {"default_branch": "main"}}
    return run("comment", "comment", context(event), tmp_path / "main", env)


@pytest.mark.parametrize(
    ("conclusion", "has_wheel"), [("success", True), ("failure", False), ("failure", True), ("timed_out", True)]
)
def test_the_comment_is_written_without_a_package_installed(
    api: Api, tmp_path: Path, conclusion: str, has_wheel: bool
) -> None:
    result = run_comment(api, tmp_path, RUN | {"conclusion": conclusion}, has_wheel=has_wheel)
    assert "pull request 7: the comment is new" in result.output
    assert not result.is_failure
    assert TOKEN not in result.output
    ((user, body),) = [(comment["user"], comment["body"]) for comment in api.comments]
    assert user == BOT
    assert "same" in body.lower()
    assert api.tokens == {f"Bearer {TOKEN}"}
    (inputs,) = (inputs for action, inputs in result.actions if action == "actions/download-artifact")
    assert inputs == {"name": "result", "path": "TEMP/result", "run-id": "1", "github-token": TOKEN}


@pytest.mark.parametrize(
    "change",
    [
        {"conclusion": "cancelled"},
        {"conclusion": "action_required"},
        {"conclusion": "skipped"},
        {"event": "merge_group"},
        {"event": "push"},
    ],
)
def test_no_comment_for_what_was_cancelled_or_is_of_no_pull_request(api: Api, tmp_path: Path, change) -> None:
    assert run_comment(api, tmp_path, RUN | change).is_skipped
    assert api.requests == []


# Main, release, the lock.
@pytest.mark.parametrize(("keep", "count"), [("true", 1), ("false", 0), ("", 0)])
def test_caches_are_written_only_where_delivery_says_so(repository, tmp_path, keep: str, count: int) -> None:
    write_stand_in(tmp_path / "bin", "make")
    write_stand_in(
        tmp_path / "bin", "python", f'echo "keep={keep}" >> "$GITHUB_OUTPUT"; test "$DVC_CONFIG_LOCAL" = given'
    )
    result = run("main", "deliver", context(secrets={"DVC_CONFIG_LOCAL": "given"}), repository, environment(tmp_path))
    assert not result.is_failure
    assert [action for action, _ in result.actions].count("actions/cache/save") == count


@pytest.mark.parametrize(("private", "setting", "count"), [(False, "", 1), (True, "", 0), (True, "true", 1)])
def test_what_is_public_is_attested_and_what_is_private_where_it_is_asked(
    repository, tmp_path, private, setting, count
) -> None:
    write_stand_in(tmp_path / "bin", "gh", 'test "$GH_TOKEN" && test "$GH_REPO" = o/r')
    context_ = context({"repository": {"private": private}}, vars={"ATTEST": setting})
    result = run("release", "publish", context_, repository, environment(tmp_path))
    assert not result.is_failure
    assert [action for action, _ in result.actions].count("actions/attest-build-provenance") == count


def test_a_release_that_is_refused_leaves_nothing_to_publish(repository: Path, tmp_path: Path) -> None:
    write_stand_in(tmp_path / "bin", "make")
    write_stand_in(tmp_path / "bin", "python", '[[ "$*" != *"plumbline release"* ]]')
    result = run("release", "build", context(), repository, environment(tmp_path))
    assert result.is_failure
    assert "actions/upload-artifact" not in [action for action, _ in result.actions]


@pytest.mark.parametrize(("code", "is_failure"), [(0, False), (1, True), (2, False)])
def test_a_lock_that_is_stale_is_red_and_one_that_cannot_be_told_is_not(repository, tmp_path, code, is_failure) -> None:
    write_stand_in(tmp_path / "bin", "make")
    write_stand_in(tmp_path / "bin", "python", f'[[ "$*" != *verify* ]] || exit {code}')
    result = run("nightly", "proofs", context({"schedule": "23 3 * * *"}), repository, environment(tmp_path))
    assert result.is_failure is is_failure
    assert read_calls(tmp_path)[-1] == "python -m src.environment plumbline links"


@pytest.mark.parametrize("lost", ["dvc.lock", "the table"])
def test_without_a_run_or_its_table_nothing_is_proved_or_red(repository: Path, tmp_path: Path, lost) -> None:
    write_stand_in(tmp_path / "bin", "make")
    write_stand_in(tmp_path / "bin", "python", '[[ "$*" != *"deliver pull"* ]]' if lost == "the table" else "")
    (repository / lost).unlink(missing_ok=True)
    result = run("nightly", "proofs", context({"schedule": "23 3 * * *"}), repository, environment(tmp_path))
    assert not result.is_failure
    assert not [call for call in read_calls(tmp_path) if "replay" in call or "hermetic" in call]
    assert read_calls(tmp_path)[-1] == "python -m src.environment plumbline links"


@pytest.mark.parametrize(
    ("cron", "job", "is_skipped"),
    [
        ("23 3 * * *", "proofs", False),
        ("23 3 * * *", "renew", True),
        ("53 4 * * 0", "proofs", True),
        ("53 4 * * 0", "renew", False),
        (None, "proofs", False),
        (None, "renew", False),
    ],
)
def test_each_night_has_its_jobs(repository: Path, tmp_path: Path, cron, job: str, is_skipped: bool) -> None:
    for name in ("make", "python"):
        write_stand_in(tmp_path / "bin", name)
    crons = [entry["cron"] for entry in WORKFLOWS["nightly"][True]["schedule"]]
    assert cron is None or cron in crons
    result = run("nightly", job, context({"schedule": cron}), repository, environment(tmp_path))
    assert result.is_skipped is is_skipped


LOCKS = "echo three > requirements.lock; echo three > src/versions.json; echo bad > .github/workflows/ci.yml"


def run_renewal(repository: Path, tmp_path: Path, makes: str, open_: int, secrets: dict[str, str]) -> Any:
    write_stand_in(tmp_path / "bin", "make", makes)
    write_stand_in(tmp_path / "bin", "python", "exit 1")  # the table is not to be had
    write_stand_in(
        tmp_path / "bin", "gh", f'[[ "$*" != "pr list"* ]] || echo {open_}; echo "token $GH_TOKEN" >> "$CALLS"'
    )
    env = environment(tmp_path)
    first = run("nightly", "renew", context({"schedule": None}), repository, env)
    assert not first.is_failure, first.output
    git(repository, "reset", "--quiet", "--hard")
    context_ = context(needs={"renew": {"outputs": first.outputs}}, secrets=secrets)
    return run("nightly", "propose", context_, repository, env)


@pytest.mark.parametrize(("open_", "secrets"), [(0, {}), (0, {"LOCK_TOKEN": "mine"}), (1, {})])
def test_a_new_lock_is_a_pull_request_that_changes_nothing_else(repository, tmp_path, open_, secrets) -> None:
    result = run_renewal(repository, tmp_path, LOCKS, open_, secrets)
    assert not result.is_failure, result.output
    lines = read_calls(tmp_path)
    assert "make lock UPGRADE=1" in lines
    assert "make repro" not in lines
    assert f"token {secrets.get('LOCK_TOKEN', TOKEN)}" in lines
    paths = git(repository, "diff", "--name-only", "main", "origin/lock-renewal").split()
    assert paths == ["requirements.lock", "src/versions.json"]
    (command,) = [call for call in lines if call.startswith("gh pr create")] or [""]
    assert bool(command) == (open_ == 0)
    assert ("Close and reopen" in command) == (not open_ and not secrets)


def test_a_lock_that_is_up_to_date_is_no_pull_request(repository: Path, tmp_path: Path) -> None:
    assert run_renewal(repository, tmp_path, "true", 0, {}).is_skipped
    assert not [call for call in read_calls(tmp_path) if call.startswith("gh")]

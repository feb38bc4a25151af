"""What single jobs decide: who judges, when there is a comment, what is kept, released and proposed."""

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from plumbline.testing.projects import ROOT
from template.tests.bake.conftest import git
from template.tests.workflows.api import BOT, Api
from template.tests.workflows.conftest import RUN, TOKEN
from template.tests.workflows.runner import WORKFLOWS, calls, context, environment, run, stand_in


# The review: who judges, and what is left of it.
def project(work: Path, who: str, code: int, review: bool = True) -> None:
    """A tiny project whose review says who it is and ends in `code`."""
    (work / "src").mkdir(exist_ok=True)
    (work / "src/environment.py").write_text("import runpy, sys\nsys.argv[:] = sys.argv[1:]\n"
                                             "runpy.run_module(sys.argv[0], run_name='__main__')\n")  # fmt: skip
    if review:
        (work / "plumbline/commands").mkdir(parents=True, exist_ok=True)
        (work / "plumbline/commands/review.py").touch()
        (work / "plumbline/__main__.py").write_text(
            f"import sys\nprint('{who} judges', sys.argv[2:])\nsys.exit({code})\n"
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
    git(repository, "rm", "--quiet", "-r", "src", "plumbline")
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
    shutil.copytree(ROOT / "plumbline", tmp_path / "main/plumbline", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "dvc.yaml", tmp_path / "main")
    (tmp_path / "temp/result").mkdir()
    (tmp_path / "temp/result/result.json").write_text(
        '{"version": 2, "word": "same", "why": "", "base_commit": "", "head_commit": ""}', encoding="utf-8"
    )
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
    ((user, body),) = [(one["user"], one["body"]) for one in api.comments]
    assert user == BOT
    assert "same" in body.lower()
    assert api.tokens == {f"Bearer {TOKEN}"}
    (asked,) = (inputs for used, inputs in ran.used if used == "actions/download-artifact")
    assert asked == {"name": "result", "path": "TEMP/result", "run-id": "1", "github-token": TOKEN}


@pytest.mark.parametrize("change", [{"conclusion": "cancelled"}, {"conclusion": "action_required"},
                                    {"conclusion": "skipped"}, {"event": "merge_group"},
                                    {"event": "push"}])  # fmt: skip
def test_no_comment_for_what_was_cancelled_or_is_of_no_pull_request(api: Api, tmp_path: Path, change) -> None:
    assert commenting(api, tmp_path, RUN | change).skipped
    assert api.requests == []


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
    stand_in(tmp_path / "bin", "python", '[[ "$*" != *"plumbline release"* ]]')
    ran = run("release", "build", context(), repository, environment(tmp_path))
    assert ran.failed
    assert "actions/upload-artifact" not in [used for used, _ in ran.used]


@pytest.mark.parametrize(("code", "failed"), [(0, False), (1, True), (2, False)])
def test_a_lock_that_is_stale_is_red_and_one_that_cannot_be_told_is_not(repository, tmp_path, code, failed) -> None:
    stand_in(tmp_path / "bin", "make")
    stand_in(tmp_path / "bin", "python", f'[[ "$*" != *verify* ]] || exit {code}')
    ran = run("nightly", "proofs", context({"schedule": "23 3 * * *"}), repository, environment(tmp_path))
    assert ran.failed is failed
    assert calls(tmp_path)[-1] == "python -m src.environment plumbline links"


@pytest.mark.parametrize("lost", ["dvc.lock", "the table"])
def test_without_a_run_or_its_table_nothing_is_proved_or_red(repository: Path, tmp_path: Path, lost) -> None:
    stand_in(tmp_path / "bin", "make")
    stand_in(tmp_path / "bin", "python", '[[ "$*" != *bring* ]]' if lost == "the table" else "")
    (repository / lost).unlink(missing_ok=True)
    ran = run("nightly", "proofs", context({"schedule": "23 3 * * *"}), repository, environment(tmp_path))
    assert not ran.failed
    assert not [call for call in calls(tmp_path) if "replay" in call or "hermetic" in call]
    assert calls(tmp_path)[-1] == "python -m src.environment plumbline links"


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
    assert "make lock UPGRADE=1" in made
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

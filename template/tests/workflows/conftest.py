"""A pull request as its review's run names it, and the API that knows it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from template.tests.bake.conftest import git
from template.tests.workflows.api import Api
from template.tests.workflows.runner import GITHUB

SHA, TOKEN = "c0ffee" * 6 + "abcd", GITHUB["token"]
RUN: dict[str, Any] = {
    "html_url": "https://host/o/r/actions/runs/1",
    "head_branch": "feat/x",
    "head_sha": SHA,
    "event": "pull_request",
    "id": 1,
    "conclusion": "failure",
    "head_repository": {"full_name": "forker/r", "owner": {"login": "forker"}},
}


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    server = Api()
    head = {"label": "forker:feat/x", "sha": SHA, "repo": {"full_name": "forker/r"}}
    server.pulls.append({"number": 7, "state": "open", "head": head})
    (tmp_path / "event.json").write_text(json.dumps({"workflow_run": RUN}), encoding="utf-8")
    for name, value in {
        "GITHUB_API_URL": server.url,
        "GITHUB_TOKEN": TOKEN,
        "GITHUB_REPOSITORY": "o/r",
        "GITHUB_EVENT_PATH": str(tmp_path / "event.json"),
    }.items():
        monkeypatch.setenv(name, value)
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository of two commits and its remote, main checked out."""
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", "origin.git")
    git(tmp_path, "clone", "--quiet", str(tmp_path / "origin.git"), "work")
    work = tmp_path / "work"
    git(work, "switch", "--quiet", "--orphan", "main")
    for text in ("one\n", "two\n"):
        for name in ("requirements.lock", "src/versions.json", ".github/workflows/ci.yml", "dvc.lock"):
            (work / name).parent.mkdir(parents=True, exist_ok=True)
            (work / name).write_text(text)
        git(work, "add", "--all")
        git(work, "commit", "--quiet", "-m", text)
    git(work, "push", "--quiet", "-u", "origin", "main")
    return work

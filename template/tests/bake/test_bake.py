"""Every way to make a project gives the same one; a refusal is one line and leaves nothing."""

import json
import shutil
from pathlib import Path

import pytest

from template.tests.bake.conftest import Tools, git, tree

ANSWERS = {"project_name": "House Prices", "target": "größe in cm", "dvc_remote": "../store", "license": "BSD-3-Clause"}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def bake_in_place(tools: Tools, clone: Path, answers: dict[str, str]) -> dict[str, tuple[str, bool]]:
    """The tree of a clone that became a project, after refusals that left it as it was."""
    command = ["python3", "-m", "template.bake", *(f"{name}={answer}" for name, answer in answers.items())]
    (clone / "note.txt").write_text("not committed")
    assert "working tree has changes" in tools.run(*command, cwd=clone, code=1)
    (clone / "note.txt").unlink()
    before = tree(clone)
    assert "nothing is there" in tools.run(*command, "data=no.csv", cwd=clone, code=1)
    assert "is not an answer" in tools.run(*command, "colour=red", cwd=clone, code=1)
    assert tree(clone) == before
    tools.run(*command, cwd=clone)
    return tree(clone)


def test_path_url_tag_archive_replay_cruft_and_in_place_give_the_same_tree(
    tools: Tools, template: Path, table: Path, tmp_path: Path
) -> None:
    answers = ANSWERS | {"data": str(table)}
    bare = tmp_path / "bare.git"
    git(template, "clone", "--quiet", "--bare", str(template), str(bare))
    git(bare, "tag", "v9")
    git(template, "archive", "--format=zip", "--prefix=repo-main/", "-o", str(tmp_path / "main.zip"), "HEAD")
    ways: dict[str, list[str]] = {
        "path": [str(template)],
        "url": [f"file://{bare}"],
        "tag": [f"file://{bare}", "--checkout", "v9"],
        "archive": [str(tmp_path / "main.zip")],
        "replay": [str(template), "--replay"],
    }
    trees = {}
    for name, (source, *options) in ways.items():
        folder = tmp_path / name
        folder.mkdir()
        if name == "replay":
            tools.run("cookiecutter", source, *options, cwd=folder)
        else:
            tools.bake(source, folder, *options, **answers)
        trees[name] = tree(folder / "house-prices")
        has_link = (folder / "house-prices/.cruft.json").is_file()
        assert has_link == (name != "archive"), "an archive has no commit"
        assert len(git(folder / "house-prices", "log", "--oneline").splitlines()) == 1
    (tmp_path / "cruft").mkdir()
    extra = ["--no-input", "--extra-context", json.dumps(answers)]
    output = tools.run("cruft", "create", f"file://{bare}", *extra, cwd=tmp_path / "cruft")
    assert "git init" in output
    trees["cruft"] = tree(tmp_path / "cruft/house-prices")
    git(template, "clone", "--quiet", str(template), str(tmp_path / "clone"))
    trees["in place"] = bake_in_place(tools, tmp_path / "clone", answers)
    for name, files in trees.items():
        assert files == trees["path"], name


def test_a_relative_path_counts_from_where_the_user_is(tools: Tools, template: Path, table: Path, out: Path) -> None:
    (out.parent / "elsewhere").mkdir()
    tools.bake(template, out, "-o", str(out.parent / "elsewhere"), data=f"../{table.name}", target="b")
    project = out.parent / "elsewhere/my-project"
    assert (project / "data/source" / table.name).read_bytes() == table.read_bytes()


def test_a_table_is_in_the_first_commit_whatever_the_user_ignores_elsewhere(tools, template, table, out) -> None:
    (out.parent / ".gitconfig").write_text(f"[core]\n    excludesFile = {out.parent / 'ignored'}\n")
    (out.parent / "ignored").write_text("*.csv\n")
    answers = [f"data={table}", "target=b"]
    tools.run("cookiecutter", "--no-input", str(template), *answers, cwd=out, HOME=str(out.parent))
    assert f"data/source/{table.name}" in git(out / "my-project", "ls-files")


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({"project_name": "😀"}, "project_name"),
        ({"project_name": "../x"}, "project_name"),
        ({"license": "GPL"}, "license"),
        ({"python_version": "2.7"}, "python_version"),
        ({"dvc_remote": "ftp://x"}, "dvc_remote"),
        ({"data": "no.csv", "target": "b"}, "nothing is there"),
        ({"data": "no.csv"}, "target has none"),
        ({"target": "c"}, "no such column"),
    ],
)
def test_a_refusal_is_one_line_and_leaves_nothing(tools, template, table, out, answers, words) -> None:
    table_answer = {"data": str(table)} if answers.keys() == {"target"} else {}
    output = tools.bake(template, out, code=1, **table_answer, **answers)
    (line,) = output.splitlines()
    assert line.startswith("ERROR: ")
    assert words in line
    assert list(out.iterdir()) == []


def test_a_folder_that_is_there_is_left_alone(tools: Tools, template: Path, out: Path) -> None:
    (out / "my-project").mkdir()
    (out / "my-project/mine.txt").write_text("mine")
    assert "already exists" in tools.bake(template, out, code=1)
    output = tools.bake(template, out, "--overwrite-if-exists", code=1)
    assert "has files already" in output
    assert (out / "my-project/mine.txt").read_text() == "mine"


def test_hooks_that_may_not_run_say_so(tools: Tools, template: Path, out: Path) -> None:
    tools.bake(template, out, "--accept-hooks", "no")
    assert [path.name for path in (out / "my-project").iterdir()] == ["HOOKS-DID-NOT-RUN.md"]


def test_inside_a_repository_or_without_a_name_in_git_all_is_there_and_said(tools, template, out, tmp_path) -> None:
    git(out, "init", "-q")
    assert "is a git repository already" in tools.bake(template, out)
    assert not (out / "my-project/.git").exists()
    folder = tmp_path / "other"
    folder.mkdir()
    nobody = {f"GIT_{role}_{field}": "" for role in ("AUTHOR", "COMMITTER") for field in ("NAME", "EMAIL")}
    output = tools.run("cookiecutter", "--no-input", str(template), cwd=folder, HOME=str(tmp_path), **nobody)
    assert "everything is staged but not committed" in output


def test_what_is_not_committed_in_the_template_comes_and_is_said(
    tools: Tools, template: Path, out: Path, tmp_path
) -> None:
    shutil.copytree(template, tmp_path / "worked-in")
    (tmp_path / "worked-in/docs/new.md").write_text("new\n")
    (tmp_path / "worked-in/.venv").mkdir()
    (tmp_path / "worked-in/.venv/x").write_text("not this")
    assert "has uncommitted changes" in tools.bake(tmp_path / "worked-in", out)
    assert (out / "my-project/docs/new.md").exists()
    assert not (out / "my-project/.venv").exists()

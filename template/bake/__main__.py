"""Create a project from this repository, with the standard library only.

cookiecutter and cruft call `main` through hooks/post_gen_project.py.
python3 -m template.bake QUESTION=ANSWER ...    in a clone: turn the clone itself into the project
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from template.bake.answers import LOCK, QUESTIONS, Answers, BakeError, check_answers, clean_answers
from template.bake.checkout import git, list_files
from template.bake.files import write_project
from template.bake.table import copy_table

NOTICE = "HOOKS-DID-NOT-RUN.md"


def main(checkout: str, folder: str, context: dict[str, Any], operation: str) -> int:
    """Write the project into the folder that cookiecutter has created.

    Parameters
    ----------
    checkout, folder : str
        The template and the project.
    context : dict
        The answers by question, as cookiecutter has them.
    operation : str
        cookiecutter (files, table, link to the template, first commit), cruft-create (files and table) or cruft-render
        (files only: a scratch copy that an update compares with).

    Returns
    -------
    int
        The exit code.
    """
    source, project = Path(checkout).resolve(), Path(folder).resolve()
    (project / NOTICE).unlink(missing_ok=True)
    if operation == "cruft-render":  # these answers were checked when the project was created
        write_project(source, project, clean_answers(context))
        return 0
    answers = check_answers(context, (source / LOCK).read_text(encoding="utf-8"))
    if {path.name for path in project.iterdir()} - {".git"}:
        message = f"{project} has files already, expected a new folder"
        raise BakeError(
            message, hint="Choose another project_name; to update a project from the template: cruft update"
        )
    folders = [os.environ.get("PWD"), context.get("_output_dir"), str(project.parent)]
    _fill(source, project, answers, [folder for folder in folders if folder])
    if operation == "cookiecutter":
        _write_cruft_state(source, project, context)
        _commit(project)
    else:
        print("Not committed yet: git init -b main && git add -A && git commit -m 'Start from the template'")
    print(f"Created: {project}. Next: cd {project.name} && make repro test")
    return 0


def _fill(checkout: Path, project: Path, answers: Answers, folders: list[str]) -> None:
    """Write the files and copy the table."""
    write_project(checkout, project, answers)
    if answers["data"]:
        copy_table(answers, folders, project)


def _write_cruft_state(checkout: Path, project: Path, context: dict[str, Any]) -> None:
    """Write the .cruft.json that `cruft create` would write, so that `cruft update` works."""
    commit = (git(checkout, "rev-parse", "HEAD") or "").strip() if (checkout / ".git").exists() else ""
    if not commit:
        print("NOTE: an archive has no commit; before the first update: uvx cruft link ADDRESS")
        return
    if git(checkout, "status", "--porcelain"):
        print("NOTE: the template has uncommitted changes; updates start from its last commit")
    # A commit that is not on origin is available from this checkout only.
    is_pushed = git(checkout, "branch", "-r", "--contains", "HEAD") or git(checkout, "tag", "--points-at", "HEAD")
    origin = (git(checkout, "config", "remote.origin.url") or "").strip()
    url = origin if is_pushed and origin else str(checkout)
    questions = _default_answers(checkout)
    answers = {name: context[name] for name in questions if name in context}
    state = {
        "template": url,
        "commit": commit,
        "checkout": None,
        "context": {"cookiecutter": answers | {"_template": url, "_commit": commit}},
        "directory": None,
    }
    text = json.dumps(state, ensure_ascii=False, indent=2, separators=(",", ": ")) + "\n"
    (project / ".cruft.json").write_bytes(text.encode())


def _default_answers(checkout: Path) -> dict[str, Any]:
    return json.loads((checkout / "cookiecutter.json").read_text(encoding="utf-8"))


def _commit(project: Path) -> None:
    repository = git(project, "rev-parse", "--show-toplevel")
    if repository:
        print(f"NOTE: {repository.strip()} is a git repository already: commit there yourself")
    elif git(project, "init", "-q", "-b", "main") is None:
        print("NOTE: git could not create a repository here; create it yourself: git init -b main")
    else:
        # No global ignore file: the user's own may have *.csv in it.
        git(project, "-c", "core.excludesFile=", "add", "--all")
        message = ["commit", "-q", "--no-verify", "-m", "Start from the template"]
        if git(project, "-c", "commit.gpgsign=false", *message) is None:
            print("NOTE: everything is staged but not committed: set git's user.name and user.email, then git commit")


def bake_in_place(checkout: Path, arguments: list[str]) -> int:
    """Turn the clone itself into the project.

    Parameters
    ----------
    checkout : Path
        The clone; its working tree must have no changes.
    arguments : list of str
        QUESTION=ANSWER, for the questions whose answer is not the default.

    Returns
    -------
    int
        The exit code.

    Raises
    ------
    BakeError
        If an answer cannot be used. The clone is unchanged then: everything is built in another folder first.
    """
    answers = _parse_answers(checkout, arguments)
    changes = git(checkout, "status", "--porcelain")
    if changes is None or changes:
        message = f"{checkout}: the working tree has changes, or is not a git repository"
        raise BakeError(message, hint="Commit or stash the changes, and run it again in a clone")
    checked_answers = check_answers(answers, (checkout / LOCK).read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / checked_answers["slug"]
        project.mkdir()
        _fill(checkout, project, checked_answers, [str(Path.cwd())])
        _remove_template(checkout)
        shutil.copytree(project, checkout, dirs_exist_ok=True)
    print("Created: this clone is the project. Next: git add -A && git commit -m 'Start', then make repro test")
    return 0


def _parse_answers(checkout: Path, arguments: list[str]) -> Answers:
    defaults = _default_answers(checkout)
    answers = {name: defaults[name] for name in QUESTIONS}
    for argument in arguments:
        name, _, answer = argument.partition("=")
        if name not in answers:
            message = f"{argument!r} is not an answer, expected QUESTION=ANSWER with one of {', '.join(QUESTIONS)}"
            raise BakeError(message, hint='Write it as in: python3 -m template.bake project_name="House Prices"')
        answers[name] = answer
    return answers


def _remove_template(checkout: Path) -> None:
    """Remove the files of the clone, and the folders that are empty then."""
    shutil.rmtree(checkout / "template")  # with the byte code that Python has written there
    for name in list_files(checkout):
        (checkout / name).unlink(missing_ok=True)
        for parent in (checkout / name).parents:
            if parent == checkout or any(parent.iterdir()):
                break
            parent.rmdir()


if __name__ == "__main__":
    sys.exit(bake_in_place(Path.cwd(), sys.argv[1:]))

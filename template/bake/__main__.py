"""Makes a project of this repository. Standard library only.

cookiecutter calls `main` through hooks/post_gen_project.py, cruft too.
python3 -m template.bake QUESTION=ANSWER ...    in a clone: makes the clone itself the project
"""

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

from template.bake.answers import LOCK, QUESTIONS, Refused, checked, stated
from template.bake.files import git, lay_down, listed
from template.bake.table import bring

NOTICE = "HOOKS-DID-NOT-RUN.md"


def main(checkout: str, folder: str, given: dict, operation: str) -> int:
    """operation: cookiecutter (files, table, link to the template, first commit), cruft-create (files and table), or
    cruft-render (files alone: a scratch copy that an update compares with).
    """
    source, project = Path(checkout).resolve(), Path(folder).resolve()
    (project / NOTICE).unlink(missing_ok=True)
    if operation == "cruft-render":  # of answers that were good once
        lay_down(source, project, stated(given))
        return 0
    answers = checked(given, (source / LOCK).read_text(encoding="utf-8"))
    if {path.name for path in project.iterdir()} - {".git"}:
        raise Refused(f"{project} has files already, expected a new folder. To follow the template: cruft update")
    lay_down(source, project, answers)
    if answers["data"]:
        folders = [os.environ.get("PWD"), given.get("_output_dir"), str(project.parent)]
        bring(answers, [folder for folder in folders if folder], project)
    if operation == "cookiecutter":
        _link(source, project, given)
        _commit(project)
    else:
        print("Not committed yet: git init -b main && git add -A && git commit -m 'Start from the template'")
    print(f"Made: {project}. Next: cd {project.name} && make repro test")
    return 0


def _link(checkout: Path, project: Path, given: dict) -> None:
    """Writes the .cruft.json that `cruft create` would, so that `cruft update` works."""
    commit = (git(checkout, "rev-parse", "HEAD") or "").strip() if (checkout / ".git").exists() else ""
    if not commit:
        print("NOTE: an archive does not know its commit; updates need: uvx cruft link ADDRESS")
        return
    if git(checkout, "status", "--porcelain"):
        print("NOTE: the template has changes that are not committed; updates count from its last commit")
    # A commit that origin has not is to be had from this very checkout alone.
    pushed = git(checkout, "branch", "-r", "--contains", "HEAD") or git(checkout, "tag", "--points-at", "HEAD")
    origin = (git(checkout, "config", "remote.origin.url") or "").strip()
    url = origin if pushed and origin else str(checkout)
    asked = json.loads((checkout / "cookiecutter.json").read_text(encoding="utf-8"))
    context = {name: given[name] for name in asked if name in given} | {"_template": url, "_commit": commit}
    state = {
        "template": url,
        "commit": commit,
        "checkout": None,
        "context": {"cookiecutter": context},
        "directory": None,
    }
    text = json.dumps(state, ensure_ascii=False, indent=2, separators=(",", ": ")) + "\n"
    (project / ".cruft.json").write_text(text, encoding="utf-8", newline="\n")


def _commit(project: Path) -> None:
    inside = git(project, "rev-parse", "--show-toplevel")
    if inside:
        print(f"NOTE: {inside.strip()} is a git repository already: commit there yourself")
    elif git(project, "init", "-q", "-b", "main") is None:
        print("NOTE: git could not make a repository here; make it yourself")
    else:
        # No global ignore file: the user's own may have *.csv in it.
        git(project, "-c", "core.excludesFile=", "add", "--all")
        message = ["commit", "-q", "--no-verify", "-m", "Start from the template"]
        if git(project, "-c", "commit.gpgsign=false", *message) is None:
            print("NOTE: everything is staged and not committed: set git's user.name and user.email, then git commit")


def in_place(checkout: Path, arguments: list[str]) -> int:
    """Makes the clone itself the project; all is built elsewhere first, so that a refusal leaves it as it was."""
    asked = json.loads((checkout / "cookiecutter.json").read_text(encoding="utf-8"))
    given = {name: asked[name] for name in QUESTIONS}
    for argument in arguments:
        name, _, answer = argument.partition("=")
        if name not in given:
            raise Refused(f"{argument!r} is no answer, expected QUESTION=ANSWER with one of {', '.join(QUESTIONS)}")
        given[name] = answer
    changed = git(checkout, "status", "--porcelain")
    if changed is None or changed:
        raise Refused("the working tree has changes, or is no git repository. Commit or stash them, and run it again")
    answers = checked(given, (checkout / LOCK).read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / answers["slug"]
        made.mkdir()
        lay_down(checkout, made, answers)
        if answers["data"]:
            bring(answers, [str(Path.cwd())], made)
        shutil.rmtree(checkout / "template")  # with what Python has written beside it
        for name in listed(checkout):
            (checkout / name).unlink(missing_ok=True)
            for parent in (checkout / name).parents:
                if parent == checkout or any(parent.iterdir()):
                    break
                parent.rmdir()
        shutil.copytree(made, checkout, dirs_exist_ok=True)
    print("Made: this clone is the project. Next: git add -A && git commit -m 'Start', then make repro test")
    return 0


if __name__ == "__main__":
    sys.exit(in_place(Path.cwd(), sys.argv[1:]))

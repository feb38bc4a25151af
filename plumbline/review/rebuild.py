"""Whether a wheel of the machinery is what a commit of the template gives: built again, and compared byte for byte.

Base says where the template is, since head could name a copy of its own. Head says which commit it was updated to; that
commit must be in a clone, and so on a branch or a tag.
"""

import json
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

from plumbline.errors import PlumblineError, ProjectError, ServiceError
from plumbline.process import CompletedProcess, git, run
from plumbline.review.commits import Commit

STATE = ".cruft.json"
TIMEOUT = 180  # seconds for each program
BUILD = ("-E", "-s", "-S", "-m", "template.bake.wheel")  # with nothing but the standard library and the template
QUIET = {"GIT_TERMINAL_PROMPT": "0", "GIT_SSH_COMMAND": "ssh -o BatchMode=yes", "GIT_LFS_SKIP_SMUDGE": "1"}


class OriginError(ProjectError):
    """Head does not say from which commit of base's template its wheel is."""


def rebuild_wheel(base: Commit, head: Commit) -> tuple[str, bytes]:
    """Build the wheel of the commit of the template that head names.

    Parameters
    ----------
    base, head : Commit

    Returns
    -------
    name : str
        Its file name.
    content : bytes

    Raises
    ------
    OriginError
        Where head names another template than base, or no commit of it that builds a wheel.
    PlumblineError
        Where nobody can build it: base names no template, or it cannot be reached.
    """
    address, commit = _read_origin(base, head)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        clone, out = folder / "template", folder / "wheel"
        if _run(folder, "git", "clone", "--quiet", "--no-checkout", "--", address, clone).returncode:
            raise ServiceError("the template that base names cannot be cloned", hint="Check the address")
        if not git("for-each-ref", "--count=1", f"--contains={commit}", cwd=clone, strict=False).strip():
            message = f"commit {commit[:9]}, which head names, is on no branch and no tag of the template"
            raise OriginError(message, hint="Update again")
        _run(clone, "git", "checkout", "--quiet", "--detach", commit)
        _run(clone, sys.executable, *BUILD, out)
        wheels = sorted(out.glob("*.whl"))
        if len(wheels) != 1:
            raise OriginError(f"commit {commit[:9]} of the template builds no wheel", hint="Update again")
        return wheels[0].name, wheels[0].read_bytes()


def _run(folder: Path, program: str, *arguments: str | Path) -> CompletedProcess:
    """Run a program; hooks of git do not run."""
    options = ("-c", f"core.hooksPath={os.devnull}") if program == "git" else ()
    return run([program, *options, *arguments], cwd=folder, env={**os.environ, **QUIET}, timeout=TIMEOUT)


def _read_origin(base: Commit, head: Commit) -> tuple[str, str]:
    """Return the address of the template and the commit."""
    address = str(_read_state(base, ProjectError).get("template") or "")
    if not address:
        raise ProjectError(f"base's {STATE} names no template", hint="Link it: uvx cruft link")
    new = _read_state(head, OriginError)
    commit = str(new.get("commit"))
    if new.get("template") != address:
        raise OriginError("head names another template than base", hint="Restore it")
    if not re.fullmatch("[0-9a-f]{40}", commit):
        raise OriginError(f"head's {STATE} names no commit", hint="Update again")
    return address, commit


def _read_state(commit: Commit, error: type[ProjectError]) -> dict[str, Any]:
    try:
        content = json.loads(git("show", f"{commit.commit}:{STATE}"))
    except (PlumblineError, ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise error(f"{commit.name} has no {STATE}, which names the template", hint="Link it: uvx cruft link")
    return content

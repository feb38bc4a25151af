"""Make requirements.lock fit pyproject.toml; a version that still fits does not change (make lock)."""

import importlib.util
import re
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from plumbline import machinery, paths, process, updates
from plumbline.errors import ProgramError, UsageError
from plumbline.lock import LOCK, has_conflict, header, pins, resolve_conflict

_OPTIONS = [
    *("--universal", "--all-extras", "--generate-hashes", "--no-emit-index-url", "--no-annotate"),
    *("--fork-strategy", "fewest"),
]
_LOWEST_PYTHON = "3.11"


def summarize_changes(old: str, new: str, *, max_lines: int = 12) -> list[str]:
    r"""Return a line with the counts, and a line for each package that differs between two locks.

    Parameters
    ----------
    old, new : str
        The texts of the locks.
    max_lines : int
        The number of packages to name.

    Examples
    --------
    >>> print("\n".join(summarize_changes("numpy==1.0\npandas==1.0\n", "numpy==1.1\npandas==1.0\n")))
    requirements.lock: 0 added, 0 removed, 1 changed, 1 unchanged
      changed  numpy 1.0 -> 1.1
    """
    old_pins, new_pins = pins(old), pins(new)
    common_names = old_pins.keys() & new_pins.keys()
    added = [f"  added    {name} {new_pins[name]}" for name in sorted(new_pins.keys() - common_names)]
    removed = [f"  removed  {name} {old_pins[name]}" for name in sorted(old_pins.keys() - common_names)]
    changed_names = sorted(name for name in common_names if old_pins[name] != new_pins[name])
    changed = [f"  changed  {name} {old_pins[name]} -> {new_pins[name]}" for name in changed_names]
    lines = [*changed, *removed, *added]
    if not lines:
        return [f"{LOCK}: the same {len(new_pins)} packages at the same versions"]
    unchanged_count = len(common_names) - len(changed)
    counts = f"{len(added)} added, {len(removed)} removed, {len(changed)} changed, {unchanged_count} unchanged"
    rest = [f"  and {len(lines) - max_lines} more: git diff {LOCK}"] if len(lines) > max_lines else []
    return [f"{LOCK}: {counts}", *lines[:max_lines], *rest]


def upgrade_arguments(words: Sequence[str], lock: str) -> list[str]:
    r"""Return the arguments for uv that upgrade packages.

    Parameters
    ----------
    words : sequence of str
        Nothing, "1" for all packages, or requirements of packages that the lock has.
    lock : str
        The text of the lock.

    Raises
    ------
    UsageError
        If the lock does not have a package.

    Examples
    --------
    >>> upgrade_arguments(["numpy<3"], "numpy==2.0\n")
    ['--upgrade-package', 'numpy<3']
    """
    if words == ["1"]:
        return ["--upgrade"]
    names = pins(lock)
    for word in words:
        name = re.sub(r"[-_.]+", "-", re.split(r"[^\w.-]", word)[0]).lower()
        if name not in names:
            similar_names = get_close_matches(name, names, 3, 0.6)
            like = f", as {', '.join(similar_names)}" if similar_names else ""
            raise UsageError(
                f"UPGRADE names {word!r}: expected 1 for all, or packages of {LOCK}{like}",
                hint="Add a new package to the dependencies in pyproject.toml",
            )
    return [argument for word in words for argument in ("--upgrade-package", word)]


def compile_lock(old: str, upgrade: Sequence[str]) -> str:
    """Return the text of a new lock.

    Parameters
    ----------
    old : str
        The text of the lock whose versions are used again where they still fit.
    upgrade : sequence of str
        The result of `upgrade_arguments`.

    Raises
    ------
    ProgramError
        If uv fails; it has printed why.
    ProjectError
        If a package index served the package plumbline: see `plumbline.machinery.check_lock`.
    """
    first_line = header()
    machinery.require_pin()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, LOCK.name)  # uv reads the versions from the file that it writes
        file.write_text(old, encoding="utf-8", newline="\n")
        command = [sys.executable, "-m", "uv", "pip", "compile", "pyproject.toml", *_OPTIONS]
        command += ["--python-version", _LOWEST_PYTHON, "--quiet", "--no-header", "--output-file", str(file), *upgrade]
        command += machinery.find_links()
        if process.run(command, capture_output=False).returncode:
            raise ProgramError(
                f"{LOCK} is as it was: uv could not write a new one; its own message is above",
                hint="Fix the dependencies in pyproject.toml, or the connection to the package index, "
                "then run again: make lock",
            )
        text = file.read_text(encoding="utf-8")
    machinery.check_lock(text)
    # Without the project's own name two projects with the same dependencies have the same lock.
    return first_line + re.sub(r"\S+ \(pyproject\.toml\)", "pyproject.toml", text)


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    help_text = "a package to upgrade to its newest version; the value 1 upgrades all packages"
    parser.add_argument("packages", nargs="*", metavar="NAME", help=help_text)


def run(options: Namespace) -> int:
    """Write the lock and src/versions.json, and print what changed."""
    old = LOCK.read_text(encoding="utf-8") if LOCK.exists() else ""
    if has_conflict(old):
        print(f"{LOCK} has marks of a merge conflict: the new lock starts from the versions of the other side")
        old = resolve_conflict(old)
    text = compile_lock(old, upgrade_arguments(" ".join(options.packages).split(), old))
    LOCK.write_text(text, encoding="utf-8", newline="\n")
    stale_stages = _write_digests()
    print(*summarize_changes(old, text), *updates.list_remains(), sep="\n")
    if text == old and not stale_stages:
        print("Nothing to do. Newer versions: make lock UPGRADE=NAME, or UPGRADE=1 for all")
        return 0
    if stale_stages:
        names = ", ".join(stale_stages)
        print(f"{paths.VERSIONS}: a package that can change a result changed, so these stages run again: {names}")
    print("Next: make repro, commit what changed together, then make test")
    return 0


def _write_digests() -> list[str]:
    """Write src/versions.json; a new .venv, in which only uv is installed, leaves it to the next run."""
    if importlib.util.find_spec("yaml") is None:
        return []
    from plumbline import versions

    return versions.write()

"""Bring requirements.lock in step with pyproject.toml; a version that still fits is kept (make lock)."""

import re
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from difflib import get_close_matches
from pathlib import Path

from plumbline import paths, process, versions
from plumbline.errors import PlumblineError
from plumbline.lock import LOCK, header, pins

COMPILE = ["--universal", "--all-extras", "--generate-hashes", "--fork-strategy", "fewest", "--no-emit-index-url"]
MOST_LINES = 12  # of what changed


def changes(old: str, new: str) -> list[str]:
    """What differs between two locks, a line a package after one with the counts, and no more than MOST_LINES."""
    before, after = pins(old), pins(new)
    added = [f"  added    {name} {after[name]}" for name in sorted(after.keys() - before.keys())]
    removed = [f"  removed  {name} {before[name]}" for name in sorted(before.keys() - after.keys())]
    both = sorted(name for name in before.keys() & after.keys() if before[name] != after[name])
    moved = [f"  moved    {name} {before[name]} -> {after[name]}" for name in both]
    lines = [*moved, *removed, *added]
    if not lines:
        return [f"{LOCK}: the same {len(after)} packages at the same versions"]
    rest = [f"  and {len(lines) - MOST_LINES} more: git diff {LOCK}"] if len(lines) > MOST_LINES else []
    counts = (
        f"{len(added)} added, {len(removed)} removed, {len(moved)} moved, {len(after.keys() & before) - len(moved)}"
    )
    return [f"{LOCK}: {counts} as before", *lines[:MOST_LINES], *rest]


def upgrades(words: list[str], old: str) -> list[str]:
    """The arguments of uv for what UPGRADE says: nothing, 1 for all, or packages of the lock."""
    if words == ["1"]:
        return ["--upgrade"]
    known = pins(old)
    for word in words:
        name = re.sub(r"[-_.]+", "-", re.split(r"[^\w.-]", word)[0]).lower()
        if name not in known:
            near = get_close_matches(name, known, 3, 0.6)
            raise PlumblineError(
                f"UPGRADE names {word!r}: expected 1 for all, or packages of {LOCK}"
                + (f", as {', '.join(near)}" if near else "")
                + ". A new one goes into the dependencies of pyproject.toml"
            )
    return [argument for word in words for argument in ("--upgrade-package", word)]


def compile_lock(old: str, upgrade: list[str]) -> str:
    """The new lock. uv keeps the versions of the file that it writes to, so it gets a copy of the old one."""
    first = header()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, LOCK.name)
        file.write_text(old, encoding="utf-8", newline="\n")
        command = [sys.executable, "-m", "uv", "pip", "compile", "pyproject.toml", *COMPILE, "--python-version", "3.11"]
        command += ["--quiet", "--no-header", "--output-file", str(file), *upgrade]
        if process.run(command, capture_output=False).returncode:
            raise PlumblineError(
                f"{LOCK} is as it was: uv could not make a new one, its own message is above. Fix the dependencies "
                "in pyproject.toml, or the connection to the package index, then run again: make lock"
            )
        text = file.read_text(encoding="utf-8")
    # The project's own name is left out: two projects with the same dependencies have the same lock.
    return first + re.sub(r"\S+ \(pyproject\.toml\)", "pyproject.toml", text)


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("packages", nargs="*", metavar="NAME", help="these to their newest version; 1: all of them")


def run(options: Namespace) -> int:
    old = LOCK.read_text(encoding="utf-8") if LOCK.exists() else ""
    if re.search("(?m)^(<<<<<<<|>>>>>>>) ", old):
        raise PlumblineError(
            f"{LOCK} has marks of a merge conflict. Take one side (git checkout --theirs {LOCK}), then again"
        )
    text = compile_lock(old, upgrades(" ".join(options.packages).split(), old))
    LOCK.write_text(text, encoding="utf-8", newline="\n")
    stale = versions.write()
    print(*changes(old, text), sep="\n")
    if text == old and not stale:
        print("Nothing to do. Newer versions: make lock UPGRADE=NAME, or UPGRADE=1 for all")
        return 0
    if stale:
        print(f"{paths.VERSIONS}: a package that can change a result moved, so these run again: {', '.join(stale)}")
    print("Next: make setup repro test, then commit what changed together")
    return 0

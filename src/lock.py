"""requirements.lock: every package with version and hashes, one file for all systems and Pythons.

    python -m src.lock             bring it in step with pyproject.toml; a version that still fits is kept (make lock)
    python -m src.lock 1           the newest version of every package (make lock UPGRADE=1)
    python -m src.lock NAME ...    the newest of these (make lock UPGRADE="NAME ...")

Its first line carries a hash of the dependency list, so that a list without a new lock is seen (make check).
src/versions.json names the packages that can change a result, at the lock's versions; every stage depends on it.
"""

import hashlib
import json
import re
import subprocess
import sys
import tempfile
import tomllib
from difflib import get_close_matches
from pathlib import Path

from src.predictor.refusal import Refusal, guarded

LOCK, VERSIONS = Path("requirements.lock"), Path("src/versions.json")
RESULTS = (
    "great-expectations",
    "hatchling",
    "jinja2",
    "joblib",
    "matplotlib",
    "numpy",
    "pandas",
    "pyarrow",
    "scikit-learn",
    "scipy",
    "skops",
    "threadpoolctl",
)
COMPILE = ["--universal", "--all-extras", "--generate-hashes", "--fork-strategy", "fewest", "--no-emit-index-url"]
MOST_LINES = 12  # of what changed


def header() -> str:
    """The lock's first line: a hash of all that pyproject.toml asks for."""
    try:
        project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    except tomllib.TOMLDecodeError as error:
        raise Refusal(f"pyproject.toml cannot be read: {error}. Mend that line") from None
    asked = [project.get(key) for key in ("requires-python", "dependencies", "optional-dependencies")]
    return f"# dependencies sha256:{hashlib.sha256(json.dumps(asked).encode()).hexdigest()}\n"


def pins(lock: str) -> dict[str, str]:
    """The version of each package; of one with several, for different systems or Pythons, all of them."""
    found: dict[str, list[str]] = {}
    for name, version in re.findall(r"(?m)^([a-z0-9-]+)==(\S+)", lock):
        found.setdefault(name, []).append(version)
    return {name: " and ".join(sorted(versions)) for name, versions in found.items()}


def versions(lock: str) -> str:
    """src/versions.json as this lock would have it."""
    pinned = dict(re.findall(r"(?m)^([a-z0-9-]+)==(\S+)", lock))
    return json.dumps({name: pinned[name] for name in RESULTS if name in pinned}, indent=1) + "\n"


def disagreements() -> list[str]:
    """What is out of step between pyproject.toml, the lock and versions.json, a line each."""
    lock, found = LOCK.read_text(encoding="utf-8"), []
    if not lock.startswith(header()):
        found.append(f"{LOCK}: made from another dependency list than pyproject.toml's")
    if VERSIONS.read_text(encoding="utf-8") != versions(lock):
        found.append(f"{VERSIONS.as_posix()}: other versions than {LOCK}'s")
    if re.search(r"https?://", lock):
        found.append(f"{LOCK}: names an address; expected names, versions and hashes only")
    return [f"{line}. Renew it: make lock" for line in found]


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
            raise Refusal(
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
        if subprocess.run(command, check=False).returncode:
            raise Refusal(
                f"{LOCK} is as it was: uv could not make a new one, its own message is above. Mend the dependencies "
                "in pyproject.toml, or the connection to the package index, then run again: make lock"
            )
        text = file.read_text(encoding="utf-8")
    # The project's own name is left out: two projects with the same dependencies have the same lock.
    return first + re.sub(r"\S+ \(pyproject\.toml\)", "pyproject.toml", text)


def main() -> int:
    old = LOCK.read_text(encoding="utf-8") if LOCK.exists() else ""
    if re.search("(?m)^(<<<<<<<|>>>>>>>) ", old):
        raise Refusal(f"{LOCK} has marks of a merge conflict. Take one side (git checkout --theirs {LOCK}), then again")
    text = compile_lock(old, upgrades(" ".join(sys.argv[1:]).split(), old))
    results = VERSIONS.read_text(encoding="utf-8") if VERSIONS.exists() else ""
    LOCK.write_text(text, encoding="utf-8", newline="\n")
    VERSIONS.write_text(versions(text), encoding="utf-8", newline="\n")
    print(*changes(old, text), sep="\n")
    if text == old and results == versions(text):
        print("Nothing to do. Newer versions: make lock UPGRADE=NAME, or UPGRADE=1 for all")
        return 0
    if results != versions(text):
        print(f"{VERSIONS.as_posix()}: a package that can change a result moved, so every stage runs again")
    print("Next: make setup repro test, then commit what changed together")
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main))

"""requirements.lock: every package with version and hashes, one file for all systems and Pythons.

Its first line carries a hash of the dependency list, so that a list without a new lock is seen. Standard library only:
src/environment.py reads it before anything is installed.
"""

import hashlib
import json
import re
import tomllib
from pathlib import Path

from plumbline.errors import PlumblineError

LOCK = Path("requirements.lock")


def header() -> str:
    """The lock's first line: a hash of all that pyproject.toml asks for."""
    try:
        project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    except tomllib.TOMLDecodeError as error:
        raise PlumblineError(f"pyproject.toml cannot be read: {error}. Fix that line") from None
    asked = [project.get(key) for key in ("requires-python", "dependencies", "optional-dependencies")]
    return f"# dependencies sha256:{hashlib.sha256(json.dumps(asked).encode()).hexdigest()}\n"


def disagreements() -> list[str]:
    """What is out of step between pyproject.toml and the lock, a line each."""
    lock, found = LOCK.read_text(encoding="utf-8"), []
    if not lock.startswith(header()):
        found.append(f"{LOCK}: made from another dependency list than pyproject.toml's")
    if re.search(r"https?://", lock):
        found.append(f"{LOCK}: names an address; expected names, versions and hashes only")
    return [f"{line}. Renew it: make lock" for line in found]


def pins(lock: str) -> dict[str, str]:
    """The version of each package; of one with several, for different systems or Pythons, all of them."""
    found: dict[str, list[str]] = {}
    for name, version in re.findall(r"(?m)^([a-z0-9-]+)==(\S+)", lock):
        found.setdefault(name, []).append(version)
    return {name: " and ".join(sorted(versions)) for name, versions in found.items()}

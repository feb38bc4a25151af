"""requirements.lock: every package with version and hashes, one file for all systems and Pythons.

    python -m src.lock     renew it from pyproject.toml (make lock)

Its first line carries a hash of the dependency list, so that a list without a new lock is seen (make check).
src/versions.json names the packages that can change a result, at the lock's versions; every stage depends on it.
"""

import hashlib
import json
import re
import subprocess
import sys
import tomllib
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


def header() -> str:
    """The lock's first line: a hash of all that pyproject.toml asks for."""
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = [project.get(key) for key in ("requires-python", "dependencies", "optional-dependencies")]
    return f"# dependencies sha256:{hashlib.sha256(json.dumps(asked).encode()).hexdigest()}\n"


def versions(lock: str) -> str:
    """src/versions.json as this lock would have it."""
    pins = dict(re.findall(r"(?m)^([a-z0-9-]+)==(\S+)", lock))
    return json.dumps({name: pins[name] for name in RESULTS if name in pins}, indent=1) + "\n"


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


def main() -> int:
    command = [sys.executable, "-m", "uv", "pip", "compile", "pyproject.toml", *COMPILE, "--python-version", "3.11"]
    made = subprocess.run([*command, "--upgrade", "--quiet", "--no-header"], stdout=subprocess.PIPE, check=False)
    if made.returncode:
        raise Refusal(f"{LOCK} was not renewed: uv found no set of versions (its own message is above)")
    # The project's own name is left out: two projects with the same dependencies have the same lock.
    text = header() + re.sub(r"\S+ \(pyproject\.toml\)", "pyproject.toml", made.stdout.decode("utf-8"))
    text = text.replace("\r\n", "\n")
    LOCK.write_text(text, encoding="utf-8", newline="\n")
    VERSIONS.write_text(versions(text), encoding="utf-8", newline="\n")
    print(f"{LOCK} and {VERSIONS.as_posix()} are renewed. Next: make setup repro test, then commit them together")
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main))

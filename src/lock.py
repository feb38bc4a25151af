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

LOCK, VERSIONS = Path("requirements.lock"), Path("src/versions.json")
RESULTS = (
    "great-expectations",
    "hatchling",
    "joblib",
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
    asked = [project[key] for key in ("requires-python", "dependencies", "optional-dependencies")]
    return f"# dependencies sha256:{hashlib.sha256(json.dumps(asked).encode()).hexdigest()}\n"


def versions(lock: str) -> str:
    """src/versions.json as this lock would have it."""
    pins = dict(re.findall(r"(?m)^([a-z0-9-]+)==(\S+)", lock))
    return json.dumps({name: pins[name] for name in RESULTS}, indent=1) + "\n"


def disagreements() -> list[str]:
    """What is out of step between pyproject.toml, the lock and versions.json, a line each."""
    lock, found = LOCK.read_text(encoding="utf-8"), []
    if not lock.startswith(header()):
        found.append("requirements.lock: made from another dependency list than pyproject.toml's. Renew it: make lock")
    if VERSIONS.read_text(encoding="utf-8") != versions(lock):
        found.append("src/versions.json: other versions than requirements.lock's. Renew both: make lock")
    if re.search(r"https?://", lock):
        found.append(
            "requirements.lock: names an address; expected names, versions and hashes only. Renew it: make lock"
        )
    return found


def main() -> int:
    command = [sys.executable, "-m", "uv", "pip", "compile", "pyproject.toml", *COMPILE, "--python-version", "3.11"]
    made = subprocess.run([*command, "--upgrade", "--quiet", "--no-header"], stdout=subprocess.PIPE, check=False)
    if made.returncode:
        print("ERROR: requirements.lock was not renewed: uv found no set of versions (above)", file=sys.stderr)
        return 1
    text = header() + made.stdout.decode("utf-8").replace("\r\n", "\n")
    LOCK.write_text(text, encoding="utf-8", newline="\n")
    VERSIONS.write_text(versions(text), encoding="utf-8", newline="\n")
    print("requirements.lock and src/versions.json are renewed. Next: make setup repro test, then commit them together")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Read requirements.lock: every package with version and hashes, one file for all systems and Pythons.

Its first line has a hash of the dependency list, which shows a list that changed without a new lock. Only the standard
library is imported: plumbline.environment reads the lock before anything is installed.
"""

import hashlib
import json
import re
import tomllib
from pathlib import Path

from plumbline.errors import ProjectError

LOCK = Path("requirements.lock")


def header() -> str:
    """Return the first line that fits pyproject.toml: a hash of all that it depends on.

    Raises
    ------
    ProjectError
        If pyproject.toml is not TOML.
    """
    try:
        project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    except tomllib.TOMLDecodeError as error:
        raise ProjectError(f"pyproject.toml cannot be read: {error}", hint="Correct that line") from None
    requirements = [project.get(key) for key in ("requires-python", "dependencies", "optional-dependencies")]
    return f"# dependencies sha256:{hashlib.sha256(json.dumps(requirements).encode()).hexdigest()}\n"


def require_current() -> None:
    """Refuse a lock of another dependency list, which would leave the version of a package open, or an unmerged one.

    Raises
    ------
    ProjectError
        If the first line does not fit pyproject.toml, or the lock has marks of a merge conflict.
    """
    text = LOCK.read_text(encoding="utf-8")
    if has_conflict(text):
        raise ProjectError(f"{LOCK} has marks of a merge conflict", hint="Run make lock, then this again")
    if not text.startswith(header()):
        message = f"pyproject.toml asks for other packages than {LOCK} was made from"
        raise ProjectError(message, hint="Run make lock, then this again")


def has_conflict(text: str) -> bool:
    """Return whether a text has marks of a merge conflict."""
    return re.search(r"(?m)^(<{7}|>{7})(?: |$)", text) is not None


def resolve_conflict(text: str) -> str:
    r"""Return the pins of the other side of each conflict, and those that only this side has.

    They are what a new lock starts from, and have no hashes: a conflict may cut through those of a package.

    Examples
    --------
    >>> text = "a==1\n<<<<<<< ours\nb==1\nc==1\n=======\nb==2\n>>>>>>> theirs\n"
    >>> print(resolve_conflict(f"{text}d==1 ; os_name == 'nt' \\\n    --hash=x\n"))
    b==2
    a==1
    c==1
    d==1 ; os_name == 'nt'
    <BLANKLINE>
    """
    other_part = r"(?ms)^={7}(?: [^\n]*)?\n(.*?)^>{7}[^\n]*$"
    pin = r"(?m)^([a-z0-9-]+)(==[^\s\\]+(?: ;[^\\\n]*[^\\\s])?)"
    other_pins = re.findall(pin, "\n".join(re.findall(other_part, text)))
    names = {name for name, _ in other_pins}
    own_pins = [(name, rest) for name, rest in re.findall(pin, text) if name not in names]
    return "".join(f"{name}{rest}\n" for name, rest in [*other_pins, *own_pins])


def read_pin(package: str) -> str:
    """Return the lines of a package in the lock, with its hashes.

    Raises
    ------
    ProjectError
        If the lock does not have the package.
    """
    match = re.search(rf"(?m)^{re.escape(package)}==[^\n]*(?:\n    --hash[^\n]*)+", LOCK.read_text(encoding="utf-8"))
    if not match:
        raise ProjectError(f"{LOCK} has no pin of {package}", hint=f"Restore the file: git checkout HEAD -- {LOCK}")
    return match.group() + "\n"


def read_version(package: str) -> str:
    """Return the version of a package in the lock; see `read_pin`."""
    return read_pin(package).split()[0].partition("==")[2]


def disagreements() -> list[str]:
    """Return a line for each way in which the lock does not fit pyproject.toml."""
    lock, lines = LOCK.read_text(encoding="utf-8"), []
    if not lock.startswith(header()):
        lines.append(f"{LOCK}: made from another dependency list than pyproject.toml's")
    if re.search(r"https?://", lock):
        lines.append(f"{LOCK}: names an address; expected names, versions and hashes only")
    return [f"{line}. Renew it: make lock" for line in lines]


def pins(lock: str) -> dict[str, str]:
    r"""Return the version of each package; of one with several, for different systems or Pythons, all of them.

    Examples
    --------
    >>> pins("numpy==2.2.6 ; python_version < '3.11'\nnumpy==2.3.5 ; python_version >= '3.11'\n")
    {'numpy': '2.2.6 and 2.3.5'}
    """
    versions: dict[str, list[str]] = {}
    for name, version in re.findall(r"(?m)^([a-z0-9-]+)==(\S+)", lock):
        versions.setdefault(name, []).append(version)
    return {name: " and ".join(sorted(several)) for name, several in versions.items()}

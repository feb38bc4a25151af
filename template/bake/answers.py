"""The answers to cookiecutter.json: which are valid, and the project's name in folders, packages and commands."""

from __future__ import annotations

import re
import sys
import unicodedata
from typing import Any
from urllib.parse import urlsplit

QUESTIONS = [
    *("project_name", "description", "author", "data", "target", "dvc_remote", "python_version", "license"),
    "github_handle",
]
LICENCES = ("MIT", "BSD-3-Clause", "Apache-2.0", "Proprietary")
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
REMOTES = ("s3", "gs", "azure", "ssh", "http", "https")
DOWNLOADS = ("http", "https", "file")
HANDLE = re.compile(r"@\w[\w-]*(/\w[\w-]*)?", re.ASCII)  # GitHub has a _ in names of a company's users and of teams
RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}  # Windows
FOLDERS = {"data", "dist", "docs", "expectations", "metrics", "notebooks", "src", "tests", "vendor"}  # of a project
# Modules whose names differ from those of their packages in the lock, and commands that a project starts.
MODULES = {
    *("attr", "dateutil", "dotenv", "git", "hydra", "make", "pip", "plumbline-ml", "public", "py", "pylab", "python"),
    *("ruamel", "sklearn", "template", "test", "validate", "yaml"),
}
LOCK = "requirements.lock"
NO_NAME = "unnamed"  # for a name without a letter: a folder must have some name until the hook refuses it
Answers = dict[str, str]


class BakeError(SystemExit):
    """An answer, or the template, that cannot be used: one line for the user and exit code 1.

    In the hook cookiecutter then removes the folder.

    Parameters
    ----------
    message : str
        What is wrong, without a full stop at the end.
    hint : str
        What to do next.
    """

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(f"ERROR: {message}. {hint}")


def slug(name: str) -> str:
    """Return the name in lower case, without accents, words joined by hyphens.

    Examples
    --------
    >>> slug("Größe & Maß")
    'grosse-mass'
    """
    plain = unicodedata.normalize("NFKD", name.replace("ß", "ss")).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-") or NO_NAME


def scheme(address: str) -> str:
    r"""Return the scheme of an address in lower case; "" for a path, also on Windows (C:\...)."""
    match = re.match(r"([A-Za-z][A-Za-z0-9+.-]+)://", address)
    return match[1].lower() if match else ""


def clean_answers(context: dict[str, Any]) -> Answers:
    """Return the answers without surrounding blanks, a GitHub handle with its @, and the slug."""
    answers = {name: str(context.get(name, "")).strip() for name in QUESTIONS}
    if answers["github_handle"]:
        answers["github_handle"] = f"@{answers['github_handle'].removeprefix('@')}"
    return answers | {"slug": slug(answers["project_name"])}


def check_answers(context: dict[str, Any], lock: str) -> Answers:
    """Return the answers as `clean_answers` does, after each was checked.

    Parameters
    ----------
    context : dict
        The answers by question, as cookiecutter has them.
    lock : str
        The text of the lock: a project must not have the name of one of its packages.

    Raises
    ------
    BakeError
        If an answer cannot be used.
    """
    answers = clean_answers(context)
    for name, value in answers.items():
        if any(unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") for letter in value):
            raise BakeError(f"{name}: {value!r} has a line break or a control character", hint="Answer in one line")
    _check_name(answers["project_name"], lock)
    for name, allowed in (("python_version", PYTHONS), ("license", LICENCES)):
        if answers[name] not in allowed:
            message = f"{name} is {answers[name]!r}, expected one of {', '.join(allowed)}"
            raise BakeError(message, hint="Choose one of them")
    if answers["github_handle"] and not HANDLE.fullmatch(answers["github_handle"]):
        message = f"github_handle is {answers['github_handle']!r}, expected @name or @organisation/team"
        raise BakeError(message, hint="Use letters, digits and hyphens, or leave it empty")
    _check_addresses(answers)
    if bool(answers["data"]) != bool(answers["target"]):
        present, missing = ("data", "target") if answers["data"] else ("target", "data")
        message = f"{present} has an answer and {missing} has none, expected both or neither"
        raise BakeError(message, hint=f"Answer {missing}, too, or leave both empty to keep the sample")
    return answers


def _check_addresses(answers: Answers) -> None:
    remote, data = answers["dvc_remote"], answers["data"]
    if scheme(remote) and not (scheme(remote) in REMOTES and urlsplit(remote).netloc):
        prefixes = ", ".join(f"{name}://" for name in REMOTES)
        message = f"dvc_remote is {remote!r}, expected a path, or a bucket or host after one of {prefixes}"
        raise BakeError(message, hint="Correct it, or leave it empty and add a remote later: dvc remote add")
    if scheme(data) not in ("", *DOWNLOADS):
        raise BakeError(f"data is {data!r}, expected a path, http(s):// or file://", hint="Download it first")


def _check_name(name: str, lock: str) -> None:
    short_name = slug(name)
    if re.search(r"""["'`/\\:*?<>|{}$]""", name) or not re.match("[a-z]", short_name) or short_name == NO_NAME:
        message = f"project_name is {name!r}, expected letters, digits, blanks and hyphens, the first a Latin letter"
        raise BakeError(message, hint="Choose another name")
    reserved_names = {
        "a name that Windows keeps for a device": RESERVED,
        "a folder of every project": FOLDERS,
        "a package or a command that projects use": {*re.findall(r"(?m)^([a-z0-9-]+)==", lock), *MODULES},
        "a module of Python": getattr(sys, "stdlib_module_names", ()),
    }
    for owner, names in reserved_names.items():
        if short_name in names:
            raise BakeError(f"project_name is {name!r}: {short_name} is {owner}", hint="Choose another name")

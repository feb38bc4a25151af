"""The answers to cookiecutter.json: what each must be, and the project's name in folders, packages and commands."""

import re
import sys
import unicodedata
from urllib.parse import urlsplit

QUESTIONS = ["project_name", "description", "author", "data", "target", "dvc_remote", "python_version", "license"]
LICENCES = ("MIT", "BSD-3-Clause", "Apache-2.0", "Proprietary")
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
REMOTES = ("s3", "gs", "azure", "ssh", "http", "https")
DOWNLOADS = ("http", "https", "file")
RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}  # Windows
FOLDERS = {"data", "dist", "docs", "expectations", "metrics", "notebooks", "plumbline", "src", "tests"}  # of a project
# Modules that a project's packages bring under another name than they have in the lock, and commands that it starts.
MODULES = {"attr", "dateutil", "dotenv", "git", "hydra", "make", "pip", "plumbline-ml", "public", "py", "pylab",
           "python", "ruamel", "sklearn", "template", "test", "validate", "yaml"}  # fmt: skip
LOCK = "requirements.lock"
NONE = "unnamed"  # of a name without a letter: a folder must have some name until the hook refuses it
Answers = dict[str, str]


class Refused(SystemExit):
    """One line for the user, and exit code 1; in the hook cookiecutter then removes the folder."""

    def __init__(self, message: str) -> None:
        super().__init__(f"ERROR: {message}")


def slug(name: str) -> str:
    """The name in lower case, without accents, words joined by hyphens."""
    plain = unicodedata.normalize("NFKD", name.replace("ß", "ss")).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-") or NONE


def scheme(address: str) -> str:
    """The scheme of an address; "" of a path, on Windows, too (C:\\...)."""
    found = re.match(r"([A-Za-z][A-Za-z0-9+.-]+)://", address)
    return found[1].lower() if found else ""


def stated(given: dict) -> Answers:
    """The answers without blanks around them, and the slug."""
    answers = {name: str(given.get(name, "")).strip() for name in QUESTIONS}
    return answers | {"slug": slug(answers["project_name"])}


def checked(given: dict, pinned: str) -> Answers:
    """The answers as `stated`, each one that can work; pinned: the lock, whose packages' names are taken."""
    answers = stated(given)
    for name, value in answers.items():
        if any(unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") for letter in value):
            raise Refused(f"{name}: {value!r} has a line break or a control character. Answer in one line")
    _name(answers["project_name"], pinned)
    for name, allowed in (("python_version", PYTHONS), ("license", LICENCES)):
        if answers[name] not in allowed:
            raise Refused(f"{name} is {answers[name]!r}, expected one of {', '.join(allowed)}")
    remote = answers["dvc_remote"]
    if scheme(remote) and not (scheme(remote) in REMOTES and urlsplit(remote).netloc):
        known = ", ".join(f"{each}://" for each in REMOTES)
        raise Refused(f"dvc_remote is {remote!r}, expected a path, or a bucket or host behind one of {known}")
    if scheme(answers["data"]) not in ("", *DOWNLOADS):
        raise Refused(f"data is {answers['data']!r}, expected a path, http(s):// or file://. Download it first")
    if bool(answers["data"]) != bool(answers["target"]):
        given_one, other = ("data", "target") if answers["data"] else ("target", "data")
        raise Refused(f"{given_one} is given and {other} is not: expected both, or neither to keep the sample")
    return answers


def _name(name: str, pinned: str) -> None:
    made = slug(name)
    if re.search(r"""["'`/\\:*?<>|{}$]""", name) or not re.match("[a-z]", made) or made == NONE:
        raise Refused(
            f"project_name is {name!r}, expected letters, digits, blanks and hyphens, the first a Latin letter"
        )
    taken = {
        "a name that Windows keeps for a device": RESERVED,
        "a folder of every project": FOLDERS,
        "a package or a command that projects use": {*re.findall(r"(?m)^([a-z0-9-]+)==", pinned), *MODULES},
        "a module of Python": getattr(sys, "stdlib_module_names", ()),
    }
    for what, names in taken.items():
        if made in names:
            raise Refused(f"project_name is {name!r}: {made} is {what}. Take another name")

"""Which of the repository's files become the project's, and the few lines of them that answers change.

Only the answers decide, never the data or the day: the same answers must give the same bytes whenever an update renders
them again. LICENSE, which has a year, is among the files that an update does not touch.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path

from template.bake.answers import LOCK, Answers, BakeError, scheme
from template.bake.checkout import list_files
from template.bake.pins import add_hash, add_pin
from template.bake.table import source_path
from template.bake.wheel import FILE_NAME, build_wheel

TEMPLATES = (
    "template/*",
    "hooks/*",
    "{{cookiecutter*",
    "cookiecutter.json",
    ".ci/*",
    ".github/workflows/publish.yml",
    ".github/workflows/template.yml",
    ".github/ISSUE_TEMPLATE/*",
    ".github/*.md",
    "LICENSE",
    "plumbline/*",  # in vendor/, as a wheel
)
EXCEPTIONS = (".github/pull_request_template.md",)  # match a pattern above and belong to the project all the same
RESULTS = ("dvc.lock", "metrics/*", "data/schema.json")  # the first make repro writes them
SAMPLE = ("data/source/*", "data/README.md", "expectations/*.json")
OWNERS = """\
# Whom GitHub asks to approve a change of what judges models and of what is installed. The setting that makes their
# approval a condition of a merge: plumbline docs security
/vendor/ {owner}
/requirements.lock {owner}
/plumbline/ {owner}
/src/environment.py {owner}
/src/stages/ {owner}
/.github/ {owner}
/.dvc/ {owner}
/.gitattributes {owner}
/.gitignore {owner}
/dvc.yaml {owner}
/pyproject.toml {owner}
/Makefile {owner}
"""
MARK = "template-only:"
VENDOR = "vendor"
ORIGIN = "Created from the template Plumbline. `cruft update` brings its changes: [docs/updating.md](docs/updating.md)."
Edit = Callable[[str], str]


def write_project(checkout: Path, project: Path, answers: Answers) -> None:
    """Write the project's files.

    Parameters
    ----------
    checkout : Path
        The template: a clone or an unpacked archive.
    project : Path
        An existing folder.
    answers : dict of str
        As `clean_answers` returns them.

    Raises
    ------
    BakeError
        If an edit does not match exactly once: the template is broken.
    """
    excluded = [*TEMPLATES, *RESULTS, *(SAMPLE if answers["data"] else ())]
    version, wheel = build_wheel(checkout)
    edits = _edits(answers, version)
    for name in list_files(checkout):
        if any(fnmatchcase(name, pattern) for pattern in excluded) and name not in EXCEPTIONS:
            continue
        content = (checkout / name).read_bytes()
        if name in edits or MARK.encode() in content:
            text = _remove_blocks(content.decode("utf-8").replace("\r\n", "\n"), name)
            content = edits.pop(name, str)(text).encode("utf-8")
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_bytes(content)
        in_git = (checkout / ".git").exists()
        is_executable = os.access(checkout / name, os.X_OK) if in_git else content.startswith(b"#!")
        (project / name).chmod(0o755 if is_executable else 0o644)
    _pin_wheel(project, version, wheel)
    if edits:
        raise _broken(f"{', '.join(edits)}: the file should be edited and is missing")
    form = (checkout / "template/licences" / f"{answers['license']}.txt").read_text(encoding="utf-8")
    text = form.replace("{year}", str(date.today().year)).replace("{author}", answers["author"])
    (project / "LICENSE").write_bytes(text.encode())
    if owner := answers["github_handle"]:
        text = OWNERS.format(owner=owner)
        (project / ".github/CODEOWNERS").write_bytes(text.encode())


def _pin_wheel(project: Path, version: str, wheel: bytes) -> None:
    """Write the package's wheel, and its hash into the lock."""
    (project / VENDOR).mkdir(exist_ok=True)
    (project / VENDOR / FILE_NAME.format(version=version)).write_bytes(wheel)
    pyproject, lock = ((project / name).read_text(encoding="utf-8") for name in ("pyproject.toml", LOCK))
    (project / LOCK).write_bytes(add_hash(lock, pyproject, version, wheel).encode())


def _broken(message: str) -> BakeError:
    """The error for what only the template's authors can put right."""
    return BakeError(f"the template is broken: {message}", hint="Report it to the template's authors")


def _remove_blocks(text: str, name: str) -> str:
    """The text without the blocks from a line with template-only:start to the next with template-only:end."""
    marks = re.findall(rf"{MARK}(\w+)", text)
    if marks != ["start", "end"] * (len(marks) // 2):
        raise _broken(f"{name} has a {MARK}start or {MARK}end without its counterpart")
    return re.sub(rf"(?ms)^[^\n]*{MARK}start.*?{MARK}end[^\n]*\n\n?", "", text)


def _set_line(text: str, pattern: str, value: str) -> str:
    """The text with the group of the only match of the pattern replaced."""
    matches = list(re.finditer(pattern, text, re.MULTILINE))
    if len(matches) != 1:
        raise _broken(f"{pattern} matches {len(matches)} times, expected once")
    start, end = matches[0].span(1)
    return text[:start] + value + text[end:]


def _quote(value: str) -> str:
    """A text in quotation marks, as JSON, YAML and TOML all read it."""
    return json.dumps(value, ensure_ascii=False)


def _set_lines(*changes: tuple[str, str]) -> Edit:
    def edit(text: str) -> str:
        for pattern, value in changes:
            text = _set_line(text, pattern, value)
        return text

    return edit


def _edits(answers: Answers, version: str) -> dict[str, Edit]:
    licence = "LicenseRef-Proprietary" if answers["license"] == "Proprietary" else answers["license"]
    title = f"{answers['project_name']}\n\n{answers['description']}\n\n{ORIGIN}"
    fields = _set_lines(
        (r'^name = ("[a-z0-9-]+")$', _quote(answers["slug"])),  # names of import-linter's contracts have blanks
        (r"^description = (.*)$", _quote(answers["description"])),
        (r"^authors = \[\{ name = (.*) \}\]$", _quote(answers["author"])),
        (r"^license = (.*)$", _quote(licence)),
        (r'^files = \[("plumbline", )', ""),
    )
    edits: dict[str, Edit] = {
        "README.md": _set_lines((r"\A# (.*)$", title)),
        "pyproject.toml": lambda text: add_pin(fields(text), version),
        "dvc.yaml": _set_lines((r"^    deps: \[(plumbline, )requirements", "")),
    }
    for name in ("ci", "main", "nightly", "release", "review"):
        edits[f".github/workflows/{name}.yml"] = lambda text: _set_python(text, answers["python_version"])
    if answers["data"]:
        source = _quote(source_path(answers))
        edits["params.yaml"] = _set_lines(
            (r"^  source: (\S+) ", source), (r"^  target: (\S+) ", _quote(answers["target"]))
        )
        table = (r"^table: (.*)$", source)
        edits["docs/project.yaml"] = lambda text: _set_line(_remove_answers(text), *table)
        edits["expectations/behaviour.yaml"] = lambda text: _set_line(_remove_behaviours(text), *table)
    if answers["dvc_remote"]:
        section = f"    remote = storage\n['remote \"storage\"']\n    url = {_remote_url(answers['dvc_remote'])}\n"
        edits[".dvc/config"] = _set_lines((r"\A\[core\]\n(?:    \w+ = \w+\n)*(\Z)", section))
    return edits


def _set_python(workflow: str, version: str) -> str:
    text, count = re.subn(r"(?m)^(          python-version: ).*$", rf"\g<1>{_quote(version)}", workflow)
    if not count:
        raise _broken("a workflow has no python-version")
    return text


def _remove_answers(text: str) -> str:
    """docs/project.yaml with its questions and comments, and null for every answer."""
    return re.sub(r"(?m)^  (\w+):[^\n]*\n(?:   [^\n]*\n)*", r"  \1: null\n", text)


def _remove_behaviours(text: str) -> str:
    """expectations/behaviour.yaml with its comment and table, and no behaviour."""
    return text[: text.index("\nbehaviours:")] + "\nbehaviours: []\n"


def _remote_url(answer: str) -> str:
    """As `dvc remote add` writes it: a relative path counts from .dvc/."""
    path = Path(answer).expanduser()
    return answer if scheme(answer) else path.as_posix() if path.is_absolute() else f"../{path.as_posix()}"

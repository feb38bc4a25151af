"""Which of the repository's files become the project's, and the few lines of them that answers change.

Decided by the answers alone, never by the data or the day, so that the same answers give the same bytes whenever an
update renders them again; LICENSE, which has a year, is among the files that an update leaves alone.
"""

import json
import os
import re
import subprocess
from collections.abc import Callable
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path

from template.bake.answers import Answers, Refused, scheme
from template.bake.table import source

TEMPLATES = ("template/*", "hooks/*", "{{cookiecutter*", "cookiecutter.json", ".ci/*",
             ".github/workflows/template.yml", ".github/ISSUE_TEMPLATE/*", ".github/*.md",
             "LICENSE")  # fmt: skip
KEPT = (".github/pull_request_template.md",)
RESULTS = ("dvc.lock", "metrics/*", "data/schema.json")  # the first make repro makes them
SAMPLE = ("data/source/*", "data/README.md", "expectations/*.json")
MARK = "template-only:"
ORIGIN = (
    "Made from the template Plumbline; what is new in it comes by `cruft update`: [docs/updating.md](docs/updating.md)."
)
Edit = Callable[[str], str]


def git(folder: Path, *arguments: str) -> str | None:
    """What git prints; None when it fails or is not there. A checkout may belong to somebody else (containers)."""
    command = ["git", "-c", "safe.directory=*", "-C", str(folder), *arguments]
    try:
        ran = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    except OSError:
        return None
    return ran.stdout if ran.returncode == 0 else None


def listed(checkout: Path) -> list[str]:
    """The files of a checkout that git does not ignore; every file of an unpacked archive."""
    if (checkout / ".git").exists():
        found = git(checkout, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
        if found is not None:
            return sorted({name for name in found.split("\0") if name and (checkout / name).is_file()})
    names = (path.relative_to(checkout).as_posix() for path in checkout.rglob("*") if path.is_file())
    return sorted(name for name in names if "__pycache__" not in name)


def lay_down(checkout: Path, project: Path, answers: Answers) -> None:
    """Writes the project's files. Raises Refused when an edit does not match exactly once: the template is broken."""
    without = [*TEMPLATES, *RESULTS, *(SAMPLE if answers["data"] else ())]
    edits = _edits(answers)
    for name in listed(checkout):
        if any(fnmatchcase(name, pattern) for pattern in without) and name not in KEPT:
            continue
        content = (checkout / name).read_bytes()
        if name in edits or MARK.encode() in content:
            text = _without_marked(content.decode("utf-8").replace("\r\n", "\n"), name)
            content = edits.pop(name, str)(text).encode("utf-8")
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_bytes(content)
        runs = os.access(checkout / name, os.X_OK) if (checkout / ".git").exists() else content.startswith(b"#!")
        (project / name).chmod(0o755 if runs else 0o644)
    if edits:
        raise Refused(f"the template is broken: {', '.join(edits)} should be edited and is not there")
    form = (checkout / "template/licences" / f"{answers['license']}.txt").read_text(encoding="utf-8")
    text = form.replace("{year}", str(date.today().year)).replace("{author}", answers["author"])
    (project / "LICENSE").write_text(text, encoding="utf-8", newline="\n")


def _without_marked(text: str, name: str) -> str:
    """The text without the blocks from a line with template-only:start to the next with template-only:end."""
    marks = re.findall(rf"{MARK}(\w+)", text)
    if marks != ["start", "end"] * (len(marks) // 2):
        raise Refused(f"the template is broken: {name} has a mark without its other end")
    return re.sub(rf"(?ms)^[^\n]*{MARK}start.*?{MARK}end[^\n]*\n\n?", "", text)


def set_line(text: str, pattern: str, value: str) -> str:
    """The text with the group of the only match of pattern replaced."""
    found = list(re.finditer(pattern, text, re.MULTILINE))
    if len(found) != 1:
        raise Refused(f"the template is broken: {pattern} stands {len(found)} times, expected once")
    start, end = found[0].span(1)
    return text[:start] + value + text[end:]


def quoted(value: str) -> str:
    """A text as JSON, YAML and TOML all read it."""
    return json.dumps(value, ensure_ascii=False)


def _edits(answers: Answers) -> dict[str, Edit]:
    def lines(*changes: tuple[str, str]) -> Edit:
        def edit(text: str) -> str:
            for pattern, value in changes:
                text = set_line(text, pattern, value)
            return text

        return edit

    licence = "LicenseRef-Proprietary" if answers["license"] == "Proprietary" else answers["license"]
    edits: dict[str, Edit] = {
        "README.md": lines((r"\A# (.*)$", f"{answers['project_name']}\n\n{answers['description']}\n\n{ORIGIN}")),
        "pyproject.toml": lines(
            (r'^name = ("[a-z0-9-]+")$', quoted(answers["slug"])),  # names of import-linter's contracts have blanks
            (r"^description = (.*)$", quoted(answers["description"])),
            (r"^authors = \[\{ name = (.*) \}\]$", quoted(answers["author"])),
            (r"^license = (.*)$", quoted(licence)),
        ),
    }
    for name in ("ci", "main", "nightly", "release", "review"):
        edits[f".github/workflows/{name}.yml"] = lambda text: _on_python(text, answers["python_version"])
    if answers["data"]:
        edits["params.yaml"] = lines(
            (r"^  source: (\S+) ", quoted(source(answers))), (r"^  target: (\S+) ", quoted(answers["target"]))
        )
        table = (r"^table: (.*)$", quoted(source(answers)))
        edits["docs/project.yaml"] = lambda text: set_line(_unanswered(text), *table)
        edits["expectations/behaviour.yaml"] = lambda text: set_line(_emptied(text), *table)
    if answers["dvc_remote"]:
        stated = f"    remote = storage\n['remote \"storage\"']\n    url = {_url(answers['dvc_remote'])}\n"
        edits[".dvc/config"] = lines((r"\A\[core\]\n(?:    \w+ = \w+\n)*(\Z)", stated))
    return edits


def _on_python(workflow: str, version: str) -> str:
    text, found = re.subn(r"(?m)^(          python-version: ).*$", rf"\g<1>{quoted(version)}", workflow)
    if not found:
        raise Refused("the template is broken: a workflow has no python-version")
    return text


def _unanswered(text: str) -> str:
    """docs/project.yaml with its questions and comments, and null for every answer."""
    return re.sub(r"(?m)^  (\w+):[^\n]*\n(?:   [^\n]*\n)*", r"  \1: null\n", text)


def _emptied(text: str) -> str:
    """expectations/behaviour.yaml with its comment and table, and no behaviour."""
    return text[: text.index("\nbehaviours:")] + "\nbehaviours: []\n"


def _url(given: str) -> str:
    """As `dvc remote add` writes it: a relative path counts from .dvc/."""
    path = Path(given).expanduser()
    return given if scheme(given) else path.as_posix() if path.is_absolute() else f"../{path.as_posix()}"

"""Small projects whose package is a tiny wheel, and commits of them."""

from pathlib import Path

from plumbline.process import git
from plumbline.review.machinery_change import compare_machinery
from plumbline.review.result.changes import MachineryChange
from plumbline.review.sides import JUDGES, Side
from template.zoo.wheels import edit_wheel

PACKAGE = {
    "plumbline/__init__.py": '__version__ = "0.2.0"\n',
    "plumbline/docs/changelog.md": "# Changelog\n\n## 0.2\n\n- The first entry.\n",
    **{name if name.endswith(".py") else f"{name}/one.py": "" for name in JUDGES if name.startswith("plumbline/")},
    "plumbline/machinery.py": "",
}
CHANGELOG = "plumbline/docs/changelog.md"


def commit(message: str = "x") -> Side:
    git("add", "-A")
    git("-c", "user.name=x", "-c", "user.email=x", "commit", "-q", "--allow-empty", "-m", message)
    return Side("head", git("rev-parse", "HEAD").strip())


def bump(**edits: tuple[str, str]) -> Side:
    """Commit a wheel of version 0.3.0 with another text in some files."""
    edit_wheel(Path(), edits, version="0.3.0")
    return commit()


def write_folder(files: dict[str, str]) -> None:
    for name, text in files.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text, encoding="utf-8")


def checked_out(side: Side) -> Side:
    side.check_out()
    return side


def find_change(base: Side, head: Side) -> MachineryChange:
    change = compare_machinery(checked_out(base), checked_out(head))
    assert change
    return change

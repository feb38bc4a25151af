"""Check the links of the Markdown pages: each must lead to a file of the project, and to a heading in it.

Links to other sites are not followed, so no network is needed.
"""

import re
from argparse import ArgumentParser, Namespace
from pathlib import Path

from plumbline.pages import list_anchors

LINK = re.compile(r"\]\(([^)\s]+)\)")
# ../../actions/ is a path on GitHub's page of the repository.
EXTERNAL = re.compile(r"(?i:[a-z][a-z+.-]*:)|\.\./\.\./actions/")
FENCE = re.compile(r"(?ms)^(```|~~~).*?^\1[^\n]*$")  # what looks like a link or a heading in it is code
FOLDERS = ("", "docs", ".github", "data", "metrics", "plumbline/docs", "template")  # a project has not all of them


def add_arguments(parser: ArgumentParser) -> None:
    """Add nothing: the command takes no arguments."""


def run(options: Namespace) -> int:
    """Print each broken link; return 1 where there is one, else 0."""
    pages = sorted(page for folder in FOLDERS for page in Path(folder).glob("*.md"))
    broken = [(page.as_posix(), link) for page in pages for link in find_broken_links(page)]
    hint = "Correct the link, or add what it names"
    lines = [f"{page}: {link} leads to no file or heading of the project. {hint}" for page, link in broken]
    print("\n".join(lines) or f"all links of {len(pages)} pages lead to a file or a heading")
    return 1 if lines else 0


def find_broken_links(page: Path) -> list[str]:
    """Return the links of a page that lead to no file, or to no heading of a file."""
    text = _read(page)
    return [link for link in LINK.findall(text) if not EXTERNAL.match(link) and not _has_target(page, link)]


def _has_target(page: Path, link: str) -> bool:
    name, _, anchor = link.partition("#")
    target = page.parent / name if name else page
    return target.exists() and (not anchor or (target.is_file() and anchor in _read_anchors(target)))


def _read_anchors(page: Path) -> list[str]:
    return list_anchors(re.findall(r"(?m)^#+ (.+)$", _read(page)))


def _read(page: Path) -> str:
    """Return the text of a page without its blocks of code."""
    return FENCE.sub("", page.read_text(encoding="utf-8"))

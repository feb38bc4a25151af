"""Check the links of the Markdown pages: each must lead to a file of the project, and to a heading in it.

Links to other sites are not followed, so no network is needed.
"""

import re
from argparse import ArgumentParser, Namespace
from pathlib import Path

LINK = re.compile(r"\]\(([^)\s]+)\)")
EXTERNAL = re.compile(r"[a-z]+:|\.\./\.\./actions/")  # ../../actions/ is a path on GitHub's page of the repository


def add_arguments(parser: ArgumentParser) -> None:
    """Add nothing: the command takes no arguments."""


def run(options: Namespace) -> int:
    """Print each broken link; return 1 where there is one, else 0."""
    pages = [*Path().glob("*.md"), *Path("docs").glob("*.md"), *Path(".github").glob("*.md")]
    lines = [f"{page.as_posix()}: {link} leads nowhere" for page in sorted(pages) for link in find_broken_links(page)]
    print("\n".join(lines) or f"all links of {len(pages)} pages lead to a file or a heading")
    return 1 if lines else 0


def find_broken_links(page: Path) -> list[str]:
    """Return the links of a page that lead to no file, or to no heading of a file."""
    text = page.read_text(encoding="utf-8")
    return [link for link in LINK.findall(text) if not EXTERNAL.match(link) and not _has_target(page, link)]


def _has_target(page: Path, link: str) -> bool:
    name, _, anchor = link.partition("#")
    target = page.parent / name if name else page
    return target.exists() and (not anchor or anchor in _list_anchors(target))


def _list_anchors(page: Path) -> set[str]:
    """Return the headings of a page in the form that links use."""
    headings = re.findall(r"(?m)^#+ (.+)$", page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}

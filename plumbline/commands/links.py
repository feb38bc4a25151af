"""Does every link of the pages lead somewhere? Those inside the repository are followed, without a network."""

import re
from argparse import ArgumentParser, Namespace
from pathlib import Path

LINK = re.compile(r"\]\(([^)\s]+)\)")


def add_arguments(parser: ArgumentParser) -> None:
    """Adds none."""


def run(options: Namespace) -> int:
    pages = [*Path().glob("*.md"), *Path("docs").glob("*.md"), *Path(".github").glob("*.md")]
    found = [f"{page.as_posix()}: {link} leads nowhere" for page in sorted(pages) for link in broken(page)]
    print("\n".join(found) or f"the links of {len(pages)} pages lead somewhere")
    return 1 if found else 0


def anchors(page: Path) -> set[str]:
    """The headings of a page as links name them."""
    heads = re.findall(r"(?m)^#+ (.+)$", page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def broken(page: Path) -> list[str]:
    """The links of a page that lead to no file, or to no heading in it."""
    found = []
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        outside = re.match(r"[a-z]+:|\.\./\.\./actions/", link)  # the latter is of the repository's page on GitHub
        if not outside and not (target.exists() and (not anchor or anchor in anchors(target))):
            found.append(link)
    return found

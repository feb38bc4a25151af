"""List the pages of docs/, or show a page in the terminal or in the browser."""

import sys
import webbrowser
from argparse import ArgumentParser, Namespace
from pathlib import Path

from plumbline.errors import UsageError
from plumbline.params import suggest

FOLDER = Path("docs")


def add_arguments(parser: ArgumentParser) -> None:
    """Add the page's name and --open."""
    parser.add_argument("page", nargs="?", metavar="NAME", help="name of the page, as in the list")
    parser.add_argument("--open", action="store_true", help="open the page in the browser; without NAME: docs/index.md")


def run(options: Namespace) -> int:
    """List the pages, or show one; return the exit code."""
    pages = {path.stem: path for path in sorted(FOLDER.glob("*.md"))}
    if options.page is None and not options.open:
        _list_pages(pages)
        return 0
    page = _find_page(options.page or "index", pages)
    if options.open:
        is_open = webbrowser.open(page.resolve().as_uri())
        end = "is open in your browser" if is_open else "is the page; no browser was found to open it"
        print(f"{page.as_posix()} {end}")
    else:
        _show(page.read_text(encoding="utf-8"))
    return 0


def _list_pages(pages: dict[str, Path]) -> None:
    width = max(map(len, pages), default=0)
    print(*(f"{name:{width}}  {_read_title(path)}" for name, path in pages.items()), sep="\n")
    print("\nNext: plumbline docs NAME")


def _find_page(text: str, pages: dict[str, Path]) -> Path:
    name = text.removeprefix("docs/").removesuffix(".md")
    if name not in pages:
        raise UsageError(
            f"{text}: docs/ has no such page", hint=suggest(name, pages) or "List the pages: plumbline docs"
        )
    return pages[name]


def _show(text: str) -> None:
    """Render the page in a terminal; print it unchanged into a file or a pipe."""
    if not sys.stdout.isatty():
        print(text, end="")
        return
    from rich.console import Console  # imported here: the list of pages is faster without it
    from rich.markdown import Markdown

    Console().print(Markdown(text))


def _read_title(path: Path) -> str:
    lines = path.read_text(encoding="utf-8").splitlines()
    return next((line.lstrip("# ") for line in lines if line.startswith("# ")), "")

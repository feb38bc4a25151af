"""List the pages of the documentation, or show one in the terminal or in the browser.

The list begins with the project's own pages, in docs/. The others ship with the package.
"""

import sys
import tempfile
import webbrowser
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from pathlib import Path

from plumbline.pages import Page, find_page, read_pages, write_html

NEEDS_PROJECT = False


def add_arguments(parser: ArgumentParser) -> None:
    """Add the page's name and --open."""
    parser.add_argument("page", nargs="?", metavar="NAME", help="name of the page, as in the list")
    parser.add_argument("--open", action="store_true", help="open the page in the browser; without NAME: the list")


def run(options: Namespace) -> int:
    """List the pages, or show one; return the exit code."""
    pages = read_pages()
    page = find_page(options.page, pages) if options.page else None
    if options.open:
        _open(page.name if page else "index", pages)
    elif page:
        _show(page.text)
    else:
        _list_pages(pages)
    return 0


def _list_pages(pages: Mapping[str, Page]) -> None:
    width = max(map(len, pages))
    group = ""
    for page in pages.values():
        if page.group != group:
            print(f"\n{page.group}" if group else page.group)
            group = page.group
        print(f"  {page.name:{width}}  {page.title}")
    print("\nNext: plumbline docs NAME (--open: in the browser)")


def _open(name: str, pages: Mapping[str, Page]) -> None:
    folder = Path(tempfile.mkdtemp(prefix="plumbline-docs-"))  # stays: the browser reads it after this program's end
    write_html(pages, folder)
    path = folder / f"{name}.html"
    is_open = webbrowser.open(path.as_uri())
    print(f"{path} {'is open in your browser' if is_open else 'is the page; no browser was found to open it'}")


def _show(text: str) -> None:
    """Render the page in a terminal; print it unchanged into a file or a pipe."""
    if not sys.stdout.isatty():
        print(text, end="")
        return
    from rich.console import Console  # imported here: the list of pages is faster without it
    from rich.markdown import Markdown

    Console().print(Markdown(text))

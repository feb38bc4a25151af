"""List the pages of docs/, or show one in the terminal."""

import sys
import webbrowser
from argparse import ArgumentParser, Namespace
from pathlib import Path

from plumbline.errors import PlumblineError
from plumbline.params import suggest

FOLDER = Path("docs")


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("page", nargs="?", metavar="NAME", help="the page, as the list names it")
    parser.add_argument("--open", action="store_true", help="open it in the browser instead, without NAME the index")


def run(options: Namespace) -> int:
    pages = {path.stem: path for path in sorted(FOLDER.glob("*.md"))}
    if options.page is None and not options.open:
        width = max(map(len, pages), default=0)
        print(*(f"{name:{width}}  {title(path)}" for name, path in pages.items()), sep="\n")
        print("\nNext: plumbline docs NAME shows one")
        return 0
    asked = options.page or "index"
    name = asked.removeprefix("docs/").removesuffix(".md")
    if name not in pages:
        raise PlumblineError(
            f"{asked}: is no page of docs/", hint=suggest(name, pages) or "All of them: plumbline docs"
        )
    if options.open:
        opened = webbrowser.open(pages[name].resolve().as_uri())
        end = "is open in your browser" if opened else "is the page; no browser was found to open it"
        print(f"{pages[name].as_posix()} {end}")
        return 0
    show(pages[name].read_text(encoding="utf-8"))
    return 0


def show(text: str) -> None:
    """In a terminal as a page, into a file or a pipe as it is."""
    if not sys.stdout.isatty():
        print(text, end="")
        return
    from rich.console import Console  # here, so that a list of the pages does not wait for it
    from rich.markdown import Markdown

    Console().print(Markdown(text))


def title(path: Path) -> str:
    """The page's first heading."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return next((line.lstrip("# ") for line in lines if line.startswith("# ")), "")

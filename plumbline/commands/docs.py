"""List the pages of docs/, or show one in the terminal."""

import webbrowser
from argparse import ArgumentParser, Namespace
from pathlib import Path

from rich.console import Console
from rich.markdown import Markdown

from plumbline.errors import Refusal
from plumbline.params import nearest

FOLDER = Path("docs")


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("page", nargs="?", metavar="NAME", help="the page, as the list names it")
    parser.add_argument("--open", action="store_true", help="open it in the browser instead")


def run(options: Namespace) -> int:
    pages = {path.stem: path for path in sorted(FOLDER.glob("*.md"))}
    if options.page is None:
        width = max(map(len, pages), default=0)
        print(*(f"{name:{width}}  {title(path)}" for name, path in pages.items()), sep="\n")
        print("\nNext: plumbline docs NAME shows one")
        return 0
    name = options.page.removeprefix("docs/").removesuffix(".md")
    if name not in pages:
        raise Refusal(f"{options.page}: is no page of docs/{nearest(name, pages)}. All of them: plumbline docs")
    if options.open:
        webbrowser.open(pages[name].resolve().as_uri())
    else:
        Console().print(Markdown(pages[name].read_text(encoding="utf-8")))
    return 0


def title(path: Path) -> str:
    """The page's first heading."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return next((line.lstrip("# ") for line in lines if line.startswith("# ")), "")

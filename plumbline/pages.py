"""The pages of the documentation: of the project, in docs/, and on the package, which ship with it.

The name of a page is that of its file without .md. Its title is the question that it answers.
"""

import html
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from plumbline.errors import UsageError, nearest_name

if TYPE_CHECKING:
    from markdown_it.token import Token

FOLDER = Path("docs")
PROJECT = "This project"
GROUPS = {  # the pages of the package, in the order of the list
    "Develop": ("parameters", "expectations", "design", "behaviour", "experiments", "more-than-one-table", "extend"),
    "Review": ("statistics", "pull-requests", "review-result"),
    "Operate": ("ci", "remotes", "security", "reproducibility", "reliability"),
    "Look up": ("errors", "terms", "api", "changelog"),
}
STYLE = """
pre, code { background: var(--band); border-radius: 3px; font-size: .9em } code { padding: .1em .2em }
pre { padding: .6rem; overflow-x: auto } pre code { padding: 0 } th, td { white-space: normal }
"""
LAYOUT = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>{style}</style></head>
<body><nav><a href="index.html">All pages</a></nav>
{body}</body></html>
"""
_COMMAND = re.compile(r"plumbline docs ([a-z-]+)")


@dataclass(frozen=True)
class Page:
    """A page in Markdown.

    Attributes
    ----------
    name : str
        What `plumbline docs` calls it.
    group : str
        A key of `GROUPS`, or `PROJECT`.
    text : str
        Its Markdown.
    """

    name: str
    group: str
    text: str

    @property
    def title(self) -> str:
        """The question that the page answers: its first heading."""
        match = re.search(r"(?m)^# (.+)$", self.text)
        return match[1] if match else self.name


def read_pages() -> dict[str, Page]:
    """Return all pages by their names, in the order of the list; a project's page hides one of the same name.

    The package's own are read as resources, since the package may be in a zip file.
    """
    folder = files("plumbline").joinpath("docs")
    package_pages = (
        Page(name, group, folder.joinpath(f"{name}.md").read_text(encoding="utf-8"))
        for group, names in GROUPS.items()
        for name in names
    )
    project_pages = (Page(path.stem, PROJECT, path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.md")))
    pages = {page.name: page for page in project_pages}
    return pages | {page.name: page for page in package_pages if page.name not in pages}


def find_page(name: str, pages: Mapping[str, Page]) -> Page:
    """Return the page of a name.

    Parameters
    ----------
    name : str
        As in the list; the path of a file is taken, too.
    pages : mapping of str to Page
        All pages.

    Raises
    ------
    UsageError
        If there is none.
    """
    stem = name.rpartition("/")[2].removesuffix(".md")
    if stem not in pages:
        near = nearest_name(stem, pages)
        hint = f"Did you mean {near!r}?" if near else "List the pages: plumbline docs"
        raise UsageError(f"there is no page {name!r}", hint=hint)
    return pages[stem]


def list_anchors(headings: Iterable[str]) -> list[str]:
    """Return the anchor of each heading of a page as GitHub names it; a repeated one ends in -1, -2, ...

    Examples
    --------
    >>> list_anchors(["What is it?", "Limits", "Limits"])
    ['what-is-it', 'limits', 'limits-1']
    """
    counts: Counter[str] = Counter()
    anchors = []
    for heading in headings:
        name = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        anchors.append(f"{name}-{counts[name]}" if counts[name] else name)
        counts[name] += 1
    return anchors


def write_html(pages: Mapping[str, Page], folder: Path) -> None:
    """Write each page as NAME.html, and a list of all as index.html.

    Parameters
    ----------
    pages : mapping of str to Page
        All pages; the links between them become links between the files.
    folder : Path
        An existing folder.
    """
    style = files("plumbline").joinpath("report/look.css").read_text(encoding="utf-8") + STYLE
    bodies = {name: (page.title, render_html(page, pages)) for name, page in pages.items()}
    bodies["index"] = ("Pages", _render_list(pages))
    for name, (title, body) in bodies.items():
        text = LAYOUT.format(title=html.escape(title), style=style, body=body)
        (folder / f"{name}.html").write_text(text, encoding="utf-8")


def render_html(page: Page, pages: Mapping[str, Page]) -> str:
    """Return a page as HTML; a link to a page, and the command that shows it, lead to NAME.html.

    Parameters
    ----------
    page : Page
        The page.
    pages : mapping of str to Page
        All pages.
    """
    from markdown_it import MarkdownIt  # comes with rich; imported here: the list of pages is faster without it

    markdown = MarkdownIt("commonmark").enable("table")
    tokens = markdown.parse(page.text)
    _add_anchors(tokens)
    for token in (child for parent in tokens for child in parent.children or ()):
        if token.type == "link_open":
            token.attrSet("href", _resolve_link(str(token.attrGet("href")), pages))
        elif token.type == "code_inline" and (match := _COMMAND.fullmatch(token.content)) and match[1] in pages:
            token.type, token.content = "html_inline", f'<a href="{match[1]}.html"><code>{token.content}</code></a>'
    return str(markdown.renderer.render(tokens, markdown.options, {}))


def _add_anchors(tokens: Sequence["Token"]) -> None:
    headings = [i for i, token in enumerate(tokens) if token.type == "heading_open"]
    anchors = list_anchors(tokens[i + 1].content for i in headings)  # the text follows the token that opens a heading
    for i, anchor in zip(headings, anchors, strict=True):
        tokens[i].attrSet("id", anchor)


def _resolve_link(link: str, pages: Mapping[str, Page]) -> str:
    """Return where a link of a page leads from the folder of the HTML files."""
    path, hash_sign, anchor = link.partition("#")
    if ":" in path or not path:
        return link
    stem = Path(path).stem
    if path == f"{stem}.md" and stem in pages:
        return f"{stem}.html{hash_sign}{anchor}"
    return (FOLDER / path).resolve().as_uri()  # a file of the project


def _render_list(pages: Mapping[str, Page]) -> str:
    parts = ["<h1>Pages</h1>"]
    for group in dict.fromkeys(page.group for page in pages.values()):
        items = [
            f'<li><a href="{page.name}.html">{html.escape(page.title)}</a></li>'
            for page in pages.values()
            if page.group == group
        ]
        parts.append(f"<h2>{group}</h2><ul>{''.join(items)}</ul>")
    return "\n".join(parts)

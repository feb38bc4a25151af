"""The pages of docs/ and of plumbline/docs/, and what they show, block by block."""

import re
from pathlib import Path

from plumbline.testing.projects import ROOT

BLOCK = re.compile(r"(?ms)^(?:`([\w./-]+)`[^\n]*\n\n)?```(\w+)\n(.*?)^```$")
PAGES = sorted([*(ROOT / "docs").glob("*.md"), *(ROOT / "plumbline/docs").glob("*.md")])


def blocks(page: str) -> list[tuple[str, str, str]]:
    """The page's blocks as (path named in the line before, language, content)."""
    (path,) = (path for path in PAGES if path.name == page)
    return BLOCK.findall(path.read_text(encoding="utf-8"))


def without_template_blocks(path: Path) -> str:
    """What a project gets of a page."""
    return re.sub(r"(?ms)^[^\n]*template-only:start.*?template-only:end[^\n]*\n", "", path.read_text(encoding="utf-8"))

"""What the pages of docs/ show, block by block."""

import re

from plumbline.testing.projects import ROOT

BLOCK = re.compile(r"(?ms)^(?:`([\w./-]+)`[^\n]*\n\n)?```(\w+)\n(.*?)^```$")


def blocks(page: str) -> list[tuple[str, str, str]]:
    """The page's blocks as (path named in the line before, language, content)."""
    return BLOCK.findall((ROOT / "docs" / page).read_text(encoding="utf-8"))

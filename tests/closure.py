"""Which modules of ours a module imports, found in its text."""

import ast
from pathlib import Path

ROOT = "src"


def imported(path: Path) -> set[Path]:
    """The files of ours that a file imports itself, wherever in it the import stands."""
    found: set[Path] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(path.with_suffix("").parts[: -node.level]) if node.level else ""
            module = ".".join(part for part in (base, node.module) if part)
            names = [module, *(f"{module}.{alias.name}" for alias in node.names)]
        else:
            continue
        files = (Path(*name.split(".")).with_suffix(".py") for name in names if name.split(".")[0] == ROOT)
        found |= {file for file in files if file.is_file()}
    return found


def closure(*starts: Path) -> set[Path]:
    """These files and all of ours that they import, directly or through others."""
    found: set[Path] = set()
    waiting = list(starts)
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += imported(path)
    return found

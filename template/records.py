"""The JSON file in which a script keeps its measurements, and from which it writes its page."""

import json
import subprocess
from pathlib import Path
from typing import Any


def read_records(path: Path) -> dict[str, dict[str, Any]]:
    """Return the records by name; none where there is no file yet."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def write_records(path: Path, records: dict[str, dict[str, Any]]) -> None:
    """Write the records as JSON, in their order."""
    path.write_text(json.dumps(records, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def current_commit() -> str:
    """Return the name of HEAD: its tag, or its short hash."""
    command = ["git", "describe", "--always"]
    return subprocess.run(
        command, cwd=Path(__file__).parent, capture_output=True, encoding="utf-8", check=True
    ).stdout.strip()


def format_row(cells: list[str]) -> str:
    """Return a row of a table in Markdown."""
    return f"| {' | '.join(cells)} |"

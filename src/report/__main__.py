"""make report: opens the report of the last run."""

import sys
import webbrowser
from pathlib import Path

from src import names
from src.predictor.refusal import Refusal, guarded


def main() -> int:
    path = Path(names.REPORT)
    if not path.exists():
        raise Refusal(f"{names.REPORT} is not there. Make it: make repro")
    opened = webbrowser.open(path.resolve().as_uri())
    print(
        f"{names.REPORT} {'is open in your browser' if opened else 'holds all of it; no browser was found to open it'}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main))

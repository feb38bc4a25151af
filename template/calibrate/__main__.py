"""How often is the verdict of a review right? Result: template/calibration.md.

    python -m template.calibrate [NAME ...]    measure these cells (default: all that have no result yet)

The product's own functions do the work: `fit` and `predict_unseen` make the predictions (comparisons.py) and
review/verdict.py gives the verdicts, with the defaults of params.yaml. A cell is a table, an estimator and a change;
its comparisons differ in seeds, salts or tables. The page also has the rules that people use otherwise, on a holdout of
20 % of the rows. Predictions are cached in .review/calibration, so that a changed rule is measured again without a fit.
Remove that folder after a change in how models are fitted.
"""

import argparse
import sys
from collections import Counter
from multiprocessing import Pool
from pathlib import Path

from template.calibrate.cells import list_cells
from template.calibrate.page import draw_plot, render_page
from template.records import current_commit, read_records, write_records

FOLDER = Path(__file__).parents[1]
RECORDS, PAGE, PLOT = FOLDER / "calibration.json", FOLDER / "calibration.md", FOLDER / "calibration.png"


def measure_cell(name: str) -> tuple[str, dict[str, int]]:
    """Return a cell's name and its counts: of its comparisons (n), and of those of which each statement is true."""
    rows = list(dict(list_cells())[name]())
    return name, {"n": len(rows)} | dict(Counter(statement for row in rows for statement in row))


def main() -> None:
    """Measure the cells of the command line, and write the three files."""
    parser = argparse.ArgumentParser(description="Measure the verdict's error rates")
    parser.add_argument("names", nargs="*", help="the first letters of cells' names")
    starts = tuple(parser.parse_args().names)
    records, commit = read_records(RECORDS), current_commit()
    names = [name for name, _ in list_cells()]
    names = [name for name in names if (name.startswith(starts) if starts else name not in records)]
    with Pool(2) as pool:
        for number, (name, counts) in enumerate(pool.imap_unordered(measure_cell, names), 1):
            records[name] = counts | {"commit": commit}
            write_records(RECORDS, records)
            PAGE.write_text(render_page(records, PLOT.name), encoding="utf-8")
            print(f"{number}/{len(names)}: {name}", file=sys.stderr, flush=True)
    draw_plot(records, PLOT)


if __name__ == "__main__":
    main()

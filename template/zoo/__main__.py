"""A zoo of pull requests, each judged as CI would and compared with what the review must say: template/zoo.md.

    python -m template.zoo [NAME ...]    judge these (default: all that the present code has not judged yet)

A name is a case's ("iteration"), a table's ("orders") or both ("orders: iteration").
"""

import hashlib
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from plumbline.formatting import short
from template.bake.files import list_files
from template.records import format_row, read_records, write_records
from template.zoo.judgement import Judgement
from template.zoo.pull import Pull
from template.zoo.pulls import CASES
from template.zoo.repositories import CI, ROOT, Author
from template.zoo.tables import TABLES, Table

LONGEST = 160  # characters of an error in a table
HEADING = """\
# Example pull requests: is each verdict right?

Written by `python -m template.zoo`: each line is a branch in a real clone, changed and run like by its author.
`make review` reviews the merge commit, as in CI. In brackets: the gain in log loss with its 90 % interval, and the
margin. `dvc metrics diff` compares one number of each run: what it calls worse is noise in some lines and forged in
others. s: seconds of the review, on a shared machine."""
CLONES = ROOT / ".review/zoo"
RECORDS, PAGE = ROOT / "template/zoo.json", ROOT / "template/zoo.md"


class Zoo:
    """A table's project in a folder: the author's clone, CI's, and the judgements made in them.

    Caches and cells stay in the folder: the next session runs and fits nothing twice.
    """

    def __init__(self, folder: Path, table: Table) -> None:
        self.author, self.ci = Author(folder / "author", table), CI(folder / "ci", table)
        self.author.start(folder / "author-cache")
        self.ci.start(self.author, folder / "ci-cache", folder / "ci-cells")

    def judge(self, name: str, pull: Pull) -> Judgement:
        """Make a pull request as its author would, and judge it as CI would."""
        start, slug = time.monotonic(), name.replace(" ", "-")
        base = self._make_base(pull, f"base-of-{slug}")
        self.author.branch(slug, base)
        pull.edit(self.author)
        self.author.commit(pull.title)
        error = self.author.run_pipeline() if pull.runs else None
        if pull.after:
            pull.after(self.author)
        self.author.commit("\n\n".join(filter(None, ["The results of the run", pull.trailer])))
        diff = error or self.author.count_worse_metrics(base)
        middle = time.monotonic()
        judgement = self.ci.judge(slug, base)
        if pull.release:
            self.author.git("tag", "-d", "model@v0.1.0")
        author_seconds, review_seconds = round(middle - start), round(time.monotonic() - middle)
        return replace(judgement, metrics_diff=diff, author_seconds=author_seconds, review_seconds=review_seconds)

    def _make_base(self, pull: Pull, name: str) -> str:
        if pull.release:
            self.author.git("tag", "-f", "model@v0.1.0", "base")
        if not pull.before:
            return "base"
        self.author.branch(name, "base")
        for edit in pull.before:
            edit(self.author)
            self.author.commit("A change that was merged")
        if error := self.author.run_pipeline():
            raise RuntimeError(f"{name} does not run: {error}")
        self.author.commit("Its run")
        self.author.push()
        return name


def find_faults(judgement: Judgement, pull: Pull) -> list[str]:
    """Return what is not as expected, in words; nothing where all is."""
    pairs = {
        "reasons": (list(judgement.reasons), sorted(pull.reasons)),
        "accepted": (list(judgement.accepted), sorted(pull.accepted)),
        "exit code": (judgement.exit_code, pull.exit_code),
        "package is recipe": (judgement.is_recipe if pull.is_recipe is not None else None, pull.is_recipe),
        "an attack in the pages": (judgement.has_attack, False),
        "head's own review": (judgement.head_verdict if pull.head_verdict else None, pull.head_verdict),
    }
    allowed = pull.verdict.split(" | ")
    faults = [] if judgement.verdict in allowed else [f"verdict {judgement.verdict}, not {pull.verdict}"]
    return faults + [
        f"{name} {value}, not {expected}" for name, (value, expected) in pairs.items() if value != expected
    ]


def code_digest() -> str:
    """Return a digest of the code that judges: a case that it has judged is not judged again."""
    files = [name for name in list_files(ROOT) if name.startswith(("src/", "plumbline/")) or name == "dvc.yaml"]
    return hashlib.sha256(b"".join((ROOT / name).read_bytes() for name in files)).hexdigest()[:12]


def select_cases(
    arguments: list[str], judgements: dict[str, Judgement], digest: str
) -> Iterator[tuple[Table, list[str]]]:
    """Yield each table with the names of the cases to judge: those of the arguments, or all that are not up to date."""
    for table, cases in CASES.items():
        keys = {name: f"{table}: {name}" for name in cases}
        if arguments:
            names = [name for name, key in keys.items() if {name, table, key} & set(arguments)]
        else:
            current = {key for key, judgement in judgements.items() if judgement.code_digest == digest}
            names = [name for name, key in keys.items() if key not in current]
        if names:
            yield TABLES[table], names


def main() -> int:
    """Judge the cases of the command line and write both files after each; return 1 if one is judged wrong."""
    judgements = {name: Judgement.from_record(record) for name, record in read_records(RECORDS).items()}
    digest = code_digest()
    for table, names in select_cases(sys.argv[1:], judgements, digest):
        print(f"{table.name}: the project and its first run", flush=True)
        zoo = Zoo(CLONES / table.name, table)
        for number, name in enumerate(names, 1):
            pull = CASES[table.name][name]
            judgement = replace(zoo.judge(name, pull), code_digest=digest)
            judgements[f"{table.name}: {name}"] = judgement
            _write(judgements)
            faults = find_faults(judgement, pull)
            outcome = f"WRONG: {'; '.join(faults)}" if faults else "right"
            print(f"{table.name} {number}/{len(names)} {name}: {_summary(judgement)}: {outcome}", flush=True)
    judged_cases = [(key, pull) for key, pull in _all_cases() if key in judgements]
    wrong = [key for key, pull in judged_cases if find_faults(judgements[key], pull)]
    print(f"{len(wrong)} of {len(judged_cases)} wrong{': ' * bool(wrong)}{', '.join(wrong)}. Next: template/zoo.md")
    return 1 if wrong else 0


def _write(judgements: dict[str, Judgement]) -> None:
    write_records(RECORDS, {name: judgements[name].to_record() for name in sorted(judgements)})
    PAGE.write_text(render_page(judgements), encoding="utf-8")


def _all_cases() -> Iterator[tuple[str, Pull]]:
    for table, cases in CASES.items():
        yield from ((f"{table}: {name}", pull) for name, pull in cases.items())


def _summary(judgement: Judgement) -> str:
    """Verdict, reasons and exit code in one cell, and the verdict of head's own code."""
    notes = ["the package is not the recipe"] if judgement.is_recipe is False else []
    notes += [f"head's own review says {judgement.head_verdict}"] if judgement.head_verdict else []
    return _cell(judgement.verdict, judgement.reasons, judgement.accepted, judgement.exit_code, notes)


def _cell(
    verdict: str, reasons: Iterable[str], accepted: Iterable[str], exit_code: int, notes: Iterable[str] = ()
) -> str:
    labels = {"red": ", ".join(sorted(reasons)), "accepted": ", ".join(sorted(accepted))}
    lists = [f"{label}: {names}" for label, names in labels.items() if names]
    return "; ".join([f"**{verdict}**", *lists, *notes, f"exit {exit_code}"])


def render_page(judgements: dict[str, Judgement]) -> str:
    """Return zoo.md for these judgements, by the names of their cases."""
    lines = [HEADING]
    for table, cases in CASES.items():
        rows = {name: judgements[f"{table}: {name}"] for name in cases if f"{table}: {name}" in judgements}
        right = sum(not find_faults(judgement, cases[name]) for name, judgement in rows.items())
        minutes = sum(judgement.author_seconds + judgement.review_seconds for judgement in rows.values()) / 60
        counts = f"{right} of {len(rows)} right, {len(cases) - len(rows)} not reviewed yet, {minutes:.0f} minutes.\n"
        lines += [f"\n## {TABLES[table].title}\n", counts]
        lines.append(format_row(["pull request", "what `dvc metrics diff` shows", "review", "expected", "right", "s"]))
        lines.append("|---|---|---|---|---|---|")
        lines += [_row(name, cases[name], judgement) for name, judgement in rows.items()]
        lines += [f"\n{name}: {pull.note}." for name, pull in cases.items() if pull.note and name in rows]
    return "\n".join(lines) + "\n"


def _row(name: str, pull: Pull, judgement: Judgement) -> str:
    expected = _cell(pull.verdict.replace(" | ", " or "), pull.reasons, pull.accepted, pull.exit_code)
    right = f"**no**: {'; '.join(faults)}" if (faults := find_faults(judgement, pull)) else "yes"
    title, diff = f"**{name}**: {pull.title}", _shorten(judgement.metrics_diff)
    cells = [title, diff, _numbers(judgement), expected, right, str(judgement.review_seconds)]
    return format_row([cell.replace("|", "\\|") for cell in cells])


def _shorten(line: str) -> str:
    """A line of another program in a cell."""
    return line if len(line) < LONGEST else f"{line[:LONGEST]}..."


def _numbers(judgement: Judgement) -> str:
    summary = _summary(judgement)
    if judgement.low is None:
        return f"{summary}: {_shorten(judgement.message)}" if judgement.verdict == "refused" else summary
    values = (judgement.difference, judgement.low, judgement.high, judgement.margin)
    difference, low, high, margin = (short(value) for value in values)
    return f"{summary} ({difference}, {low} to {high}; margin: {margin})"


if __name__ == "__main__":
    sys.exit(main())

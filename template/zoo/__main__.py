"""A zoo of pull requests, each judged as CI would, beside what must be said of it: template/zoo.md.

    python -m template.zoo [NAME ...]    judge these (default: all that this code has not judged yet)

A name is a case's ("iteration"), a table's ("orders") or both ("orders: iteration").
"""

import hashlib
import json
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from plumbline.formatting import short
from template.bake.files import listed
from template.zoo.pulls import CASES, Pull
from template.zoo.repositories import CI, ROOT, Author, Found
from template.zoo.tables import TABLES, Table

LONG = 160  # characters of an error in a table
HEAD = """\
# A zoo of pull requests: is each judged right?

Made by `python -m template.zoo`: each line is a branch in a real clone, made and run as its author would and judged by
`make review` on the merge commit, as CI would. In brackets: the gain in log loss with its 90 % interval, and what
matters. `dvc metrics diff` compares one number of each run: what it calls worse is noise in some lines and forged in
others. s: seconds of the review, on a machine that others use, too."""
KEEP = ROOT / ".review/zoo"
KEPT, PAGE = ROOT / "template/zoo.json", ROOT / "template/zoo.md"


class Zoo:
    """A table's project in a folder: the author's clone, CI's, and what is judged in them.

    Caches and cells stay in the folder: the next session runs and fits nothing twice.
    """

    def __init__(self, folder: Path, table: Table) -> None:
        self.author, self.ci = Author(folder / "author", table), CI(folder / "ci", table)
        self.author.start(folder / "author-cache")
        self.ci.start(self.author, folder / "ci-cache", folder / "ci-cells")

    def judged(self, name: str, pull: Pull) -> Found:
        started, slug = time.monotonic(), name.replace(" ", "-")
        base = self._base(pull, f"base-of-{slug}")
        self.author.branch(slug, base)
        pull.edit(self.author)
        self.author.commit(pull.does)
        failed = self.author.run() if pull.runs else None
        if pull.after:
            pull.after(self.author)
        self.author.commit("\n\n".join(filter(None, ["What the run made", pull.trailer])))
        diff = failed or self.author.metrics_diff(base)
        made = time.monotonic()
        found = self.ci.judge(slug, base)
        if pull.release:
            self.author.git("tag", "-d", "model@v0.1.0")
        return found | {"diff": diff, "author": round(made - started), "seconds": round(time.monotonic() - made)}

    def _base(self, pull: Pull, name: str) -> str:
        if pull.release:
            self.author.git("tag", "-f", "model@v0.1.0", "base")
        if not pull.before:
            return "base"
        self.author.branch(name, "base")
        for edit in pull.before:
            edit(self.author)
            self.author.commit("A change that was merged")
        if failed := self.author.run():
            raise RuntimeError(f"{name} does not run: {failed}")
        self.author.commit("Its run")
        self.author.push()
        return name


def wrong(found: Found, pull: Pull) -> list[str]:
    """What is not as expected, in words; nothing where all is."""
    beside = found.get("beside", {})
    pairs = {
        "reasons": (found["red"], sorted(pull.red)),
        "accepted": (found["accepted"], sorted(pull.accepted)),
        "exit code": (found["code"], pull.code),
        "package is recipe": (beside.get("package") if pull.package is not None else None, pull.package),
        "an attack in the pages": (found.get("attacked", False), False),
        "head's own review": (beside.get("evaluator") if pull.own else None, pull.own),
    }
    words = [] if found["word"] in pull.words.split(" | ") else [f"word {found['word']}, not {pull.words}"]
    return words + [f"{what} {one}, not {other}" for what, (one, other) in pairs.items() if one != other]


def code() -> str:
    """A digest of what judges: a case that it has judged stands."""
    files = [name for name in listed(ROOT) if name.startswith(("src/", "plumbline/")) or name == "dvc.yaml"]
    return hashlib.sha256(b"".join((ROOT / name).read_bytes() for name in files)).hexdigest()[:12]


def wanted(asked: list[str], kept: dict[str, Found], made_of: str) -> Iterator[tuple[Table, list[str]]]:
    for table, cases in CASES.items():
        keys = {name: f"{table}: {name}" for name in cases}
        names = [
            name for name, key in keys.items()
            if ({name, table, key} & set(asked) if asked else kept.get(key, {}).get("judged_by") != made_of)
        ]  # fmt: skip
        if names:
            yield TABLES[table], names


def main() -> int:
    kept: dict[str, Found] = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
    for table, names in wanted(sys.argv[1:], kept, made_of := code()):
        print(f"{table.name}: the project and its first run", flush=True)
        zoo = Zoo(KEEP / table.name, table)
        for number, name in enumerate(names, 1):
            found = zoo.judged(name, CASES[table.name][name]) | {"judged_by": made_of}
            kept[f"{table.name}: {name}"] = found
            KEPT.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", encoding="utf-8")
            PAGE.write_text(page(kept), encoding="utf-8")
            faults = wrong(found, CASES[table.name][name])
            told = f"WRONG: {'; '.join(faults)}" if faults else "right"
            print(f"{table.name} {number}/{len(names)} {name}: {_said(found)}: {told}", flush=True)
    judged = [(key, pull) for key, pull in _every() if key in kept]
    failed = [key for key, pull in judged if wrong(kept[key], pull)]
    print(f"{len(failed)} of {len(judged)} wrong{': ' * bool(failed)}{', '.join(failed)}. Next: template/zoo.md")
    return 1 if failed else 0


def _every() -> Iterator[tuple[str, Pull]]:
    for table, cases in CASES.items():
        yield from ((f"{table}: {name}", pull) for name, pull in cases.items())


def _said(found: Found) -> str:
    """Word, reasons and exit code in one cell, and what head's own code makes of it."""
    beside = found.get("beside", {})
    more = ["the package is not the recipe"] if beside.get("package") is False else []
    more += [f"head's own review says {own}"] if (own := beside.get("evaluator")) else []
    return _words(found["word"], found["red"], found["accepted"], more, found["code"])


def _words(word: str, red: Iterable[str], accepted: Iterable[str], more: list[str], code: int) -> str:
    named = {"red": ", ".join(sorted(red)), "accepted": ", ".join(sorted(accepted))}
    told = [f"{what}: {names}" for what, names in named.items() if names]
    return "; ".join([f"**{word}**", *told, *more, f"exit {code}"])


def page(kept: dict[str, Found]) -> str:
    lines = [HEAD]
    for table, cases in CASES.items():
        found = {name: kept[f"{table}: {name}"] for name in cases if f"{table}: {name}" in kept}
        right = sum(not wrong(each, cases[name]) for name, each in found.items())
        seconds = sum(each["author"] + each["seconds"] for each in found.values())
        lines += [
            f"\n## {TABLES[table].title}\n",
            f"{right} of {len(found)} right, {len(cases) - len(found)} not judged yet, {seconds / 60:.0f} minutes.\n",
        ]
        lines += [
            "| pull request | what `dvc metrics diff` shows | what we say | expected | right | s |",
            "|---|---|---|---|---|---|",
        ]
        lines += [_row(name, cases[name], each) for name, each in found.items()]
        lines += [f"\n{name}: {pull.why}." for name, pull in cases.items() if pull.why and name in found]
    return "\n".join(lines) + "\n"


def _row(name: str, pull: Pull, found: Found) -> str:
    expected = _words(pull.words.replace(" | ", " or "), pull.red, pull.accepted, [], pull.code)
    right = f"**no**: {'; '.join(faults)}" if (faults := wrong(found, pull)) else "yes"
    cells = [f"**{name}**: {pull.does}", _cell(found["diff"]), _numbers(found), expected, right, str(found["seconds"])]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _cell(line: str) -> str:
    """A line of another tool in a cell."""
    return line if len(line) < LONG else f"{line[:LONG]}..."


def _numbers(found: Found) -> str:
    if found.get("low") is None:
        return f"{_said(found)}" + (f": {_cell(found['said'])}" if found["word"] == "refused" else "")
    difference, low, high, margin = (short(found[key]) for key in ("difference", "low", "high", "margin"))
    return f"{_said(found)} ({difference}, {low} to {high}; matters: {margin})"


if __name__ == "__main__":
    sys.exit(main())

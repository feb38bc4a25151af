"""What the pipeline costs, against the same job done plainly: template/benchmarks.md.

    python -m template.bench [NAME ...] [-n 5]    measure these (default: all); what the others found before is kept

Seconds are CPU time, user and system, of a command and all that it starts; each is the median of n runs, of two
commands in turns (A B A B). Projects are fresh clones of the last commit in a temporary folder, tables are seeded.
"""

import argparse
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.csv as pa_csv
import yaml

from template import making, predicting
from template.tables import large as made

ROOT = Path(__file__).parents[1]
KEPT, PAGE = ROOT / "template/benchmarks.json", ROOT / "template/benchmarks.md"
VERSIONS = ("dvc", "scikit-learn", "great-expectations", "pandas", "pyarrow", "numpy", "skops")
STAGES = ("ingest", "featurize", "train", "evaluate", "package")
REPRO: list[str | Path] = ["-m", "dvc", "repro"]
Row = dict[str, Any]  # what, target, measured, met, detail

# Why a target is missed: a person writes it here, under the measure's name.
REASONS: dict[str, str] = {
    "sample": "five processes import for 10.5 s, the script for 4.4 s; DVC itself takes 1.8 s; the work costs the same",
    "size": "a third of plumbline is the command, tables in and out, and refusals in words; the review came after the "
    "number was set. Fewer, larger files would cost more in reading than they save",
}


@dataclass(frozen=True)
class Run:
    """What a command took: CPU seconds, the largest resident size of one of its processes in bytes, what it printed."""

    seconds: float
    peak: int
    output: str


class Bench:
    """A temporary folder with the projects and tables of one session; n: how often a command is timed."""

    def __init__(self, folder: Path, n: int) -> None:
        self.folder, self.n, self.project = folder, n, folder / "project"
        self.sample = cache(self._sample)

    def run(self, command: list[str | Path], folder: Path, **environment: str) -> Run:
        # Threads that wait must sleep: else libgomp's spinning is counted, up to 20 times the work on a busy machine.
        given = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE", "PYTHONPATH": "", **environment}
        with tempfile.TemporaryFile() as log:
            process = subprocess.Popen([sys.executable, *command], cwd=folder, env=given, stdout=log, stderr=log)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            log.seek(0)
            output = log.read().decode()
        if process.returncode:
            sys.exit(f"{' '.join(map(str, command))}: exit code {process.returncode}\n{output[-3000:]}")
        unit = 1 if sys.platform == "darwin" else 1024
        return Run(usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit, output)

    def turns(self, what: str, **commands: Callable[[], Run]) -> dict[str, float]:
        """The median of each command's seconds, run in turns."""
        taken: dict[str, list[float]] = {name: [] for name in commands}
        for i in range(self.n):
            for name, command in commands.items():
                taken[name].append(command().seconds)
                print(f"{what} {i + 1}/{self.n}: {name} {taken[name][-1]:.2f} s", flush=True)
        return {name: statistics.median(values) for name, values in taken.items()}

    def clone(self) -> Path:
        """A fresh project; the one before is deleted."""
        shutil.rmtree(self.project, ignore_errors=True)
        subprocess.run(["git", "clone", "-q", ROOT, self.project], check=True)
        (self.project / ".venv").symlink_to(sys.prefix)
        return self.project

    def table(self, rows: int, columns: int) -> Path:
        path = self.folder / f"made-{rows}x{columns}.csv"
        if not path.exists():
            print(f"making {rows:,} rows of {columns} columns", flush=True)
            made.write(path, rows, columns)
        return path

    def own_table(self, rows: int, columns: int, suite: int = 0) -> Path:
        """A fresh project on a made table, with a suite of so many expectations on each column."""
        project, table = self.clone(), self.table(rows, columns)
        os.link(table, project / "data/source" / table.name)
        params = yaml.safe_load((project / "params.yaml").read_text(encoding="utf-8"))
        params["data"] |= {"source": f"data/source/{table.name}", "target": "answer"}
        (project / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
        for other in (project / "expectations").glob("*.json"):
            other.unlink()
        if suite:
            (project / "expectations" / f"{table.stem}.json").write_text(json.dumps(made.suite(columns, suite)))
        return project

    def _sample(self) -> Path:
        """The sample's project after `dvc repro`."""
        project = self.clone()
        self.run(REPRO, project)
        return project.rename(self.folder / "sample")


def at_most(what: str, limit: float, value: float, unit: str, detail: str) -> Row:
    measured = f"{value:.3g}{unit}" if isinstance(value, float) else f"{value:,}{unit}"
    return {"what": what, "target": f"at most {limit:g}{unit}", "measured": measured, "met": value <= limit,
            "detail": detail}  # fmt: skip


def times(what: str, limit: float, taken: dict[str, float], unit: str = "s") -> Row:
    """Ours over the other, both in `unit`."""
    (ours, one), (other, two) = taken.items()
    return at_most(what, limit, one / two, " times", f"{ours} {one:.3g} {unit}, {other} {two:.3g} {unit}")


def against_script(bench: Bench, name: str, fresh: Callable[[], Path], given: str) -> dict[str, float]:
    """Seconds of the pipeline, cold, and of the script; both must find the same numbers."""
    out = bench.folder / "script"
    taken = bench.turns(
        name,
        pipeline=lambda: bench.run(REPRO, fresh()),
        script=lambda: bench.run([ROOT / "template/script.py", *given.split(), "--out", out], bench.project),
    )
    same_numbers(bench.project / "metrics", out)
    return taken


def same_numbers(metrics: Path, out: Path) -> None:
    """Stops when a metric or an interval of the pipeline is not the script's to six digits."""
    found, intervals = (json.loads((out / f"{name}.json").read_text()) for name in ("metrics", "intervals"))
    ours = {who: json.loads((metrics / f"baseline-{who}.json").read_text()) for who in ("linear", "trivial")}
    ours["model"] = json.loads((metrics / "metrics.json").read_text())
    spread = json.loads((metrics / "intervals.json").read_text())
    for who, values in ours.items():
        for name in found[who]:
            one, other = [values[name], *spread[name][who]], [found[who][name], *intervals[who][name]]
            if not np.allclose(np.array(one, float), np.array(other, float), rtol=1e-5, atol=1e-9, equal_nan=True):
                sys.exit(f"{who}, {name}: the pipeline found {one}, the script {other}")


def sample(bench: Bench) -> list[Row]:
    suite = "--suite expectations/breast-cancer.json"
    given = f"data/source/breast-cancer.csv diagnosis --key id --positive malignant {suite}"
    taken = against_script(bench, "sample", bench.clone, given)
    return [times("the whole pipeline, cold, on the sample, against the script", 2, taken)]


def large(bench: Bench) -> list[Row]:
    name = bench.table(10**6, 30).stem
    given = f"data/source/{name}.csv answer --key row_id --positive yes --suite expectations/{name}.json"
    taken = against_script(bench, "large", lambda: bench.own_table(10**6, 30, suite=2), given)
    return [times("the same on 10^6 rows of 30 columns with 60 expectations", 1.1, taken)]


def nothing(bench: Bench) -> list[Row]:
    ours, bare = bench.sample(), bench.folder / "true"
    shutil.copytree(ours, bare, symlinks=True)
    text = (bare / "dvc.yaml").read_text(encoding="utf-8")
    (bare / "dvc.yaml").write_text(re.sub(r"(?m)^( +cmd:) .*", r'\1 "true"', text), encoding="utf-8")
    bench.run(["-m", "dvc", "commit", "-f"], bare)
    taken = bench.turns("nothing", pipeline=lambda: bench.run(REPRO, ours), true=lambda: bench.run(REPRO, bare))
    return [times("dvc repro with nothing to do, against `true` as every command", 1.05, taken)]


def changed(bench: Bench) -> list[Row]:
    project = bench.sample()
    params = (project / "params.yaml").read_text(encoding="utf-8")
    (project / "params.yaml").write_text(params.replace("bootstrap: 1000", "bootstrap: 999"), encoding="utf-8")
    ran = re.findall(r"(?m)^Running stage '(\w+)'", bench.run(REPRO, project).output)
    return [{"what": "stages that run after a changed evaluate.bootstrap", "target": "evaluate, package",
             "measured": ", ".join(ran) or "none", "met": ran == ["evaluate", "package"], "detail": ""}]  # fmt: skip


def linear(bench: Bench) -> list[Row]:
    fixed, sizes = 1000, (10**5, 10**6, 10**7)

    def both(rows: int) -> Callable[[], Run]:
        def run() -> Run:
            project = bench.own_table(rows, 10)
            one, other = (bench.run(["-m", f"src.stages.{name}"], project) for name in STAGES[:2])
            return Run(one.seconds + other.seconds, 0, "")

        return run

    taken = bench.turns("linear", **{f"{rows} rows": both(rows) for rows in (fixed, *sizes)})
    start = taken[f"{fixed} rows"]
    each = [(taken[f"{rows} rows"] - start) / (rows - fixed) * 1e6 for rows in sizes]
    detail = f"{', '.join(f'{value:.3g}' for value in each)} µs a row, beside {start:.2f} s to start"
    what = "ingest and featurize, the dearest time per row over the cheapest, of 10^5, 10^6, 10^7 rows, 10 columns"
    return [at_most(what, 1.15, max(each) / min(each), " times", detail)]


def memory(bench: Bench) -> list[Row]:
    found = []
    for suite, limit, words in ((0, 1, "no suite"), (3, 2, "30 expectations")):
        project, peaks = bench.own_table(10**7, 10, suite), {}
        for name in STAGES[:2]:
            peaks[name] = bench.run(["-m", f"src.stages.{name}"], project).peak / (1 << 30)
            print(f"memory, {words}: {name} {peaks[name]:.2f} GiB", flush=True)
        detail = ", ".join(f"{name} {peak:.2f}" for name, peak in peaks.items())
        what = f"the larger peak of ingest and featurize, 10^7 rows of 10 columns, {words}"
        found.append(at_most(what, limit, max(peaks.values()), " GiB", detail))
    return found


def predict(bench: Bench) -> list[Row]:
    project, table = bench.own_table(20_000, 30), bench.table(10**6, 30)
    for name in STAGES:
        bench.run(["-m", f"src.stages.{name}"], project)
    wheel = next((project / "dist").glob("*.whl"))
    command: list[str | Path] = ["-m", f"{wheel.name.split('-')[0]}.predictor", "predict", table, "-o", "ours.csv"]
    taken = bench.turns(
        "predict",
        package=lambda: bench.run(command, project, PYTHONPATH=str(wheel)),
        bare=lambda: bench.run([predicting.__file__, "bare", table, "bare.csv"], project, PYTHONPATH=str(project)),
    )
    one, other = (pa_csv.read_csv(project / name).column(2).to_numpy() for name in ("ours.csv", "bare.csv"))
    if not np.allclose(one, other, rtol=0, atol=1e-9):
        sys.exit("predict: the package and the bare pipeline do not agree")
    return [times("predict, CSV to CSV, 10^6 rows of 30 columns, against the bare pipeline", 1.2, taken)]


def one_row(bench: Bench) -> list[Row]:
    wheel = next((bench.sample() / "dist").glob("*.whl"))
    ran = bench.run([predicting.__file__, "one-row", wheel.name.split("-")[0]], bench.folder, PYTHONPATH=str(wheel))
    what = "one row, a dict, through Predictor.predict, against the fitted pipeline's predict_proba"
    return [times(what, 3, json.loads(ran.output), "ms")]


def start(bench: Bench) -> list[Row]:
    taken = making.from_nothing(bench.folder, bench.n, lambda line: print(f"start: {line}", flush=True))
    minutes = (taken["making"] + taken["repro"]) / 60
    return [
        at_most("making a project, wall", 3, taken["again"], " s", f"{taken['making']:.1f} s when it must be fetched"),
        {"what": "from nothing to metrics by two commands, wall, empty package cache", "target": "none was set",
         "measured": f"{minutes:.2g} min", "met": True, "detail": "a mirror of the package index is near"},
        at_most("make test in it, wall", 3, taken["test"] / 60, " min", "no run is committed"),
    ]  # fmt: skip


def size(bench: Bench) -> list[Row]:
    found = making.size(bench.folder)
    code, engine = (f"{found[name]:,} without blank lines" for name in ("code", "engine_code"))
    return [
        at_most("files of a project", 100, found["files"], "", "with the sample; two fewer with a table of one's own"),
        at_most("visible names at its top", 16, found["names"], "", "after a run"),
        at_most("lines of Python in it, with tests", 6000, found["lines"], "", f"{code} and comments"),
        at_most("lines of what makes it", 500, found["engine"], "", engine),
    ]


MEASURES: dict[str, Callable[[Bench], list[Row]]] = {
    "sample": sample, "large": large, "nothing": nothing, "changed": changed, "linear": linear, "memory": memory,
    "predict": predict, "one-row": one_row, "start": start, "size": size,
}  # fmt: skip


def place(n: int) -> dict[str, str]:
    """When and where a measure was taken."""
    commit = subprocess.run(["git", "describe", "--always"], cwd=ROOT, capture_output=True, text=True, check=True)
    info = Path("/proc/cpuinfo")
    models = re.findall(r"model name\s*: (.*)", info.read_text()) if info.exists() else []
    machine = f"{models[0] if models else platform.processor()}, {os.cpu_count()} cores, {platform.system()}"
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in VERSIONS)
    return {"when": f"{datetime.now(UTC):%Y-%m-%d}, {commit.stdout.strip()}, n = {n}",
            "where": f"{machine}; Python {platform.python_version()}, {versions}"}  # fmt: skip


def page(kept: dict[str, Any]) -> str:
    lines = ["# Benchmarks\n", "Written by `python -m template.bench`, which says how. The script is `script.py`.\n",
             "| measure | what | target | measured | | | day, commit, runs |", "|" + "---|" * 7]  # fmt: skip
    shown = {name: kept[name] for name in MEASURES if name in kept}
    for name, found in shown.items():
        for row in found["rows"]:
            verdict = "met" if row["met"] else "**missed**"
            cells = [name, row["what"], row["target"], row["measured"], verdict, row["detail"], found["when"]]
            lines.append(f"| {' | '.join(cells)} |")
    missed = [name for name, found in shown.items() if not all(row["met"] for row in found["rows"])]
    lines += ["\n## Why targets are missed\n"] if missed else []
    lines += [f"- {name}: {REASONS.get(name, 'no reason is written yet')}" for name in missed]
    lines.append("\n## Where\n")
    for where in dict.fromkeys(found["where"] for found in shown.values()):
        lines.append(f"- {', '.join(name for name in shown if shown[name]['where'] == where)}: {where}")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the pipeline and write template/benchmarks.md")
    parser.add_argument("names", nargs="*", metavar="NAME", default="all", choices=["all", *MEASURES])
    parser.add_argument("-n", type=int, default=5, help="runs of each command")
    given = parser.parse_args()
    kept = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
    for name in MEASURES if "all" in given.names else given.names:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            rows = MEASURES[name](Bench(Path(folder), given.n))
        kept[name] = {"rows": rows, **place(given.n)}
        print(
            *(f"{name}: {r['what']}: {r['measured']}, {r['target']} ({r['detail']})" for r in rows),
            sep="\n",
            flush=True,
        )
        KEPT.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        PAGE.write_text(page(kept), encoding="utf-8")


if __name__ == "__main__":
    main()

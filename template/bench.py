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

from template import predicting, tables

ROOT = Path(__file__).parents[1]
KEPT, PAGE = ROOT / "template/benchmarks.json", ROOT / "template/benchmarks.md"
VERSIONS = ("dvc", "scikit-learn", "great-expectations", "pandas", "pyarrow", "numpy", "skops")
GIB = 1 << 30

# Why a target is missed: a person writes it here, under the measure's name.
REASONS: dict[str, str] = {}


@dataclass(frozen=True)
class Run:
    """What a command took: CPU seconds, the largest resident size of one of its processes in bytes, what it printed."""

    seconds: float
    peak: int
    output: str


class Bench:
    """A temporary folder with the projects and tables of one session; n: how often a command is timed."""

    def __init__(self, folder: Path, n: int) -> None:
        self.folder, self.n = folder, n
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
        project = self.folder / "project"
        shutil.rmtree(project, ignore_errors=True)
        subprocess.run(["git", "clone", "-q", ROOT, project], check=True)
        (project / ".venv").symlink_to(sys.prefix)
        return project

    def table(self, rows: int, columns: int) -> Path:
        path = self.folder / f"made-{rows}x{columns}.csv"
        if not path.exists():
            print(f"making {rows:,} rows of {columns} columns", flush=True)
            tables.write(path, rows, columns)
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
            (project / "expectations" / f"{table.stem}.json").write_text(json.dumps(tables.suite(columns, suite)))
        return project

    def _sample(self) -> Path:
        """The sample's project after `dvc repro`."""
        project = self.clone()
        self.run(["-m", "dvc", "repro"], project)
        return project.rename(self.folder / "sample")


def at_most(what: str, limit: float, value: float, unit: str, detail: str) -> dict[str, Any]:
    return {"what": what, "target": f"at most {limit:g}{unit}", "measured": f"{value:.3g}{unit}", "detail": detail,
            "met": value <= limit}  # fmt: skip


def against_script(bench: Bench, name: str, fresh: Callable[[], Path], given: list[str]) -> tuple[float, str]:
    """How many times the script's time the pipeline takes, cold; both must find the same numbers."""
    out, project = bench.folder / "script", Path()

    def ours() -> Run:
        nonlocal project
        project = fresh()
        return bench.run(["-m", "dvc", "repro"], project)

    def script() -> Run:
        return bench.run([ROOT / "template/script.py", *given, "--out", out], project)

    taken = bench.turns(name, pipeline=ours, script=script)
    same_numbers(project / "metrics", out)
    return taken["pipeline"] / taken["script"], f"{taken['pipeline']:.1f} s against {taken['script']:.1f} s"


def same_numbers(metrics: Path, out: Path) -> None:
    """Stops when a metric or an interval of the pipeline is not the script's to six digits."""
    found, intervals = (json.loads((out / f"{name}.json").read_text()) for name in ("metrics", "intervals"))
    ours = {who: json.loads((metrics / f"yardstick-{who}.json").read_text()) for who in ("linear", "trivial")}
    ours["model"] = json.loads((metrics / "metrics.json").read_text())
    spread = json.loads((metrics / "intervals.json").read_text())
    for who, values in ours.items():
        for name in found[who]:
            one, other = [values[name], *spread[name][who]], [found[who][name], *intervals[who][name]]
            if not np.allclose(np.array(one, float), np.array(other, float), rtol=1e-5, atol=1e-9, equal_nan=True):
                sys.exit(f"{who}, {name}: the pipeline found {one}, the script {other}")


def sample(bench: Bench) -> list[dict[str, Any]]:
    given = ["data/source/breast-cancer.csv", "diagnosis", "--key", "id", "--positive", "malignant",
             "--suite", "expectations/breast-cancer.json"]  # fmt: skip
    ratio, detail = against_script(bench, "sample", bench.clone, given)
    return [at_most("the whole pipeline, cold, on the sample, against the script", 2.0, ratio, " times", detail)]


def large(bench: Bench) -> list[dict[str, Any]]:
    table = bench.table(10**6, 30)
    given = [f"data/source/{table.name}", "answer", "--key", "row_id", "--positive", "yes",
             "--suite", f"expectations/{table.stem}.json"]  # fmt: skip
    ratio, detail = against_script(bench, "large", lambda: bench.own_table(10**6, 30, suite=2), given)
    return [at_most("the same on 10^6 rows of 30 columns, 60 expectations", 1.1, ratio, " times", detail)]


def nothing(bench: Bench) -> list[dict[str, Any]]:
    ours, bare = bench.sample(), bench.folder / "true"
    shutil.copytree(ours, bare, symlinks=True)
    text = (bare / "dvc.yaml").read_text(encoding="utf-8")
    (bare / "dvc.yaml").write_text(re.sub(r"(?m)^( +cmd:) .*", r'\1 "true"', text), encoding="utf-8")
    bench.run(["-m", "dvc", "commit", "-f"], bare)
    repro: list[str | Path] = ["-m", "dvc", "repro"]
    taken = bench.turns("nothing", pipeline=lambda: bench.run(repro, ours), true=lambda: bench.run(repro, bare))
    detail = f"{taken['pipeline']:.2f} s against {taken['true']:.2f} s"
    what = "dvc repro with nothing to do, against `true` as every command"
    return [at_most(what, 1.05, taken["pipeline"] / taken["true"], " times", detail)]


def changed(bench: Bench) -> list[dict[str, Any]]:
    project = bench.folder / "changed"
    shutil.copytree(bench.sample(), project, symlinks=True)
    params = (project / "params.yaml").read_text(encoding="utf-8")
    (project / "params.yaml").write_text(params.replace("bootstrap: 1000", "bootstrap: 999"), encoding="utf-8")
    ran = re.findall(r"(?m)^Running stage '(\w+)'", bench.run(["-m", "dvc", "repro"], project).output)
    return [{"what": "stages that run after a changed evaluate.bootstrap", "target": "evaluate, package",
             "measured": ", ".join(ran) or "none", "detail": "", "met": ran == ["evaluate", "package"]}]  # fmt: skip


def linear(bench: Bench) -> list[dict[str, Any]]:
    fixed, sizes = 1000, (10**5, 10**6, 10**7)

    def both(rows: int) -> Callable[[], Run]:
        def run() -> Run:
            project = bench.own_table(rows, 10)
            one, other = (bench.run(["-m", f"src.stages.{name}"], project) for name in ("ingest", "featurize"))
            return Run(one.seconds + other.seconds, 0, "")

        return run

    taken = bench.turns("linear", **{f"{rows} rows": both(rows) for rows in (fixed, *sizes)})
    start = taken[f"{fixed} rows"]
    each = [(taken[f"{rows} rows"] - start) / (rows - fixed) * 1e6 for rows in sizes]
    detail = f"{', '.join(f'{value:.3g}' for value in each)} µs a row, beside {start:.2f} s to start"
    what = "ingest and featurize, the dearest time per row over the cheapest, of 10^5, 10^6, 10^7 rows, 10 columns"
    return [at_most(what, 1.15, max(each) / min(each), " times", detail)]


def memory(bench: Bench) -> list[dict[str, Any]]:
    found = []
    for suite, limit, words in ((0, 1, "no suite"), (3, 2, "30 expectations")):
        project, peaks = bench.own_table(10**7, 10, suite), {}
        for name in ("ingest", "featurize"):
            peaks[name] = bench.run(["-m", f"src.stages.{name}"], project).peak / GIB
            print(f"memory, {words}: {name} {peaks[name]:.2f} GiB", flush=True)
        detail = ", ".join(f"{name} {peak:.2f}" for name, peak in peaks.items())
        what = f"the larger peak of ingest and featurize, 10^7 rows of 10 columns, {words}"
        found.append(at_most(what, limit, max(peaks.values()), " GiB", detail))
    return found


def predict(bench: Bench) -> list[dict[str, Any]]:
    project, table = bench.own_table(20_000, 30), bench.table(10**6, 30)
    for name in ("ingest", "featurize", "train", "evaluate", "package"):
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
    detail = f"{taken['package']:.1f} s against {taken['bare']:.1f} s, CSV to CSV"
    what = "the package's predict on 10^6 rows of 30 columns, against the bare pipeline"
    return [at_most(what, 1.2, taken["package"] / taken["bare"], " times", detail)]


def one_row(bench: Bench) -> list[dict[str, Any]]:
    wheel = next((bench.sample() / "dist").glob("*.whl"))
    ran = bench.run([predicting.__file__, "one-row", wheel.name.split("-")[0]], bench.folder, PYTHONPATH=str(wheel))
    ours, bare = json.loads(ran.output)
    detail = f"{ours:.2f} ms against {bare:.2f} ms"
    what = "one row, a dict, through Predictor.predict, against the fitted pipeline's predict_proba"
    return [at_most(what, 3, ours / bare, " times", detail)]


MEASURES: dict[str, Callable[[Bench], list[dict[str, Any]]]] = {
    "sample": sample, "large": large, "nothing": nothing, "changed": changed, "linear": linear, "memory": memory,
    "predict": predict, "one-row": one_row,
}  # fmt: skip


def where() -> dict[str, str]:
    """The machine, the day, the versions, the commit."""
    info = Path("/proc/cpuinfo")
    models = re.findall(r"model name\s*: (.*)", info.read_text()) if info.exists() else []
    commit = subprocess.run(["git", "describe", "--always"], cwd=ROOT, capture_output=True, text=True, check=True)
    return {
        "machine": f"{models[0] if models else platform.processor()}, {os.cpu_count()} cores, {platform.system()}",
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "versions": f"Python {platform.python_version()}, " + ", ".join(f"{n} {metadata.version(n)}" for n in VERSIONS),
        "commit": commit.stdout.strip(),
    }


def page(kept: dict[str, Any]) -> str:
    lines = [
        "# Benchmarks\n",
        "Written by `python -m template.bench`, which says how; the script is `template/script.py`.\n",
        "| measure | what | target | measured | | |",
        "|---|---|---|---|---|---|",
    ]
    reasons: list[str] = []
    places: dict[str, list[str]] = {}
    for name in [name for name in MEASURES if name in kept]:
        for row in kept[name]["rows"]:
            verdict = "met" if row["met"] else "**missed**"
            cells = [name, row["what"], row["target"], row["measured"], verdict, row["detail"]]
            lines.append(f"| {' | '.join(cells)} |")
        if not all(row["met"] for row in kept[name]["rows"]):
            reasons.append(f"- {name}: {REASONS.get(name, 'no reason is written yet')}")
        places.setdefault(json.dumps(kept[name]["where"]), []).append(f"{name} (n = {kept[name]['n']})")
    lines += ["\n## Why targets are missed\n", *reasons] if reasons else []
    lines.append("\n## Where\n")
    for place, measures in places.items():
        facts = json.loads(place)
        lines.append(
            f"- {', '.join(measures)}: {facts['date']}, commit {facts['commit']}, {facts['machine']}; "
            f"{facts['versions']}"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the pipeline and write template/benchmarks.md")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(MEASURES))
    parser.add_argument("-n", type=int, default=5, help="runs of each command")
    given = parser.parse_args()
    unknown = [name for name in given.names if name not in MEASURES]
    if unknown:
        parser.error(f"{unknown[0]}: expected one of {', '.join(MEASURES)}")
    kept = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
    for name in given.names or MEASURES:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            rows = MEASURES[name](Bench(Path(folder), given.n))
        kept[name] = {"rows": rows, "n": given.n, "where": where()}
        for row in rows:
            print(f"{name}: {row['what']}: {row['measured']}, {row['target']} ({row['detail']})", flush=True)
        KEPT.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        PAGE.write_text(page(kept), encoding="utf-8")


if __name__ == "__main__":
    main()

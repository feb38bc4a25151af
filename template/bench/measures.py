"""The measures, by name; each returns one result or more, with its target."""

import json
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.csv as pa_csv

from plumbline.packaging.wheel import read_module
from template.bench import creation, predictions
from template.bench.workspace import REPRO, Run, Workspace

SCRIPT = Path(__file__).with_name("script.py")
STAGES = ("ingest", "featurize", "train", "evaluate", "package")


@dataclass(frozen=True)
class Result:
    """A number and its target, as a row of the page."""

    title: str
    target: str
    value: str
    is_met: bool
    detail: str = ""


def _at_most(title: str, limit: float, value: float, unit: str, detail: str) -> Result:
    text = f"{value:.3g}{unit}" if isinstance(value, float) else f"{value:,}{unit}"
    return Result(title, f"at most {limit:g}{unit}", text, value <= limit, detail)


def _ratio(title: str, limit: float, values: dict[str, float], unit: str = "s") -> Result:
    """The first of two values over the second, both in `unit`."""
    (name, value), (reference_name, reference) = values.items()
    detail = f"{name} {value:.3g} {unit}, {reference_name} {reference:.3g} {unit}"
    return _at_most(title, limit, value / reference, " times", detail)


def _compare_with_script(bench: Workspace, name: str, create: Callable[[], Path], arguments: str) -> dict[str, float]:
    """Seconds of the pipeline, cold, and of the script; both must compute the same numbers."""
    out = bench.folder / "script"
    seconds = bench.time_in_turns(
        name,
        pipeline=lambda: bench.run(REPRO, create()),
        script=lambda: bench.run([SCRIPT, *arguments.split(), "--out", out], bench.project),
    )
    _check_same_numbers(bench.project / "metrics", out)
    return seconds


def _check_same_numbers(metrics: Path, out: Path) -> None:
    """End the program when a metric or an interval of the pipeline is not the script's to six digits."""
    script_metrics, script_intervals = (
        json.loads((out / f"{name}.json").read_text()) for name in ("metrics", "intervals")
    )
    pipeline = {model: json.loads((metrics / f"baseline-{model}.json").read_text()) for model in ("linear", "trivial")}
    pipeline["model"] = json.loads((metrics / "metrics.json").read_text())
    intervals = json.loads((metrics / "intervals.json").read_text())
    for model, values in pipeline.items():
        for name, script_value in script_metrics[model].items():
            numbers = [values[name], *intervals[name][model]]
            reference = [script_value, *script_intervals[model][name]]
            pair = np.array([numbers, reference], float)
            if not np.allclose(pair[0], pair[1], rtol=1e-5, atol=1e-9, equal_nan=True):
                sys.exit(f"{model}, {name}: the pipeline computed {numbers}, the script {reference}")


def _measure_sample(bench: Workspace) -> list[Result]:
    suite = "--suite expectations/breast-cancer.json"
    arguments = f"data/source/breast-cancer.csv diagnosis --key id --positive malignant {suite}"
    seconds = _compare_with_script(bench, "sample", bench.clone, arguments)
    return [_ratio("the whole pipeline, cold, on the sample, against the script", 2, seconds)]


def _measure_large(bench: Workspace) -> list[Result]:
    name = bench.table(10**6, 30).stem
    arguments = f"data/source/{name}.csv answer --key row_id --positive yes --suite expectations/{name}.json"
    create = lambda: bench.project_on_table(10**6, 30, expectations=2)  # noqa: E731
    seconds = _compare_with_script(bench, "large", create, arguments)
    return [_ratio("the same on 10^6 rows of 30 columns with 60 expectations", 1.1, seconds)]


def _measure_nothing(bench: Workspace) -> list[Result]:
    project, bare = bench.sample_project(), bench.folder / "true"
    shutil.copytree(project, bare, symlinks=True)
    text = (bare / "dvc.yaml").read_text(encoding="utf-8")
    (bare / "dvc.yaml").write_text(re.sub(r"(?m)^( +cmd:) .*", r'\1 "true"', text), encoding="utf-8")
    bench.run(["-m", "dvc", "commit", "-f"], bare)
    seconds = bench.time_in_turns(
        "nothing", pipeline=lambda: bench.run(REPRO, project), true=lambda: bench.run(REPRO, bare)
    )
    return [_ratio("dvc repro with nothing to do, against `true` as every command", 1.05, seconds)]


def _measure_changed(bench: Workspace) -> list[Result]:
    project = bench.sample_project()
    params = (project / "params.yaml").read_text(encoding="utf-8")
    (project / "params.yaml").write_text(params.replace("bootstrap: 1000", "bootstrap: 999"), encoding="utf-8")
    stages = re.findall(r"(?m)^Running stage '(\w+)'", bench.run(REPRO, project).output)
    title, target = "stages that run after evaluate.bootstrap was changed", ["evaluate", "package"]
    return [Result(title, ", ".join(target), ", ".join(stages) or "none", stages == target)]


def _measure_linear(bench: Workspace) -> list[Result]:
    smallest, sizes = 1000, (10**5, 10**6, 10**7)

    def run_both(rows: int) -> Callable[[], Run]:
        def run() -> Run:
            project = bench.project_on_table(rows, 10)
            runs = [bench.run(["-m", f"src.stages.{name}"], project) for name in STAGES[:2]]
            return Run(sum(run.seconds for run in runs), 0, "")

        return run

    seconds = bench.time_in_turns("linear", **{f"{rows} rows": run_both(rows) for rows in (smallest, *sizes)})
    start = seconds[f"{smallest} rows"]
    costs = [(seconds[f"{rows} rows"] - start) / (rows - smallest) * 1e6 for rows in sizes]
    detail = f"{', '.join(f'{cost:.3g}' for cost in costs)} µs a row, and {start:.2f} s to start"
    title = "ingest and featurize, the longest time per row over the shortest, of 10^5, 10^6, 10^7 rows, 10 columns"
    return [_at_most(title, 1.15, max(costs) / min(costs), " times", detail)]


def _measure_memory(bench: Workspace) -> list[Result]:
    results = []
    for expectations, limit, words in ((0, 1, "no suite"), (3, 2, "30 expectations")):
        project, peaks = bench.project_on_table(10**7, 10, expectations), {}
        for name in STAGES[:2]:
            peaks[name] = bench.run(["-m", f"src.stages.{name}"], project).peak / (1 << 30)
            print(f"memory, {words}: {name} {peaks[name]:.2f} GiB", flush=True)
        detail = ", ".join(f"{name} {peak:.2f}" for name, peak in peaks.items())
        title = f"the larger peak of ingest and featurize, 10^7 rows of 10 columns, {words}"
        results.append(_at_most(title, limit, max(peaks.values()), " GiB", detail))
    return results


def _measure_predict(bench: Workspace) -> list[Result]:
    project, table = bench.project_on_table(20_000, 30), bench.table(10**6, 30)
    for name in STAGES:
        bench.run(["-m", f"src.stages.{name}"], project)
    wheel = next((project / "dist").glob("*.whl"))
    outputs = {"package": "package.csv", "bare": "bare.csv"}
    module = f"{read_module(wheel)}.prediction.cli"
    command: list[str | Path] = ["-m", module, "predict", table, "-o", outputs["package"]]
    bare: list[str | Path] = [predictions.__file__, "bare", table, outputs["bare"]]
    seconds = bench.time_in_turns(
        "predict",
        package=lambda: bench.run(command, project, PYTHONPATH=str(wheel)),
        bare=lambda: bench.run(bare, project, PYTHONPATH=str(project)),
    )
    package_values, bare_values = (pa_csv.read_csv(project / name).column(2).to_numpy() for name in outputs.values())
    if not np.allclose(package_values, bare_values, rtol=0, atol=1e-9):
        sys.exit("predict: the package and the bare pipeline do not agree")
    return [_ratio("predict, CSV to CSV, 10^6 rows of 30 columns, against the bare pipeline", 1.2, seconds)]


def _measure_one_row(bench: Workspace) -> list[Result]:
    wheel = next((bench.sample_project() / "dist").glob("*.whl"))
    command: list[str | Path] = [predictions.__file__, "one-row", read_module(wheel)]
    times = json.loads(bench.run(command, bench.folder, PYTHONPATH=str(wheel)).output)
    title = "one row, a dict, through Predictor.predict, against the fitted pipeline's predict_proba"
    return [_ratio(title, 3, times, "ms")]


def _measure_start(bench: Workspace) -> list[Result]:
    seconds = creation.time_creation(bench.folder, bench.n, lambda line: print(f"start: {line}", flush=True))
    title = "from nothing to metrics by two commands, wall time, empty package cache"
    detail = f"{seconds['create']:.1f} s when cookiecutter must be fetched"
    return [
        _at_most("creating a project, wall time", 3, seconds["create again"], " s", detail),
        _at_most(title, 45, seconds["create"] + seconds["repro"], " s", "a mirror of the package index is near"),
        _at_most("make test in it, wall time", 60, seconds["test"], " s", "no run is committed"),
    ]


def _measure_size(bench: Workspace) -> list[Result]:
    size = creation.count_size(bench.folder)
    code, engine_code = (f"{count:,} without blank lines" for count in (size.code, size.engine_code))
    return [
        _at_most("files of a project in git, after its first committed run", 60, size.files, "", "table of one's own"),
        _at_most("visible names in its top folder, in git", 16, size.names, "", "git ignores dist/"),
        _at_most("lines of Python in it, with tests", 900, size.lines, "", f"{code} and comments"),
        _at_most("the wheel of the package", 1.5, size.wheel, " MB", "stored, not compressed"),
        _at_most("lines of the code that creates it", 500, size.engine_lines, "", engine_code),
    ]


MEASURES: dict[str, Callable[[Workspace], list[Result]]] = {
    "sample": _measure_sample,
    "large": _measure_large,
    "nothing": _measure_nothing,
    "changed": _measure_changed,
    "linear": _measure_linear,
    "memory": _measure_memory,
    "predict": _measure_predict,
    "one-row": _measure_one_row,
    "start": _measure_start,
    "size": _measure_size,
}

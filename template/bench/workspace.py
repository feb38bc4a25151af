"""The projects and tables that the measures work on, and how a command is timed."""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from template.tables import large

ROOT = Path(__file__).parents[2]
REPRO: list[str | Path] = ["-m", "dvc", "repro"]


@dataclass(frozen=True)
class Run:
    """What a command took: CPU seconds, the largest resident size of one of its processes in bytes, and its output."""

    seconds: float
    peak: int
    output: str


class Workspace:
    """A temporary folder with the projects and tables of one measure.

    Parameters
    ----------
    folder : Path
        An empty folder.
    n : int
        How often each command is timed.
    """

    def __init__(self, folder: Path, n: int) -> None:
        self.folder, self.n, self.project = folder, n, folder / "project"
        self.sample_project = cache(self._run_sample)

    def run(self, command: list[str | Path], folder: Path, **variables: str) -> Run:
        """Run Python with these arguments in a folder; a command that fails ends the program."""
        # Threads that wait must sleep: else libgomp's spinning is counted, up to 20 times the work on a busy machine.
        environment = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE", "PYTHONPATH": "", **variables}
        with tempfile.TemporaryFile() as log:
            process = subprocess.Popen([sys.executable, *command], cwd=folder, env=environment, stdout=log, stderr=log)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            log.seek(0)
            output = log.read().decode()
        if process.returncode:
            sys.exit(f"{' '.join(map(str, command))}: exit code {process.returncode}\n{output[-3000:]}")
        unit = 1 if sys.platform == "darwin" else 1024
        return Run(usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit, output)

    def time_in_turns(self, title: str, **commands: Callable[[], Run]) -> dict[str, float]:
        """Return the median of each command's seconds; the commands take turns."""
        seconds: dict[str, list[float]] = {name: [] for name in commands}
        for i in range(self.n):
            for name, command in commands.items():
                seconds[name].append(command().seconds)
                print(f"{title} {i + 1}/{self.n}: {name} {seconds[name][-1]:.2f} s", flush=True)
        return {name: statistics.median(values) for name, values in seconds.items()}

    def clone(self) -> Path:
        """Return a fresh project; the previous one is deleted."""
        shutil.rmtree(self.project, ignore_errors=True)
        subprocess.run(["git", "clone", "-q", ROOT, self.project], check=True)
        (self.project / ".venv").symlink_to(sys.prefix)
        return self.project

    def table(self, rows: int, columns: int) -> Path:
        """Return a generated table as CSV; it is written once."""
        path = self.folder / f"made-{rows}x{columns}.csv"
        if not path.exists():
            print(f"generating {rows:,} rows of {columns} columns", flush=True)
            large.write_table(path, rows, columns)
        return path

    def project_on_table(self, rows: int, columns: int, expectations: int = 0) -> Path:
        """Return a fresh project on a generated table, with so many expectations on each column."""
        project, table = self.clone(), self.table(rows, columns)
        os.link(table, project / "data/source" / table.name)
        params = yaml.safe_load((project / "params.yaml").read_text(encoding="utf-8"))
        params["data"] |= {"source": f"data/source/{table.name}", "target": "answer"}
        (project / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
        for suite in (project / "expectations").glob("*.json"):
            suite.unlink()
        if expectations:
            content = json.dumps(large.suite(columns, expectations))
            (project / "expectations" / f"{table.stem}.json").write_text(content)
        return project

    def _run_sample(self) -> Path:
        """The sample's project after `dvc repro`."""
        project = self.clone()
        self.run(REPRO, project)
        return project.rename(self.folder / "sample")

"""No module of the package does anything when it is imported, and only one module starts programs."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from plumbline.testing.projects import ROOT, environment

MODULES = sorted(
    path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__")
    for path in (ROOT / "plumbline").rglob("*.py")
)
START_EVENTS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty", "os.startfile")
SCRIPT = f"""
import importlib, os, sys

HERE = os.getcwd() + os.sep

def report(event, arguments):
    if event in {START_EVENTS}:
        print("starts", event, arguments[0])
    elif event in ("open", "os.remove", "os.rename", "os.mkdir", "os.rmdir") and isinstance(arguments[0], str | bytes):
        if os.path.abspath(os.fsdecode(arguments[0])).startswith(HERE):
            print("touches", event, os.fsdecode(arguments[0]))

import pyarrow, sklearn, scipy, pandas, matplotlib, pytest, yaml  # not what these do
sys.addaudithook(report)
before = dict(os.environ), os.getcwd()
for name in sys.argv[1:]:
    importlib.import_module(name)
assert before == (dict(os.environ), os.getcwd()), "another environment or folder"
"""


DATA = {"numpy", "pandas", "pyarrow"}
MODEL = {*DATA, "joblib", "scipy", "skops", "sklearn"}
LIBRARIES = {  # what takes longest to import, by what imports it; Great Expectations comes when there is a suite
    "src.stages.ingest": DATA,
    "src.stages.featurize": {*DATA, "time_machine"},
    "src.stages.train": MODEL,
    "src.stages.evaluate": {*MODEL, "jinja2", "matplotlib"},
    "src.stages.package": {*MODEL, "hatchling"},
    "plumbline.commands.versions": set(),
}
SLOW = {*set().union(*LIBRARIES.values()), "dvc", "great_expectations", "matplotlib.pyplot", "requests"}
LOADED = """
import importlib, json, sys
importlib.import_module(sys.argv[1])
print(json.dumps([*sys.modules]))
"""


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_stage_imports_no_slow_library_that_it_does_not_use(name: str) -> None:
    command = [sys.executable, "-c", LOADED, name]
    ran = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, encoding="utf-8", check=True)
    assert SLOW & {*json.loads(ran.stdout)} == LIBRARIES[name]


def test_importing_any_module_starts_no_program_and_touches_no_file_of_the_working_directory(tmp_path: Path) -> None:
    for name in ("params.yaml", "dvc.yaml", "pyproject.toml", "requirements.lock"):
        (tmp_path / name).write_text("", encoding="utf-8")
    assert len(MODULES) > 100
    variables = environment(PYTHONPATH=str(ROOT), PYTHONDONTWRITEBYTECODE="1", PYTHONSAFEPATH="1")
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT, *MODULES],
        cwd=tmp_path,
        env=variables,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert ran.stdout == ""
    assert len(list(tmp_path.iterdir())) == 4


@pytest.mark.parametrize("name", ["subprocess", "src"])
def test_one_module_starts_programs_and_none_imports_the_users_code(name: str) -> None:
    files = set()
    for path in (ROOT / "plumbline").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            if name in {module.partition(".")[0] for module in names}:
                files.add(path.relative_to(ROOT / "plumbline").as_posix())
    assert files == ({"process.py"} if name == "subprocess" else set())

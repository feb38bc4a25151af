"""Run the tests of the package in a project that has it as a wheel: what reads its own files must find them there.

    python -m template.tests.with_wheel [ARGUMENTS]

The project has the sample, its results, and this folder's tests; ARGUMENTS are those of pytest, by default the folders
of tests that call the package's functions. The other tests bake projects, or are about this repository.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from template.bake.answers import clean_answers
from template.bake.checkout import list_files
from template.bake.files import RESULTS, write_project
from template.tests.libraries import create_venv

ROOT = Path(__file__).parents[2]
FOLDERS = ("data", "evaluation", "expectations", "leakage", "packaging", "pipeline", "prediction", "report", "training")
ADDED = ("template/", ".ci/tools", *(name.removesuffix("*") for name in RESULTS))


def create_project(folder: Path) -> Path:
    """Create a project with the sample, the tests and the results of this repository, and return its Python."""
    answers = {"project_name": "Sample", "description": "d", "license": "MIT", "python_version": "3.13"}
    write_project(ROOT, folder, clean_answers(answers))
    for name in list_files(ROOT):
        if name.startswith(ADDED):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return create_venv(folder) / Path(sys.executable).name


def main(arguments: list[str]) -> int:
    """Return the exit code of pytest."""
    with tempfile.TemporaryDirectory() as temporary:
        project = Path(temporary) / "a pröject"
        project.mkdir()
        python = create_project(project)
        tests = arguments or [f"template/tests/{name}" for name in FOLDERS]
        env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        show = [python, "-c", "import plumbline; print(plumbline.__file__)"]
        where = subprocess.run(show, cwd=project, env=env, capture_output=True, encoding="utf-8", check=True).stdout
        if "site-packages" not in where:
            sys.exit(f"the tests would run with {where}")
        return subprocess.run([python, "-m", "pytest", *tests], cwd=project, env=env, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The README's three steps for another table, in a clone: nothing that people wrote about the first one is used."""

import html
import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from sklearn.datasets import load_diabetes, load_wine

from plumbline import paths
from plumbline.findings import Kind
from plumbline.testing.projects import ROOT, STAGES, environment, make_table

pytestmark = pytest.mark.slow
FIRST_TABLE = ("data/source/breast-cancer.csv", "diagnosis")
SAMPLE_WORDS = re.compile(
    "(?i)breast|cancer|malignan|benign|nucle(us|i)|biops|aspirate|wisconsin|concave|clinic|radius"
)
TEXTS = [
    "expectations/breast-cancer.json",
    "docs/project.yaml",
    "expectations/behaviour.yaml",
    "description in pyproject.toml",
]
SKIP_OWN_CLONES = "--ignore=tests/test_clone.py --ignore=tests/test_pipeline.py"  # they read no table of the project


def write_wine(path: Path) -> None:
    frame = load_wine(as_frame=True).frame
    frame.assign(target=frame["target"].map({0: "north", 1: "south", 2: "east"})).to_csv(path, index=False)


def write_parts(path: Path) -> None:
    path.mkdir()
    frame = make_table("multiclass", rows=400)
    for number in range(2):
        frame.iloc[number::2].to_csv(path / f"{number}.csv", index=False)


TABLES: dict[str, tuple[Callable[[Path], object], str]] = {
    "wine.csv": (write_wine, "multiclass"),
    "diabetes.parquet": (lambda path: load_diabetes(as_frame=True).frame.to_parquet(path), "regression"),
    "orders.jsonl": (lambda path: make_table().to_json(path, orient="records", lines=True), "binary"),
    "parts": (write_parts, "multiclass"),
}


def run_make(folder: Path, verb: str, **changes: str) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    ran = subprocess.run(
        ["make", verb],
        cwd=folder,
        env=environment(PATH=path, PYTHON=sys.executable, **changes),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-3000:]
    return ran.stdout


def set_source(folder: Path, source: str, target: str) -> None:
    """Step 2: two keys."""
    path = folder / paths.PARAMS
    text = re.sub(r"(?m)^(  source: )\S+", rf"\g<1>{source}", path.read_text(encoding="utf-8"))
    path.write_text(re.sub(r"(?m)^(  target: )\S+", rf"\g<1>{target}", text), encoding="utf-8")


def hash_outputs(folder: Path) -> dict[str, str]:
    files = [path for top in ("data", "metrics", "dist") for path in (folder / top).rglob("*") if path.is_file()]
    return {
        path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in [*files, folder / "dvc.lock"]
        if "source" not in path.parts
    }


def read_metadata(folder: Path) -> str:
    (wheel,) = (folder / paths.DIST).glob("*.whl")
    archive = zipfile.ZipFile(wheel)
    return "".join(archive.read(name).decode() for name in archive.namelist() if name.endswith(("/METADATA", ".md")))


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """HEAD in a new folder, run once on its own table, and what that gave."""
    folder = tmp_path_factory.mktemp("another") / "clone"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    (folder / ".venv").symlink_to(Path(sys.prefix), target_is_directory=True)
    assert Kind.SCOPE not in run_make(folder, "repro")
    return folder, hash_outputs(folder)


@pytest.mark.parametrize("name", TABLES)
def test_nothing_said_about_the_first_table_is_applied_to_or_shown_of_another(clone, name: str) -> None:
    folder, _ = clone
    write, task = TABLES[name]
    write(folder / "data/source" / name)
    set_source(folder, f"data/source/{name}", "target")
    output = run_make(folder, "repro")
    by_stage = {stage: json.loads((folder / paths.checks(stage)).read_text(encoding="utf-8")) for stage in STAGES}
    findings = [finding for stage_findings in by_stage.values() for finding in stage_findings]
    warnings = [finding["evidence"] for finding in findings if finding["kind"] == Kind.SCOPE]
    assert [line.partition(" is about ")[0] for line in warnings] == TEXTS
    for line in warnings:
        assert (
            f"{FIRST_TABLE[0]}, and data.source is data/source/{name}, so it is left out. If it is about this" in line
        )
        assert output.count(line) == 1
        output = output.replace(line, "")
    page = html.unescape((folder / paths.REPORT).read_text(encoding="utf-8"))
    for line in warnings[:3]:  # the package comes after the report
        assert page.count(line) == 1
        page = page.replace(line, "")
    project_findings = [finding for finding in findings if finding["kind"] != Kind.SCOPE]
    texts = {
        "terminal": output,
        paths.REPORT: page,
        "wheel": read_metadata(folder),
        "findings": json.dumps(project_findings),
    }
    texts |= {
        path.name: path.read_text(encoding="utf-8")
        for path in (folder / "metrics").iterdir()
        if not path.name.startswith("checks-")
    }
    assert {where: SAMPLE_WORDS.findall(text) for where, text in texts.items() if SAMPLE_WORDS.search(text)} == {}
    assert json.loads(texts["metrics.json"])["task"] == task
    assert "15 questions open" in output
    assert re.search(r"(?m)^Summary: Predicts target from \d+ columns$", texts["wheel"])


def test_the_projects_own_tests_pass_on_another_table(clone) -> None:
    run_make(clone[0], "test", PYTEST_ADDOPTS=SKIP_OWN_CLONES)


def test_back_on_the_first_table_all_of_it_applies_again_byte_for_byte(clone) -> None:
    folder, before = clone
    set_source(folder, *FIRST_TABLE)
    assert Kind.SCOPE not in run_make(folder, "repro")
    assert hash_outputs(folder) == before
    assert "malignant" in read_metadata(folder)

"""The first week of a new user, by the commands that they type: two tables of their own, code of the docs pages pasted.

What is pasted names columns of the user's table. `make check test` must stay green with it, and so must reviews.
"""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from plumbline.testing.projects import environment
from template.bake.answers import slug
from template.tests.bake.conftest import SCRIPTS, Tools, git
from template.tests.docs.conftest import blocks
from template.tests.libraries import create_venv
from template.tests.test_pythons import OTHER_VERSIONS
from template.tests.tools import find_python

pytestmark = pytest.mark.slow
FEATURES = next(text for _, language, text in blocks("your-features.md") if language == "python")
MODEL_PAGE = blocks("your-model.md")
MODELS = [number for number, (path, _, _) in enumerate(MODEL_PAGE) if path == "src/model.py"]
LIBRARY = "inflection"  # small, of pure Python, and needed by nothing else


def orders(rows: int = 500) -> pd.DataFrame:
    """A table with the columns that docs/your-features.md names; large orders at short notice are late."""
    random = np.random.default_rng(7)
    ordered = pd.Timestamp("2025-03-01") + pd.to_timedelta(random.integers(0, 300, rows), unit="D")
    days = random.integers(1, 30, rows)
    units = random.integers(1, 400, rows)
    late = units / 200 - days / 15 + random.normal(scale=0.5, size=rows) > 0
    return pd.DataFrame(
        {
            "price": (units * random.uniform(2, 9, rows)).round(2),
            "units": units,
            "ordered": ordered.strftime("%Y-%m-%d"),
            "promised": (ordered + pd.to_timedelta(days, unit="D")).strftime("%Y-%m-%d"),
            "city": random.choice([" Ulm", "ulm", "Köln", "Aachen "], rows),
            "late": np.where(late, "yes", "no"),
        }
    )


def loans(folder: Path, rows: int = 400) -> None:
    """The three tables of plumbline/docs/more-than-one-table.md, with more rows; customers who paid often pay back."""
    random = np.random.default_rng(8)
    names = np.array([f"c{number}" for number in range(rows // 2)])
    good = random.random(len(names)) < 0.6
    who = random.integers(0, len(names), rows)
    moment = pd.Timestamp("2024-03-01") + pd.to_timedelta(random.integers(0, 9000, rows), unit="h")
    default = random.random(rows) < np.where(good[who], 0.05, 0.75)
    pd.DataFrame(
        {
            "loan": [f"L{number}" for number in range(rows)],
            "customer": names[who],
            "asked_at": moment.strftime("%Y-%m-%d %H:%M"),
            "amount": random.integers(1, 90, rows) * 100,
            "defaulted": np.where(default, "yes", "no"),
        }
    ).to_csv(folder / "loans.csv", index=False)
    region = random.choice(["north", "south"], len(names))
    pd.DataFrame({"customer": names, "region": region}).to_csv(folder / "customers.csv", index=False)
    payer = random.choice(np.flatnonzero(good), rows * 20)
    paid = pd.Timestamp("2023-12-01") + pd.to_timedelta(random.integers(0, 11000, rows * 20), unit="h")
    sums = random.integers(5, 90, rows * 20)
    pd.DataFrame(
        {
            "customer": names[payer],
            "paid_at": paid.strftime("%Y-%m-%d %H:%M"),
            "paid": sums,
        }
    ).to_csv(folder / "payments.csv", index=False)


def run(project: Path, *command: str, code: int = 0, shared: bool = True) -> str:
    """What a command printed; shared: with the libraries of this environment, which are those of the project's lock."""
    if shared and not (project / ".venv").exists():
        create_venv(project)
    path = f"{project / '.venv' / SCRIPTS}{os.pathsep}{os.environ['PATH']}"
    env = environment(PATH=path, PYTHON=sys.executable) if shared else environment()
    ran = subprocess.run(
        command, cwd=project, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", check=False
    )
    assert ran.returncode == code, f"{command}: {ran.stdout[-4000:]}"
    return ran.stdout


def commit(project: Path, message: str) -> None:
    git(project, "add", "-A")
    git(project, "commit", "-qm", message)


def set_params(project: Path, text: str) -> None:
    """Edits params.yaml as a person does: a value after its key, a group that is not there at the end."""
    path = project / "params.yaml"
    content = path.read_text(encoding="utf-8")
    for group, keys in yaml.safe_load(text).items():
        if f"\n{group}:\n" not in f"\n{content}":
            content += yaml.safe_dump({group: keys})
            continue
        for key, value in keys.items():
            text = yaml.safe_dump(value, default_flow_style=True).removesuffix("...\n").strip()
            start = content.index(f"{group}:\n")
            content = content[:start] + re.sub(rf"(?m)^(  {key}: )[^#\n]*", rf"\g<1>{text}  ", content[start:], count=1)
    path.write_text(content, encoding="utf-8")


def paste(project: Path, page: str) -> None:
    """Every block of a page that names its file, and those of dvc.yaml and params.yaml at the place that it says."""
    for path, language, content in blocks(page):
        if path in ("", "dvc.yaml", "params.yaml") and language == "yaml":
            if "cmd:" in content:
                file = project / "dvc.yaml"
                text = file.read_text(encoding="utf-8")
                file.write_text(text.replace("stages:\n", f"stages:\n{content}", 1), encoding="utf-8")
            else:
                set_params(project, content)
        elif path.endswith(".py") and language == "python":
            (project / path).write_text(content, encoding="utf-8")


def find_model(words: str) -> int:
    """The number of the block of docs/your-model.md that has these words."""
    return next(number for number in MODELS if words in MODEL_PAGE[number][2])


def paste_model(project: Path, number: int) -> None:
    """A model of docs/your-model.md, with the parameters that stand before it."""
    (project / "src/model.py").write_text(MODEL_PAGE[number][2], encoding="utf-8")
    if MODEL_PAGE[number - 1][1] == "yaml":
        set_params(project, MODEL_PAGE[number - 1][2])


@pytest.fixture
def new(tools: Tools, template: Path, tmp_path: Path) -> Callable[..., Path]:
    """A project of a table of one's own, in a folder whose path has blanks and an umlaut."""

    def bake(table: Path, target: str, name: str = "First Week") -> Path:
        out = tmp_path / "my projects ü"
        out.mkdir(exist_ok=True)
        tools.bake(template, out, data=str(table), target=target, project_name=name)
        return out / slug(name)

    return bake


def with_index(folder: Path) -> Path:
    """As most people save a frame: the index is a first column without a name."""
    path = folder / "my orders.csv"
    orders().to_csv(path)
    return path


def test_a_first_week(new: Callable[..., Path], tmp_path: Path) -> None:
    """A CSV with its index, features, a model, a stage; a library, another Python, four branches reviewed."""
    project = new(with_index(tmp_path), "late")
    run(project, "make", "repro")
    commit(project, "The first run")
    (project / "src/features.py").write_text(FEATURES, encoding="utf-8")
    paste_model(project, find_model("VotingClassifier("))
    paste(project, "extend.md")
    output = run(project, "make", "repro")
    assert "VotingClassifier" in output
    assert "summary: rows: 500 rows" in output
    commit(project, "Features, a model and a stage of my own")
    output = run(project, "make", "check", "test")
    assert re.search(r"\d+ passed", output)
    assert "failed" not in output
    review_branches(project)
    add_library(project)


def review_branches(project: Path) -> None:
    """Each branch gets its word from `make review`, and the report of the review is there."""
    table = next((project / "data/source").glob("*.csv"))

    def weaken() -> None:
        set_params(project, "model: {estimator: sklearn.dummy.DummyClassifier}")
        paste_model(project, find_model("def cost_error("))

    def lengthen() -> None:
        more = orders(700)[500:]
        lines = more.set_index(pd.RangeIndex(500, 700)).to_csv(header=False)
        table.write_text(table.read_text(encoding="utf-8") + lines, encoding="utf-8")

    def rename() -> None:
        path = project / "src/features.py"
        path.write_text(path.read_text(encoding="utf-8").replace("is_large", "is_bulky"), encoding="utf-8")

    def write() -> None:
        (project / "docs/notes.md").write_text("# Notes\n", encoding="utf-8")

    expected = {
        "docs": (write, ("same",)),
        "feature": (rename, ("same", "cannot tell")),
        "rows": (lengthen, ("better", "same", "cannot tell")),
        "model": (weaken, ("worse",)),
    }
    for branch, (edit, words) in expected.items():
        git(project, "checkout", "-q", "-b", branch, "main")
        edit()
        if branch == "feature":  # of the others the run is not committed, which is a reason of its own
            run(project, "make", "repro")
        commit(project, f"Branch: {branch}")
        output = run(project, "make", "review", "BASE=main", code=0 if branch in ("docs", "feature") else 2)
        match = re.search(r"(?m)^(better|worse|same|cannot tell)\b", output)
        assert match, output[-2000:]
        assert match[1] in words, f"{branch}: {output[-2000:]}"
    git(project, "checkout", "-q", "main")


def add_library(project: Path) -> None:
    """One library more moves no other; the wheel requires it; `.venv` stays on the Python that was asked for."""
    pyproject, lock = project / "pyproject.toml", project / "requirements.lock"
    before = lock.read_text(encoding="utf-8").splitlines()
    text = pyproject.read_text(encoding="utf-8")
    added = text.replace("dependencies = [\n", f'dependencies = [\n  "{LIBRARY}",  # plural words\n', 1)
    pyproject.write_text(added, encoding="utf-8")
    features = project / "src/features.py"
    words = features.read_text(encoding="utf-8").replace(
        "import pandas as pd", f"import {LIBRARY}\nimport pandas as pd"
    )
    words = words.replace(
        '["city"].str.strip().str.lower()', f'["city"].str.strip().map({LIBRARY}.underscore, na_action="ignore")'
    )
    features.write_text(words, encoding="utf-8")
    assert f"{LIBRARY}" in run(project, "make", "lock")
    after = lock.read_text(encoding="utf-8").splitlines()
    assert sorted({*before} - {*after}) == [before[0]]  # the hash of the list of dependencies
    new = [line for line in after if line not in before and re.match(r"[a-z]", line)]
    assert [line.partition("==")[0] for line in new] == [LIBRARY]
    shutil.rmtree(project / ".venv")
    here = "{}.{}".format(*sys.version_info)
    other = next((version for version in OTHER_VERSIONS if is_documented(version)), here)
    run(project, "make", "setup", f"PYTHON={sys.executable if other == here else find_python(other)}", shared=False)
    output = run(project, "make", "repro", shared=False)
    assert "setup" not in output
    assert "commit dvc.lock, data/schema.json, src/versions.json and metrics/" in output
    command = [str(project / ".venv/bin/python"), "-c", "import sys; print(sys.version_info[:2])"]
    assert run(project, *command, shared=False).strip() == str(tuple(map(int, other.split("."))))
    wheel = next((project / "dist").glob("*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        metadata = next(name for name in archive.namelist() if name.endswith("METADATA"))
        assert f"Requires-Dist: {LIBRARY}==" in archive.read(metadata).decode()


def is_documented(version: str) -> bool:
    """Whether a Python of this version is on this machine."""
    try:
        return bool(find_python(version))
    except pytest.skip.Exception:
        return False


def test_tables_to_join_and_a_metric_of_ones_own(new: Callable[..., Path], tmp_path: Path) -> None:
    """The blocks of plumbline/docs/more-than-one-table.md on real sizes, and a metric of docs/your-model.md."""
    loans(tmp_path)
    project = new(tmp_path / "loans.csv", "defaulted", name="Loans")
    for name in ("customers.csv", "payments.csv"):
        (project / "data/source" / name).write_bytes((tmp_path / name).read_bytes())
    paste(project, "more-than-one-table.md")
    paste_model(project, find_model("def cost_error("))
    assert "cost_error" in run(project, "make", "repro")
    commit(project, "Three tables, one metric")
    assert "failed" not in run(project, "make", "check", "test")


@pytest.mark.parametrize("number", MODELS)
def test_every_block_passes_check_and_test(new: Callable[..., Path], tmp_path: Path, number: int) -> None:
    project = new(with_index(tmp_path), "late")
    (project / "src/features.py").write_text(FEATURES, encoding="utf-8")
    paste_model(project, number)
    run(project, "make", "repro")
    commit(project, "A model of the page")
    assert "failed" not in run(project, "make", "check", "test")

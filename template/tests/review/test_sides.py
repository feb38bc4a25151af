"""The two sides of a review: what their recipe is, which of one's own stages run, worktrees."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from plumbline.process import git
from plumbline.review.changes import count_trials, list_changed_kinds
from plumbline.review.commits import SideError
from plumbline.review.sides import Side
from plumbline.testing.projects import ROOT, environment


def test_of_ones_own_stages_those_run_that_make_the_source_in_the_order_of_a_run(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    git("init", "-q")
    stages = {
        "summary": (["data/table.parquet"], ["metrics/summary.json"]),
        "assemble": (["data/raw.csv", "data/parts"], ["data/assembled"]),
        "parts": (["data/raw.csv", "src/versions.json"], ["data/parts"]),
        "versions": (["plumbline"], ["src/versions.json"]),
        "fetch": (["list.txt"], ["data/raw.csv"]),
        "ingest": (["data/assembled/all.csv"], ["data/table.parquet"]),
    }
    lines = [f"  {name}: {{cmd: x, deps: {deps}, outs: {outs}}}" for name, (deps, outs) in stages.items()]
    Path("dvc.yaml").write_text("\n".join(["stages:", *lines]), encoding="utf-8")
    Path("params.yaml").write_text("data: {source: data/assembled/all.csv}\n", encoding="utf-8")
    git("add", "-A")
    git("-c", "user.name=x", "-c", "user.email=x", "commit", "-qm", "x")
    assert Side("head", git("rev-parse", "HEAD").strip()).source_stages == ["fetch", "parts", "assemble"]


PARAMS = "data: {source: a.csv, other: 1}\nmodel: {seed: 0}\n"
STAGES = """stages:
  ingest: {cmd: x, deps: [src/stages/ingest.py], params: [data.source], outs: [data/table.parquet]}
  featurize: {cmd: x}
  train: {cmd: x}
"""
FILES = {
    "dvc.yaml": STAGES,
    "params.yaml": PARAMS,
    "src/versions.json": '{"ingest": "forged"}',
    "plumbline/two.py": "",
}


@pytest.fixture
def commit_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Side]:
    """A commit with another content of a file of a little project, and nothing else."""
    monkeypatch.chdir(tmp_path)
    git("init", "-q")
    for name, text in FILES.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text, encoding="utf-8")

    def commit(name: str, text: str) -> Side:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text, encoding="utf-8")
        git("add", "-A")
        git("-c", "user.name=x", "-c", "user.email=x", "commit", "-q", "--allow-empty", "-m", name)
        Path(name).write_text(FILES.get(name, ""), encoding="utf-8")
        return Side("head", git("rev-parse", "HEAD").strip())

    return commit


@pytest.mark.parametrize(
    ("name", "text", "is_other"),
    [
        ("set.toml", "a.b = 2\na.c = 1\n", True),
        ("whole.json", "[]", True),
        ("src/__init__.py", "import random", True),
        ("src/stages/__init__.py", "import random", True),
        ("random.py", "", True),
        ("lookup/table.csv", "a", True),
        ("plumbline/__init__.py", "one = 1\n", True),
        ("plumbline/two.py", "more = 1\n", True),
        ("requirements.lock", "numpy==2", True),
        ("pyproject.toml", "[tool.uv]", True),
        ("dvc.yaml", STAGES.replace("cmd: x", "cmd: y"), True),
        (".gitattributes", "* text eol=crlf", True),
        ("expectations/a.json", "{}", True),
        ("params.yaml", PARAMS.replace("other: 1", "other: 2"), True),
        ("params.yaml", PARAMS.replace("seed: 0", "seed: 1"), True),
        ("params.yaml", PARAMS.replace("seed: 0", "arguments: {deep: 1}"), True),
        ("params.yaml", PARAMS + "mine: {a: 1}\n", True),
        ("params.yaml", PARAMS + "other: 3\n", True),
        ("params.yaml", PARAMS + "review: {metric: log_loss}\n", True),
        ("params.yaml", PARAMS + "requirements: {protected: [age]}\n", True),
        ("params.yaml", PARAMS + "split: {cut: 2020-01-01}\n", True),
        ("params.yaml", PARAMS + "# a comment\nreview: {gap: 0.1}\nrequirements: {size: 3}\n", False),
        ("params.yaml", PARAMS + "split: {salt: 0, cut: null}\n", False),
        ("src/versions.json", '{"ingest": "another"}', False),
        ("docs/page.py", "", False),
        ("metrics/metrics.json", "{}", False),
        ("tests/test_x.py", "", False),
        ("README.md", "more", False),
        ("Makefile", "more", False),
        ("dvc.lock", "more", False),
    ],
)
def test_a_recipe_is_all_but_what_cannot_change_a_model(
    name: str, text: str, is_other: bool, commit_file: Callable[[str, str], Side]
) -> None:
    before, after = commit_file("params.yaml", PARAMS), commit_file(name, text)
    assert (before.recipe_digest() != after.recipe_digest()) == is_other
    trees = {git("rev-parse", f"{side.bare_commit}^{{tree}}") for side in (before, after)}
    assert (len(trees) == 2) == (is_other or "salt: 0" in text), "what is not in the digest cannot be read in a review"


@pytest.mark.parametrize("place", ["docs", "tests/data", "notebooks", "metrics", "data/source"])
def test_a_table_counts_wherever_it_is(place: str, commit_file: Callable[[str, str], Side]) -> None:
    params = PARAMS.replace("a.csv", f"{place}/a.csv")
    commit_file("params.yaml", params)
    digests = []
    for text in ("one", "two"):
        Path("params.yaml").write_text(params, encoding="utf-8")
        digests.append(commit_file(f"{place}/a.csv", text).recipe_digest())
    assert digests[0] != digests[1]
    Path("params.yaml").write_text(params, encoding="utf-8")
    assert commit_file(f"{place}/a.csv.dvc", "a pointer").recipe_digest() not in digests


def test_what_stages_say_that_they_depend_on_counts_wherever_it_is(commit_file: Callable[[str, str], Side]) -> None:
    stages = STAGES.replace("deps: [src/stages/ingest.py]", "deps: [docs/lookup.csv, data/schema.json]")
    stages = stages.replace("params: [data.source]", "params: [evaluate.x, requirements, {tests/more.yaml: [a]}]")
    stages = stages.replace("outs: [data/table.parquet]", "outs: [data/table.parquet, data/schema.json]")

    def digest(name: str, text: str) -> str:
        Path("dvc.yaml").write_text(stages, encoding="utf-8")
        return commit_file(name, text).recipe_digest()

    assert digest("docs/lookup.csv", "one") != digest("docs/lookup.csv", "two")
    assert digest("tests/more.yaml", "a: 1") != digest("tests/more.yaml", "a: 2")
    assert digest("docs/other.csv", "one") == digest("docs/other.csv", "two")
    assert digest("data/schema.json", "one") == digest("data/schema.json", "two"), "an output"
    Path("dvc.yaml").write_text(stages, encoding="utf-8")
    side = commit_file("docs/lookup.csv", "one")
    names = git("ls-tree", "-r", "--name-only", side.bare_commit).split()
    assert ("docs/lookup.csv" in names, "docs/other.csv" in names) == (True, False)
    for name in ("evaluate: {x", "requirements: {size"):
        assert digest("params.yaml", f"{PARAMS}{name}: 1}}") != digest("params.yaml", f"{PARAMS}{name}: 2}}")
    assert digest("params.yaml", f"{PARAMS}evaluate: {{y: 1}}") == digest("params.yaml", f"{PARAMS}evaluate: {{y: 2}}")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("{cmd: x}", "{foreach: [a], do: {cmd: x}}", "has foreach in the stage featurize"),
        ("{cmd: x}", "{matrix: {a: [1]}, cmd: x}", "has matrix in the stage featurize"),
        ("{cmd: x, deps", "{cmd: x, wdir: src, deps", "has wdir in the stage ingest"),
        ("{cmd: x}", "{deps: [{a.csv: {more: 1}}], params: [{b.yaml: }]}", ""),
        ("stages:", "vars: [docs/vars.yaml, {a: 1}]\nstages:", ""),
        ("{cmd: x}", "{cmd: x, frozen: true, always_changed: true, deps: ['${data.other}', '${no.such}']}", ""),
    ],
)
def test_a_pipeline_of_any_form_is_read_or_refused_in_one_line(
    old: str, new: str, words: str, commit_file: Callable[[str, str], Side]
) -> None:
    head = commit_file("dvc.yaml", STAGES.replace(old, new, 1))
    try:
        assert head.recipe_digest()
        assert not words
    except SideError as error:
        assert words
        assert words in error.message


def test_a_date_is_no_text_and_nothing_of_this_process_is_in_a_digest(commit_file: Callable[[str, str], Side]) -> None:
    """Cells of other processes have its name."""
    digests = [
        commit_file("params.yaml", f"{PARAMS}split: {{cut: {cut}}}\n").recipe_digest()
        for cut in ("2020-01-01", "'2020-01-01'")
    ]
    assert len({*digests}) == 2
    commit = git("rev-parse", "HEAD").strip()
    code = f"from plumbline.review.sides import Side; print(Side('x', {commit!r}).recipe_digest())"
    command = [sys.executable, "-P", "-c", code]
    variables = environment(PYTHONPATH=str(ROOT))
    ran = subprocess.run(command, capture_output=True, encoding="utf-8", check=True, env=variables)
    assert ran.stdout.strip() == digests[1]


@pytest.mark.parametrize("place", ["src/features.py", "data/source", "expectations/a.json", "dvc.lock", "LICENSE"])
def test_a_link_is_refused_where_it_may_change_a_model(place: str, commit_file: Callable[[str, str], Side]) -> None:
    """What it points to may be a file that another commit changes, or one outside git."""
    Path(place).parent.mkdir(parents=True, exist_ok=True)
    Path(place).symlink_to("elsewhere")
    head = commit_file("README.md", "x")
    with pytest.raises(SideError, match=f"has a symbolic link in git, {place}: what it points to may change") as error:
        head.recipe_digest()
    assert error.value.hint.startswith("Put the file itself in its place and commit it")
    Path(place).unlink()
    assert commit_file("README.md", "x").recipe_digest()
    Path("docs").mkdir()
    Path("docs/link").symlink_to("elsewhere")
    assert commit_file("README.md", "y").recipe_digest()


@pytest.mark.parametrize(
    "value", ["0x" + "f" * 5000, "[" * 200 + "]" * 200, "{1: a, b: 2, 2020-01-01: c}", "*x", ".nan"]
)
def test_a_parameter_of_any_kind_is_read_or_refused_in_one_line(
    value: str, commit_file: Callable[[str, str], Side]
) -> None:
    head = commit_file("params.yaml", f"{PARAMS}mine: {{a: {value}}}\n")
    try:
        assert head.recipe_digest()
    except SideError as error:
        assert "params.yaml" in error.message
        assert "\n" not in error.message


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("plumbline/training/folds.py", 2),
        ("plumbline/metrics.py", 2),
        ("plumbline/review/data_diff.py", 1),
        ("src/stages/train.py", 1),
    ],
)
def test_a_recipe_was_tried_where_what_makes_one_changed(
    name: str, number: int, commit_file: Any, monkeypatch: Any
) -> None:
    monkeypatch.setitem(FILES, name, "")
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    before = commit_file(name, "")
    after = commit_file(name, "more = 1\n")
    assert count_trials(before).count == 1
    assert count_trials(after).count == number
    assert list_changed_kinds(before, after) == ("code",)


@pytest.mark.parametrize("lock", [True, False])
def test_half_a_worktree_is_made_anew(tmp_path: Path, lock: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    git("init", "-q")
    for name in ("src/a", "b"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).touch()
    git("add", "-A")
    git("-c", "user.name=x", "-c", "user.email=x", "commit", "-qm", "x")
    side = Side("head", git("rev-parse", "HEAD").strip())
    git("worktree", "add", "-q", "--detach", str(side.folder), side.commit)
    shutil.rmtree(side.folder / "src")
    if lock:  # as git has it until the worktree is whole
        Path((side.folder / ".git").read_text().split()[-1], "locked").write_text("initializing")
    side.check_out()
    assert (side.folder / "src/a").exists()
    (side.folder / "made").touch()
    side.check_out()
    assert (side.folder / "made").exists()
    assert git("-C", str(side.folder), "rev-parse", "HEAD").strip() == side.commit

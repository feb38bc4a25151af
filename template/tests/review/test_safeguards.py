"""What head demands less of than base: two real commits each."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from plumbline.process import git
from plumbline.review.commits import Commit
from plumbline.review.safeguards import find_weaker_safeguards
from plumbline.testing.projects import environment

Pair = Callable[[dict[str, str], dict[str, str]], list[str]]
IDENTITY = {f"GIT_{role}_{field}": "x@y.z" for role in ("AUTHOR", "COMMITTER") for field in ("NAME", "EMAIL")}


@pytest.fixture
def find(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pair:
    """The names of the reasons between two trees, {path: text}."""
    monkeypatch.chdir(tmp_path)
    git("init", "-q", "-b", "main")

    def commit(files: dict[str, str]) -> str:
        git("rm", "-rqf", "--ignore-unmatch", ".")
        for path, text in ({"params.yaml": "data: {source: data/source/s.csv}\n"} | files).items():
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            Path(path).write_text(text)
        git("add", "-A")
        subprocess.run(["git", "commit", "-q", "--allow-empty", "-m", "x"], check=True, env=environment(**IDENTITY))
        return git("rev-parse", "HEAD").strip()

    def names(old: dict[str, str], new: dict[str, str]) -> list[str]:
        commits = [Commit(name, commit(files)) for name, files in (("base", old), ("head", new))]
        return [reason.name for reason in find_weaker_safeguards(*commits)]

    return names


def suite(kind: str = "expect_column_values_to_be_between", severity: str | None = None, **kwargs: Any) -> str:
    expectation = {"type": kind, "kwargs": {"column": "x"} | kwargs} | ({"severity": severity} if severity else {})
    return json.dumps({"name": "s", "expectations": [expectation]})


IN, NOT_IN = (f"expect_column_values_to_{be}_in_set" for be in ("be", "not_be"))
EMPTY = json.dumps({"name": "s", "expectations": []})


@pytest.mark.parametrize(
    ("strict", "loose"),
    [
        (suite(), EMPTY),
        (suite(), "no JSON"),
        (suite(min_value=1), suite(min_value=0)),
        (suite(min_value=1), suite()),
        (suite(max_value=1), suite(max_value=2)),
        (suite(max_value=1, strict_max=True), suite(max_value=1)),
        (suite(), suite(mostly=0.9)),
        (suite(mostly=0.9), suite(mostly=0.8)),
        (suite(IN, value_set=["a"]), suite(IN, value_set=["a", "b"])),
        (suite(NOT_IN, value_set=["a", "b"]), suite(NOT_IN, value_set=["a"])),
        (suite(), suite(severity="warning")),
        (suite(severity="warning"), suite(severity="info")),
        (suite(min_value=0), suite(min_value=0, column="y")),
    ],
)
def test_an_expectation_loosened_or_removed(find: Pair, strict: str, loose: str) -> None:
    path = "expectations/s.json"
    assert find({path: strict}, {path: loose}) == ["expectations"]
    suite_of_table = json.dumps(json.loads(strict) | {"meta": {"table": "data/source/s.csv"}})
    assert find({path: strict}, {"expectations/renamed.json": suite_of_table}) == []
    if '"y"' not in loose:
        assert find({path: loose}, {path: strict}) == []


def test_a_suite_that_ingest_does_not_run_any_more_is_lost(find: Pair) -> None:
    base = {"expectations/s.json": suite()}
    other_source = {"params.yaml": "data: {source: data/source/t.csv}\n"}
    assert find(base, base | other_source) == ["expectations"]
    assert find(base, {"expectations/t.json": suite()} | other_source) == []
    for path in ("expectations/deeper/s.json", "expectations/s.jsonl", "expectations/t.json"):
        assert find(base, {path: suite()}) == ["expectations"]
    for table in ([], [""], 3, "data/source/*.csv"):
        content = json.dumps(json.loads(suite()) | {"meta": {"table": table}})
        assert find(base, {"expectations/s.json": content}) == ["expectations"]


@pytest.mark.parametrize(
    ("name", "group", "strict", "loose"),
    [
        ("floors", "requirements", {"floors": {"roc_auc": 0.9}}, {"floors": {"roc_auc": 0.8}}),
        ("floors", "requirements", {"floors": {"log_loss": 0.1}}, {"floors": {"log_loss": 0.2}}),
        ("floors", "requirements", {"floors": {"log_loss": 0.1}}, {}),
        ("floors", "requirements", {"must_work": ["a = b"]}, {"must_work": []}),
        ("floors", "requirements", {"latency": 1}, {"latency": 2}),
        ("floors", "requirements", {"size": 1}, {"size": None}),
        ("margin", "review", {"margin": 0.1}, {"margin": 0.2}),
        ("margin", "review", {}, {"gap": 0.1}),
        ("margin", "review", {}, {"loss": 0.2}),
        ("margin", "review", {}, {"alpha": 0.01}),
        ("margin", "review", {}, {"replicas": 3}),
        ("margin", "review", {}, {"folds": 2}),
        ("margin", "review", {}, {"folds": "none"}),
        ("margin", "review", {"require": "same"}, {}),
        ("margin", "review", {"require": "better"}, {"require": "same"}),
        ("leakage", "data", {}, {"allow": {"x": "why"}}),
    ],
)
def test_a_key_that_demands_less(find: Pair, name: str, group: str, strict: dict, loose: dict) -> None:
    old, new = ({"params.yaml": yaml.safe_dump({group: keys})} for keys in (strict, loose))
    assert find(old, new) == [name]
    if loose != {"folds": "none"}:
        assert find(new, old) == []


@pytest.mark.parametrize("keys", [({}, {"margin": 0.01}), ({"margin": 0.01}, {}), ({}, {"metric": "log_loss"})])
def test_what_cannot_be_compared_is_said(find: Pair, keys: tuple[dict, dict]) -> None:
    assert find(*({"params.yaml": yaml.safe_dump({"review": values})} for values in keys)) == ["margin"]


RAISE = {"name": "n", "why": "w", "raise": {"x": 1}, "then": "never lower", "allowed": 0.05}
ROW = {"name": "n", "why": "w", "row": {"x": 1}, "then": {"above": 1, "below": 2}}


@pytest.mark.parametrize(
    ("strict", "loose", "back"),
    [
        ([RAISE], [], []),
        ([RAISE], [RAISE | {"allowed": 0.1}], []),
        ([RAISE | {"then": "same"}], [RAISE], []),
        ([RAISE], [RAISE | {"then": "never higher"}], ["behaviour"]),
        ([RAISE], [RAISE | {"raise": {"x": 2}}], ["behaviour"]),
        ([ROW], [ROW | {"then": {"above": 0, "below": 2}}], []),
        ([ROW], [ROW | {"then": {"above": 1}}], []),
    ],
)
def test_a_behaviour_loosened_or_removed(find: Pair, strict: list, loose: list, back: list) -> None:
    old, new = ({"expectations/behaviour.yaml": yaml.safe_dump(content)} for content in (strict, loose))
    assert find(old, new) == ["behaviour"]
    assert find(new, old) == back


def test_fewer_tests(find: Pair) -> None:
    single, double = (
        {"tests/test_a.py": "".join(f"def test_{i}(): check()\n" for i in range(count))} for count in (1, 2)
    )
    assert (find(double, single), find(single, double), find(double, {})) == (["tests"], [], ["tests"])


def test_tests_in_a_file_that_pytest_does_not_take_are_lost(find: Pair) -> None:
    text, settings = "def test_a(): check()\n", {"pytest.ini": "[pytest]\npython_files = check_*.py\n"}
    base = {"tests/test_a.py": text}
    for path in ("tests/a.py", "tests/build/test_a.py", "tests/.old/test_a.py"):
        assert find(base, {path: text}) == ["tests"]
    assert find(base, {"tests/deeper/a_test.py": text}) == []
    assert find(settings | {"tests/check_a.py": text}, settings | {"tests/check_b.py": text}) == []


@pytest.mark.parametrize(
    ("base", "head", "reasons"),
    [
        ("table: a.csv", "table: a.csv", []),
        ("", "table: a.csv", []),
        ("table: a.csv", "", []),
        ("table: a.csv", "table: b.csv", ["expectations", "behaviour"]),  # which would let the table be what it likes
        ("table: a.csv", "table: 3", ["expectations", "behaviour"]),
        ("table: b.csv", "table: b.csv", []),
        ("table: b.csv", "table: a.csv", []),
    ],
)
def test_demands_that_are_said_to_be_of_another_table_are_demands_no_more(find: Pair, base, head, reasons) -> None:
    def files(table: str) -> dict[str, str]:
        scope = yaml.safe_load(table) or {}
        content = json.loads(suite(min_value=1)) | {"meta": scope}
        behaviours = scope | {"behaviours": [{"name": "n", "why": "w", "raise": {"x": 1}, "then": "same"}]}
        return {
            "params.yaml": "data: {source: a.csv}\n",
            "expectations/a.json": json.dumps(content),
            "expectations/behaviour.yaml": yaml.safe_dump(behaviours),
        }

    assert find(files(base), files(head)) == reasons


@pytest.mark.parametrize(
    ("base", "head", "reasons"),
    [
        ({}, {"pytest.ini": "[pytest]\naddopts = -k nothing\n"}, ["tests"]),
        ({}, {"pyproject.toml": "[tool.pytest.ini_options]\ntestpaths = ['other']\n"}, ["tests"]),
        ({}, {"pyproject.toml": "[tool.pytest]\naddopts = ['--co']\n"}, ["tests"]),
        ({}, {"setup.cfg": "[tool:pytest]\npython_files = x_*.py\n"}, ["tests"]),
        ({}, {"tox.ini": "no ini"}, ["tests"]),
        ({}, {"tests/conftest.py": "collect_ignore = ['test_a.py']\n"}, ["tests"]),
        ({}, {"conftest.py": "def pytest_collection_modifyitems(items):\n    items.clear()\n"}, ["tests"]),
        ({}, {"conftest.py": "pytest_plugins = ['x']\n"}, ["tests"]),
        ({}, {"conftest.py": "from x import pytest_runtest_call\n"}, ["tests"]),
        ({}, {"conftest.py": "from x import *\n"}, ["tests"]),
        ({}, {"conftest.py": "def pytest_sessionfinish(session):\n    session.exitstatus = 0\n"}, ["tests"]),
        ({}, {"conftest.py": "@pytest.fixture(autouse=True)\ndef f():\n    pytest.skip()\n"}, ["tests"]),
        ({}, {"conftest.py": "pytest.exit('ok', 0)\n"}, ["tests"]),
        ({"conftest.py": "collect_ignore = []\n"}, {"conftest.py": "collect_ignore = ['a.py']\n"}, ["tests"]),
        ({"pyproject.toml": "[tool.pytest.ini_options]\npython_files = 'a.py'\n"}, {}, ["tests"]),
        ({"pyproject.toml": "[tool.pytest.ini_options]\nxfail_strict = true\n"}, {"pytest.ini": ""}, ["tests"]),
        ({}, {"pytest.py": ""}, ["tests"]),
        ({}, {"_pytest/__init__.py": ""}, ["tests"]),
        ({}, {"conftest.py": "def pytest_addoption(parser): ...\n"}, []),
        ({}, {"conftest.py": "import pytest\n\n@pytest.fixture\ndef rows(): ...\n"}, []),
        ({}, {"pyproject.toml": "[tool.ruff]\nline-length = 100\n"}, []),
        ({}, {"setup.cfg": "[metadata]\nname = x\n"}, []),
        ({"pytest.ini": "[pytest]\naddopts = -q\n"}, {"pytest.ini": "[pytest]\naddopts = -q\nmarkers = a\n"}, []),
        ({"conftest.py": "collect_ignore = []\n"}, {}, []),
    ],
)
def test_what_selects_the_tests_that_run_is_as_in_base(
    find: Pair, base: dict[str, str], head: dict[str, str], reasons: list[str]
) -> None:
    assert find(base, head) == reasons

"""dvc.yaml says of each stage exactly what its code reads and writes: not more and not less."""

import ast
from itertools import chain
from pathlib import Path

import pytest
import yaml

from plumbline import paths
from plumbline.packaging.wheel import SHIPPED
from tests.conftest import ROOT, STAGES, stage

TEXT = (ROOT / "dvc.yaml").read_text(encoding="utf-8")
PIPELINE = yaml.safe_load(TEXT)
PAGE = "plumbline/report/page.html.j2"


def imported(path: Path) -> set[Path]:
    """The files of ours that a file imports itself, wherever in it the import stands."""
    found: set[Path] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(path.with_suffix("").parts[: -node.level]) if node.level else ""
            module = ".".join(part for part in (base, node.module) if part)
            names = [module, *(f"{module}.{alias.name}" for alias in node.names)]
        else:
            continue
        files = (Path(*name.split(".")).with_suffix(".py") for name in names if name.split(".")[0] == "src")
        found |= {file for file in files if file.is_file()}
    return found


def closure(*starts: Path) -> set[Path]:
    """These files and all of ours that they import, directly or through others."""
    found: set[Path] = set()
    waiting = list(starts)
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += imported(path)
    return found


def deps(name: str) -> set[str]:
    """The declared dependencies, a folder of code as the files in it."""
    declared = PIPELINE["stages"][name]["deps"]
    code = [d for d in declared if Path(d).is_dir() and d.startswith("src")]
    return set(declared) - set(code) | {str(path) for folder in code for path in Path(folder).glob("*.py")}


def outs(name: str) -> dict[str, dict]:
    found = PIPELINE["stages"][name]["outs"]
    return dict(chain.from_iterable(out.items() if isinstance(out, dict) else [(out, {})] for out in found))


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def test_it_is_a_table_of_contents() -> None:
    assert tuple(PIPELINE["stages"])[-len(STAGES) :] == STAGES  # before them one's own: docs/more-than-one-table.md
    assert len(TEXT.splitlines()) < 20 * len(PIPELINE["stages"])
    for name, content in PIPELINE["stages"].items():
        assert content["cmd"] == f"python -m src.stages.{name}"
        assert content["desc"]


@pytest.mark.parametrize("name", PIPELINE["stages"])
def test_declared_modules_are_those_that_the_stage_imports(name: str) -> None:
    own = closure(Path(f"src/stages/{name}.py"))
    if name == "package":  # what it carries is its input, too
        own |= closure(*SHIPPED)
    assert {d for d in deps(name) if d.endswith(".py")} == set(map(str, own))


@pytest.mark.parametrize("name", STAGES)
def test_declared_params_are_those_that_the_stage_reads(name: str) -> None:
    expected: list = [*stage(name).PARAMS]
    if hasattr(stage(name), "PROJECT"):
        expected.append({paths.PROJECT: [f"project.{key}" for key in stage(name).PROJECT]})
    assert PIPELINE["stages"][name]["params"] == expected


def test_file_names_are_the_constants_in_names() -> None:
    constants = {value for key, value in vars(names).items() if key.isupper() and "/" in str(value)} | {paths.DIST}
    constants |= {paths.checks(name) for name in STAGES}
    declared = set(chain.from_iterable(outs(name) for name in STAGES))
    assert declared == constants - {paths.VERSIONS, paths.DESIGN, paths.BEHAVIOUR}
    inputs = set(chain.from_iterable(deps(name) for name in STAGES))
    made_elsewhere = {"${data.source}", "LICENSE", paths.DESIGN, paths.EXPECTATIONS, paths.VERSIONS, PAGE}
    assert {d for d in inputs if not d.endswith(".py")} - made_elsewhere <= declared
    assert all(paths.VERSIONS in deps(name) for name in STAGES)


def test_what_people_review_is_in_git_and_stays_when_a_stage_fails() -> None:
    for name in STAGES:
        for out, flags in outs(name).items():
            reviewed = out.startswith("metrics/") or out == paths.SCHEMA
            assert flags == ({"cache": False, "persist": True} if reviewed else {}), out

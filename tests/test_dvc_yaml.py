"""dvc.yaml says of each stage exactly what its code reads and writes: not more and not less."""

import pytest

from plumbline import paths
from plumbline.testing.projects import ROOT, STAGES, VERSIONS, code_of, declared, params_of, reviewed

DECLARED = declared()
OURS = [name for name in DECLARED if name in (VERSIONS, *STAGES)]
FILES = {value for key, value in vars(paths).items() if key.isupper() and "/" in str(value)} - {paths.BEHAVIOUR}


def test_it_is_a_table_of_contents() -> None:
    assert tuple(DECLARED)[-len(STAGES) :] == STAGES  # before them one's own: docs/more-than-one-table.md
    assert len((ROOT / "dvc.yaml").read_text(encoding="utf-8").splitlines()) < 20 * len(DECLARED)
    for name, stage in DECLARED.items():
        said = "python -m plumbline versions" if name == VERSIONS else f"python -m src.stages.{name}"
        assert stage.cmd == said and stage.desc


@pytest.mark.parametrize("name", DECLARED)
def test_declared_code_is_what_the_stage_imports_of_yours(name: str) -> None:
    assert DECLARED[name].code == code_of(name)


@pytest.mark.parametrize("name", OURS)
def test_declared_params_are_those_that_the_stage_reads(name: str) -> None:
    assert DECLARED[name].params == params_of(name)


def test_file_names_are_the_constants_in_paths() -> None:
    outs = {out for name in STAGES for out in DECLARED[name].outs}
    assert outs == (FILES | {paths.DIST, *map(paths.checks, STAGES)}) - {paths.VERSIONS, paths.DESIGN}
    inputs = {file for name in STAGES for file in DECLARED[name].deps - DECLARED[name].code}
    assert inputs <= outs | {"${data.source}", "LICENSE", paths.DESIGN, paths.EXPECTATIONS}


@pytest.mark.parametrize("name", OURS)
def test_what_people_review_is_in_git_and_stays_when_a_stage_fails(name: str) -> None:
    for out, flags in DECLARED[name].outs.items():
        assert flags == ({"cache": False, "persist": True} if reviewed(out) else {}), out

"""dvc.yaml names exactly the files and parameters that the code of each stage reads and writes."""

import pytest

from plumbline import paths
from plumbline.testing.pipeline import VERSIONS, is_reviewed, list_imports, list_params, read_stages
from plumbline.testing.projects import ROOT, STAGES

DVC_STAGES = read_stages()
DELIVERED = [name for name in DVC_STAGES if name in (VERSIONS, *STAGES)]
FILES = {value for key, value in vars(paths).items() if key.isupper() and "/" in str(value)} - {paths.BEHAVIOUR}


def test_it_is_a_table_of_contents() -> None:
    assert tuple(DVC_STAGES)[-len(STAGES) :] == STAGES  # before them your own: plumbline docs more-than-one-table
    assert len((ROOT / "dvc.yaml").read_text(encoding="utf-8").splitlines()) < 20 * len(DVC_STAGES)
    for name, stage in DVC_STAGES.items():
        module = "plumbline versions" if name == VERSIONS else f"src.stages.{name}"
        assert stage.cmd == f"python -m {module}" and stage.desc


@pytest.mark.parametrize("name", DVC_STAGES)
def test_code_in_deps_is_what_the_stage_imports_of_src(name: str) -> None:
    assert DVC_STAGES[name].code == list_imports(name)


@pytest.mark.parametrize("name", DELIVERED)
def test_params_are_those_that_the_stage_reads(name: str) -> None:
    assert DVC_STAGES[name].params == list_params(name)


def test_file_names_are_the_constants_in_paths() -> None:
    outs = {out for name in STAGES for out in DVC_STAGES[name].outs}
    assert outs == (FILES | {paths.DIST, *map(paths.checks, STAGES)}) - {paths.VERSIONS, paths.DESIGN}
    inputs = {file for name in STAGES for file in DVC_STAGES[name].deps - DVC_STAGES[name].code}
    assert inputs <= outs | {"${data.source}", "LICENSE", paths.DESIGN, paths.EXPECTATIONS}


@pytest.mark.parametrize("name", DELIVERED)
def test_what_people_review_is_in_git_and_stays_when_a_stage_fails(name: str) -> None:
    for out, flags in DVC_STAGES[name].outs.items():
        assert flags == ({"cache": False, "persist": True} if is_reviewed(out) else {}), out

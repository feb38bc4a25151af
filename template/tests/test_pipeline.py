"""The whole pipeline on a table of each task: two keys are enough, and bytes are the same in other circumstances.

The promise of bytes: the same whatever the directory, hash seed, threads, time zone and locale.
"""

from pathlib import Path

import pytest

from plumbline.testing.projects import FIRST_ENVIRONMENT, ROOT, SECOND_ENVIRONMENT, STAGES, Project, make_table

ELSEWHERE = "deeper/with blanks and ümlauts"
MODELS: dict[str, dict] = {
    "binary": {},  # words and gaps
    "multiclass": {"estimator": "sklearn.linear_model.LogisticRegression"},  # linear algebra
    "regression": {"estimator": "sklearn.ensemble.RandomForestRegressor", "arguments": {"n_jobs": 4}},  # many threads
}


@pytest.mark.parametrize("task", MODELS)
def test_two_keys_give_a_package_that_beats_the_trivial_model(project: Project, task: str) -> None:
    project.table(make_table(task))
    project.run()
    model, trivial = (project.read(f"metrics/{name}.json") for name in ("metrics", "baseline-trivial"))
    first = next(iter(project.read("metrics/intervals.json")))
    assert model["task"] == task and model[first] < trivial[first]
    assert len(list(Path("dist").glob("*.whl"))) == 1


@pytest.mark.parametrize("task", MODELS)
def test_outputs_are_the_same_bytes_in_other_circumstances(tmp_path: Path, task: str) -> None:
    here, there = Project(tmp_path / "a"), Project(tmp_path / ELSEWHERE)
    for project in (here, there):
        project.table(make_table(task).assign(note=lambda rows: "a few words of text, not always " + rows.colour))
        project.change(model=MODELS[task], evaluate={"metrics": "auto"})
    assert len(digests := here.run_and_hash(STAGES, **FIRST_ENVIRONMENT)) > 15
    assert digests == there.run_and_hash(STAGES, **SECOND_ENVIRONMENT)


def test_dvc_yaml_as_delivered_and_the_tests_of_a_project_are_short() -> None:
    assert len((ROOT / "dvc.yaml").read_text(encoding="utf-8").splitlines()) <= 90
    assert sum(len(path.read_text(encoding="utf-8").splitlines()) for path in (ROOT / "tests").glob("*.py")) <= 150

"""Head must not make itself incomparable: what prevents a comparison that base allows is red."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import yaml

from plumbline.review.obstacles import ObstacleError, check_task
from plumbline.review.result.review import Review
from plumbline.testing.projects import make_table
from template.tests.review.conftest import create_repository, git, open_names, run_review

WORSE = {"estimator": "sklearn.linear_model.LogisticRegression", "arguments": {"C": 1e-5, "max_iter": 200}}


@pytest.fixture(scope="module")
def large_repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with more rows than are cross-fitted, a floor and a slice that must work."""
    folder = create_repository(tmp_path_factory.mktemp("review") / "project")
    random = np.random.default_rng(0)
    table = make_table(rows=5100).assign(shop=random.integers(0, 4, 5100))
    table.to_csv(folder / "data/source/table.csv", index=False)
    requirements = {"floors": {"recall": 0.5}, "must_work": ["flag = True"]}
    write_params(folder, requirements=requirements)
    git(folder, "commit", "-qam", "large")
    git(folder, "tag", "-f", "base")
    return folder


def write_params(folder: Path, **groups: dict) -> None:
    path = folder / "params.yaml"
    content = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump(content | {name: content.get(name, {}) | keys for name, keys in groups.items()}))


def review_params(folder: Path, code: int, **groups: dict) -> Review:
    git(folder, "checkout", "-q", "-f", "-B", "work", "base")
    write_params(folder, **groups)
    git(folder, "commit", "-qam", "change")
    return run_review(folder, code=code)[2]


def test_another_split_alone_moves_nothing(large_repository: Path) -> None:
    result = review_params(large_repository, 0, split={"salt": 3, "holdout": 0.25})
    assert (result.word, result.why, result.obstacle) == ("same", "the predictions are identical", None)


def test_a_tiny_holdout_hides_no_harm(large_repository: Path) -> None:
    result = review_params(large_repository, 1, split={"holdout": 0.01}, model=WORSE)
    assert result.word == "worse"
    assert set(open_names(result)) >= {"worse", "incomparable"}
    assert "the holdout of head is too small for later reviews" in result.obstacle


def test_a_tiny_training_set_is_no_way_round(large_repository: Path) -> None:
    result = review_params(large_repository, 1, split={"holdout": 0.95})
    assert open_names(result) == ["incomparable"]
    assert "the training set is 79" in result.obstacle


def test_few_groups_are_red(large_repository: Path) -> None:
    few = review_params(large_repository, 1, data={"group": "shop"}, split={"salt": 7}, model=WORSE)
    assert "incomparable" in open_names(few)
    assert "groups, at least 5 are needed" in few.obstacle


def test_a_threshold_is_that_of_the_side(large_repository: Path) -> None:
    result = review_params(large_repository, 1, model={"threshold": 0.999})
    assert (result.word, result.why) == ("same", "the predictions are identical")
    assert open_names(result) == ["floor"]
    recall = next(metric for metric in result.metrics if metric.name == "recall")
    assert recall.head < 0.5 < recall.base


def test_a_class_that_is_gone_and_another_task_are_red(repository: Path) -> None:
    git(repository, "checkout", "-q", "-f", "-B", "three", "base")
    table = make_table(rows=260)
    third = table.assign(target=table.target.astype(str).where(np.arange(260) % 5 > 0, "third"))
    third.to_csv(repository / "data/source/table.csv", index=False)
    git(repository, "commit", "-qam", "three classes")
    third[third.target != "third"].to_csv(repository / "data/source/table.csv", index=False)
    git(repository, "commit", "-qam", "two classes")
    _, _, result = run_review(repository, "three~1", code=1)
    assert open_names(result) == ["incomparable"]
    assert "has the task binary, base has multiclass" in result.obstacle


def test_a_slice_that_must_work_is_asked_where_rows_differ(repository: Path) -> None:
    git(repository, "checkout", "-q", "-f", "-B", "strict", "base")
    write_params(repository, requirements={"must_work": ["flag = True"]})
    git(repository, "commit", "-qam", "strict")
    strict = git(repository, "rev-parse", "HEAD")
    make_table(rows=260).assign(flag=False).to_csv(repository / "data/source/table.csv", index=False)
    git(repository, "commit", "-qam", "the level is gone")
    _, _, result = run_review(repository, strict, code=1)
    assert "incomparable" in open_names(result)
    assert "head has too few rows where flag = True, which must work" in result.obstacle


def test_another_positive_class_is_an_obstacle() -> None:
    """Floors and the threshold are meant for base's."""

    def side(**schema: Any) -> Any:
        return SimpleNamespace(name="head", commit="0" * 40, schema=SimpleNamespace(**{"task": "binary", **schema}))

    base = side(classes=("no", "yes"), positive="yes")
    check_task(base, side(classes=("no", "yes"), positive="yes"))
    check_task(base, side(classes=("nein", "ja"), positive="ja"))
    with pytest.raises(ObstacleError, match="has another positive class than base"):
        check_task(base, side(classes=("no", "yes"), positive="no"))

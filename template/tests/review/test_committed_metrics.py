"""metrics/metrics.json of a head whose own evaluator flatters is not what base's code measures."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from plumbline.data.schema import Column, Schema
from plumbline.evaluation.encoding import round_numbers
from plumbline.metrics import AUTO, prepare
from plumbline.outcome import Outcome
from plumbline.process import git
from plumbline.review.committed_metrics import find_false_metric

ROWS = 200
CLASSES = {"binary": ("no", "yes"), "multiclass": ("a", "b", "c"), "regression": ()}


def make(task: str, threshold: float | None) -> tuple[Schema, dict[str, Any], dict[str, Any]]:
    """A schema, what a worker predicts, and what a true run writes."""
    random, classes = np.random.default_rng(0), CLASSES[task]
    weight = random.integers(1, 4, ROWS)
    if task == "regression":
        truth = random.normal(size=ROWS)
        scores = truth + random.normal(size=ROWS)
        outcome = Outcome(task, truth, scores, scores)
    else:
        truth = random.integers(0, len(classes), ROWS)
        scores = random.dirichlet(np.ones(len(classes)), ROWS)
        predictions = scores.argmax(axis=1) if threshold is None else (scores[:, 1] >= threshold).astype(int)
        outcome = Outcome(task, truth, scores, predictions, 1, classes)
    values = prepare(AUTO[task], outcome)(weight[None].astype(float))
    content = {"task": task, "threshold": threshold} | {name: float(value[0]) for name, value in values.items()}
    schema = Schema((Column("y", "category", "target"),), 3, task, classes, "yes" if task == "binary" else None)
    return schema, {"scores": scores, "target": truth, "weight": weight}, round_numbers(content)


@pytest.fixture
def find(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)
    git("init", "-q")
    Path("metrics").mkdir()

    def call(schema: Schema, arrays: dict[str, Any], text: str, **params: object) -> str | None:
        Path("metrics/metrics.json").write_text(text, encoding="utf-8")
        git("add", "-A")
        git("-c", "user.name=x", "-c", "user.email=x", "commit", "-q", "--allow-empty", "-m", "x")
        np.savez("scores.npz", **arrays)
        head: Any = SimpleNamespace(commit=git("rev-parse", "HEAD").strip(), schema=schema, params_or_none=params)
        return find_false_metric(head, Path("scores.npz"))

    return call


@pytest.mark.parametrize(
    ("task", "threshold"), [("binary", 0.5), ("binary", 0.3), ("multiclass", None), ("regression", None)]
)
def test_a_true_run_is_believed_and_each_metric_that_is_not_is_named(
    find: Any, task: str, threshold: float | None
) -> None:
    schema, arrays, content = make(task, threshold)
    assert find(schema, arrays, json.dumps(content)) is None
    for name in AUTO[task]:
        message = find(schema, arrays, json.dumps(content | {name: content[name] / 10 + 0.01}))
        assert message.startswith(f"metrics/metrics.json says {name} ")
        assert "and base's code measures " in message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"log_loss": "low"}', "says log_loss no number"),
        ('{"log_loss": null}', "says log_loss no number"),
        ('{"log_loss": true}', "says log_loss"),
        ('{"log_loss": NaN}', "says log_loss"),
        ("[]", "has no metrics"),
        ("{}", "has no log_loss, which evaluate measures"),
        ("no JSON", None),
    ],
)
def test_what_is_no_metric_is_said(find: Any, text: str, words: str | None) -> None:
    schema, arrays, _ = make("binary", 0.5)
    message = find(schema, arrays, text, **{"evaluate.metrics": ["log_loss", "my.own"]})
    assert (message is None) == (words is None)
    assert (words or "") in (message or "")


def test_the_threshold_is_that_of_the_parameters_and_each_metric_in_the_file_is_asked(find: Any) -> None:
    schema, arrays, content = make("binary", 0.5)
    assert (
        find(schema, arrays, json.dumps(content), **{"model.threshold": 0.5, "evaluate.metrics": ["log_loss"]}) is None
    )
    assert " recall " in find(schema, arrays, json.dumps(content | {"recall": 1}), **{"evaluate.metrics": ["log_loss"]})
    message = find(schema, arrays, json.dumps(content), **{"model.threshold": 0.999})
    assert "metrics/metrics.json says accuracy" in message
    assert find(schema, arrays, json.dumps(content), **{"model.threshold": "auto"}) is None

"""Golden rows are made up from ranges and levels, and tell whether a package still answers as it did."""

import json

import pytest

from plumbline.errors import PlumblineError
from plumbline.prediction.golden import check_golden, make_golden


def test_features_that_cannot_take_a_missing_value_are_refused_with_the_reason(predictor, monkeypatch) -> None:
    monkeypatch.setattr(predictor, "features", lambda rows: rows.assign(long=rows["colour"].map(lambda word: word[0])))
    with pytest.raises(
        PlumblineError, match=r"raised TypeError: .*invented, to check the package.* every value is missing"
    ):
        make_golden(predictor)


@pytest.mark.parametrize(("name", "answer"), [("prediction", "maybe"), ("probability_yes", 0.123456)])
def test_golden_rows_are_of_ranges_and_levels_and_hold_until_an_answer_is_changed(predictor, name, answer) -> None:
    lines = [json.loads(line) for line in make_golden(predictor).splitlines()]
    assert check_golden(predictor, "\n".join(map(json.dumps, lines))) == 9
    for column in predictor.schema.inputs:
        values = {line["row"][column.name] for line in lines[:-1]}
        levels = {"colour": {"red", "green", "blue"}, "flag": {True, False}}.get(column.name)
        assert values == levels or (min(values), max(values)) == (column.low, column.high)
    assert set(lines[-1]["row"].values()) == {None}
    lines[3]["answer"][name] = answer
    with pytest.raises(PlumblineError, match=name):
        check_golden(predictor, "\n".join(map(json.dumps, lines)))

"""A suite has one canonical text, and any other file is refused in one line."""

import json
from pathlib import Path

import numpy as np
import pytest

from plumbline.errors import PlumblineError
from plumbline.expectations.suite import Suite
from plumbline.testing.projects import ROOT
from template.tests.expectations.examples import SET, expectations
from template.tests.expectations.test_validation import EXAMPLES, MESSAGES

SUITES = sorted((ROOT / "expectations").glob("*.json"))


@pytest.mark.parametrize("path", SUITES, ids=lambda path: path.name)
def test_every_suite_of_the_project_is_canonical(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text == Suite.read(path).dumps(), "python -m plumbline format"


def test_the_same_meaning_gives_the_same_bytes(tmp_path: Path) -> None:
    examples = [(kind, kwargs) for kind, kwargs, *_ in (*EXAMPLES, *MESSAGES)]
    suite = Suite("s", tuple(expectations(*examples, (SET, {"column": "é", "value_set": ["b", "a"]}))))
    content, text = [expectation.to_json() for expectation in suite.expectations], suite.dumps()
    for seed in range(5):
        items = json.loads(json.dumps(content), parse_int=float)
        np.random.default_rng(seed).shuffle(items)
        items = [dict(reversed(item.items())) | {"id": str(seed), "meta": {}} for item in items] + items[:2]
        (tmp_path / "s.json").write_text(json.dumps({"expectations": items, "id": 1}), encoding="utf-8")
        assert Suite.read(tmp_path / "s.json").dumps() == text
    assert '{"column": "é", "value_set": ["a", "b"]}' in text
    lines = text.splitlines()
    assert lines[:2] == ["{", '"name": "s",']
    assert [json.loads(line.rstrip(","))["type"] for line in lines[3:5]] == [
        "expect_table_columns_to_match_ordered_list",
        "expect_table_columns_to_match_set",
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "it is empty"),
        ("  \n", "it is empty"),
        ("{", "line 1 is not valid JSON"),
        ('{\n"a": 1,,\n}', "line 2 is not valid JSON"),
        ("[]", "found a list, expected"),
        ('"x"', "found a text, expected"),
        ("null", "found null, expected"),
        ("{}", "found a map with nothing, expected"),
        ('{"expectation": []}', "found a map with expectation, expected"),
        ('{"expectations": {}}', "found a map with expectations, expected"),
        ('{"expectations": [], "expectations": []}', "the key 'expectations' occurs twice in one object"),
        ('{"expectations": ["x"]}', "expectation 1: found a text, expected"),
        (
            '{"expectations": [{"kwargs": {}}]}',
            "expectation 1: type must be the name of an expectation, which is missing",
        ),
        (
            '{"expectations": [{"expectation_type": "expect_x", "kwargs": {}}]}',
            "older versions called expectation_type",
        ),
        ('{"expectations": [{"type": 3, "kwargs": {}}]}', "type must be the name of an expectation, found a number"),
        (
            '{"expectations": [{"type": "x"}]}',
            r"expectation 1 \(x\): kwargs must be a map of arguments, which is missing",
        ),
        ('{"expectations": [{"type": "x", "kwargs": []}]}', "kwargs must be a map of arguments, found a list"),
        ('{"expectations": [{"type": "x", "kwargs": {"a": NaN}}]}', "NaN is not a number in JSON"),
        ("[" * 100_000, "nested too deep"),
        (b"\xff\xfe{", "not in UTF-8"),
    ],
)
def test_what_is_no_suite_is_refused_in_one_line(content: str | bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(PlumblineError, match=rf"^[^\n]*s\.json: is not a suite: [^\n]*{words}[^\n]*$"):
        Suite.read(path)
    path.write_bytes(b'\xef\xbb\xbf{"expectations": []}')  # as some editors save it
    assert Suite.read(path).expectations == ()

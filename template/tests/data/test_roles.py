"""Roles: what a column is for, by params and by rules."""

import re
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from plumbline.data.roles import check_column_names, resolve_roles, summarize_columns
from plumbline.data.schema import type_of
from plumbline.errors import PlumblineError
from plumbline.findings import Findings
from plumbline.testing.params import make_params

BASE = {"x": [0.5, 1.5, 1.5, 2.5], "w": [1, 2, 2, 0], "y": ["no", "yes", "no", "no"]}
ID, WORDS, NUMBERS, GAPS, SAME = [17, 4, 99, 8], ["a", "b", "c", "d"], [3, 4, 5, 6], [1, 2, 2, None], [1, 1, 1, 1]
CASES: list[tuple[dict[str, list], dict[str, Any], str]] = [  # columns added to BASE, params, result or message
    ({"row_id": ID}, {}, "^key row_id of x w; out $"),
    ({"a": WORDS}, {}, "^key a "),
    ({"a": NUMBERS}, {}, "^key a "),
    ({"number of rooms": ID}, {}, "^key None of x w number of rooms"),
    ({"row_id": [1.5, 2.5, 3.5, 4.5]}, {}, "^key None "),
    ({"row_id": [17, 4, 99, None]}, {}, "^key None of x w; out row_id$"),
    ({"row_id": [17, 4, 99, 4]}, {}, "^key None of x w row_id; out $"),
    ({"a": ["a", None, "b", "c"]}, {}, "^key None of x w; out a$"),
    ({"a": [None, "b", "b", "b"]}, {}, "^key None of x w a; out $"),
    ({"row_id": ID, "a": WORDS, "b": SAME}, {}, "^key row_id of x w; out a b$"),
    ({"row_id": ID, "a": WORDS}, {"key": "a"}, "^key a of x w; out row_id$"),
    ({"row_id": ID}, {"key": None}, "^key None of x w; out row_id$"),
    ({"row_id": ID}, {"key": "x"}, "data.key 'x': expected a distinct value in each of 4 rows, found 3"),
    (
        {"g": [1, 2, 2, 1], "t": ID},
        {"group": "g", "time": "t", "weight": "w", "ignore": ["x"]},
        "^key None of t; ",
    ),
    ({}, {"target": "Y"}, "data.target names 'Y', expected one of 3 columns"),
    ({"gaps": ID}, {"group": "gapd"}, r"Did you mean 'gaps'\?$"),
    ({}, {"types": {"a": "text"}}, "data.types names 'a'"),
    ({}, {"protected": ["w"]}, "^key None of x; out $"),
    ({}, {"protected": ["z"]}, "requirements.protected names 'z', expected one of 3 columns"),
    ({}, {"ignore": ["x", "w"]}, "no feature is left of 3 columns"),
    (
        {},
        {"weight": "y", "target": "w"},
        "data.weight 'y': expected a column of type integer or number, found category",
    ),
    ({"a": [-1, 2, 2, 0]}, {"weight": "a"}, "data.weight 'a': expected finite numbers from 0, found -1 to 2"),
    ({"a": GAPS}, {"group": "a"}, "data.group 'a': expected a value in every row, 1 of 4 have none. Fill them$"),
    (
        {"a": GAPS},
        {"target": "a"},
        "data.target 'a': expected a value in every row, 1 of 4 have none. .*unlabelled: drop$",
    ),
    ({"a": SAME}, {"target": "a"}, "data.target 'a': expected 2 distinct values at least, found 1"),
    ({}, {"task": "regression"}, "a category column cannot be predicted as regression"),
    ({}, {"task": "binary", "target": "w"}, "data.task is binary, data.target 'w' has 3 distinct values"),
    ({}, {"positive": True}, "data.positive is True, expected one of 'no' and 'yes'"),
    ({"y": [0.0, 1.0, 1.0, 1.0]}, {"positive": 0}, r"task binary \(0.0, 1.0\) 0.0"),
    ({"y": ["no", "yes", "yes", "yes"]}, {}, r"task binary \('no', 'yes'\) yes"),
    ({"y": ["a", "b", "b", "b"]}, {}, r"task binary \('a', 'b'\) a"),
    ({"y": ["a", "b", "a", "b"]}, {}, r"task binary \('a', 'b'\) b"),
    ({"y": [True, True, True, False]}, {}, r"task binary \(False, True\) True"),
    ({"y": [1, 2, 3, 3]}, {}, r"task multiclass \(1, 2, 3\) None"),
    ({"y": [1.0, 2.0, 3.0, 3.0]}, {}, r"task regression \(\) None"),
    ({"y": [1.0, 2.0, 3.0, 3.0]}, {"task": "multiclass"}, r"task multiclass \(1.0, 2.0, 3.0\) None"),
]


@pytest.mark.parametrize(("columns", "changes", "pattern"), CASES)
def test_roles_task_and_classes_follow_from_params_and_values_or_are_refused(
    columns, changes, pattern, tmp_path
) -> None:
    table, path = pa.table(BASE | columns), str(tmp_path / "t.parquet")
    pq.write_table(table, path)
    summary = summarize_columns(path, {field.name: type_of(field.type) for field in table.schema})
    protected = changes.get("protected", [])
    data = {"target": "y"} | {key: value for key, value in changes.items() if key != "protected"}
    params = make_params(data=data, requirements={"protected": protected})
    findings = Findings("ingest")
    try:
        check_column_names(tuple(table.column_names), params)
        schema = resolve_roles(summary, 4, params, path, findings)
    except PlumblineError as error:
        text = str(error)
    else:
        key = schema.column("key")
        text = f"key {key and key.name} of {' '.join(column.name for column in schema.inputs)}; "
        text += "out " + " ".join(f.evidence.split("'")[1] for f in findings.entries if f.severity == "left out")
        text += f"\ntask {schema.task} {schema.classes} {schema.positive}"
    assert re.search(pattern, text, re.MULTILINE)


def test_infinite_numbers_are_refused_with_their_count(tmp_path) -> None:
    pq.write_table(pa.table({"a": [0.5, float("inf"), float("-inf"), None]}), tmp_path / "t.parquet")
    with pytest.raises(PlumblineError, match=r"'a': expected finite numbers, 2 are infinite"):
        summarize_columns(str(tmp_path / "t.parquet"), {"a": "number"})

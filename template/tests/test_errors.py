"""Bad input through the commands of the stages: one line, exit code 1, and all files as they were."""

import gzip
import os
import re
from pathlib import Path

import pyarrow as pa
import pytest

from plumbline.pipeline.stage import RESTORE
from plumbline.testing.projects import STAGES, Project
from template.tests.damage import (
    BOMB,
    MANY,
    TABLE,
    TAG,
    Damage,
    code,
    column,
    folder,
    link,
    numbers_with,
    params,
    part_outside,
    rows,
    source,
    text,
    version,
    yaml_file,
)
from template.tests.runs import has_lost_outputs, is_documented, read_outputs, run_stage

FRAME, TARGET = "import pandas as pd\ndef features(rows):\n    ", "data.target 'target'"
# The damage, the stage that stops, and its message, which plumbline/docs/errors.md must have, too.
CASES: dict[str, tuple[Damage, str, str]] = {
    "missing file": (params(data={"source": "data/source/tabel.csv"}), "ingest", "found nothing there. .*Did you mean"),
    "empty folder": (folder(), "ingest", "found an empty folder"),
    "parts that differ": (folder("a,b\n1,2\n", "a,c\n1,2\n"), "ingest", "1.csv: expected the columns of"),
    "empty": (source(""), "ingest", "is empty, expected a table"),
    "header only": (source("a,b\n"), "ingest", "has a header and no rows"),
    "binary junk": (source(os.urandom(64) + b"\0" * 9), "ingest", "is binary, expected"),
    "a workbook": (source(b"PK\x03\x04" + b"\0" * 60), "ingest", "is a zip archive or a workbook"),
    "a web page": (source("<!doctype html>\n<p>404</p>"), "ingest", "is a page of HTML"),
    "a pointer": (source("version https://git-lfs.github.com/spec/v1\n"), "ingest", "git lfs pull"),
    "a JSON array cut off": (source('[{"a": 1}, {"a"'), "ingest", "object 2 of the array: expected a JSON object"),
    "two JSON arrays": (source('[{"a": 1}]\n[{"a": 1}]'), "ingest", "expected nothing after the ] of the JSON array"),
    "JSON by columns": (source('{"a": {"0": 1}}'), "ingest", "is one JSON object of columns, expected an object for"),
    "JSON by columns, large": (source('{"a": {"0": 1' + " " * 2**20), "ingest", "has no object that ends in its first"),
    "a name too few": (source("a,target\n1,2,3\n2,2,3\n"), "ingest", "every row has 3 fields, .*begin line 1 with ','"),
    "broken JSON lines": (source('{"a": 1}\n{"a": \n'), "ingest", "line 2: expected one JSON object a line"),
    "truncated gzip": (source(gzip.compress(b"a,b\n1,2\n" * 9)[:-12]), "ingest", "cannot be read as"),
    "truncated zst": (source(pa.compress(b"a,b\n1,2\n" * 99, "zstd", asbytes=True)[:-9]), "ingest", "cannot be read"),
    "truncated Parquet": (source(b"PAR1" + b"x" * 99), "ingest", "cannot be read as Parquet"),
    "wrong encoding": (source("a,target\nä,2\n".encode("utf-16")[:-1]), "ingest", "cannot be read as .*utf-16"),
    "mixed delimiters": (source("a,target\n1,2\n1;2\n"), "ingest", "line 3 has 1 fields, expected 2, ';' is between"),
    "ragged rows": (source("a,target\n1,2\n1,2,3\n"), "ingest", "line 3 has 3 fields, expected 2"),
    "unclosed quote": (source('a,target\n1,2\n1,"2\n3,4\n'), "ingest", "a quote opened in line 3 is not closed"),
    "duplicate names": (source("a,b,a\n1,2,3\n"), "ingest", "expected a header of distinct .*found 'a' twice"),
    "infinite": (column("x1", numbers_with("inf", 1)), "ingest", "expected finite numbers, 1 are infinite"),
    "huge integers": (column("x1", numbers_with("9" * 30, 1)), "ingest", r"1 of 200 values are not numbers \(rows 1\)"),
    "few words": (column("x1", numbers_with("unknown", 2)), "ingest", r"2 of 200 values are not numbers \(rows 1, 2\)"),
    "target not there": (rows(TABLE, target="targte"), "ingest", "data.target names 'targte', expected .*'target'"),
    "target in capitals": (rows(TABLE, target="TARGET"), "ingest", "data.target names 'TARGET', .*mean 'target'"),
    "target constant": (column("target", "a"), "ingest", f"{TARGET}: expected 2 distinct values"),
    "target of nothing": (column("target", None), "ingest", f"{TARGET}: expected a value in every row, 200 of 200"),
    "target with gaps": (column("target", ["a", "b", None, "b"] * 50), "ingest", f"{TARGET}.* 50 of 200 .*unlabelled"),
    "gaps and nothing else": (column("target", None, unlabelled="drop"), "ingest", "has no value of 'target'"),
    "not classes": (column("target", TABLE.x1, task="multiclass"), "ingest", f"{TARGET}: expected at most 20 classes"),
    "5,000 classes": (rows(MANY), "ingest", f"{TARGET}: expected at most 500 classes"),
    "not numbers": (rows(TABLE, task="regression"), "ingest", "cannot be predicted as regression"),
    "three are not two": (column("target", ["a", "b", "c", "c"] * 50, task="binary"), "ingest", "expected 2"),
    "one row": (rows(TABLE.head(1)), "ingest", f"{TARGET}: expected 2 distinct values"),
    "ten rows": (rows(TABLE.head(10)), "featurize", "expected at least"),
    "key not unique": (rows(TABLE, key="colour"), "ingest", "data.key 'colour': expected a distinct value in each"),
    "key not there": (rows(TABLE, key="rowid"), "ingest", "data.key names 'rowid', .*Did you mean 'row_id'"),
    "target is key": (rows(TABLE, key="target"), "ingest", "data.target and data.key both name 'target'"),
    "one group": (column("g", "a", group="g"), "featurize", "the training set has 0 rows, expected at least 5"),
    "time not parseable": (column("t", "soon", time="t"), "ingest", "data.time 't': expected a column of type"),
    "time in two ways": (column("t", "01/02/2024", time="t"), "ingest", "expected one way to read its dates"),
    "cut outside the data": (
        lambda p: [column("t", "2024-05-01", time="t")(p), p.change(split={"cut": "2030-01-01"})],
        "featurize",
        "the holdout has 0 rows",
    ),
    "cut without a time": (params(split={"cut": "2030-01-01"}), "params", "split.cut is set and data.time is null"),
    "weights below zero": (column("w", -1, weight="w"), "ingest", "data.weight 'w': expected finite numbers from 0"),
    "a type that does not fit": (rows(TABLE, types={"colour": "number"}), "ingest", "'colour': is not of type number"),
    "a type that is none": (rows(TABLE, types={"colour": "int"}), "ingest", "data.types is .*expected a map"),
    "all left out": (rows(TABLE, ignore=["x1", "x2", "colour", "flag"]), "ingest", "no feature is left"),
    "no suite": (lambda p: Path("expectations/table.json").write_text("{"), "ingest", "is not a suite"),
    "unknown expectation": (
        lambda p: Path("expectations/table.json").write_text(
            '{"expectations": [{"type": "expect_wonders", "kwargs": {}}]}'
        ),
        "ingest",
        "1 of 1 expectations cannot be run: expectation 1, expect_wonders: there is no such",
    ),
    "two suites": (
        lambda p: [
            Path(f"expectations/{name}.json").write_text(
                '{"meta": {"table": "data/source/table.csv"}, "expectations": []}'
            )
            for name in "ab"
        ],
        "ingest",
        "are both about data/source/table.csv, expected one suite",
    ),
    "a table that is no path": (
        yaml_file("docs/project.yaml", "table: [3]\nproblem: {question: null}\n"),
        "evaluate",
        "project.yaml: table is .3., expected the path of a table",
    ),
    "an expectation of a column that is not there": (
        lambda p: Path("expectations/table.json").write_text(
            '{"expectations": [{"type": "expect_column_values_to_be_unique", "kwargs": {"column": "colur"}}]}'
        ),
        "ingest",
        "1 of 1 expectations do not hold: expectation 1, .*no column 'colur'. Did you mean 'colour'",
    ),
    "broken expectation": (
        lambda p: Path("expectations/table.json").write_text(
            '{"expectations": [{"type": "expect_column_values_to_be_unique", "kwargs": {"column": "colour"}}]}'
        ),
        "ingest",
        "1 of 1 expectations do not hold: .*'colour': 200 of 200 rows",
    ),
    "a copy of the target": (column("copy", TABLE.target.str.upper() + "!"), "featurize", "leakage: 'copy' alone"),
    "allowed and not there": (params(data={"allow": {"copi": "x"}}), "featurize", "data.allow names 'copi'"),
    "random features": (
        code("features.py", "import numpy as np\n" + FRAME + "return rows.assign(r=np.random.random(len(rows)))"),
        "featurize",
        "leakage: .*'r'",
    ),
    "unknown floor": (params(requirements={"floors": {"auc": 1}}), "evaluate", "requirements.floors has 'auc'"),
    "no such slice": (params(requirements={"must_work": ["colour = rd"]}), "evaluate", "must_work has 'colour = rd'"),
    "no protected column": (params(requirements={"protected": ["sex"]}), "ingest", "protected names 'sex'"),
    "broken behaviour": (
        lambda p: Path("expectations/behaviour.yaml").write_text("- {name: x}\n"),
        "evaluate",
        "behaviour.yaml: 'x': has name; expected name, why, then",
    ),
    "no answer": (
        lambda p: Path("docs/project.yaml").write_text("data: {owner: [x]}\n"),
        "evaluate",
        "data.owner is .'x'., expected a sentence",
    ),
    "unknown slice": (params(evaluate={"slices": ["color"]}), "evaluate", "evaluate.slices names 'color', .*'colour'"),
    "unknown metric": (params(evaluate={"metrics": ["AUC"]}), "evaluate", "evaluate.metrics has 'AUC'"),
    "unknown estimator": (params(model={"estimator": "sklearn.svm.SVX"}), "train", "cannot be imported"),
    "no estimator": (params(model={"estimator": "numpy.ndarray"}), "train", "is not a scikit-learn estimator"),
    "another task's": (params(model={"estimator": "sklearn.linear_model.Ridge"}), "train", "cannot do a binary task"),
    "unknown argument": (params(model={"arguments": {"depth": 3}}), "train", "model.arguments do not fit"),
    "raises while fitting": (params(model={"arguments": {"max_bins": 999}}), "train", "raised while fitting.*max_bins"),
    "not YAML": (text(lambda old: old + "\n  x: [1\n"), "params", "params.yaml, line"),
    "a tab": (text(lambda old: old.replace("  source", "\tsource")), "params", "params.yaml, line"),
    "a key twice": (text(lambda old: old + "data: {source: x, target: y}\n"), "params", "the key data occurs twice"),
    "a tag": (text(lambda old: old + "model: !!python/object:os.system {}\n"), "params", "could not determine a cons"),
    "conflict markers": (text(lambda old: "<<<<<<< HEAD\n" + old + "=======\n>>>>>>> x\n"), "params", "yaml, line"),
    "no params": (text(lambda old: ""), "params", "expected groups of keys"),
    "unknown key": (
        params(model={"sede": 1}),
        "params",
        "model.sede is not a known parameter, .*Did you mean 'model.seed'",
    ),
    "yes is true": (text(lambda old: old.replace("data:", "data:\n  group: yes")), "params", "Put it in quotes"),
    "out of range": (params(split={"holdout": 2}), "params", "split.holdout is 2, expected a number between 0 and 1"),
    "climbs out": (params(data={"source": "data/../../x.csv"}), "params", "data.source is .*expected a path in the"),
    "link to outside": (link, "ingest", "is, or has, a link to outside the project"),
    "a part from outside": (part_outside, "ingest", "is, or has, a link to outside the project"),
    "aliases": (text(lambda old: BOMB + old), "params", "params.yaml, line 2: aliases are not allowed"),
    "aliases in answers": (yaml_file("docs/project.yaml", BOMB), "evaluate", "project.yaml, line 2: aliases are not"),
    "aliases in behaviours": (
        yaml_file("expectations/behaviour.yaml", BOMB),
        "evaluate",
        "yaml, line 2: aliases are not",
    ),
    "a tag in answers": (yaml_file("docs/project.yaml", TAG), "evaluate", "line 1: could not determine a constructor"),
    "a tag in behaviours": (yaml_file("expectations/behaviour.yaml", TAG), "evaluate", "line 1: could not determine"),
    "endless depth": (text(lambda old: "x: " + "[" * 10000), "params", "params.yaml: is nested too deep"),
    "features raise": (code("features.py", FRAME + "return rows.assign(y=rows['no'])"), "featurize", "3: raised K"),
    "fewer rows": (code("features.py", FRAME + "return rows.head(1)"), "featurize", "expected the 200 rows it was"),
    "no frame": (code("features.py", FRAME + "return None"), "featurize", "expected features.. to return a frame"),
    "missing library": (
        code("features.py", "import no_such_library\n"),
        "featurize",
        "features.py, line 1: raised ModuleNotFoundError: .*, then run make lock",
    ),
    "no Python": (code("features.py", "def features(rows:\n"), "featurize", "features.py, line 1: raised SyntaxError"),
    "missing library of the model": (
        code("model.py", "import no_such_library\n"),
        "train",
        "model.py, line 1: raised ModuleNotFoundError: .*, then run make lock",
    ),
    "columns from where they were": (
        code("model.py", "from .learning.columns import default as build\n"),
        "train",
        "model.py, line 1: raised ModuleNotFoundError: .*from plumbline.columns import",
    ),
    "wrong version": (version("abc"), "package", "pyproject.toml: Invalid version `abc`"),
    "no pipeline": (code("model.py", "def build(types, estimator):\n    return estimator\n"), "train", "return a Pipe"),
    "table not there": (lambda p: Path("data/table.parquet").unlink(), "featurize", "No such file or directory"),
    "model not there": (lambda p: Path("data/model.skops").unlink(), "evaluate", "No such file or directory"),
}
MISSING_OUTPUTS = ("table not there", "model not there")  # the stage that writes them must not run before


@pytest.mark.parametrize("name", CASES)
def test_bad_input_gets_one_line_and_leaves_what_was_there(name: str, run_copy: Project, finished_run: Path) -> None:
    damage, stage, words = CASES[name]
    damage(run_copy)
    at = 0 if stage == "params" else STAGES.index(stage)
    for earlier in STAGES[: 0 if name in MISSING_OUTPUTS else at]:
        assert run_stage(earlier) == (0, "")
    before = read_outputs(*STAGES[at:])
    code, message = run_stage(stage)
    assert code == 1
    assert re.fullmatch(rf"ERROR: .*{words}.*\n", message), message
    assert (RESTORE in message) == (stage != "params" and has_lost_outputs(finished_run))
    assert "?." not in message
    assert read_outputs(*STAGES[at:]) == before
    assert is_documented(message), f"plumbline/docs/errors.md has no such message: {message}"

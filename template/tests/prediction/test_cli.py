"""The command of a package that was built by the pipeline, loaded from its wheel."""

import io
import json
import re
import subprocess
import sys
from functools import partial
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import feather

from plumbline.packaging.wheel import read_module
from plumbline.testing.projects import Project, environment, make_table
from template.tests.terminal import posix, run_in_terminal

TABLE = make_table()
READERS: dict = {"csv": pd.read_csv, "jsonl": partial(pd.read_json, lines=True), "parquet": pd.read_parquet}


@pytest.fixture(scope="module")
def command(tmp_path_factory):
    """The command's module, imported from a wheel that processes find, too; we are in the project it comes from."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("project"))
        project = Project(Path.cwd())
        project.table(TABLE)
        project.change(model={"estimator": "sklearn.linear_model.LogisticRegression"})
        project.run()
        wheel = next(Path("dist").glob("*.whl")).resolve()
        patch.syspath_prepend(wheel)
        patch.setenv("PYTHONPATH", str(wheel))
        name = read_module(wheel)
        yield import_module(f"{name}.prediction.cli")
    for module in [module for module in sys.modules if module.split(".")[0] == name]:
        del sys.modules[module]


def error_class(command) -> type[Exception]:
    """The package has classes of its own."""
    return sys.modules[command.report_errors.__module__].PlumblineError


@pytest.mark.parametrize("form", READERS)
def test_predictions_carry_the_key_or_else_the_row_number(command, monkeypatch, capsysbinary, form: str) -> None:
    unnamed = TABLE.drop(columns="row_id").to_csv(index=False).encode()
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(unnamed)))
    command.main(["predict"])
    piped = pd.read_csv(io.BytesIO(capsysbinary.readouterr().out))
    assert piped.pop("row").tolist() == list(range(1, 301))
    assert (piped["prediction"] == TABLE["target"]).mean() > 0.8
    TABLE.set_index(TABLE.index[::-1]).to_parquet("table.parquet")
    command.main(["predict", "table.parquet", "-o", f"output.{form}"])
    predictions = READERS[form](f"output.{form}")
    assert predictions.pop("row_id").tolist() == TABLE["row_id"].tolist()
    pd.testing.assert_frame_equal(predictions, piped)


def test_a_bad_row_stops_or_goes_aside_and_leaves_the_others_as_they_were(command, monkeypatch) -> None:
    monkeypatch.setattr(sys.modules[command.open_source.__module__], "BATCH", 10)
    rows = TABLE.head(30).astype({"x1": object, "flag": object})
    rows.loc[:9, "x1"] = "secret"  # a whole batch
    rows.loc[[1, 15], "flag"] = "maybe"
    rows.to_json("bad.jsonl", orient="records", lines=True)
    TABLE[:30].drop([*range(10), 15]).to_json("good.jsonl", orient="records", lines=True)
    stops = [sys.executable, "-m", command.__name__, "predict", "bad.jsonl", "-o", "bad.parquet"]
    process = subprocess.run(stops, capture_output=True, text=True)
    assert (process.returncode, process.stderr.count("\n"), Path("bad.parquet").exists()) == (1, 1, False)
    assert process.stderr.split("Correct")[0] == "ERROR: bad.jsonl, row 1, column 'x1': expected a number. "
    command.main(["predict", "bad.jsonl", "-o", "bad.parquet", "--aside", "aside.jsonl"])
    aside = [list(json.loads(line).values()) for line in Path("aside.jsonl").read_text().splitlines()]
    assert aside[1:3] == [[2, "x1", "a number", "secret"], [2, "flag", "true or false", "maybe"]]
    assert [row for row, *_ in aside] == [1, 2, *range(2, 11), 16]
    command.main(["predict", "good.jsonl", "-o", "good.parquet"])
    pd.testing.assert_frame_equal(pd.read_parquet("bad.parquet"), pd.read_parquet("good.parquet"))


def test_unusual_values_are_counted_at_the_end_and_flagged_set_aside_or_refused_on_request(
    command, monkeypatch, capsys
) -> None:
    monkeypatch.setattr(sys.modules[command.open_source.__module__], "BATCH", 10)
    rows = TABLE.head(30).astype({"x1": object})
    rows.loc[[3, 11, 12, 20], "x1"] = 99.5
    rows.loc[2, "x1"] = "secret"
    rows.loc[11, "colour"] = None
    rows.to_json("odd.json", orient="records")
    low, high = (float(f"{end:.6g}") for end in (TABLE["x1"].min(), TABLE["x1"].max()))
    expected = {
        "x1": f"expected a value in or near the table's range, {low} to {high}",
        "colour": "expected a value, as in every row of the table",
    }
    predict = ["predict", "odd.json", "-o", "odd.parquet", "--aside", "aside.jsonl"]
    command.main([*predict, "--flag"])
    assert capsys.readouterr().err.splitlines() == [
        "29 rows predicted into odd.parquet, 1 set aside",
        f"unusual: column 'x1': 4 values, {expected['x1']} (rows 4, 12, 13, ...)",
        f"unusual: column 'colour': 1 value, {expected['colour']} (row 12)",
    ]
    flagged = pd.read_parquet("odd.parquet").set_index("row_id")
    flags = flagged.pop("unusual")
    assert flags[flags != ""].to_dict() == {"1003": "x1", "1011": "x1; colour", "1012": "x1", "1020": "x1"}
    command.main(predict)
    pd.testing.assert_frame_equal(pd.read_parquet("odd.parquet").set_index("row_id"), flagged)
    capsys.readouterr()
    command.main([*predict, "--strict"])
    assert capsys.readouterr().err == "25 rows predicted into odd.parquet, 5 set aside\n"
    aside = [json.loads(line) for line in Path("aside.jsonl").read_text().splitlines()]
    places = [f"{value['row']} {value['column']}" for value in aside]
    assert places == ["3 x1", "4 x1", "12 x1", "12 colour", "13 x1", "21 x1"]
    assert aside[1] == {"row": 4, "column": "x1", "expected": expected["x1"].removeprefix("expected "), "value": "99.5"}
    rows.drop(index=2).to_json("odd.json", orient="records")
    with pytest.raises(
        error_class(command), match=r"odd.json, row 3, column 'x1': expected a value in or near .* --aside"
    ):
        command.main(["predict", "odd.json", "--strict"])


def test_usual_rows_get_not_a_word_and_an_empty_flag(command, capsys) -> None:
    TABLE.to_csv("usual.csv", index=False)
    command.main(["predict", "usual.csv", "-o", "usual.csv.parquet", "--flag", "--strict"])
    assert capsys.readouterr().err == "300 rows predicted into usual.csv.parquet, 0 set aside\n"
    assert set(pd.read_parquet("usual.csv.parquet")["unusual"]) == {""}


@pytest.mark.parametrize("index", [None, range(300), range(500, 800), [f"row {i}" for i in range(300)]])
def test_an_index_that_is_written_into_the_file_changes_nothing(command, index) -> None:
    TABLE.to_csv("plain.csv", index=False)
    command.main(["predict", "plain.csv", "-o", "plain.parquet"])
    rows = TABLE if index is None else TABLE.set_axis(pd.Index(index))
    rows.to_csv("indexed.csv")
    command.main(["predict", "indexed.csv", "-o", "indexed.parquet"])
    assert pd.read_parquet("indexed.parquet").equals(pd.read_parquet("plain.parquet"))


def test_a_renamed_column_is_named(command) -> None:
    TABLE.rename(columns={"colour": "Color"}).to_csv("renamed.csv", index=False)
    words = r"column 'colour' is missing \(1 of 4 are\); found 6 columns, the nearest is 'Color'. Rename it$"
    with pytest.raises(error_class(command), match=words):
        command.main(["predict", "renamed.csv"])


def test_info_is_json_and_check_wants_golden_answers_and_exact_versions(command, monkeypatch, capsys) -> None:
    command.main(["info"])
    assert json.loads(capsys.readouterr().out)["inputs"]["colour"] == "category"
    assert command.main(["check"]) == 0
    assert "9 golden rows give their golden answers" in capsys.readouterr().out
    monkeypatch.setattr("importlib.metadata.requires", lambda name: ["no-such-package==1.0"])
    with pytest.raises(error_class(command), match=r"no-such-package: expected version 1.0, found none"):
        command.main(["check"])


def test_no_rows_and_other_forms_of_output_are_refused(command) -> None:
    TABLE[:0].to_parquet("none.parquet")
    messages = {
        ("--aside", "a.csv"): "ending in .jsonl",
        ("-o", "a.xls"): "ending in .csv,",
        ("-o", "a.csv"): "no rows",
    }
    for options, message in messages.items():
        with pytest.raises(error_class(command), match=message):
            command.main(["predict", "none.parquet", *options])


PROGRESS = re.compile(r"([\d,]+) rows, (\d+)% of the source, (0:00:\d\d) left *$")


@posix
@pytest.mark.parametrize("form", ["csv.gz", "parquet", "folder"])
def test_a_terminal_shows_rows_share_and_remaining_time_on_one_line_that_goes(command, form: str) -> None:
    source, long = Path(f"long.{form}"), make_table(rows=180_000, seed=1)
    for name in ("x1", "x2"):
        long[name] = long[name].clip(TABLE[name].min(), TABLE[name].max())
    if form == "folder":
        source.mkdir()
        for number in range(4):
            long[number::4].to_csv(source / f"{number}.csv", index=False)
    else:
        long.to_csv(source, index=False) if form == "csv.gz" else long.to_parquet(source)
    predict = [sys.executable, "-m", command.__name__, "predict", str(source)]
    output, _ = run_in_terminal([*predict, "-o", "long.parquet"])
    *counts, blank, last = output.split("\r")[1:-1]
    assert last == "180,000 rows predicted into long.parquet, 0 set aside"
    assert blank == " " * len(counts[0])
    lines = [PROGRESS.match(line).groups() for line in counts]
    rows, shares = [int(row.replace(",", "")) for row, *_ in lines], [int(share) for _, share, _ in lines]
    assert rows == sorted(rows)
    assert (rows[-1], shares[-1], lines[-1][-1]) == (180_000, 100, "0:00:00")
    assert len(counts) >= 3
    assert all(0 < share <= 100 for share in shares)
    assert shares == sorted(shares)
    assert shares[0] < 60


@posix
def test_where_the_rows_themselves_or_nobody_sees_it_nothing_is_counted(command) -> None:
    TABLE.to_csv("short.csv", index=False)
    predict = [sys.executable, "-m", command.__name__, "predict"]
    output, _ = run_in_terminal([*predict, "short.csv"])
    assert "of the source" not in output
    output, rows = run_in_terminal([*predict, "short.csv"], stdout=subprocess.PIPE)
    assert output.count("of the source") == 1
    assert rows.count("\n") == 301


@posix
def test_a_count_without_a_share_goes_before_an_error_is_said(command) -> None:
    bad = TABLE.astype({"x1": str})
    bad.loc[299, "x1"] = "secret"
    feather.write_feather(pa.Table.from_pandas(bad), "bad.feather", chunksize=100)
    stops = f"'{sys.executable}' -m {command.__name__} predict bad.feather -o bad.parquet; true"
    output, _ = run_in_terminal(["sh", "-c", stops])
    first, second, blank, error = (part.rstrip() for part in output.split("\r")[1:-1])
    assert (first, second, blank) == ("100 rows", "200 rows", "")
    assert error.startswith("ERROR: bad.feather, row 300, ")


def test_a_reader_that_has_enough_is_no_error(command) -> None:
    run, buffered = f"'{sys.executable}' -m {command.__name__}", environment(PYTHONUNBUFFERED="")
    both = f"({run} predict data/source/table.csv; {run} info) | true"
    assert subprocess.run(["sh", "-c", both], capture_output=True, env=buffered).stderr == b""

"""Bad input through the stages' own commands: one line, a non-zero exit, and all that was there as it was."""

import contextlib
import gzip
import io
import os
import re
import resource
import runpy
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import yaml

from plumbline import paths as files
from plumbline import versions
from plumbline.__main__ import main
from plumbline.findings import Findings
from plumbline.pipeline.stage import RESTORE, REVIEWED
from plumbline.testing.projects import PRISTINE, ROOT, STAGES, Project, make_table

PAGE = (ROOT / "docs/errors.md").read_text(encoding="utf-8")
TABLE = make_table(rows=200)
SOURCE = "data/source/table.csv"
Break = Callable[[Project], Any]


def source(content: bytes | str) -> Break:
    """The source holds this."""
    raw = content if isinstance(content, bytes) else content.encode()
    return lambda project: Path(SOURCE).write_bytes(raw)


def rows(frame: pd.DataFrame, **data: Any) -> Break:
    """The source holds this frame, and params say so."""
    return lambda project: project.table(frame, **data)


def params(**groups: Any) -> Break:
    return lambda project: project.change(**groups)


def text(change: Callable[[str], str]) -> Break:
    """params.yaml is edited by hand."""

    def edit(_: Project) -> None:
        path = Path("params.yaml")
        path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")

    return edit


def code(name: str, content: str) -> Break:
    """One of the user's two files."""

    def write(project: Project) -> None:
        (project.folder / "src" / name).write_text(content)

    return write


def version(words: str) -> Break:
    """The project's version is edited by hand."""

    def write(project: Project) -> None:
        path = project.folder / "pyproject.toml"
        text = path.read_text(encoding="utf-8")
        path.unlink()  # a link to the repository's own
        path.write_text(re.sub("(?m)^version = .*$", f'version = "{words}"', text), encoding="utf-8")

    return write


def column(name: str, values: Any, **data: Any) -> Break:
    return rows(TABLE.assign(**{name: values}), **data)


def bad(first: str, count: int) -> list[str]:
    return [first] * count + [str(value) for value in np.linspace(0, 9, len(TABLE) - count).round(3)]


def link(_: Project) -> None:
    Path("data/source/link.csv").symlink_to("/etc/hosts")
    _.change(data={"source": "data/source/link.csv"})


def part_outside(_: Project) -> None:
    Path("data/source/parts").mkdir()
    Path("data/source/parts/a.csv").write_text("a,b\n1,2\n")
    Path("data/source/parts/b.csv").symlink_to("/etc/hosts")
    _.change(data={"source": "data/source/parts"})


def yaml_file(name: str, content: str) -> Break:
    return lambda project: Path(name).write_text(content)


def folder(*files: str) -> Break:
    def make(project: Project) -> None:
        Path("data/source/parts").mkdir()
        for i, content in enumerate(files):
            Path(f"data/source/parts/{i}.csv").write_text(content)
        project.change(data={"source": "data/source/parts"})

    return make


MANY = pd.DataFrame({"x": np.linspace(0, 1, 10000) ** 2, "target": [f"class {i % 5000}" for i in range(10000)]})
BOMB = "a: &a [x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join(9 * [f'*{old}'])}]\n" for old, new in pairwise("abcdefghi")
)
TAG = "problem: {question: !!python/object/apply:os.system ['touch executed']}\n"
FRAME, TARGET = "import pandas as pd\ndef features(rows):\n    ", "data.target 'target'"
# What is broken, the stage that refuses it, and its words (a part of docs/errors.md must have them, too).
CASES: dict[str, tuple[Break, str, str]] = {
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
    "JSON by columns, large": (source('{"a": {"0": 1' + ' ' * 2**20), "ingest", "has no object that ends in its first"),
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
    "infinite": (column("x1", bad("inf", 1)), "ingest", "expected finite numbers, 1 are infinite"),
    "huge integers": (column("x1", bad("9" * 30, 1)), "ingest", r"1 of 200 values are not numbers \(rows 1\)"),
    "few words": (column("x1", bad("unknown", 2)), "ingest", r"2 of 200 values are not numbers \(rows 1, 2\)"),
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
    "cut outside the data": (lambda p: [column("t", "2024-05-01", time="t")(p), p.change(split={"cut": "2030-01-01"})],
                             "featurize", "the holdout has 0 rows"),
    "cut without a time": (params(split={"cut": "2030-01-01"}), "params", "split.cut is set and data.time is null"),
    "weights below zero": (column("w", -1, weight="w"), "ingest", "data.weight 'w': expected finite numbers from 0"),
    "a type that does not fit": (rows(TABLE, types={"colour": "number"}), "ingest", "'colour': is not of type number"),
    "a type that is none": (rows(TABLE, types={"colour": "int"}), "ingest", "data.types is .*expected a map"),
    "all left out": (rows(TABLE, ignore=["x1", "x2", "colour", "flag"]), "ingest", "no feature is left"),
    "no suite": (lambda p: Path("expectations/table.json").write_text("{"), "ingest", "is not a suite"),
    "unknown expectation": (lambda p: Path("expectations/table.json").write_text(
        '{"expectations": [{"type": "expect_wonders", "kwargs": {}}]}'), "ingest",
        "1 of 1 expectations cannot be run: expectation 1, expect_wonders: there is no such"),
    "two suites": (lambda p: [Path(f"expectations/{name}.json").write_text(
        '{"meta": {"table": "data/source/table.csv"}, "expectations": []}') for name in "ab"], "ingest",
        "are both about data/source/table.csv, expected one suite"),
    "a table that is no path": (yaml_file("docs/project.yaml", "table: [3]\nproblem: {question: null}\n"), "evaluate",
                                "project.yaml: table is .3., expected the path of a table"),
    "an expectation of a column that is not there": (lambda p: Path("expectations/table.json").write_text(
        '{"expectations": [{"type": "expect_column_values_to_be_unique", "kwargs": {"column": "colur"}}]}'), "ingest",
        "1 of 1 expectations do not hold: expectation 1, .*no column 'colur'. Did you mean 'colour'"),
    "broken expectation": (lambda p: Path("expectations/table.json").write_text(
        '{"expectations": [{"type": "expect_column_values_to_be_unique", "kwargs": {"column": "colour"}}]}'), "ingest",
        "1 of 1 expectations do not hold: .*'colour': 200 of 200 rows"),
    "a copy of the target": (column("copy", TABLE.target.str.upper() + "!"), "featurize", "leakage: 'copy' alone"),
    "allowed and not there": (params(data={"allow": {"copi": "x"}}), "featurize", "data.allow names 'copi'"),
    "random features": (code("features.py", "import numpy as np\n" + FRAME + "return rows.assign("
                             "r=np.random.random(len(rows)))"), "featurize", "leakage: .*'r'"),
    "unknown floor": (params(requirements={"floors": {"auc": 1}}), "evaluate", "requirements.floors has 'auc'"),
    "no such slice": (params(requirements={"must_work": ["colour = rd"]}), "evaluate", "must_work has 'colour = rd'"),
    "no protected column": (params(requirements={"protected": ["sex"]}), "ingest", "protected names 'sex'"),
    "broken behaviour": (lambda p: Path("expectations/behaviour.yaml").write_text("- {name: x}\n"), "evaluate",
                         "behaviour.yaml: 'x': has name; expected name, why, then"),
    "no answer": (lambda p: Path("docs/project.yaml").write_text("data: {owner: [x]}\n"), "evaluate",
                  "data.owner is .'x'., expected a sentence"),
    "unknown slice": (params(evaluate={"slices": ["color"]}), "evaluate", "evaluate.slices names 'color', .*'colour'"),
    "unknown metric": (params(evaluate={"metrics": ["AUC"]}), "evaluate", "evaluate.metrics has 'AUC'"),
    "unknown estimator": (params(model={"estimator": "sklearn.svm.SVX"}), "train", "cannot be imported"),
    "no estimator": (params(model={"estimator": "numpy.ndarray"}), "train", "is no scikit-learn estimator"),
    "another task's": (params(model={"estimator": "sklearn.linear_model.Ridge"}), "train", "cannot do a binary task"),
    "unknown argument": (params(model={"arguments": {"depth": 3}}), "train", "model.arguments do not fit"),
    "raises while fitting": (params(model={"arguments": {"max_bins": 999}}), "train", "raised while fitting.*max_bins"),
    "not YAML": (text(lambda old: old + "\n  x: [1\n"), "params", "params.yaml, line"),
    "a tab": (text(lambda old: old.replace("  source", "\tsource")), "params", "params.yaml, line"),
    "a key twice": (text(lambda old: old + "data: {source: x, target: y}\n"), "params", "data stands twice"),
    "a tag": (text(lambda old: old + "model: !!python/object:os.system {}\n"), "params", "could not determine a cons"),
    "conflict markers": (text(lambda old: "<<<<<<< HEAD\n" + old + "=======\n>>>>>>> x\n"), "params", "yaml, line"),
    "no params": (text(lambda old: ""), "params", "expected groups of keys"),
    "unknown key": (params(model={"sede": 1}), "params", "model.sede is no key, .*Did you mean 'model.seed'"),
    "yes is true": (text(lambda old: old.replace("data:", "data:\n  group: yes")), "params", "Put it in quotes"),
    "out of range": (params(split={"holdout": 2}), "params", "split.holdout is 2, expected a number between 0 and 1"),
    "climbs out": (params(data={"source": "data/../../x.csv"}), "params", "data.source is .*expected a path in the"),
    "link to outside": (link, "ingest", "is, or has, a link to outside the project"),
    "a part from outside": (part_outside, "ingest", "is, or has, a link to outside the project"),
    "aliases": (text(lambda old: BOMB + old), "params", "params.yaml, line 2: an alias stands here"),
    "aliases in answers": (yaml_file("docs/project.yaml", BOMB), "evaluate", "project.yaml, line 2: an alias"),
    "aliases in behaviours": (yaml_file("expectations/behaviour.yaml", BOMB), "evaluate", "yaml, line 2: an alias"),
    "a tag in answers": (yaml_file("docs/project.yaml", TAG), "evaluate", "line 1: could not determine a constructor"),
    "a tag in behaviours": (yaml_file("expectations/behaviour.yaml", TAG), "evaluate", "line 1: could not determine"),
    "endless depth": (text(lambda old: "x: " + "[" * 10000), "params", "params.yaml: is nested too deep"),
    "features raise": (code("features.py", FRAME + "return rows.assign(y=rows['no'])"), "featurize", "3: raised K"),
    "fewer rows": (code("features.py", FRAME + "return rows.head(1)"), "featurize", "expected the 200 rows it was"),
    "no frame": (code("features.py", FRAME + "return None"), "featurize", "expected features.. to return a frame"),
    "missing library": (code("features.py", "import no_such_library\n"), "featurize",
                        "features.py, line 1: raised ModuleNotFoundError: .*, then make lock"),
    "no Python": (code("features.py", "def features(rows:\n"), "featurize", "features.py, line 1: raised SyntaxError"),
    "missing library of the model": (code("model.py", "import no_such_library\n"), "train",
                                     "model.py, line 1: raised ModuleNotFoundError: .*, then make lock"),
    "columns from where they were": (code("model.py", "from .learning.columns import default as build\n"), "train",
                                     "model.py, line 1: raised ModuleNotFoundError: .*from plumbline.columns import"),
    "wrong version": (version("abc"), "package", "pyproject.toml: Invalid version `abc`"),
    "no pipeline": (code("model.py", "def build(types, estimator):\n    return estimator\n"), "train", "return a Pipe"),
    "table not there": (lambda p: Path("data/table.parquet").unlink(), "featurize", "No such file or directory"),
    "model not there": (lambda p: Path("data/model.skops").unlink(), "evaluate", "No such file or directory"),
}  # fmt: skip
PIPELINE = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
OUTS = {
    name: [next(iter(out)) if isinstance(out, dict) else out for out in stage["outs"]]
    for name, stage in PIPELINE.items()
}
LOST = ("table not there", "model not there")  # made by an earlier stage, so that must not run


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose pipeline has run, and whose run is committed."""
    folder, before = tmp_path_factory.mktemp("made"), Path.cwd()
    os.chdir(folder)
    project = Project(folder)
    project.table(TABLE)
    project.run()
    lock = {"stages": {name: {"outs": [{"path": out, "md5": f"aa{out}"} for out in OUTS[name]]} for name in STAGES}}
    Path("dvc.lock").write_text(yaml.safe_dump(lock), encoding="utf-8")
    Path(".dvc").mkdir()
    Path(".dvc/config").touch()
    for out in (out for name in STAGES for out in OUTS[name] if not reviewed(out)):
        (held := Path(".dvc/cache/files/md5/aa", out)).parent.mkdir(parents=True, exist_ok=True)
        held.touch()
    for command in ("init -q", f"add {' '.join(REVIEWED)}", "-c user.name=x -c user.email=x@y.z commit -qm run"):
        subprocess.run(["git", *command.split()], check=True)
    os.chdir(before)
    return folder


@pytest.fixture
def copy(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    folder = tmp_path / "project"
    shutil.copytree(made, folder, symlinks=True)
    monkeypatch.chdir(folder)
    return Project(folder, new=False)


def reviewed(out: str) -> bool:
    return out.startswith(REVIEWED)


def lost(before: Path) -> bool:
    """Whether anything of the committed run is not as it was there."""
    outs = [Path(out) for name in STAGES for out in OUTS[name]]
    if not all(out.exists() for out in outs):
        return True
    return any(reviewed(str(out)) and out.read_bytes() != (before / out).read_bytes() for out in outs)


def kept(*stages: str) -> dict[str, bytes]:
    """What these stages have left, and the names of all files there are."""
    outs = [Path(out) for stage in stages for out in OUTS[stage]]
    files = [out for out in outs if out.is_file()]  # not dist: the wheel of a failed run must not be taken for one
    return {str(file): file.read_bytes() for file in files} | {"*": repr(sorted(Path().glob("[!ds]*/*"))).encode()}


def run(stage: str, **limits: Any) -> tuple[int, str]:
    """Exit code and standard error of the command, in a process of its own where the code or limits are others."""
    if stage == "params":
        with contextlib.redirect_stderr(io.StringIO()) as said:
            return main(["params"]), said.getvalue()
    versions.write()  # as the stage before all others does
    name = f"src.stages.{stage}"
    if limits or any(Path("src", file).read_text() != content for file, content in PRISTINE.items()):
        ran = subprocess.run([sys.executable, "-m", name], capture_output=True, text=True, **limits)
        return ran.returncode, ran.stderr
    sys.modules.pop(name, None)
    with contextlib.redirect_stderr(io.StringIO()) as said, pytest.raises(SystemExit) as caught:
        runpy.run_module(name, run_name="__main__")
    return int(str(caught.value.code)), said.getvalue()


def known(line: str) -> bool:
    """Whether the page on errors has this message; ... stands for any words there."""
    shown = re.findall(r"(?m)^\| `(.+?)` \|", PAGE)
    return any(re.search(re.escape(message).replace(r"\.\.\.", ".*"), line) for message in shown)


@pytest.mark.parametrize("name", CASES)
def test_bad_input_gets_one_line_and_leaves_what_was_there(name: str, copy: Project, made: Path) -> None:
    spoil, stage, words = CASES[name]
    spoil(copy)
    at = 0 if stage == "params" else STAGES.index(stage)
    for earlier in STAGES[: 0 if name in LOST else at]:
        assert run(earlier) == (0, "")
    before = kept(*STAGES[at:])
    code, said = run(stage)
    assert code == 1
    assert re.fullmatch(rf"ERROR: .*{words}.*\n", said), said
    assert (RESTORE in said) == (stage != "params" and lost(made))
    assert "?." not in said
    assert kept(*STAGES[at:]) == before
    assert known(said), f"docs/errors.md has no such message: {said}"


CHECKOUT = "python3 -m src.environment dvc checkout"
WAYS: list[tuple[Callable[[], Any], str]] = [  # what became of a committed run, and what brings it back
    (lambda: None, ""),
    (lambda: Path("metrics/metrics.json").write_text("{}"), "git restore metrics"),
    (lambda: Path("metrics/new.json").write_text("{}"), ""),
    (lambda: Path("data/model.skops").unlink(), CHECKOUT),
    (lambda: [Path(f"{at}/data/model.skops").unlink() for at in (".", ".dvc/cache/files/md5/aa")], ""),
    (lambda: [Path(f"data/{out}").unlink() for out in ("model.skops", "schema.json")],
     f"git restore data/schema.json && {CHECKOUT}"),
    (lambda: Path("dvc.lock").write_text("stages:"), f"git restore dvc.lock && {CHECKOUT}"),
    (lambda: [Path(name).unlink() for name in ("dvc.lock", ".dvc/cache/files/md5/aa/data/table.parquet")],
     f"git restore dvc.lock && {CHECKOUT} --allow-missing"),
]  # fmt: skip


@pytest.mark.parametrize(("lose", "command"), WAYS)
def test_the_way_back_is_told_where_something_that_is_committed_was_lost(
    lose: Callable[[], Any], command: str, copy: Project
) -> None:
    lose()
    Path("data/source/table.csv").unlink()
    said = run("ingest")[1]
    assert said.rstrip().partition(RESTORE)[2] == command
    if command:
        assert said.count("\n") == 1


def test_an_experiment_in_a_copy_of_its_own_has_lost_nothing(copy: Project, monkeypatch) -> None:
    shutil.copytree(copy.folder, copied := copy.folder / ".dvc/tmp/exps/standalone/tmp1", symlinks=True,
                    ignore=shutil.ignore_patterns("tmp"))  # fmt: skip
    Path("data/model.skops").unlink()
    Path("data/source/table.csv").unlink()
    assert RESTORE in run("ingest")[1]
    monkeypatch.chdir(copied)
    Path("data/model.skops").unlink()
    Path("data/source/table.csv").unlink()
    assert RESTORE not in run("ingest")[1]


def test_there_is_no_way_back_to_a_run_that_is_not_committed(copy: Project) -> None:
    Path("data/source/table.csv").unlink()
    Path("metrics/metrics.json").unlink()
    assert RESTORE in run("ingest")[1]
    shutil.rmtree(".git")
    assert RESTORE not in run("ingest")[1]
    subprocess.run(["git", "init", "-q"], check=True)
    assert RESTORE not in run("ingest")[1]


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("what", ["Ctrl-C", "no memory", "a read-only folder", "a full disk"])
def test_a_stage_that_is_stopped_leaves_what_was_there(
    what: str, stage: str, copy: Project, made: Path, monkeypatch
) -> None:
    limits: dict[str, Any] = {}
    if what == "Ctrl-C":  # after the last of its work
        monkeypatch.setattr(Findings, "write", lambda _: os.kill(os.getpid(), signal.SIGINT))
    elif what == "no memory":
        monkeypatch.setattr(Findings, "write", lambda _: bytearray(1 << 62))
    elif what == "a full disk":
        limits["preexec_fn"] = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))
    else:
        monkeypatch.setattr(files, "checks", lambda _: "/sys/checks.json")  # where not even root can write
    later = STAGES[STAGES.index(stage) :]
    before = kept(*later)
    code, said = run(stage, **limits)
    assert (code, said.count("\n")) == (1, 1), said
    assert said.startswith("ERROR: ")
    assert (RESTORE in said) == lost(made)
    assert kept(*later) == before
    assert known(said), f"docs/errors.md has no such message: {said}"

"""replay on a project of faults, one stage each: every one is named with its cause; and what it says of a sound one."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from plumbline.errors import PlumblineError
from plumbline.reproducibility.circumstances import CIRCUMSTANCES, prepare_surroundings
from plumbline.reproducibility.replay import DIFFER, IDENTICAL, METRICS_EQUAL, OTHER_MACHINE, ReplayReport, replay
from template.tests.reproducibility.conftest import COMMIT, Tiny

# Each writes its argument; `cause` is the circumstance to be named, `where` the first difference.
FAULTS = {
    "set_iterated": (
        "import pandas as pd, sys\nwords = {'a', 'b', 'c', 'd', 'e', 'f'}\n"
        "pd.DataFrame({'same': 1, 'word': list(words)}).to_parquet(sys.argv[1])",
        "parquet",
        "hash seed",
        "column word, row ",
    ),
    "time_of_day": (
        "import datetime, json, sys\njson.dump({'a': {'at': str(datetime.datetime.now())}}, open(sys.argv[1], 'w'))",
        "json",
        "clock",
        "a.at",
    ),
    "host_name": (
        "import platform, sys\nopen(sys.argv[1], 'w').write('first\\n' + platform.node())",
        "txt",
        "host and user",
        "line 2",
    ),
    "absolute_path": (
        "import json, os, sys\njson.dump([1, os.getcwd()], open(sys.argv[1], 'w'))",
        "json",
        "directory",
        "[1]",
    ),
    "sum_of_threads": (
        "import json, os, sys\nn = int(os.environ.get('OMP_NUM_THREADS', '1'))\n"
        "v = [1 / (i + 3) for i in range(1000)]\n"
        "json.dump({'loss': sum(sum(v[i::n]) for i in range(n))}, open(sys.argv[1], 'w'))",
        "json",
        "threads",
        "loss",
    ),
    "unseeded": (
        "import json, sys\nfrom sklearn.ensemble import RandomForestRegressor\n"
        "x = [[i] for i in range(50)]\nmodel = RandomForestRegressor(3).fit(x, [i % 7 for i in range(50)])\n"
        "json.dump({'values': model.predict(x).tolist()}, open(sys.argv[1], 'w'))",
        "json",
        "randomness",
        "values[",
    ),
    "order_of_files": (
        "import json, os, sys\njson.dump(os.listdir('src'), open(sys.argv[1], 'w'))",
        "json",
        "order of directory listings",
        "[0]",
    ),
    "locale_parse": (
        "import json, locale, sys\njson.dump({'number': locale.atof('1.234')}, open(sys.argv[1], 'w'))",
        "json",
        "locale",
        "number",
    ),
    "zip_stamp": (
        "import sys, zipfile\nwith zipfile.ZipFile(sys.argv[1], 'w') as z:\n    z.writestr('inside.txt', 'same')",
        "zip",
        "clock",
        "member inside.txt: its time stamp",
    ),
    "variable": (
        "import json, os, sys\njson.dump({'scale': os.environ.get('SCALE_OF_MINE', '1')}, open(sys.argv[1], 'w'))",
        "json",
        "environment variables (the code names SCALE_OF_MINE)",
        "scale",
    ),
}
MORE = {
    "default_encoding": (
        "import sys\ntext = open('text.txt').read()\nopen(sys.argv[1], 'w').write('read')",
        "txt",
        "locale",
        "default_encoding fails (UnicodeDecodeError",
    ),
    "time_zone": (
        "import json, sys, time\njson.dump(time.localtime(0).tm_hour, open(sys.argv[1], 'w'))",
        "json",
        "time zone",
        "the file",
    ),
    "rights": (
        "import os, sys\nfile = open(sys.argv[1], 'w')\nfile.write(oct(os.fstat(file.fileno()).st_mode))",
        "txt",
        "umask",
        "line 1",
    ),
    "home": (
        "import pathlib, sys\nopen(sys.argv[1], 'w').write(str(pathlib.Path.home()))",
        "txt",
        "home and caches",
        "line 1",
    ),
    "itself": (
        "import json, sys, time\njson.dump(time.perf_counter_ns(), open(sys.argv[1], 'w'))",
        "json",
        "no circumstance: two runs without any change also differ",
        "the file",
    ),
    "vector_instructions": (
        "import json, sys\nfrom numpy._core._multiarray_umath import __cpu_features__ as found\n"
        "json.dump({'found': [name for name in found if found[name]]}, open(sys.argv[1], 'w'))",
        "json",
        "processor",
        "found[",
    ),
    "kernel_of_blas": (
        "import json, sys, numpy\nfrom threadpoolctl import threadpool_info\n"
        "json.dump({'kernel': [one.get('architecture') for one in threadpool_info()]}, open(sys.argv[1], 'w'))",
        "json",
        "processor",
        "kernel[",
    ),
    "arrow": (
        "import json, pyarrow, sys\njson.dump({'level': pyarrow.runtime_info().simd_level}, open(sys.argv[1], 'w'))",
        "json",
        "processor",
        "level",
    ),
}
SOUND = "import sys\nopen(sys.argv[1], 'w').write('always')"


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReplayReport]:
    """One replay of a project with all of the faults in it: the stages do not know of each other."""
    tiny = Tiny(tmp_path_factory.mktemp("faults"))
    (tiny.folder / "src").mkdir()
    (tiny.folder / "text.txt").write_text("Käse", encoding="utf-8")
    stages = {name: (code, suffix) for name, (code, suffix, *_) in (FAULTS | MORE).items()} | {"sound": (SOUND, "txt")}
    lines = ["stages:"]
    for name, (code, suffix) in stages.items():
        (tiny.folder / f"src/{name}.py").write_text(code, encoding="utf-8")
        out = f"{name}.{suffix}"
        lines.append(f"  {name}: {{cmd: python src/{name}.py {out}, deps: [src/{name}.py], outs: [{out}]}}")
    lines.append("  after: {cmd: cp unseeded.json after.json, deps: [unseeded.json], outs: [after.json]}")
    (tiny.folder / "dvc.yaml").write_text("\n".join(lines), encoding="utf-8")
    (tiny.folder / "params.yaml").write_text("data: {show_values: false}\n", encoding="utf-8")
    tiny.sh("git init -q && dvc init -q && dvc config core.check_update false && dvc repro -q" + COMMIT)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tiny.folder)
        patch.setenv("SCALE_OF_MINE", "2")
        yield replay()


@pytest.mark.slow
@pytest.mark.parametrize("name", FAULTS | MORE)
def test_each_fault_is_named_with_its_cause_and_place(name: str, faulty: ReplayReport) -> None:
    _, suffix, cause, where = (FAULTS | MORE)[name]
    difference = next(difference for difference in faulty.differences if difference.output == f"{name}.{suffix}")
    assert (difference.stage, difference.is_first) == (name, True)
    assert difference.causes[1:] == (("time zone",) if cause == "clock" else ())  # local time is of both
    assert difference.causes[0].startswith(cause), difference
    assert difference.where.startswith(where), difference
    assert "Käse" not in str(difference)


@pytest.mark.slow
def test_what_is_sound_is_not_named_and_what_follows_is_told_apart(faulty: ReplayReport) -> None:
    assert (faulty.verdict, faulty.exit_code) == (DIFFER, 1)
    assert len(faulty.seconds) == 3 + len(CIRCUMSTANCES)
    follows = {difference.output: difference.is_first for difference in faulty.differences}
    assert "sound.txt" not in follows
    assert follows["after.json"] is False
    lines = list(faulty.lines())
    assert any(line == "1 outputs of later stages differ with them: after.json" for line in lines)
    assert lines[0].startswith("differ: 1 of 20 outputs are byte for byte those of dvc.lock")


def replay_project(tiny: Tiny, monkeypatch: pytest.MonkeyPatch, quick: bool = True) -> ReplayReport:
    monkeypatch.chdir(tiny.folder)
    return replay(find_causes=not quick)


def test_a_sound_project_is_proved_by_one_run(copy: Callable[..., Tiny], monkeypatch, capfd) -> None:
    """With a table behind a pointer, an output that is a folder, and one in git."""
    tiny = copy()
    before = tiny.sh("git status --porcelain --ignored")
    report = replay_project(tiny, monkeypatch, quick=False)
    assert (report.verdict, report.exit_code, report.differences) == (IDENTICAL, 0, ())
    assert list(report.seconds) == ["all changed together"]
    assert report.outputs == 6
    assert tiny.sh("git status --porcelain --ignored") == before
    assert "replay, all changed together: score" in capfd.readouterr().out


# A run whose numbers are not those of HEAD: `there` is what the other machine made.
OTHER = (
    "echo 'stages: {{one: {{cmd: cp here.json made.json, deps: [here.json], outs: [made.json: {{cache: false}}]}}}}'"
    " > dvc.yaml && echo 'metrics: [made.json]' >> dvc.yaml && echo '{{\"loss\": 0.1234565}}' > here.json"
    " && rm dvc.lock && dvc repro -q && echo '{{\"loss\": {there}}}' > made.json && dvc commit -q -f one" + COMMIT
)


@pytest.mark.parametrize(
    ("there", "word", "code"), [("0.1234565", IDENTICAL, 0), ("0.123457", METRICS_EQUAL, 0), ("0.123459", DIFFER, 1)]
)
def test_a_lock_of_another_machine(there: str, word: str, code: int, copy: Callable[..., Tiny], monkeypatch) -> None:
    tiny = copy()
    tiny.sh(OTHER.format(there=there))
    report = replay_project(tiny, monkeypatch, quick=False)
    assert (report.verdict, report.exit_code) == (word, code)
    if word != IDENTICAL:
        (difference,) = report.differences
        assert difference.causes == (OTHER_MACHINE,)
        assert difference.where == f"loss: {there} and 0.1234565"
        assert list(report.seconds) == ["all changed together", "nothing changed"]


@pytest.mark.parametrize(
    ("commands", "says"),
    [
        (
            "echo more >> metrics/score.json" + COMMIT,
            "metrics/score.json: the version in HEAD does not have the hash in dvc.lock",
        ),
        ("git rm -q dvc.lock" + COMMIT, "dvc.lock is not here"),
        ("rm -r data/source/big.csv .dvc/cache", "Run dvc pull data/source/big.csv"),
        (
            "sed -i 's|cmd: cat data/model.txt|wdir: .\\n    cmd: cat data/model.txt|' dvc.yaml" + COMMIT,
            "score uses wdir",
        ),
        ("sed -i 's|cat data/model.txt|false|' dvc.yaml" + COMMIT, "score fails"),
    ],
)
def test_what_cannot_be_replayed_is_refused(commands: str, says: str, copy: Callable[..., Tiny], monkeypatch) -> None:
    tiny = copy()
    tiny.sh(commands)
    with pytest.raises(PlumblineError, match=says):
        replay_project(tiny, monkeypatch)


def test_a_stage_that_fails_is_blamed_and_no_other(copy: Callable[..., Tiny], monkeypatch) -> None:
    tiny = copy()
    tiny.sh(
        "sed -i 's|cmd: mkdir -p parts|cmd: pwd \\| grep -qv Lücken \\&\\& mkdir -p parts|' dvc.yaml && dvc repro -q"
        + COMMIT
    )
    places = {difference.output: difference.where for difference in replay_project(tiny, monkeypatch).differences}
    assert places == {"parts": f"parts fails ({tiny_command(tiny)})", "metrics/score.json": "score lacks parts"}


def tiny_command(tiny: Tiny) -> str:
    return next(line.split("cmd: ")[1] for line in tiny.sh("cat dvc.yaml").splitlines() if "grep -qv" in line)


def test_quick_looks_for_no_cause_and_the_command_ends_with_its_code(copy: Callable[..., Tiny]) -> None:
    tiny = copy()
    tiny.sh("sed -i 's|echo note|pwd|' dvc.yaml && dvc repro -q" + COMMIT)
    output = tiny.sh(f"'{sys.executable}' -m plumbline replay --quick --json ../r.json", code=1)
    report = json.loads((tiny.folder / "../r.json").read_text(encoding="utf-8"))
    differences = [
        (difference["output"], difference["is_first"], difference["causes"], difference["where"])
        for difference in report["differences"]
    ]
    assert differences == [("data/note.txt", True, [], "line 1")]
    assert "Cause: not looked for" in output
    assert list(report["seconds"]) == ["all changed together", "nothing changed"]


@pytest.mark.parametrize(("prefix", "is_ascii"), [("/project/.venv", True), ("/Häuser/.venv", False)])
def test_text_stays_utf_8_where_libraries_are_under_a_path_that_is_not_ascii(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prefix: str, is_ascii: bool
) -> None:
    monkeypatch.setattr(sys, "prefix", prefix)
    environment = prepare_surroundings(tmp_path, ["locale"]).environment
    assert environment["LC_CTYPE"] == ("C" if is_ascii else "C.UTF-8")
    assert ("PYTHONUTF8" in environment) == is_ascii

"""hermetic finds each thing that is taken out of the real dvc.yaml or added to it for nothing, and nothing else."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from src import params
from src.reproducibility.hermetic import hermetic
from src.reproducibility.pipeline import declared, on_disk
from tests.conftest import ROOT, STAGES, environment, make_table

PIPELINE = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))
SUITE = '{"name": "table", "expectations": [{"type": "expect_column_to_exist", "kwargs": {"column": "x1"}}]}'
BEHAVIOUR = "- {name: more, why: so, raise: {x1: 1}, then: never lower, allowed: 0.9}\n"
ADDED = {"deps": "src/lock.py", "params": "review.folds", "outs": "metrics/nothing.json"}
WORDS = {"deps": ("undeclared file", "unread dependency"), "params": ("undeclared parameter", "unread parameter"),
         "outs": ("undeclared output", "unwritten output")}  # fmt: skip
PINNED = {
    "split.salt", "data/table.parquet", "src/leakage", "src/versions.json", "data/features.parquet"
} | {*ADDED.values()}  # fmt: skip


def parts(stage: str, part: str) -> Iterator[str]:
    """What dvc.yaml lists, by name; a parameter of another file as file:key."""
    for item in PIPELINE["stages"][stage][part]:
        if part == "params" and isinstance(item, dict):
            yield from (f"{file}:{key}" for file, keys in item.items() for key in keys)
        else:
            yield from item if isinstance(item, dict) else [item]


def mutated(stage: str, part: str, name: str) -> dict[str, Any]:
    """dvc.yaml without this, or with it where it was not."""
    content = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))
    items = content["stages"][stage][part]
    if name == ADDED[part]:
        items.append(name)
    elif ":" in name:
        items[-1]["pyproject.toml"].remove(name.partition(":")[2])
    else:
        content["stages"][stage][part] = [
            item for item in items if name != item and not (isinstance(item, dict) and name in item)
        ]
    return content


def is_fast(stage: str, part: str, name: str) -> bool:
    return (stage == "featurize" and name in PINNED) or (stage, name) == ("train", "data/features.parquet")


MUTATIONS = [
    pytest.param(stage, part, name, id=f"{stage}-{name}", marks=[] if is_fast(stage, part, name) else pytest.mark.slow)
    for stage in STAGES for part in ADDED for name in [*parts(stage, part), ADDED[part]]
]  # fmt: skip


def test_there_are_enough_mutations() -> None:
    assert len(MUTATIONS) > 150


@pytest.fixture(scope="session")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The repository on a small table, its stages run and locked as far as the one that is asked for."""
    folder = tmp_path_factory.mktemp("hermetic")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    for name in ("src", "LICENSE", "pyproject.toml", "dvc.yaml", ".dvcignore", ".gitignore"):
        for one in (one for one in listed.split("\0") if one == name or one.startswith(f"{name}/")):
            (folder / one).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / one, folder / one)
    texts = {"docs/project.yaml": "problem: {question: null}\n", "expectations/table.json": SUITE,
             "expectations/behaviour.yaml": BEHAVIOUR, "params.yaml": "evaluate: {bootstrap: 100}\n"
             "data: {source: data/source/table.csv, target: target}\n"}  # fmt: skip
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "data/source").mkdir(parents=True)
    make_table(rows=240).to_csv(folder / "data/source/table.csv", index=False)
    for command in (["init", "-q"], ["add", "-A"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    lock: dict[str, Any] = {}

    def until(last: str) -> Path:
        os.chdir(folder)
        params.fill()
        for name in STAGES[: STAGES.index(last) + 1]:
            if name not in lock:
                subprocess.run([sys.executable, "-m", f"src.stages.{name}"], check=True, capture_output=True)
                lock[name] = {"outs": [{"path": out, "md5": on_disk(out)} for out in declared()[name].outs]}
        (folder / "dvc.lock").write_text(yaml.safe_dump({"stages": lock}), encoding="utf-8")
        return folder

    return until


@pytest.fixture
def at(pipeline: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Path]]:
    here = Path.cwd()
    yield pipeline
    os.chdir(here)


@pytest.mark.parametrize(
    "stage", [pytest.param(name, marks=[pytest.mark.slow] * (name not in STAGES[1:3])) for name in STAGES]
)
def test_the_real_dvc_yaml_is_hermetic(stage: str, at: Callable[[str], Path]) -> None:
    shutil.copyfile(ROOT / "dvc.yaml", at(stage) / "dvc.yaml")
    report = hermetic([stage])
    assert (report.code, report.findings) == (0, []), report.lines()
    assert report.stages[stage]["runs"] == 1


@pytest.mark.parametrize(("stage", "part", "name"), MUTATIONS)
def test_a_mutation_is_found_and_named_and_nothing_else(stage, part, name, at: Callable[[str], Path]) -> None:
    folder = at(stage)
    (folder / "dvc.yaml").write_text(yaml.safe_dump(mutated(stage, part, name)), encoding="utf-8")
    report = hermetic([stage])
    shutil.copyfile(ROOT / "dvc.yaml", folder / "dvc.yaml")
    found = {(one.word, one.what) for one in report.findings}
    name = name.replace("${data.source}", "data/source/table.csv")
    files = [one for one in (folder / name).rglob("*") if one.is_file() and one.suffix != ".pyc"]
    missing = {one.relative_to(folder).as_posix() for one in files} or {name}
    missing -= {{"ingest": "expectations/behaviour.yaml", "evaluate": "expectations/table.json"}.get(stage)}
    word = WORDS[part][name == ADDED[part]]
    assert found == {(word, f"{stage}: {one}") for one in missing}, report.lines()
    assert report.code == 1


# One small stage that does as it should, and what each line in its middle does beside.
STAGE = """\
import os, pathlib, socket, subprocess, tempfile, time, yaml
text = pathlib.Path("in.csv").read_text()
x = yaml.safe_load(open("params.yaml"))["a"]["x"]
extra = ""
{line}
pathlib.Path("out.txt").write_text(f"{{text}}{{x}}{{extra}}")
"""
LINES = {  # a line, and the findings: word and name
    "pass": {},
    "import more": {"undeclared file": "more.py"},
    "extra = open('more.csv').read()": {"undeclared file": "more.csv"},
    "extra = len(os.listdir('more'))": {"undeclared file": "more/a.csv"},
    "os.path.exists('more.csv') and open('more.csv').read()": {"undeclared file": "more.csv"},
    "import pandas; extra = pandas.read_csv('more.csv').size": {"undeclared file": "more.csv"},
    "import pyarrow.csv; extra = pyarrow.csv.read_csv('more.csv').num_rows": {"undeclared file": "more.csv"},
    "extra = subprocess.run(['cat', 'more.csv'], stdout=-1).stdout": {"undeclared file": "more.csv"},
    "extra = subprocess.run(['cat', '{project}/more.csv'], stdout=-1).stdout": {
        "outside the project": "what is outside the project"},
    "extra = open('{project}/more.csv').read()": {"outside the project": "{project}/more.csv"},
    "os.symlink('{project}/more.csv', 'l'); extra = open('l').read(); os.unlink('l')": {
        "outside the project": "{project}/more.csv"},
    "extra = open('link.csv').read()": {"undeclared file": "link.csv"},
    "extra = len(pathlib.Path('~/note.txt').expanduser().read_text())": {"outside the project": "~/note.txt"},
    "open('{project}/../elsewhere.txt', 'w')": {"outside the project": "{project}/../elsewhere.txt"},
    "extra = yaml.safe_load(open('params.yaml'))['a']['y'] + 1": {"undeclared parameter": "a.y"},
    "extra = int(str(yaml.safe_load(open('params.yaml'))['a']['y'])[:1].replace('b', '7'))": {
        "undeclared parameter": "a.y"},
    "open('side.txt', 'w')": {"undeclared output": "side.txt"},
    "open('in.csv', 'a').write('b')": {"undeclared output": "in.csv"},
    "(pathlib.Path.home() / 'state').write_text('')": {"left elsewhere": "home/state"},
    "open(tempfile.gettempdir() + '/state', 'w')": {"left elsewhere": "tmp/state"},
    "try: extra = socket.create_connection(('127.0.0.1', {port})).close()\nexcept OSError: pass": {
        "network": "127.0.0.1"},
    "extra = subprocess.run(['bash', '-c', '< /dev/tcp/127.0.0.1/{port}']).returncode": {"network": "the network"},
    "extra = os.environ.get('UNSET', '1')": {"environment": "UNSET"},
    "os.environ.get('UNSET', '1')": {},
    "os.environ.pop('UNSET', None)": {},
    "extra = subprocess.run('echo $SET', shell=True, stdout=-1).stdout": {"environment": "SET"},
    "raise SystemExit(3)": {"cannot tell": ""},
    "extra = time.time_ns()": {"cannot tell": ""},
}  # fmt: skip


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[tuple[str, str]]]:
    """Runs the stage with a line in it, and with more in dvc.yaml; what hermetic finds, as (word, name)."""
    for folder in ("p/more", "home"):
        (tmp_path / folder).mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "p")
    monkeypatch.setenv("SET", "5")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("UNSET", raising=False)
    texts = {"in.csv": "a", "more.csv": "a,b\n1,2\n", "more.py": "", "more/a.csv": "a", "params.yaml": "a: {x: 1, y: 4}",
             "idle.csv": "", "../home/note.txt": "n"}  # fmt: skip
    for name, text in texts.items():
        Path(name).write_text(text, encoding="utf-8")
    Path("link.csv").symlink_to("more.csv")
    subprocess.run(["git", "init", "-q"], check=True)

    def found(line: str = "pass", cmd: str = "python stage.py", md5: str | None = None, **more: list[Any]) -> Any:
        lists = {"deps": ["in.csv", "stage.py"], "params": ["a.x"], "outs": ["out.txt"]}
        stage = {"cmd": cmd} | {part: [*items, *more.get(part, [])] for part, items in lists.items()}
        Path("dvc.yaml").write_text(yaml.safe_dump({"stages": {"one": stage}}), encoding="utf-8")
        Path("stage.py").write_text(STAGE.format(line=line), encoding="utf-8")
        ran = environment(PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        subprocess.run(cmd, shell=True, env=ran, check=False)  # noqa: S602
        outs = [{"path": "out.txt", "md5": md5 or on_disk("out.txt")}]
        Path("dvc.lock").write_text(yaml.safe_dump({"stages": {"one": {"outs": outs}}}), encoding="utf-8")
        Path("in.csv").write_text("a", encoding="utf-8")
        Path("side.txt").unlink(missing_ok=True)
        report = hermetic([])
        assert report.code == (2 if "cannot tell" in str(report.findings) else min(1, len(report.findings)))
        return [(one.word, one.what.removeprefix("one: ")) for one in report.findings]

    return found


@pytest.fixture
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize(("line", "findings"), LINES.items())
def test_what_a_stage_does_beside_is_found(line: str, findings: dict[str, str], small: Any, port: int) -> None:
    names = {"project": Path.cwd().as_posix(), "port": port}
    found = small(line.format(**names))
    assert len(found) == len(findings), found
    for word, name in findings.items():
        where = os.path.normpath(name.format(**names)) if ".." in name else name.format(**names)
        assert found[0][0] == word
        assert where in found[0][1]

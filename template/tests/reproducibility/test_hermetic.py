"""hermetic finds what a small stage does beside what it declares, and says so."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from plumbline.reproducibility import hermetic_recorder, hermetic_run
from plumbline.reproducibility.hashes import hash_path
from plumbline.reproducibility.hermetic import hermetic
from plumbline.testing.projects import ROOT, environment

# One small stage that does as it should, and what each line in its middle does beside.
STAGE = """\
import os, pathlib, socket, subprocess, tempfile, time, yaml
text = pathlib.Path("in.csv").read_text()
x = yaml.safe_load(open("params.yaml"))["a"]["x"]
extra = ""
{line}
pathlib.Path("out.txt").write_text(f"{{text}}{{x}}{{extra}}")
"""
LINES = {  # a line, and the findings: kind and name
    "pass": {},
    "import more": {"undeclared file": "more.py"},
    "extra = open('more.csv').read()": {"undeclared file": "more.csv"},
    "extra = len(os.listdir('more'))": {"undeclared file": "more/a.csv"},
    "os.path.exists('more.csv') and open('more.csv').read()": {"undeclared file": "more.csv"},
    "import pandas; extra = pandas.read_csv('more.csv').size": {"undeclared file": "more.csv"},
    "import pyarrow.csv; extra = pyarrow.csv.read_csv('more.csv').num_rows": {"undeclared file": "more.csv"},
    "extra = subprocess.run(['cat', 'more.csv'], stdout=-1).stdout": {"undeclared file": "more.csv"},
    "extra = subprocess.run(['cat', '{project}/more.csv'], stdout=-1).stdout": {
        "outside the project": "what is outside the project"
    },
    "extra = open('{project}/more.csv').read()": {"outside the project": "{project}/more.csv"},
    "os.symlink('{project}/more.csv', 'l'); extra = open('l').read(); os.unlink('l')": {
        "outside the project": "{project}/more.csv"
    },
    "extra = open('link.csv').read()": {"undeclared file": "link.csv"},
    "extra = len(pathlib.Path('~/note.txt').expanduser().read_text())": {"outside the project": "~/note.txt"},
    "open('{project}/../elsewhere.txt', 'w')": {"outside the project": "{project}/../elsewhere.txt"},
    "extra = yaml.safe_load(open('params.yaml'))['a']['y'] + 1": {"undeclared parameter": "a.y"},
    "extra = int(str(yaml.safe_load(open('params.yaml'))['a']['y'])[:1].replace('b', '7'))": {
        "undeclared parameter": "a.y"
    },
    "open('side.txt', 'w')": {"undeclared output": "side.txt"},
    "open('in.csv', 'a').write('b')": {"undeclared output": "in.csv"},
    "(pathlib.Path.home() / 'state').write_text('')": {"left elsewhere": "home/state"},
    "open(tempfile.gettempdir() + '/state', 'w')": {"left elsewhere": "tmp/state"},
    "try: extra = socket.create_connection(('127.0.0.1', {port})).close()\nexcept OSError: pass": {
        "network": "127.0.0.1"
    },
    "extra = subprocess.run(['bash', '-c', '< /dev/tcp/127.0.0.1/{port}']).returncode": {"network": "the network"},
    "extra = os.environ.get('UNSET', '1')": {"environment": "UNSET"},
    "os.environ.get('UNSET', '1')": {},
    "os.environ.pop('UNSET', None)": {},
    "extra = subprocess.run('echo $SET', shell=True, stdout=-1).stdout": {"environment": "SET"},
    "raise SystemExit(3)": {"cannot tell": ""},
    "extra = time.time_ns()": {"cannot tell": ""},
}


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[tuple[str, str]]]:
    """Runs the stage with a line in it, and with more in dvc.yaml; what hermetic finds, as (kind, name)."""
    for folder in ("p/more", "home"):
        (tmp_path / folder).mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "p")
    monkeypatch.setenv("SET", "5")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("UNSET", raising=False)
    texts = {
        "in.csv": "a",
        "more.csv": "a,b\n1,2\n",
        "more.py": "",
        "more/a.csv": "a",
        "idle.csv": "",
        "params.yaml": "a: {x: 1, y: 4}",
        "t.toml": "a.b = 1\na.c = [2]\n",
        "../home/note.txt": "n",
    }
    for name, text in texts.items():
        Path(name).write_text(text, encoding="utf-8")
    Path("link.csv").symlink_to("more.csv")
    subprocess.run(["git", "init", "-q"], check=True)

    def list_findings(
        line: str = "pass", cmd: str = "python stage.py", md5: str | None = None, **additions: list[Any]
    ) -> Any:
        lists = {"deps": ["in.csv", "stage.py"], "params": ["a.x"], "outs": ["out.txt"]}
        stage = {"cmd": cmd} | {part: [*items, *additions.get(part, [])] for part, items in lists.items()}
        Path("dvc.yaml").write_text(yaml.safe_dump({"stages": {"one": stage}}), encoding="utf-8")
        Path("stage.py").write_text(STAGE.format(line=line), encoding="utf-8")
        env = environment(PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        subprocess.run(cmd, shell=True, env=env, check=False)  # noqa: S602
        outs = [{"path": "out.txt", "md5": md5 or hash_path("out.txt")}]
        Path("dvc.lock").write_text(yaml.safe_dump({"stages": {"one": {"outs": outs}}}), encoding="utf-8")
        Path("in.csv").write_text("a", encoding="utf-8")
        Path("side.txt").unlink(missing_ok=True)
        report = hermetic([])
        assert report.exit_code == (2 if "cannot tell" in str(report.findings) else min(1, len(report.findings)))
        return [(finding.kind, finding.message.removeprefix("one: ")) for finding in report.findings]

    return list_findings


@pytest.fixture
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize(("line", "findings"), LINES.items())
def test_what_a_stage_does_beside_is_found(line: str, findings: dict[str, str], small: Any, port: int) -> None:
    names = {"project": Path.cwd().as_posix(), "port": port}
    results = small(line.format(**names))
    assert len(results) == len(findings), results
    for kind, name in findings.items():
        where = os.path.normpath(name.format(**names)) if ".." in name else name.format(**names)
        assert results[0][0] == kind
        assert where in results[0][1]


TOML = "import tomllib; extra = tomllib.load(open('t.toml', 'rb'))['a']"
IDLE = [("unread dependency", "idle.csv"), ("unread parameter", "a.y"), ("unwritten output", "none.txt")]
MORE: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [  # what differs from the stage above, and the findings
    ({"deps": ["idle.csv"], "params": ["a.y"], "outs": ["none.txt"]}, IDLE),
    ({"deps": ["idle.csv"], "line": "extra = os.path.exists('idle.csv')"}, []),
    ({"deps": ["idle.csv", "more.csv"], "line": "extra = os.path.exists('more.csv')"}, IDLE[:1]),
    ({"deps": ["more"], "line": "extra = subprocess.run(['ls', 'more'], stdout=-1).stdout"}, []),
    ({"deps": ["link.csv"], "line": "extra = open('link.csv').read()"}, []),
    ({"cmd": "cat in.csv stage.py more.csv > out.txt"}, [("undeclared file", "more.csv"), ("unread parameter", "a.x")]),
    ({"md5": "0" * 32}, []),
    ({"md5": "0" * 32, "line": "extra = open('more.csv').read()"}, [("undeclared file", "more.csv")]),
    ({"params": [{"params.yaml": None}], "line": "extra = open('params.yaml').read()"}, []),
    ({"params": [{"t.toml": ["a.b"]}], "line": TOML + "['b']"}, []),
    (
        {"params": [{"t.toml": ["a.b"]}], "line": TOML + "['c'] * 2"},
        [("undeclared parameter", "t.toml:a.c"), ("unread parameter", "t.toml:a.b")],
    ),
]


@pytest.mark.parametrize(("changes", "findings"), MORE)
@pytest.mark.parametrize("timeless", [False, True])
def test_what_is_declared_is_used(changes: Any, findings: Any, timeless: bool, small: Any, monkeypatch: Any) -> None:
    """Also where a file system keeps no times of access: then what Python did not open is taken away and tried."""
    if timeless:
        late = 2**32  # a time of access in the future is not renewed
        monkeypatch.setattr(hermetic_run, "os", Timeless(late))
    assert sorted(small(**changes)) == sorted(findings)


class Timeless:
    def __init__(self, late: int) -> None:
        self.late = late

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def utime(self, path: Path, ns: tuple[int, int]) -> None:
        os.utime(path, ns=(self.late * 10**9, ns[1]))


@pytest.mark.parametrize("line", ["extra = open('{project}/more.csv').read()", "open('{project}/more.csv', 'a')"])
def test_without_landlock_python_is_still_watched(line: str, small: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hermetic_recorder, "landlock_version", lambda: 0)
    path = f"{Path.cwd().as_posix()}/more.csv"
    assert small(line.format(project=Path.cwd().as_posix())) == [("outside the project", path)]


def test_the_command(small: Any, tmp_path: Path) -> None:
    def command(*words: str) -> tuple[int, str]:
        ran = subprocess.run(
            [sys.executable, "-m", "plumbline", "hermetic", *words],
            env=environment(PYTHONPATH=str(ROOT)),
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        return ran.returncode, ran.stdout + ran.stderr

    small("open('side.txt', 'w')", deps=["more.csv"])
    code, output = command("one", "--json", str(tmp_path / "r.json"))
    content = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert (code, content["exit_code"], [finding["kind"] for finding in content["stages"]["one"]["findings"]]) == (
        1,
        1,
        ["unread dependency", "undeclared output"],
    )
    lines = Path("dvc.yaml").read_text(encoding="utf-8").splitlines()
    assert f"remove it from deps of one (dvc.yaml, line {lines.index('    - more.csv') + 1})" in output
    assert f"add it to outs of one (dvc.yaml, line {lines.index('    outs:') + 1})" in output
    assert output.rstrip().endswith("fix the first finding, then python -m plumbline hermetic one")
    assert command("two") == (
        2,
        "ERROR: dvc.yaml has no stage two, expected one of one. Name one of them, or none for all: "
        "python -m plumbline hermetic\n",
    )
    Path("more.csv").unlink()
    assert "more.csv is a dependency and is not here" in command()[1]
    Path("dvc.lock").unlink()
    assert command() == (2, "ERROR: dvc.lock is not here, so there is no result to compare with. First: make repro\n")

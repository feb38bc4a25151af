"""One run of a stage in a folder of its own: what it is given there, and what it then did."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import yaml

from src.names import PARAMS
from src.params import KEYS
from src.reproducibility import hermetic_recorder as recorder
from src.reproducibility.pipeline import Stage, file_hash, files_in, folder_hash, paths, value

Item = tuple[str, str]  # file, path; param, file:key; environment, name; outside, path; network, address
TRAP = "undeclared parameter "  # stands for the value of one, with its name behind it
SYSTEM = ("/bin", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/nix", "/opt", "/proc", "/run", "/sbin", "/sys", "/usr",
          "/var/lib", "/Library", "/System", "/private/etc", "/private/var/db", "C:\\Windows")  # fmt: skip
KEPT = ("COMSPEC", "PATHEXT", "SYSTEMDRIVE", "SYSTEMROOT", "WINDIR")  # without which no program starts on Windows
CACHES = (".cache", ".config")  # of libraries, in the home


@dataclass
class Ran:
    """What a run did. Names are relative to its folder, absolute outside; looked: the recorder's, what -> names."""

    code: int
    output: str
    seconds: float
    outs: dict[str, str]
    read: set[str]
    written: set[str]  # beside its outputs
    left: set[str]  # in the home and among temporary files
    looked: dict[str, set[str]] = field(default_factory=dict)


def covered(name: str, keys: list[str]) -> bool:
    return any(name == key or name.startswith((f"{key}.", f"{key}[")) for key in keys)


def undeclared(stage: Stage) -> list[str]:
    """The parameters, as file:key, that a stage has no right to see; of params.yaml those, too, that have defaults."""
    found = []
    for file, keys in {PARAMS: [], **stage.params}.items():
        if keys is not None and Path(file).is_file() and not file.endswith(".py"):
            content = _load(file)
            names = _names(content) + [key for key in KEYS if file == PARAMS and value(content, key, KEYS) is KEYS]
            found += [f"{file}:{name}" for name in names if not covered(name, keys)]
    return found


def _load(file: str) -> dict[str, Any]:
    text = Path(file).read_text(encoding="utf-8")
    return (tomllib.loads(text) if file.endswith(".toml") else yaml.safe_load(text)) or {}


def _names(content: dict[str, Any], above: str = "") -> list[str]:
    found: list[str] = []
    for key, one in content.items():
        name = f"{above}{key}"
        found += _names(one, f"{name}.") if isinstance(one, dict) and one else [name]
    return found


def cut(file: str, names: list[str]) -> str:
    """The file with a trap for each of these values: in YAML bytes, which no rule for a parameter lets pass."""
    content = _load(file)
    for name in names:
        *above, last = name.partition("[")[0].split(".")  # of a list: all of it
        at = content
        for part in above:
            at[part] = at.get(part) or {}
            at = at[part]
        at[last] = f"{TRAP}{file}:{name}".encode() if file.endswith((".yaml", ".yml")) else f"{TRAP}{file}:{name}"
    if file.endswith(".toml"):
        return "".join(f"{json.dumps(key)} = {_toml(one)}\n" for key, one in content.items())
    return yaml.safe_dump(content, sort_keys=False) if file.endswith((".yaml", ".yml")) else json.dumps(content)


def _toml(content: Any) -> str:
    if isinstance(content, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {_toml(one)}" for key, one in content.items()) + "}"
    if isinstance(content, list):
        return "[" + ", ".join(map(_toml, content)) + "]"
    return content.isoformat() if hasattr(content, "isoformat") else json.dumps(content, ensure_ascii=False)


def contents(path: str) -> list[str]:
    return files_in(path) if Path(path).is_dir() else [path]


def everything(stages: dict[str, Stage], stage: Stage) -> set[Item]:
    """All that a plain run of the stage has and a hermetic one has not."""
    files = {*paths("ls-files", "-coz", "--exclude-standard")}
    files |= {name for one in stages.values() for path in (*one.deps, *one.outs) for name in contents(path)}
    files -= {name for dep in stage.deps for name in contents(dep)} | {*stage.params, PARAMS}
    items = {("file", name) for name in files if Path(name).is_file()}
    items |= {("param", name) for name in undeclared(stage)}
    items |= {("environment", name) for name in os.environ.keys() - environment(Path.cwd()).keys()}
    return items | {("outside", "what is outside the project"), ("network", "the network")}


def environment(top: Path) -> dict[str, str]:
    """The few variables that a hermetic run has."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    kept |= dict.fromkeys(("HOME", "USERPROFILE"), str(top / "home"))
    kept |= dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(top / "tmp"))
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    own = {recorder.RECORD: str(top / "record"), recorder.FOLDER: str(top / "project")}
    python = {"PYTHONPATH": str(top / "recorder"), "PYTHONDONTWRITEBYTECODE": "1"}
    return kept | own | python | {"LANG": "C.UTF-8", "PATH": path}


def readable() -> list[str]:
    """What every run may read: the system and this Python; never the project."""
    project, found = Path.cwd().resolve(), {sys.prefix, sys.base_prefix, os.path.realpath(sys.prefix)}
    for folder in filter(Path.is_dir, map(Path, SYSTEM)):
        inside = folder.iterdir() if project.is_relative_to(folder) else [folder]
        found |= {str(one) for one in inside if not project.is_relative_to(one)}
    return sorted(found | {os.path.realpath(one) for one in found})


def run(stage: Stage, parents: set[str], given: set[Item], without: frozenset[Item] = frozenset()) -> Ran:
    """The stage's command, where there is what it declares and what is `given`, but not what it is `without`.

    parents: folders that exist, empty. An environment variable that it is "without" has an odd value.
    """
    kinds = {kind for kind, _ in given}
    with tempfile.TemporaryDirectory(prefix="hermetic-") as temporary:
        top = Path(temporary).resolve()
        for name in ("home", "tmp", "recorder", *(f"project/{one}" for one in parents)):
            (top / name).mkdir(parents=True, exist_ok=True)
        shutil.copyfile(recorder.__file__, top / "recorder/sitecustomize.py")
        put = _fill(top / "project", stage, given, without)
        env = environment(top) | {name: os.environ[name] for kind, name in given if kind == "environment"}
        env |= {name: "7" for kind, name in without if kind == "environment"}
        env |= {recorder.ONLINE: "1"} if "network" in kinds else {}
        env |= {"HOME": str(Path.home())} if "outside" in kinds else {}
        writes = [str(top), "/dev"]
        confine = partial(recorder.confine, readable(), writes, "network" in kinds) if recorder.landlock() else None
        start = perf_counter()
        ran = subprocess.run(  # by a shell, as DVC does
            stage.cmd if isinstance(stage.cmd, str) else " && ".join(stage.cmd), shell=True, cwd=top / "project",  # noqa: S602
            env=env, capture_output=True, check=False, preexec_fn=None if "outside" in kinds else confine,
        )  # fmt: skip
        seconds = perf_counter() - start
        return _looked_at(stage, top, put, ran.returncode, (ran.stdout + ran.stderr).decode("utf-8", "replace"), seconds)


def _fill(folder: Path, stage: Stage, given: set[Item], without: frozenset[Item]) -> dict[str, int]:
    """Copies what is to be there; returns when each file was written."""
    files = {name for dep in stage.deps if ("file", dep) not in without for name in contents(dep)}
    files |= {name for kind, name in given if kind == "file"} | {PARAMS, *stage.params}
    hidden = [name for kind, name in [*(("param", one) for one in undeclared(stage)), *without]
              if kind == "param" and (kind, name) not in given]  # fmt: skip
    for name in filter(lambda one: Path(one).is_file(), files):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(name, folder / name)
        if traps := [one.removeprefix(f"{name}:") for one in hidden if one.startswith(f"{name}:")]:
            (folder / name).write_text(cut(name, traps), encoding="utf-8")
    put = {}
    for path in (folder, *folder.rglob("*")):
        put[path.relative_to(folder).as_posix()] = written = path.stat().st_mtime_ns
        os.utime(path, ns=(0, written))  # reading renews a time of access that is before that of writing
    return put


def _looked_at(stage: Stage, top: Path, put: dict[str, int], code: int, output: str, seconds: float) -> Ran:
    folder, allowed = top / "project", [Path(one) for one in readable()]
    read = {name for name in put if not (folder / name).exists() or (folder / name).stat().st_atime_ns}
    looked: dict[str, set[str]] = {}
    for line in (top / "record").read_text().splitlines() if (top / "record").exists() else []:
        what, name = json.loads(line)
        if what in ("read", "write", "list", "miss"):
            what, name = _placed(what, Path(name), top, allowed)
        looked.setdefault(what, set()).add(name)
    read |= (looked.get("read", set()) | looked.get("list", set())) & put.keys()
    files = {path.relative_to(folder).as_posix(): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    written = {name for name, when in files.items() if put.get(name) != when}
    outs = {out: _hash(folder / out) for out in stage.outs if (folder / out).exists()}
    made = {name for name in written if any(Path(name).is_relative_to(out) for out in stage.outs)}
    left = {path.relative_to(top).as_posix() for place in ("home", "tmp") for path in (top / place).rglob("*")
            if path.is_file() and path.relative_to(top).parts[1] not in CACHES}  # fmt: skip
    return Ran(code, output, seconds, outs, read, written - made, left, looked)


def _placed(what: str, path: Path, top: Path, allowed: list[Path]) -> tuple[str, str]:
    """A name relative to the folder of the run, or `outside`, or what is of no interest."""
    if path.is_relative_to(top / "project"):
        return what, path.relative_to(top / "project").as_posix()
    if any(path.is_relative_to(one) for one in allowed):
        return "system", ""
    for home in (top / "home", Path.home()):
        if path.is_relative_to(home) and not path.is_relative_to(Path.cwd()):
            inside = path.relative_to(home)
            is_of_note = (Path.home() / inside).is_file() and inside.parts[0] not in CACHES
            return ("outside", f"~/{inside.as_posix()}") if is_of_note else ("system", "")
    is_away = not path.is_relative_to(top) and what != "miss"
    return ("outside", str(path)) if is_away else ("system", "")


def _hash(path: Path) -> str:
    """As DVC has it; the folder of a run is not in git."""
    if path.is_file():
        return file_hash(str(path))
    return folder_hash({one.relative_to(path).as_posix(): file_hash(str(one)) for one in path.rglob("*") if one.is_file()})

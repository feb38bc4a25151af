"""One run of a stage in a folder of its own: what it is given there, and what it then did."""

import json
import os
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import yaml

from plumbline.params import KEYS
from plumbline.paths import PARAMS
from plumbline.process import run as started
from plumbline.reproducibility import hermetic_recorder as recorder
from plumbline.reproducibility.pipeline import PIPELINE, Stage, file_hash, files_in, folder_hash, listed
from plumbline.versions import BY_NAME

Item = tuple[str, str]  # file, path; param, file:key; environment, name; outside, path; network, address
TRAP = "undeclared parameter "  # stands for the value of one, with its name behind it
SYSTEM = ("/bin", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/nix", "/opt", "/proc", "/run", "/sbin", "/sys", "/usr",
          "/var/lib", "/Library", "/System", "/private/etc", "/private/var/db", "C:\\Windows")  # fmt: skip
KEPT = ("COMSPEC", "PATHEXT", "SYSTEMDRIVE", "SYSTEMROOT", "WINDIR")  # without which no program starts on Windows
CACHES = ((".cache",), (".config",))  # of libraries, in the home


@dataclass
class Ran:
    """What a run did, by names in its folder; `looked` is the recorder's: what -> names."""

    code: int
    output: str
    seconds: float
    outs: dict[str, str]
    read: set[str]
    written: set[str]  # beside its outputs
    left: set[str]  # in the home and among temporary files
    looked: dict[str, set[str]] = field(default_factory=dict)


def covered(name: str, keys: Iterable[str]) -> bool:
    return any(name == key or name.startswith((f"{key}.", f"{key}[")) for key in keys)


def contents(path: str) -> list[str]:
    return files_in(path) if Path(path).is_dir() else [path]


def undeclared(stage: Stage) -> list[str]:
    """The parameters, as file:key, that a stage has no right to see; of params.yaml those, too, that have defaults."""
    found = []
    for file, keys in {PARAMS: [], **stage.params}.items():
        if keys is not None and Path(file).is_file() and not file.endswith(".py"):
            names = dict.fromkeys([*_names(_load(file), keys), *(KEYS if file == PARAMS else ())])
            found += [f"{file}:{name}" for name in names if not covered(name, keys)]
    return found


def _load(file: str) -> dict[str, Any]:
    text = Path(file).read_text(encoding="utf-8")
    return (tomllib.loads(text) if file.endswith(".toml") else yaml.safe_load(text)) or {}


def _names(content: dict[str, Any], keys: list[str], above: str = "") -> list[str]:
    """group.key of each value, deeper where a declared key lies below."""
    found: list[str] = []
    for key, one in content.items():
        name = f"{above}{key}"
        deeper = isinstance(one, dict) and one and (not above or any(key.startswith(f"{name}.") for key in keys))
        found += _names(one, keys, f"{name}.") if deeper else [name]
    return found


def cut(file: str, names: list[str]) -> str:
    """The file with a trap for each of these values: in YAML bytes, which no rule for a parameter lets pass."""
    content, is_yaml = _load(file), file.endswith((".yaml", ".yml"))
    for name in names:
        *above, last = name.partition("[")[0].split(".")  # of a list: all of it
        at = content
        for part in above:
            at[part] = at.get(part) or {}
            at = at[part]
        trap = f"{TRAP}{file}:{name}"
        named = _with_tops(at.get(last), trap) if file == PARAMS and name in BY_NAME.values() else None
        at[last] = named or (trap.encode() if is_yaml else trap)
    if file.endswith(".toml"):
        return "".join(f"{json.dumps(key)} = {_toml(one)}\n" for key, one in content.items())
    return yaml.safe_dump(content, sort_keys=False) if is_yaml else json.dumps(content)


def _with_tops(value: Any, trap: str) -> list[str]:
    """The trap as dotted names below the same packages: those stand behind a digest, what is named in them does not."""
    words = value if isinstance(value, list) else [value]
    return [f"{one.partition('.')[0]}.{trap}" for one in words if isinstance(one, str) and "." in one]


def _toml(content: Any) -> str:
    if isinstance(content, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {_toml(one)}" for key, one in content.items()) + "}"
    if isinstance(content, list):
        return "[" + ", ".join(map(_toml, content)) + "]"
    return content.isoformat() if hasattr(content, "isoformat") else json.dumps(content, ensure_ascii=False)


def everything(stages: dict[str, Stage], stage: Stage) -> set[Item]:
    """All that a plain run of the stage has and a hermetic one has not."""
    files = {*listed("ls-files", "-coz", "--exclude-standard")}
    files |= {name for one in stages.values() for path in (*one.deps, *one.outs) for name in contents(path)}
    files -= {name for dep in stage.deps for name in contents(dep)} | {*stage.params, PARAMS}
    items = {("file", name) for name in files if Path(name).is_file()}
    items |= {("param", name) for name in undeclared(stage)}
    items |= {("environment", name) for name in os.environ.keys() - environment(Path.cwd()).keys()}
    return items | {("outside", "what is outside the project"), ("network", "the network")}


def environment(top: Path) -> dict[str, str]:
    """The few variables that a hermetic run has."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    places = dict.fromkeys(("HOME", "USERPROFILE"), "home") | dict.fromkeys(("TMPDIR", "TEMP", "TMP"), "tmp")
    places |= {recorder.RECORD: "record", recorder.FOLDER: "project", "PYTHONPATH": "recorder"}
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    kept |= {"PYTHONDONTWRITEBYTECODE": "1", "LANG": "C.UTF-8", "PATH": path}
    return kept | {name: str(top / place) for name, place in places.items()}


def readable() -> list[str]:
    """What every run may read: the system and this Python; never the project."""
    project, found = Path.cwd().resolve(), {sys.prefix, sys.base_prefix}
    for folder in filter(Path.is_dir, map(Path, SYSTEM)):
        inside = folder.iterdir() if project.is_relative_to(folder) else [folder]
        found |= {str(one) for one in inside if not project.is_relative_to(one)}
    return sorted(found | {os.path.realpath(one) for one in found})


def run(stage: Stage, parents: Iterable[str], given: set[Item], without: frozenset[Item] = frozenset()) -> Ran:
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
        confine = partial(recorder.confine, readable(), [str(top), "/dev"], "network" in kinds)
        is_confined = recorder.landlock() and "outside" not in kinds
        command = stage.cmd if isinstance(stage.cmd, str) else " && ".join(stage.cmd)
        start = perf_counter()
        ran = started(command, cwd=top / "project", env=env, before=confine if is_confined else None)
        seconds, output = perf_counter() - start, ran.stdout + ran.stderr
        return _seen(stage, top, put, Ran(ran.returncode, output, seconds, {}, set(), set(), set()))


def _fill(folder: Path, stage: Stage, given: set[Item], without: frozenset[Item]) -> dict[str, os.stat_result]:
    """Copies what is to be there; returns when each file was read and written."""
    files = {name for dep in stage.deps if ("file", dep) not in without for name in contents(dep)}
    files |= {name for kind, name in given if kind == "file"} | {PARAMS, *stage.params}
    hidden = {("param", name) for name in undeclared(stage)} - given | without
    for name in filter(lambda one: Path(one).is_file(), files):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(name, folder / name)
        if traps := [one.removeprefix(f"{name}:") for _, one in sorted(hidden) if one.startswith(f"{name}:")]:
            (folder / name).write_text(cut(name, traps), encoding="utf-8")
    (folder / PIPELINE).touch()  # that there is one says nothing, and a command may ask; to read it is another thing
    put = {}
    for path in (folder, *folder.rglob("*")):
        os.utime(path, ns=(0, path.stat().st_mtime_ns))  # reading renews a time of access before that of writing
        put[path.relative_to(folder).as_posix()] = path.stat()
    return put


def _seen(stage: Stage, top: Path, put: dict[str, os.stat_result], ran: Ran) -> Ran:
    """What the run left behind. Times of access first: looking at files renews them."""
    folder, allowed, record = top / "project", [Path(one) for one in readable()], top / "record"
    after = {name: (folder / name).stat() for name in put if (folder / name).exists()}
    ran.read = {name for name in put if name not in after or after[name].st_atime_ns != put[name].st_atime_ns}
    for line in record.read_text(encoding="utf-8").splitlines() if record.exists() else []:
        what, name = json.loads(line)
        if what in recorder.PATHS:
            what, name = _placed(what, Path(name), top, allowed)
        ran.looked.setdefault(what, set()).add(name)
    ran.read |= (ran.looked.get("read", set()) | ran.looked.get("list", set())) & put.keys()
    ran.outs = {out: _hash(folder / out) for out in stage.outs if (folder / out).exists()}
    for path in filter(Path.is_file, folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        is_old = name in put and path.stat().st_mtime_ns == put[name].st_mtime_ns
        if not is_old and not any(Path(name).is_relative_to(out) for out in stage.outs):
            ran.written.add(name)
    for path in filter(Path.is_file, (path for place in ("home", "tmp") for path in (top / place).rglob("*"))):
        if path.relative_to(top).parts[1:2] not in CACHES:
            ran.left.add(path.relative_to(top).as_posix())
    return ran


def _placed(what: str, path: Path, top: Path, allowed: list[Path]) -> tuple[str, str]:
    """A name relative to the folder of the run, or `outside`, or what is of no interest."""
    if path.is_relative_to(top / "project"):
        return what, path.relative_to(top / "project").as_posix()
    if path.is_relative_to(top):
        inside = Path(*path.relative_to(top).parts[1:])
        is_home = path.is_relative_to(top / "home") and inside.parts[:1] not in CACHES
        is_missed = is_home and what != "write" and (Path.home() / inside).is_file()
        return ("outside" if is_missed else "nothing"), f"~/{inside.as_posix()}"
    is_cache = any(path.is_relative_to(Path.home() / cache[0]) for cache in CACHES)
    is_away = what != "miss" and not is_cache and not any(path.is_relative_to(one) for one in allowed)
    return ("outside" if is_away else "nothing"), str(path)


def _hash(path: Path) -> str:
    """As DVC has it; the folder of a run is not in git."""
    if path.is_file():
        return file_hash(str(path))
    return folder_hash({one.relative_to(path).as_posix(): file_hash(str(one))
                        for one in path.rglob("*") if one.is_file()})  # fmt: skip

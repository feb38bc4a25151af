"""Run a stage in a folder that has only what it is given, and observe what it reads and writes."""

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

from plumbline import machinery, process
from plumbline.paths import PARAMS
from plumbline.process import git_paths
from plumbline.reproducibility import hermetic_recorder as recorder
from plumbline.reproducibility.dvc_files import PIPELINE, Stage
from plumbline.reproducibility.hashes import hash_output, list_folder
from plumbline.reproducibility.param_traps import set_traps, undeclared_params

_SYSTEM_FOLDERS = (
    *("/bin", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/nix", "/opt", "/proc", "/run", "/sbin", "/sys", "/usr"),
    *("/var/lib", "/Library", "/System", "/private/etc", "/private/var/db", "C:\\Windows"),
)
_WINDOWS_VARIABLES = ("COMSPEC", "PATHEXT", "SYSTEMDRIVE", "SYSTEMROOT", "WINDIR")  # no program starts without them
_LIBRARY_FOLDERS = ((".cache",), (".config",))  # of libraries, in the home


class Item(NamedTuple):
    """Something that a stage can depend on.

    Attributes
    ----------
    kind : str
        "file", "param", "environment", "outside" or "network".
    name : str
        A path, file:key, the name of a variable, a path outside the project, or an address.
    """

    kind: str
    name: str


@dataclass(frozen=True)
class HermeticRun:
    """What a run did.

    Attributes
    ----------
    exit_code : int
    output : str
        What it printed.
    seconds : float
    output_hashes : dict of str to str
        By the path of each output that is there.
    read_files : set of str
    extra_files : set of str
        Files in the folder that were written and are not outputs.
    stray_files : set of str
        Files in the home and among the temporary files.
    events : dict of str to set of str
        What Python noted: kinds as in hermetic_recorder, and the names of each.
    """

    exit_code: int
    output: str
    seconds: float
    output_hashes: dict[str, str]
    read_files: set[str]
    extra_files: set[str]
    stray_files: set[str]
    events: dict[str, set[str]]

    def names(self, kind: str) -> set[str]:
        """Return the names in the events of a kind."""
        return self.events.get(kind, set())


def list_files(path: str) -> list[str]:
    """Return the files of a folder, or the file itself."""
    return list_folder(path) if Path(path).is_dir() else [path]


def list_ambient_items(stages: Mapping[str, Stage], stage: Stage) -> set[Item]:
    """Return what a plain run of a stage has and a hermetic run has not."""
    files = {*git_paths("ls-files", "-coz", "--exclude-standard")}
    paths = [path for other in stages.values() for path in (*other.dependencies, *other.outputs)]
    files |= {name for path in paths for name in list_files(path)}
    files -= {name for path in stage.dependencies for name in list_files(path)} | {*stage.params, PARAMS}
    items = {Item("file", name) for name in files if Path(name).is_file()}
    items |= {Item("param", name) for name in undeclared_params(stage)}
    items |= {Item("environment", name) for name in os.environ.keys() - _environment(Path.cwd()).keys()}
    return items | {Item("outside", "what is outside the project"), Item("network", "the network")}


def run_hermetically(
    stage: Stage, folders: Iterable[str], items: Collection[Item] = (), *, missing_items: Collection[Item] = ()
) -> HermeticRun:
    """Run the command of a stage where only what it declares is there, and these items.

    Parameters
    ----------
    stage : Stage
    folders : iterable of str
        Folders that exist, empty.
    items : collection of Item
        What is there in addition.
    missing_items : collection of Item
        What the stage declares and is not there; an environment variable in it has an odd value.
    """
    kinds = {kind for kind, _ in items}
    with tempfile.TemporaryDirectory(prefix="hermetic-") as temporary:
        top = Path(temporary).resolve()
        for name in ("home", "tmp", "recorder", *(f"project/{folder}" for folder in folders)):
            (top / name).mkdir(parents=True, exist_ok=True)
        shutil.copyfile(recorder.__file__, top / "recorder/sitecustomize.py")
        stats = _fill_folder(top / "project", stage, items, missing_items)
        environment = _environment(top) | _select_variables(items, missing_items)
        confine = partial(recorder.confine, _readable_folders(), [str(top), "/dev"], "network" in kinds)
        is_confined = recorder.landlock_version() and "outside" not in kinds
        command = stage.command if isinstance(stage.command, str) else " && ".join(stage.command)
        start = perf_counter()
        result = process.run(command, cwd=top / "project", env=environment, preexec=confine if is_confined else None)
        return _observe(stage, top, stats, result, perf_counter() - start)


def _environment(top: Path) -> dict[str, str]:
    """The few variables that a hermetic run has."""
    variables = {name: os.environ[name] for name in _WINDOWS_VARIABLES if name in os.environ}
    places = dict.fromkeys(("HOME", "USERPROFILE"), "home") | dict.fromkeys(("TMPDIR", "TEMP", "TMP"), "tmp")
    places |= {recorder.RECORD: "record", recorder.FOLDER: "project", "PYTHONPATH": "recorder"}
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    variables |= {"PYTHONDONTWRITEBYTECODE": "1", "LANG": "C.UTF-8", "PATH": path}
    return variables | {name: str(top / place) for name, place in places.items()}


def _select_variables(items: Collection[Item], missing_items: Collection[Item]) -> dict[str, str]:
    kinds = {kind for kind, _ in items}
    variables = {name: os.environ[name] for kind, name in items if kind == "environment"}
    variables |= {name: "7" for kind, name in missing_items if kind == "environment"}
    variables |= {recorder.ONLINE: "1"} if "network" in kinds else {}
    return variables | ({"HOME": str(Path.home())} if "outside" in kinds else {})


def _readable_folders() -> list[str]:
    """What every run may read: the system and this Python; never the project."""
    project, folders = Path.cwd().resolve(), {sys.prefix, sys.base_prefix}
    for folder in filter(Path.is_dir, map(Path, _SYSTEM_FOLDERS)):
        parts = folder.iterdir() if project.is_relative_to(folder) else [folder]
        folders |= {str(part) for part in parts if not project.is_relative_to(part)}
    return sorted(folders | {os.path.realpath(folder) for folder in folders})


def _fill_folder(
    folder: Path, stage: Stage, items: Collection[Item], missing_items: Collection[Item]
) -> dict[str, os.stat_result]:
    """Copy what is to be there; return when each file was read and written."""
    dependencies = [path for path in stage.dependencies if Item("file", path) not in missing_items]
    files = {name for path in dependencies for name in list_files(path)}
    files |= {name for kind, name in items if kind == "file"} | {PARAMS, *stage.params}
    hidden_params = {name for name in undeclared_params(stage) if Item("param", name) not in items}
    hidden_params |= {name for kind, name in missing_items if kind == "param"}
    for name in filter(lambda name: machinery.locate(name).is_file(), files):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(machinery.locate(name), folder / name)  # modules, too: those in .venv are not to be imported
        if keys := [key.removeprefix(f"{name}:") for key in sorted(hidden_params) if key.startswith(f"{name}:")]:
            (folder / name).write_text(set_traps(name, keys), encoding="utf-8")
    (folder / PIPELINE).touch()  # commands of plumbline ask whether it is there; to read it is another thing
    stats = {}
    for path in (folder, *folder.rglob("*")):
        os.utime(path, ns=(0, path.stat().st_mtime_ns))  # reading renews a time of access before that of writing
        stats[path.relative_to(folder).as_posix()] = path.stat()
    return stats


def _observe(
    stage: Stage, top: Path, stats: dict[str, os.stat_result], result: process.CompletedProcess, seconds: float
) -> HermeticRun:
    """What the run did. Times of access first: to look at files renews them."""
    project = top / "project"
    new_stats = {name: (project / name).stat() for name in stats if (project / name).exists()}
    read_files = {
        name for name in stats if name not in new_stats or new_stats[name].st_atime_ns != stats[name].st_atime_ns
    }
    events = _read_events(top)
    read_files |= (events.get("read", set()) | events.get("list", set())) & stats.keys()
    return HermeticRun(
        exit_code=result.returncode,
        output=result.stdout + result.stderr,
        seconds=seconds,
        output_hashes={path: hash_output(project / path) for path in stage.outputs if (project / path).exists()},
        read_files=read_files,
        extra_files=_find_extra_files(stage, project, stats),
        stray_files=_find_stray_files(top),
        events=events,
    )


def _find_extra_files(stage: Stage, project: Path, stats: dict[str, os.stat_result]) -> set[str]:
    names = set()
    for path in filter(Path.is_file, project.rglob("*")):
        name = path.relative_to(project).as_posix()
        is_unchanged = name in stats and path.stat().st_mtime_ns == stats[name].st_mtime_ns
        if not is_unchanged and not any(Path(name).is_relative_to(output) for output in stage.outputs):
            names.add(name)
    return names


def _find_stray_files(top: Path) -> set[str]:
    paths = [path.relative_to(top) for place in ("home", "tmp") for path in (top / place).rglob("*") if path.is_file()]
    return {path.as_posix() for path in paths if path.parts[1:2] not in _LIBRARY_FOLDERS}


def _read_events(top: Path) -> dict[str, set[str]]:
    record, readable_folders = top / "record", [Path(folder) for folder in _readable_folders()]
    events: dict[str, set[str]] = {}
    for line in record.read_text(encoding="utf-8").splitlines() if record.exists() else []:
        kind, name = json.loads(line)
        if kind in recorder.PATHS:
            kind, name = _locate(kind, Path(name), top, readable_folders)
        events.setdefault(kind, set()).add(name)
    return events


def _locate(kind: str, path: Path, top: Path, readable_folders: list[Path]) -> tuple[str, str]:
    """The kind and a name relative to the folder of the run; "outside"; or "nothing", for what does not matter."""
    if path.is_relative_to(top / "project"):
        return kind, path.relative_to(top / "project").as_posix()
    if path.is_relative_to(top):
        inside = Path(*path.relative_to(top).parts[1:])
        is_home = path.is_relative_to(top / "home") and inside.parts[:1] not in _LIBRARY_FOLDERS
        is_missed = is_home and kind != "write" and (Path.home() / inside).is_file()
        return ("outside" if is_missed else "nothing"), f"~/{inside.as_posix()}"
    is_library = any(path.is_relative_to(Path.home() / folder[0]) for folder in _LIBRARY_FOLDERS)
    is_outside = kind != "miss" and not is_library and not any(path.is_relative_to(top) for top in readable_folders)
    return ("outside" if is_outside else "nothing"), str(path)

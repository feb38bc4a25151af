"""Prepare the surroundings of a run: where, when, by whom and on what it runs, each circumstance fixed or changed."""

import json
import os
import platform
import re
import shutil
import sys
from collections.abc import Collection
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from plumbline.process import run
from plumbline.reproducibility import interpreter

CIRCUMSTANCES = (
    "directory",
    "hash seed",
    "threads",
    "clock",
    "time zone",
    "locale",
    "umask",
    "randomness",
    "order of directory listings",
    "home and caches",
    "host and user",
    "environment variables",
    "processor",
)
_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_MAX_THREADS",
    "LOKY_MAX_CPU_COUNT",
    "PYTHON_CPU_COUNT",
)
_USER_VARIABLES = ("USER", "LOGNAME", "USERNAME", "HOSTNAME", "COMPUTERNAME")
# OpenBLAS, NumPy and Arrow choose their instructions by the processor; these variables overrule them.
_PROCESSOR_VARIABLES = ("OPENBLAS_CORETYPE", "NPY_DISABLE_CPU_FEATURES", "ARROW_USER_SIMD_LEVEL")
_SYSTEM_VARIABLES = ("PATH", "PATHEXT", "SYSTEMROOT", "SYSTEMDRIVE", "COMSPEC", "LD_LIBRARY_PATH")
_FOLDER_VARIABLES = ("TMPDIR", "TEMP", "TMP", "HOME", "USERPROFILE")
_NECESSARY_VARIABLES = (*_SYSTEM_VARIABLES, *_FOLDER_VARIABLES, *_USER_VARIABLES)
# What a stage prints is not an output: the locale must not stop it at a character.
_CONSTANT_VARIABLES = {"PYTHONIOENCODING": "utf-8", "PYTHONDONTWRITEBYTECODE": "1"}


@dataclass(frozen=True)
class _Settings:
    """What a circumstance is set to where it is fixed, and where it is changed."""

    fixed_values: dict[str, Any]
    changed_values: dict[str, Any]


_NO_SETTINGS = _Settings({}, {})
# Environment variables. Those of a changed locale, processor and home depend on the machine: see below.
_VARIABLES = {
    "hash seed": _Settings({"PYTHONHASHSEED": "0"}, {"PYTHONHASHSEED": "4242"}),
    "threads": _Settings(dict.fromkeys(_THREAD_VARIABLES, "1"), dict.fromkeys(_THREAD_VARIABLES, "4")),
    "time zone": _Settings({"TZ": "UTC"}, {"TZ": "ABC-12:45"}),
    "locale": _Settings({"LC_ALL": "C.UTF-8"}, {}),
    "host and user": _Settings({}, dict.fromkeys(_USER_VARIABLES, "someone-else")),
}
# Arguments of interpreter.CHANGES. A fixed clock does not move, a changed one does.
_INTERPRETER_CHANGES = {
    "threads": _Settings({"processors": 1}, {"processors": 4}),
    "clock": _Settings({"clock": ["2026-01-15T12:00:00+00:00", False]}, {"clock": ["2041-08-09T23:57:31+00:00", True]}),
    "locale": _Settings({}, {"decimal mark": ","}),
    "randomness": _Settings({"seed": 0}, {}),
    "order of directory listings": _Settings({"order": False}, {"order": True}),
    "host and user": _Settings({}, {"host": "another-host"}),
}


@dataclass(frozen=True)
class Surroundings:
    """The folder, environment variables and umask of a run; a umask of -1 is that of this process."""

    folder: Path
    environment: dict[str, str]
    umask: int


def prepare_surroundings(root: Path, changes: Collection[str]) -> Surroundings:
    """Prepare a run below a folder.

    Parameters
    ----------
    root : Path
        A folder in which files for the run are written.
    changes : collection of str
        The circumstances to change; all others of `CIRCUMSTANCES` are fixed.

    Returns
    -------
    Surroundings
        Its folder does not exist yet.
    """
    environment = _inherited_variables(changes) | _CONSTANT_VARIABLES
    interpreter_changes: dict[str, Any] = {}
    for name in CIRCUMSTANCES:
        environment |= _select(_VARIABLES.get(name, _NO_SETTINGS), name in changes)
        interpreter_changes |= _select(_INTERPRETER_CHANGES.get(name, _NO_SETTINGS), name in changes)
    if "locale" in changes:
        environment |= _foreign_locale()
    if "processor" in changes:
        environment |= _old_processor()
    if "home and caches" in changes:
        environment |= _empty_home(root / "home")
    site = root / "site"
    site.mkdir(exist_ok=True)
    shutil.copyfile(interpreter.__file__, site / "sitecustomize.py")
    environment |= {"PYTHONPATH": str(site), interpreter.VARIABLE: json.dumps(interpreter_changes)}
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment.get("PATH", os.defpath)])
    folder = root / ("deeper/another place/mit Lücken" if "directory" in changes else "copy")
    umask = 0o077 if "umask" in changes else 0o022
    return Surroundings(folder, environment, -1 if os.name == "nt" else umask)


def _select(settings: _Settings, is_changed: bool) -> dict[str, Any]:
    return settings.changed_values if is_changed else settings.fixed_values


def _inherited_variables(changes: Collection[str]) -> dict[str, str]:
    prefixes = ("LC_", "LANG", "PYTHON")
    variables = {key: value for key, value in os.environ.items() if not key.startswith(prefixes)}
    if "environment variables" in changes:
        names = (*_NECESSARY_VARIABLES, *_PROCESSOR_VARIABLES)
        variables = {key: value for key, value in variables.items() if key.upper() in names}
    return variables


def _foreign_locale() -> dict[str, str]:
    """Text is ASCII unless the code says otherwise; numbers, months and order by a language that is installed, if any.

    Python would make UTF-8 of an ASCII locale: the two variables forbid it. Text stays UTF-8 where the path of .venv is
    not ASCII: threadpoolctl, of which scikit-learn's models make use, fails there in an ASCII locale.
    """
    installed_locales = run(["locale", "-a"]).stdout if shutil.which("locale") else ""
    match = re.search(r"(?m)^(de|fr|es|it|pt|pl|ru)_\w\w\b.*$", installed_locales)
    names = ("LC_NUMERIC", "LC_TIME", "LC_COLLATE", "LC_MONETARY")
    categories = dict.fromkeys(names, match[0] if match else "C")
    if not sys.prefix.isascii():
        return {"LC_CTYPE": "C.UTF-8", **categories}
    return {"LC_CTYPE": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", **categories}


def _old_processor() -> dict[str, str]:
    """One without vector instructions; NumPy fails on a feature that it does not choose by the processor."""
    numpy = import_module("numpy._core._multiarray_umath")
    features = [name for name in numpy.__cpu_dispatch__ if numpy.__cpu_features__.get(name)]
    is_arm = platform.machine().lower() in ("arm64", "aarch64")
    return {
        "OPENBLAS_CORETYPE": "ARMV8" if is_arm else "Prescott",
        "NPY_DISABLE_CPU_FEATURES": " ".join(features),
        "ARROW_USER_SIMD_LEVEL": "NONE",
    }


def _empty_home(folder: Path) -> dict[str, str]:
    """An empty home that cannot be written to, so that caches neither help nor remain."""
    folder.mkdir(mode=0o500, exist_ok=True)
    return {"HOME": str(folder), "USERPROFILE": str(folder), "XDG_CACHE_HOME": str(folder / "cache")}


def find_variables(*folders: Path) -> list[str]:
    """Return the environment variables that a run does not get and that the code in these folders names."""
    files = [file for folder in folders for file in sorted(folder.rglob("*.py"))]
    code = "\n".join(file.read_text(encoding="utf-8", errors="replace") for file in files)
    defined_names = {*_NECESSARY_VARIABLES, *_THREAD_VARIABLES, *_PROCESSOR_VARIABLES, "TZ", "PYTHONHASHSEED", "LANG"}
    missing_names = sorted(set(os.environ) - defined_names)
    return [name for name in missing_names if re.search(rf"""["']{re.escape(name)}["']""", code)]

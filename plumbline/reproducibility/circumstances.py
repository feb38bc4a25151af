"""What a replay changes around the pipeline: where, when, by whom and on what it runs; each held still or changed."""

import json
import os
import platform
import re
import shutil
import sys
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from plumbline.process import run
from plumbline.reproducibility.interpreter import REPLAY

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS",
           "NUMEXPR_MAX_THREADS", "LOKY_MAX_CPU_COUNT", "PYTHON_CPU_COUNT")  # fmt: skip
USER = ("USER", "LOGNAME", "USERNAME", "HOSTNAME", "COMPUTERNAME")
# What numbers are computed with: OpenBLAS, NumPy and Arrow choose it by the processor, and these overrule them.
PROCESSOR = ("OPENBLAS_CORETYPE", "NPY_DISABLE_CPU_FEATURES", "ARROW_USER_SIMD_LEVEL")
NEEDED = ("PATH", "PATHEXT", "SYSTEMROOT", "SYSTEMDRIVE", "COMSPEC", "TMPDIR", "TEMP", "TMP", "LD_LIBRARY_PATH", "HOME",
          "USERPROFILE", *USER)  # fmt: skip
# What a stage prints is no output: the locale must not stop it at a character.
ALWAYS = {"PYTHONIOENCODING": "utf-8", "PYTHONDONTWRITEBYTECODE": "1"}
# By circumstance: environment variables where it is held still, and where it is changed.
OUTSIDE: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "hash seed": ({"PYTHONHASHSEED": "0"}, {"PYTHONHASHSEED": "4242"}),
    "threads": (dict.fromkeys(THREADS, "1"), dict.fromkeys(THREADS, "4")),
    "time zone": ({"TZ": "UTC"}, {"TZ": "ABC-12:45"}),
    "locale": ({"LC_ALL": "C.UTF-8"}, {}),  # changed: foreign()
    "host and user": ({}, dict.fromkeys(USER, "someone-else")),
    "processor": ({}, {}),  # held still: as it was given; changed: another_processor()
}
# The same for what interpreter.py changes: one moment in which the clock stands, or another where it goes on.
INSIDE: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "threads": ({"processors": 1}, {"processors": 4}),
    "clock": ({"clock": ["2026-01-15T12:00:00+00:00", False]}, {"clock": ["2041-08-09T23:57:31+00:00", True]}),
    "locale": ({}, {"comma": ","}),
    "randomness": ({"seed": 0}, {}),
    "order of directory listings": ({"order": False}, {"order": True}),
    "host and user": ({}, {"host": "another-host"}),
}
NAMES = ("directory", "hash seed", "threads", "clock", "time zone", "locale", "umask", "randomness",
         "order of directory listings", "home and caches", "host and user", "environment variables",
         "processor")  # fmt: skip


@dataclass(frozen=True)
class Place:
    """Where one run happens, and in what."""

    folder: Path
    environment: dict[str, str]
    umask: int


def foreign() -> dict[str, str]:
    """Text is ASCII unless the code says otherwise; numbers, months and order by a language that is installed, if any.

    Python would make UTF-8 of an ASCII locale: the two variables forbid it.
    """
    listed = run(["locale", "-a"]).stdout if shutil.which("locale") else ""
    found = re.search(r"(?m)^(de|fr|es|it|pt|pl|ru)_\w\w\b.*$", listed)
    others = dict.fromkeys(("LC_NUMERIC", "LC_TIME", "LC_COLLATE", "LC_MONETARY"), found[0] if found else "C")
    return {"LC_CTYPE": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", **others}


def another_processor() -> dict[str, str]:
    """An old one without vector instructions; NumPy fails on a feature that it does not choose by the processor."""
    numpy = import_module("numpy._core._multiarray_umath")
    chosen = [name for name in numpy.__cpu_dispatch__ if numpy.__cpu_features__.get(name)]
    is_arm = platform.machine().lower() in ("arm64", "aarch64")
    return {
        "OPENBLAS_CORETYPE": "ARMV8" if is_arm else "Prescott",
        "NPY_DISABLE_CPU_FEATURES": " ".join(chosen),
        "ARROW_USER_SIMD_LEVEL": "NONE",
    }


def _home(folder: Path) -> dict[str, str]:
    """Empty, and not to be written to: whoever keeps something there finds nothing and keeps nothing."""
    folder.mkdir(mode=0o500, exist_ok=True)
    return {"HOME": str(folder), "USERPROFILE": str(folder), "XDG_CACHE_HOME": str(folder / "cache")}


def place(root: Path, changed: set[str]) -> Place:
    """The place of a run below `root`, with these circumstances changed and all others held still."""
    given = {key: value for key, value in os.environ.items() if not key.startswith(("LC_", "LANG", "PYTHON"))}
    if "environment variables" in changed:
        given = {key: value for key, value in given.items() if key.upper() in NEEDED}
    outside: dict[str, str] = dict(ALWAYS)
    inside: dict[str, Any] = {}
    for name in NAMES:
        outside |= OUTSIDE.get(name, ({}, {}))[name in changed]
        inside |= INSIDE.get(name, ({}, {}))[name in changed]
    outside |= foreign() if "locale" in changed else {}
    given |= {key: os.environ[key] for key in PROCESSOR if key in os.environ}
    outside |= another_processor() if "processor" in changed else {}
    outside |= _home(root / "home") if "home and caches" in changed else {}
    site = root / "site"
    site.mkdir(exist_ok=True)
    shutil.copyfile(Path(__file__).with_name("interpreter.py"), site / "sitecustomize.py")
    outside |= {"PYTHONPATH": str(site), REPLAY: json.dumps(inside)}
    outside["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), given.get("PATH", os.defpath)])
    folder = root / ("deeper/another place/mit Lücken" if "directory" in changed else "copy")
    return Place(folder, given | outside, -1 if os.name == "nt" else 0o077 if "umask" in changed else 0o022)


def named(*folders: Path) -> list[str]:
    """The environment variables that are taken away and that the code in these names: the first to look at."""
    files = [file for folder in folders for file in sorted(folder.rglob("*.py"))]
    code = "\n".join(file.read_text(encoding="utf-8", errors="replace") for file in files)
    held = {*NEEDED, *THREADS, *PROCESSOR, "TZ", "PYTHONHASHSEED", "LANG"}
    gone = sorted(set(os.environ) - held)
    return [name for name in gone if re.search(rf"""["']{re.escape(name)}["']""", code)]

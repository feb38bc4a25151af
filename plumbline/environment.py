"""The project's environment .venv: fill it from requirements.lock, and run a module in it.

src/environment.py finds this package where nothing is installed yet: only the standard library is imported here.
"""

import hashlib
import os
import re
import shutil
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import chdir, contextmanager
from pathlib import Path

from plumbline import local_files, lock, machinery, process
from plumbline.errors import ProgramError, ProjectError, report_errors
from plumbline.extras import choose_groups, remote_extras

OLDEST, NEWEST = (3, 11), (3, 14)
VENV = Path(".venv")
RECORD = VENV / "lock-hash"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
INSIDE = BIN / ("python.exe" if os.name == "nt" else "python")
BASE = getattr(sys, "_base_executable", sys.executable)  # the Python of an activated .venv would be deleted with it
QUIET = {"DVC_NO_ANALYTICS": "1", "GX_ANALYTICS_ENABLED": "False", "DO_NOT_TRACK": "1"}
READERS = (["plumbline", "report"], ["pytest"])  # commands that work in a read-only folder
LOW_SPACE = 100 * 2**20  # bytes; below it a full disk is the likely cause of a failure
SETUP = "Run it again: make setup"


def _read_record() -> list[str]:
    """Return the words that .venv records: the hash of its inputs, and its groups as +NAME."""
    try:
        return RECORD.read_text(encoding="utf-8").split()
    except OSError:
        return []


def _list_groups() -> list[str]:
    return [word[1:] for word in _read_record() if word.startswith("+")]


def _write_record(word: str, groups: Sequence[str]) -> None:
    RECORD.write_text("\n".join([word, *(f"+{name}" for name in groups)]) + "\n", encoding="utf-8")


def hash_inputs(extras: Sequence[str], groups: Sequence[str] = ()) -> str:
    """Return the hash of all that .venv is made from: lock, dependencies, extras, groups, version of Python."""
    options = repr(([*extras, *(f"+{name}" for name in groups)], sys.version_info[:2])).encode()
    dependencies = re.findall(rb"(?s)dependencies = \[.*?\n\]", Path("pyproject.toml").read_bytes())[:1]
    return hashlib.sha256(b"".join([options, lock.LOCK.read_bytes(), *dependencies])).hexdigest()


def is_ready(extras: Sequence[str], groups: Sequence[str] = ()) -> bool:
    """Return whether .venv, or the folder that it links to, was made from these inputs."""
    return INSIDE.exists() and hash_inputs(extras, groups) in _read_record()


def _read_venv_python() -> tuple[tuple[int, ...], str]:
    """Return version, as (3, 13), and path of the Python that .venv was made with; (), "" without a .venv."""
    try:
        text = (VENV / "pyvenv.cfg").read_text(encoding="utf-8")
    except OSError:
        return (), ""
    settings = dict(re.findall(r"(?m)^(\w+) *= *(.*?)\s*$", text))
    version = re.findall(r"\d+", settings.get("version") or settings.get("version_info", ""))
    python = str(Path(settings.get("home", ""), INSIDE.name))
    return tuple(int(number) for number in version[:2]), settings.get("executable", python)


def run(command: Sequence[str | Path]) -> int:
    """Run a program in this terminal, and return its exit code."""
    try:
        return process.run(command, capture_output=False).returncode
    except KeyboardInterrupt:
        return 130


def run_step(name: str, command: Sequence[str | Path]) -> None:
    """Run a command of the installation; a terminal shows the time, and the command's output where it fails.

    Raises
    ------
    ProgramError
        If it fails, or was stopped by Ctrl-C.
    """
    start, seconds = time.time(), -1
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
        with process.start(command, stdout=output, stderr=output) as program:
            try:
                while (code := program.poll()) is None:
                    if sys.stdout.isatty() and (now := int(time.time() - start)) > seconds:
                        seconds = now
                        print(f"\rsetup: {name}, {seconds} s".ljust(70), end="", flush=True)
                    time.sleep(0.1)
            except KeyboardInterrupt:
                program.wait()
                raise ProgramError(f"setup was stopped by Ctrl-C at this step: {name}", hint=SETUP) from None
        if code:
            output.seek(0)
            print("\n" + output.read().rstrip(), flush=True)
            raise _failed_step(name)


def _failed_step(name: str) -> ProgramError:
    folders = [folder for folder in (Path(), Path.home(), Path(tempfile.gettempdir())) if folder.is_dir()]
    free = min(shutil.disk_usage(folder).free for folder in folders)
    is_full = free < LOW_SPACE
    hint = f"The disk has {free // 2**20} MB left: free some space, then run it again: make setup" if is_full else SETUP
    return ProgramError(f"setup failed at this step: {name} (its own message is above)", hint=hint)


def _create_venv(groups: Sequence[str]) -> None:
    """Create an empty .venv; print its Python where that may surprise."""
    old, python = _read_venv_python()
    if old and old != sys.version_info[:2]:
        note = "" if Path(python).exists() else f" ({python} does not exist any more)"
        print(".venv was Python {}.{}{}, is now {}.{}".format(*old, note, *sys.version_info[:2]))
    conda = os.environ.get("CONDA_PREFIX")
    if conda and os.path.realpath(BASE).startswith(os.path.realpath(conda) + os.sep):
        print(f"conda's environment {conda} is active: .venv uses its Python and none of its packages")
    if VENV.is_symlink():
        VENV.unlink()  # --clear would delete the content of another folder
    run_step("create .venv", [BASE, "-P", "-m", "venv", "--clear", VENV])
    _write_record("", groups)


def _install_uv(groups: Sequence[str]) -> None:
    """Install the lock's uv with pip, against its hashes, into a new .venv where the old one is incomplete."""
    pin, is_complete = lock.read_pin("uv"), any(re.match("[0-9a-f]{64}$", word) for word in _read_record())
    if VENV.is_dir() and not VENV.is_symlink():
        _write_record("", groups)  # first, so that a .venv is not taken for complete where a step fails
    is_same_python = INSIDE.exists() and _read_venv_python()[0] == sys.version_info[:2]
    if not is_complete or not is_same_python or VENV.is_symlink():
        _create_venv(groups)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "uv.txt")
        path.write_text(pin, encoding="utf-8")
        run_step(
            "install uv", [INSIDE, "-P", "-m", "pip", "install", "-q", "--require-hashes", "--no-deps", "-r", path]
        )
    _write_record("uv", groups)


def _install(extras: Sequence[str], groups: Sequence[str]) -> None:
    """Fill .venv with the versions of the lock, checked against their hashes, and remove all other packages."""
    lock.require_current()
    if not sys.stdout.isatty():
        print("setup: fills .venv from {}, Python {}.{}".format(lock.LOCK, *sys.version_info[:2]), flush=True)
    _install_uv(groups)
    command: list[str | Path] = [INSIDE, "-P", "-m", "uv", "pip", "install", "-q", "--python", INSIDE]
    # The lock alone says what comes, whatever [tool.uv] or a uv.toml says: an override by address has no hash there.
    command += ["--strict", "--exact", "--no-sources", "--require-hashes", *machinery.find_links()]
    # A first run compiles what it imports, a quarter of all files. Where Python writes no bytecode, no run would.
    command += ["--compile-bytecode"] if sys.dont_write_bytecode else []
    command += ["--reinstall-package", machinery.DISTRIBUTION]  # for uv, 0.2.0+c1 is as good as 0.2.0
    command += ["-r", "pyproject.toml", "-c", lock.LOCK]
    command += [f"dvc[{extra}]=={lock.read_version('dvc')}" for extra in extras]  # with hashes, it needs a version
    for name in groups:
        command += ["--extra", name]
    run_step(f"install the packages of {lock.LOCK}", command)
    write_script()
    shutil.copyfile(lock.LOCK, VENV / lock.LOCK)  # a review asks for it: the project's may be another by then
    _write_record(hash_inputs(extras, groups), groups)


def write_script() -> None:
    """Write the command plumbline of .venv; -m, so that a folder plumbline/ of the project comes first."""
    name, text = "plumbline", '#!/bin/sh\nexec "$(dirname "$0")/python" -m plumbline "$@"\n'
    if os.name == "nt":
        (BIN / "plumbline.exe").unlink(missing_ok=True)  # of the wheel; it would come before a .bat
        name, text = "plumbline.bat", '@"%~dp0python.exe" -m plumbline %*\n'
    (BIN / name).write_text(text, encoding="utf-8")
    (BIN / name).chmod(0o755)


def _redirect_caches() -> bool:
    """Avoid a home folder that cannot be written (containers, CI), which uv and matplotlib need; return whether so."""
    home = os.environ.get("LOCALAPPDATA") if os.name == "nt" else os.environ.get("XDG_CACHE_HOME")
    try:
        cache = Path(os.environ.get("UV_CACHE_DIR") or Path(home or Path.home() / ".cache", "uv"))
        cache.mkdir(parents=True, exist_ok=True)
        if os.access(cache, os.W_OK):
            return False
    except (OSError, RuntimeError):  # or the user has no home folder
        pass
    os.environ.update(UV_NO_CACHE="1", MPLCONFIGDIR=str((VENV / "matplotlib").absolute()))
    return True


def _update_venv(arguments: Sequence[str], names: str, clients: Sequence[str]) -> bool:
    """Fill .venv where it is not up to date, also with these clients of remotes; return whether it was filled."""
    extras, groups = sorted({*remote_extras(), *clients}), choose_groups(names, _list_groups())
    has_no_cache = _redirect_caches()
    is_lock = _is_lock(arguments)  # any version of uv can write a lock
    has_uv = INSIDE.exists() and any(not word.startswith("+") for word in _read_record())
    if has_uv if is_lock else is_ready(extras, groups):
        return False
    if has_no_cache:
        print("the home folder cannot be written: packages are not cached, the next setup downloads them again")
    if is_lock:
        _install_uv(groups)
    else:
        _install(extras, groups)
    if sys.stdout.isatty():
        print()  # ends the line that shows the time
    return True


def _is_lock(arguments: Sequence[str]) -> bool:
    return list(arguments[:2]) == ["plumbline", "lock"]


def _switch_python(arguments: Sequence[str]) -> None:
    """Run src.environment with the Python that .venv was made with, where it is another one that can be used."""
    version, python = _read_venv_python()
    if OLDEST <= version <= NEWEST and Path(python).exists() and os.path.realpath(python) != os.path.realpath(BASE):
        sys.exit(run([python, "-m", "src.environment", *arguments]))


def _check_folder(arguments: Sequence[str]) -> None:
    """Refuse a folder that is not a project or cannot be written, and a machine without git."""
    for name in (str(lock.LOCK), "pyproject.toml"):
        if not Path(name).exists():
            hint = f"Run this in the root, or: git checkout HEAD -- {name}"
            raise ProjectError(f"{name} is not in {Path.cwd()}", hint=hint)
    if arguments:
        process.require_git()
    if VENV.exists() and not VENV.is_dir():
        raise ProjectError(f"{VENV} is not a folder", hint="Move it elsewhere: a set-up creates the folder")
    if not os.access(".", os.W_OK) and not any(list(arguments[: len(reader)]) == reader for reader in READERS):
        raise ProjectError(f"{Path.cwd()} cannot be written", hint="Copy or clone the project to another folder")


@contextmanager
def _imports(arguments: Sequence[str], root: str, package: str) -> Iterator[dict[str, str]]:
    """Yield the variables with which .venv imports the right package.

    Where `root` is another project than that of this folder, its code runs here: base judges head. A new .venv that is
    to write a lock has no package yet.
    """
    if not Path(root).samefile("."):
        with tempfile.TemporaryDirectory() as folder:
            if is_wheel := Path(package).is_file():
                zipfile.ZipFile(package).extractall(folder)
            path = os.pathsep.join([folder if is_wheel else package, root])
            yield {"PYTHONPATH": path, "PYTHONSAFEPATH": "1"}
    elif _is_lock(arguments) and not Path(package).samefile(root):
        yield {"PYTHONPATH": package}
    else:
        yield {}


def run_command(arguments: Sequence[str], root: str, package: str) -> int:
    """Update .venv, then run the module of the arguments in it.

    Parameters
    ----------
    arguments : sequence of str
        As src/environment.py documents them.
    root, package : str
        The project whose src/environment.py this is and whose .venv is used, and the folder or wheel that it found.

    Returns
    -------
    int
        The exit code of the module; 1 or 2 with one line where .venv cannot be filled.
    """
    return report_errors(lambda: _run(list(arguments), root, package))


def _run(arguments: list[str], root: str, package: str) -> int:
    count = next((i for i, word in enumerate(arguments) if not word.startswith("--")), len(arguments))
    options, arguments = arguments[:count], arguments[count:]
    local_files.refuse_tracked()  # a committed .venv would name the Python that runs
    if "--any-python" in options:
        _switch_python([option for option in options if option != "--any-python"] + arguments)
    _check_folder(arguments)
    names = "".join([option.removeprefix("--extras=") for option in options if option.startswith("--extras=")][:1])
    home = Path() if Path(root).samefile(".") else Path(root)  # base judges head with base's libraries
    clients = remote_extras()  # and reads head's remotes
    with _imports(arguments, root, package) as variables:  # unpacked before anything of this folder can run
        with chdir(home):
            is_new = _update_venv(arguments, names, clients)
        if not arguments:
            print(f".venv is {f'new, filled from {lock.LOCK}' if is_new else f'as {lock.LOCK} says'}. Next: make repro")
            return 0
        path = str((home / BIN).absolute()) + os.pathsep + os.environ.get("PATH", "")
        os.environ.update(QUIET | variables, VIRTUAL_ENV=str((home / VENV).absolute()), PATH=path)
        return run([home / INSIDE, "-m", *arguments])

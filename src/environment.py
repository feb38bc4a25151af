"""The project's environment .venv: filled from requirements.lock, and used to run a module.

    python -m src.environment               create or update .venv with this Python
    python -m src.environment MODULE ARGS   the same, then python -m MODULE ARGS in it

    --any-python     keep the Python of an existing .venv; use this one only for a first .venv (make without PYTHON)
    --extras=NAMES   add groups of [project.optional-dependencies]; they stay until --extras=none

Only the standard library is imported, and an old Python can read this file, to refuse itself with one line.
"""

import configparser
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

OLDEST, NEWEST = (3, 11), (3, 14)
VENV, LOCK, RECORD = ".venv", "requirements.lock", "lock-hash"
BIN = os.path.join(VENV, "Scripts" if os.name == "nt" else "bin")
INSIDE = os.path.join(BIN, "python.exe" if os.name == "nt" else "python")
EXTRAS = {"s3", "gs", "azure", "ssh", "gdrive", "hdfs", "oss", "webdav", "webhdfs"}  # of dvc, by the remote's scheme
BASE = getattr(sys, "_base_executable", sys.executable)  # the Python of an activated .venv would be deleted with it
QUIET = {"DVC_NO_ANALYTICS": "1", "GX_ANALYTICS_ENABLED": "False", "DO_NOT_TRACK": "1"}
READERS = (["plumbline", "report"], ["pytest"])  # commands that work in a read-only folder
LOW_SPACE = 100 * 2**20  # bytes; below it a full disk is the likely cause of a failure


def refuse(message, hint):
    """Print an error as one line and exit with 1."""
    sys.stderr.write("ERROR: %s. %s\n" % (message, hint))
    sys.exit(1)


def print_line(text):
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def check_version(version):
    """Refuse a Python that the lock does not cover, with one line in place of a traceback."""
    if not OLDEST <= tuple(version[:2]) <= NEWEST:
        supported = "Python %d.%d cannot run this project: expected %d.%d to %d.%d"
        hint = "Choose another: make setup PYTHON=python3.%d" % (NEWEST[1] - 1)
        refuse(supported % (tuple(version[:2]) + OLDEST + NEWEST), hint)


def remote_extras(config=".dvc/config"):
    """Return the extras of dvc that the remotes of .dvc/config need; a remote in a local folder needs none."""
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.read([config, config + ".local"], encoding="utf-8")
    schemes = {parser[section].get("url", "").split("://")[0] for section in parser.sections()}
    return sorted({scheme.replace("webdavs", "webdav") for scheme in schemes} & EXTRAS)


def read_groups():
    """Return the names of the groups in pyproject.toml that .venv can have."""
    import tomllib  # missing in a Python that check_version refuses

    try:
        with open("pyproject.toml", "rb") as file:
            groups = tomllib.load(file).get("project", {}).get("optional-dependencies", {})
    except ValueError as error:
        refuse("pyproject.toml cannot be read: %s" % error, "Fix that line")
    return sorted(set(groups) - {"remotes"})  # it only adds pins to the lock


def choose_groups(extras):
    """Return the groups that .venv has, and those of EXTRAS; the word none removes all."""
    if extras == "none":
        return []
    groups, names = read_groups(), set(re.split(r"[\s,]+", extras or "")) - {""}
    if names - set(groups):
        unknown, expected = ", ".join(sorted(names - set(groups))), ", ".join(groups)
        refuse("EXTRAS names %s: expected groups of pyproject.toml (%s), or none" % (unknown, expected), "Correct it")
    return sorted(set(groups) & (names | {word[1:] for word in read_record() if word.startswith("+")}))


def read_record():
    """Return the words that .venv records: the hash of its inputs, and its groups as +NAME."""
    try:
        with open(os.path.join(VENV, RECORD)) as file:
            return file.read().split()
    except OSError:
        return []


def write_record(word, groups):
    with open(os.path.join(VENV, RECORD), "w") as file:
        file.write("\n".join([word] + ["+" + name for name in groups]) + "\n")


def hash_inputs(extras, groups=()):
    """Return the hash of all that .venv is made from: lock, dependencies, extras, groups, version of Python."""
    options = repr((extras + ["+" + name for name in groups], sys.version_info[:2])).encode()
    with open(LOCK, "rb") as lock, open("pyproject.toml", "rb") as project:
        dependencies = re.findall(rb"(?s)dependencies = \[.*?\n\]", project.read())[:1]
        return hashlib.sha256(b"".join([options, lock.read()] + dependencies)).hexdigest()


def is_ready(extras, groups=()):
    """Return whether .venv, or the folder that it links to, was made from these inputs."""
    return os.path.exists(INSIDE) and hash_inputs(extras, groups) in read_record()


def read_venv_python():
    """Return version, as (3, 13), and path of the Python that .venv was made with; (), "" without a .venv."""
    try:
        with open(os.path.join(VENV, "pyvenv.cfg"), encoding="utf-8") as file:
            settings = dict(re.findall(r"(?m)^(\w+) *= *(.*?)\s*$", file.read()))
    except OSError:
        return (), ""
    version = re.findall(r"\d+", settings.get("version") or settings.get("version_info", ""))
    python = os.path.join(settings.get("home", ""), os.path.basename(INSIDE))
    return tuple(int(number) for number in version[:2]), settings.get("executable", python)


def read_pin(package):
    """Return the lines of a package in the lock, with its hashes."""
    with open(LOCK, encoding="utf-8") as file:
        match = re.search(r"(?m)^%s==[^\n]*(?:\n    --hash[^\n]*)+" % re.escape(package), file.read())
    if not match:
        refuse("%s has no pin of %s" % (LOCK, package), "Restore the file: git checkout HEAD -- %s" % LOCK)
    return match.group() + "\n"


def run(command):
    try:
        return subprocess.call(command)
    except KeyboardInterrupt:
        return 130


def run_step(name, command):
    """Run a command of the installation; a terminal shows the time, and the command's output where it fails."""
    start, output = time.time(), None
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    while output is None:
        if sys.stdout.isatty():
            sys.stdout.write(("\rsetup: %s, %d s" % (name, time.time() - start)).ljust(70))
            sys.stdout.flush()
        try:
            output = process.communicate(timeout=1)[0].decode("utf-8", "replace")
        except subprocess.TimeoutExpired:
            pass
        except KeyboardInterrupt:
            process.wait()
            refuse("setup was stopped by Ctrl-C at this step: %s" % name, "Run it again: make setup")
    if process.returncode:
        print_line("\n" + output.rstrip())
        folders = [folder for folder in (".", os.path.expanduser("~"), tempfile.gettempdir()) if os.path.isdir(folder)]
        free = min(shutil.disk_usage(folder).free for folder in folders)
        cure = "The disk has %d MB left: free some space, then run" % (free // 2**20) if free < LOW_SPACE else "Run"
        refuse("setup failed at this step: %s (its own message is above)" % name, "%s it again: make setup" % cure)


def create_venv(groups):
    """Create an empty .venv; print its Python where that may surprise."""
    old, python = read_venv_python()
    if old and old != sys.version_info[:2]:
        note = "" if os.path.exists(python) else " (%s does not exist any more)" % python
        print_line(".venv was Python %d.%d%s, is now %d.%d" % (old + (note,) + sys.version_info[:2]))
    conda = os.environ.get("CONDA_PREFIX")
    if conda and os.path.realpath(BASE).startswith(os.path.realpath(conda) + os.sep):
        print_line("conda's environment %s is active: .venv uses its Python and none of its packages" % conda)
    if os.path.islink(VENV):
        os.unlink(VENV)  # --clear would delete the content of another folder
    run_step("create .venv", [BASE, "-m", "venv", "--clear", VENV])
    write_record("", groups)


def install_uv(extras, groups):
    """Install the lock's uv with pip, against its hashes, into a new .venv where the old one is incomplete."""
    pin, is_complete = read_pin("uv"), any(re.match("[0-9a-f]{64}$", word) for word in read_record())
    if os.path.isdir(VENV) and not os.path.islink(VENV):
        write_record("", groups)  # first, so that a .venv is not taken for complete where a step fails
    is_same_python = os.path.exists(INSIDE) and read_venv_python()[0] == sys.version_info[:2]
    if not is_complete or not is_same_python or os.path.islink(VENV):
        create_venv(groups)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "uv.txt")
        with open(path, "w", encoding="utf-8") as file:
            file.write(pin)
        run_step("install uv", [INSIDE, "-m", "pip", "install", "-q", "--require-hashes", "--no-deps", "-r", path])
    write_record("uv", groups)


def install(extras, groups):
    """Fill .venv with the versions of the lock, checked against their hashes, and remove all other packages."""
    check_lock()
    if not sys.stdout.isatty():
        print_line("setup: fills .venv from %s, Python %d.%d" % ((LOCK,) + sys.version_info[:2]))
    install_uv(extras, groups)
    uv = [INSIDE, "-m", "uv", "pip", "install", "-q", "--python", INSIDE, "--strict", "--compile-bytecode", "--exact"]
    requirements = ["-r", "pyproject.toml", "-c", LOCK] + ["dvc[%s]" % extra for extra in extras]
    for name in groups:
        requirements += ["--extra", name]
    run_step("install the packages of " + LOCK, uv + requirements)
    write_script()
    write_record(hash_inputs(extras, groups), groups)


def write_script():
    """Write the command plumbline of .venv; -m, so that a folder plumbline/ of the project comes first."""
    name, text = "plumbline", '#!/bin/sh\nexec "$(dirname "$0")/python" -m plumbline "$@"\n'
    if os.name == "nt":
        name, text = "plumbline.bat", '@"%~dp0python.exe" -m plumbline %*\n'
    with open(os.path.join(BIN, name), "w") as file:
        file.write(text)
    os.chmod(file.name, 0o755)  # noqa: S103


def check_lock():
    """Refuse a lock of another dependency list: it would leave the version of a package open."""
    from plumbline import lock
    from plumbline.errors import PlumblineError

    try:
        with open(LOCK, encoding="utf-8") as file:
            is_current = file.read().startswith(lock.header())
    except PlumblineError as error:
        refuse(error.message, error.hint)
    if not is_current:
        refuse("pyproject.toml asks for other packages than %s was made from" % LOCK, "Run make lock, then this again")


def redirect_caches():
    """Avoid a home folder that cannot be written (containers, CI), which uv and matplotlib need; return whether so."""
    home = os.environ.get("LOCALAPPDATA") if os.name == "nt" else os.environ.get("XDG_CACHE_HOME")
    cache = os.environ.get("UV_CACHE_DIR") or os.path.join(home or os.path.expanduser("~/.cache"), "uv")
    try:
        os.makedirs(cache, exist_ok=True)
        if os.access(cache, os.W_OK):
            return False
    except OSError:
        pass
    os.environ.update(UV_NO_CACHE="1", MPLCONFIGDIR=os.path.abspath(os.path.join(VENV, "matplotlib")))
    return True


def update_venv(arguments, names):
    """Fill .venv where it is not up to date; return whether it was filled."""
    has_no_cache, extras, groups = redirect_caches(), remote_extras(), choose_groups(names)
    is_lock = arguments[:2] == ["plumbline", "lock"]  # any version of uv can write a lock
    has_uv = os.path.exists(INSIDE) and any(not word.startswith("+") for word in read_record())
    if has_uv if is_lock else is_ready(extras, groups):
        return False
    if has_no_cache:
        print_line("the home folder cannot be written: packages are not cached, the next setup downloads them again")
    (install_uv if is_lock else install)(extras, groups)
    if sys.stdout.isatty():
        print_line("")  # ends the line that shows the time
    return True


def switch_python(arguments):
    """Run this module with the Python that .venv was made with, where it is another one that can be used."""
    version, python = read_venv_python()
    if OLDEST <= version <= NEWEST and os.path.exists(python) and os.path.realpath(python) != os.path.realpath(BASE):
        sys.exit(run([python, "-m", "src.environment"] + arguments))


def check_folder(arguments):
    """Refuse a folder that is not a project or cannot be written, and a machine without git."""
    for name in (LOCK, "pyproject.toml"):
        if not os.path.exists(name):
            refuse("%s is not in %s" % (name, os.getcwd()), "Run this in the root, or: git checkout HEAD -- %s" % name)
    if arguments and shutil.which("git") is None:
        refuse("git is not on PATH: results are compared with committed ones", "Install git, then run this again")
    if not os.access(".", os.W_OK) and not any(arguments[: len(reader)] == reader for reader in READERS):
        refuse("%s cannot be written" % os.getcwd(), "Copy or clone the project to another folder")


def main(arguments):
    """Update .venv, then run the module of the arguments in it; return its exit code."""
    count = next((i for i, word in enumerate(arguments) if not word.startswith("--")), len(arguments))
    options, arguments = arguments[:count], arguments[count:]
    if "--any-python" in options:
        switch_python([option for option in options if option != "--any-python"] + arguments)
    check_version(sys.version_info)
    check_folder(arguments)
    extras = [option[len("--extras=") :] for option in options if option.startswith("--extras=")]
    is_new = update_venv(arguments, extras[0] if extras else "")
    if not arguments:
        print(".venv is %s. Next: make repro" % ("new, filled from " + LOCK if is_new else "as %s says" % LOCK))
        return 0
    os.environ.update(QUIET, VIRTUAL_ENV=os.path.abspath(VENV))
    os.environ["PATH"] = os.path.abspath(BIN) + os.pathsep + os.environ.get("PATH", "")
    return run([INSIDE, "-m"] + arguments)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except OSError as problem:
        refuse("%s: %s" % (problem.filename, problem.strerror), "Fix it, then run this again")

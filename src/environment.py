"""The project's environment: .venv, filled from requirements.lock, and a way to run a module in it.

    python -m src.environment               create or renew .venv with this Python
    python -m src.environment MODULE ARGS   the same, then python -m MODULE ARGS inside it

    --any-python     .venv keeps the Python that it was made with; this one is for a first .venv (make without PYTHON)
    --extras=NAMES   add groups of [project.optional-dependencies], which stay until --extras=none

Standard library only, and readable by an old Python, so that the wrong version is refused in one line.
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
EXTRAS = {"s3", "gs", "azure", "ssh", "gdrive", "hdfs", "oss", "webdav", "webhdfs"}  # dvc's, by the scheme of a remote
BASE = getattr(sys, "_base_executable", sys.executable)  # not the Python of an activated .venv, which is cleared
QUIET = {"DVC_NO_ANALYTICS": "1", "GX_ANALYTICS_ENABLED": "False", "DO_NOT_TRACK": "1"}
UNPINNED = "remotes"  # in the lock for the pins' sake, never installed as a group
READERS = (["plumbline", "report"], ["pytest"])  # what works in a folder that cannot be written
LITTLE = 100 * 2**20  # bytes: with less left on the disk, that is why an installation stopped


def refuse(line):
    sys.stderr.write("ERROR: " + line + "\n")
    sys.exit(1)


def say(line):
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def check_version(version):
    """One line instead of a traceback for a Python that the lock does not cover."""
    if not OLDEST <= tuple(version[:2]) <= NEWEST:
        refuse(
            "Python %d.%d cannot run this project: expected %d.%d to %d.%d. Name one: make setup PYTHON=python3.%d"
            % (tuple(version[:2]) + OLDEST + NEWEST + (NEWEST[1] - 1,))
        )


def remote_extras(config=".dvc/config"):
    """The extras of dvc that the remotes in .dvc/config need, by the scheme of their url; a local path needs none."""
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.read([config, config + ".local"], encoding="utf-8")
    schemes = {parser[section].get("url", "").split("://")[0] for section in parser.sections()}
    return sorted({scheme.replace("webdavs", "webdav") for scheme in schemes} & EXTRAS)


def known_groups():
    """The groups of pyproject.toml that can be added to .venv."""
    import tomllib  # not there in a Python that check_version refuses

    try:
        with open("pyproject.toml", "rb") as file:
            groups = tomllib.load(file).get("project", {}).get("optional-dependencies", {})
    except ValueError as error:
        refuse("pyproject.toml cannot be read: %s. Fix that line" % error)
    return sorted(set(groups) - {UNPINNED})


def wanted_groups(asked):
    """The groups that .venv has, and those asked for; "none" takes them out again."""
    if asked == "none":
        return []
    known, named = known_groups(), set(re.split(r"[\s,]+", asked or "")) - {""}
    if named - set(known):
        unknown = ", ".join(sorted(named - set(known)))
        refuse("EXTRAS names %s: expected groups of pyproject.toml (%s), or none" % (unknown, ", ".join(known)))
    return sorted(set(known) & (named | {word[1:] for word in recorded() if word.startswith("+")}))


def recorded():
    """What .venv says of itself: the hash of what it was made from, and its groups as +NAME."""
    try:
        with open(os.path.join(VENV, RECORD)) as file:
            return file.read().split()
    except OSError:
        return []


def record(first, groups):
    with open(os.path.join(VENV, RECORD), "w") as file:
        file.write("\n".join([first] + ["+" + name for name in groups]) + "\n")


def lock_hash(extras, groups=()):
    """What .venv must have been made from: the lock, the dependency list, extras and groups, the Python version."""
    parts = repr((extras + ["+" + name for name in groups], sys.version_info[:2])).encode()
    with open(LOCK, "rb") as lock, open("pyproject.toml", "rb") as project:
        asked = re.findall(rb"(?s)dependencies = \[.*?\n\]", project.read())[:1]
        return hashlib.sha256(b"".join([parts, lock.read()] + asked)).hexdigest()


def is_ready(extras, groups=()):
    """True when .venv, or what it links to, was made from this lock by this Python."""
    return os.path.exists(INSIDE) and lock_hash(extras, groups) in recorded()


def python_of_venv():
    """The version (3, 13) and the command of the Python that .venv was made with; (), "" where there is none."""
    try:
        with open(os.path.join(VENV, "pyvenv.cfg"), encoding="utf-8") as file:
            stated = dict(re.findall(r"(?m)^(\w+) *= *(.*?)\s*$", file.read()))
    except OSError:
        return (), ""
    version = re.findall(r"\d+", stated.get("version") or stated.get("version_info", ""))
    python = os.path.join(stated.get("home", ""), os.path.basename(INSIDE))
    return tuple(int(number) for number in version[:2]), stated.get("executable", python)


def pin(package):
    """The lines of one package in the lock, with its hashes."""
    with open(LOCK, encoding="utf-8") as file:
        found = re.search(r"(?m)^%s==[^\n]*(?:\n    --hash[^\n]*)+" % re.escape(package), file.read())
    if not found:
        refuse(
            "%s has no %s: expected every dependency pinned there. The last one that was committed comes back with "
            "git checkout HEAD -- %s" % (LOCK, package, LOCK)
        )
    return found.group() + "\n"


def run(command):
    try:
        return subprocess.call(command)
    except KeyboardInterrupt:
        return 130


def install_step(what, command):
    """A command of the installation: a terminal shows what runs and how long; its own output is shown if it fails."""
    start, output = time.time(), None
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    while output is None:
        if sys.stdout.isatty():
            sys.stdout.write(("\rsetup: %s, %d s" % (what, time.time() - start)).ljust(70))
            sys.stdout.flush()
        try:
            output = process.communicate(timeout=1)[0].decode("utf-8", "replace")
        except subprocess.TimeoutExpired:
            pass
        except KeyboardInterrupt:
            process.wait()
            refuse("stopped by Ctrl-C while the set-up %s; run it again: make setup" % what)
    if process.returncode:
        say("\n" + output.rstrip())
        folders = [folder for folder in (".", os.path.expanduser("~"), tempfile.gettempdir()) if os.path.isdir(folder)]
        left = min(shutil.disk_usage(folder).free for folder in folders)
        room = "the disk has %d MB left, make room and " % (left // 2**20) if left < LITTLE else ""
        refuse("setup stopped while it %s (its own message is above); %srun it again: make setup" % (what, room))


def create_venv(groups):
    """A new .venv with nothing in it; says which Python it has where that is a surprise."""
    old, python = python_of_venv()
    if old and old != sys.version_info[:2]:
        gone = "" if os.path.exists(python) else " (%s is gone)" % python
        say(".venv was Python %d.%d%s, is now %d.%d" % (old + (gone,) + sys.version_info[:2]))
    conda = os.environ.get("CONDA_PREFIX")
    if conda and os.path.realpath(BASE).startswith(os.path.realpath(conda) + os.sep):
        say("conda's environment %s is active: .venv is made with its Python, and sees none of its packages" % conda)
    if os.path.islink(VENV):
        os.unlink(VENV)  # what it links to is not ours to clear
    install_step("creates .venv", [BASE, "-m", "venv", "--clear", VENV])
    record("", groups)


def bring_uv(extras, groups):
    """.venv with the lock's uv, which pip brings with its hash: the one that is there, where it is whole."""
    pinned, whole = pin("uv"), any(re.match("[0-9a-f]{64}$", word) for word in recorded())
    if os.path.isdir(VENV) and not os.path.islink(VENV):
        record("", groups)  # first: what stops from here on must not leave a .venv that passes for whole
    if not whole or os.path.islink(VENV) or python_of_venv()[0] != sys.version_info[:2] or not os.path.exists(INSIDE):
        create_venv(groups)
    with tempfile.TemporaryDirectory() as folder:
        uv = os.path.join(folder, "uv.txt")
        with open(uv, "w", encoding="utf-8") as file:
            file.write(pinned)
        pip = [INSIDE, "-m", "pip", "install", "-q", "--require-hashes", "--no-deps", "-r", uv]
        install_step("installs uv", pip)
    record("uv", groups)


def install(extras, groups):
    """Fills .venv: uv brings the lock's versions, each against its hash, and takes out whatever else is there."""
    check_lock()
    if not sys.stdout.isatty():
        say("setup: fills .venv from %s, Python %d.%d" % ((LOCK,) + sys.version_info[:2]))
    bring_uv(extras, groups)
    here = [INSIDE, "-m", "uv", "pip", "install", "-q", "--python", INSIDE, "--strict", "--compile-bytecode", "--exact"]
    wanted = ["-r", "pyproject.toml", "-c", LOCK] + ["dvc[%s]" % extra for extra in extras]
    for name in groups:
        wanted += ["--extra", name]
    install_step("installs the packages of " + LOCK, here + wanted)
    write_script()
    record(lock_hash(extras, groups), groups)


def write_script():
    """The command of an activated .venv; -m, so that a folder plumbline/ in the project's root comes first."""
    name, text = "plumbline", '#!/bin/sh\nexec "$(dirname "$0")/python" -m plumbline "$@"\n'
    if os.name == "nt":
        name, text = "plumbline.bat", '@"%~dp0python.exe" -m plumbline %*\n'
    with open(os.path.join(BIN, name), "w") as file:
        file.write(text)
    os.chmod(file.name, 0o755)  # noqa: S103


def check_lock():
    """A package that the lock does not pin would come in any version, and from there into results."""
    from plumbline import lock
    from plumbline.errors import PlumblineError

    try:
        with open(LOCK, encoding="utf-8") as file:
            made_from_it = file.read().startswith(lock.header())
    except PlumblineError as error:
        refuse(str(error))
    if not made_from_it:
        refuse("pyproject.toml asks for other packages than %s was made from. Run make lock, then this again" % LOCK)


def spare_home():
    """A home that cannot be written (containers, CI) stops uv and makes matplotlib talk: True where it is so."""
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


def prepare(arguments, asked):
    """Fills .venv where it must be; True when it did. A new lock needs nothing of .venv but uv, of any lock."""
    spared, extras, groups = spare_home(), remote_extras(), wanted_groups(asked)
    if arguments[:2] == ["plumbline", "lock"]:
        fresh = not (os.path.exists(INSIDE) and [word for word in recorded() if not word.startswith("+")])
        make = bring_uv
    else:
        fresh, make = not is_ready(extras, groups), install
    if fresh:
        if spared:
            say("the home folder cannot be written: packages are not kept there, the next set-up downloads them again")
        make(extras, groups)
        if sys.stdout.isatty():
            say("")  # ends the line of the progress
    return fresh


def hand_over(arguments):
    """Runs this module with the Python that .venv was made with, where that is another one that works."""
    version, python = python_of_venv()
    if OLDEST <= version <= NEWEST and os.path.exists(python) and os.path.realpath(python) != os.path.realpath(BASE):
        sys.exit(run([python, "-m", "src.environment"] + arguments))


def main(arguments):
    count = next((i for i, word in enumerate(arguments) if not word.startswith("--")), len(arguments))
    options, arguments = arguments[:count], arguments[count:]
    if "--any-python" in options:
        hand_over([option for option in options if option != "--any-python"] + arguments)
    check_version(sys.version_info)
    for name in (LOCK, "pyproject.toml"):
        if not os.path.exists(name):
            refuse("%s is not in %s: run this in its root, or: git checkout HEAD -- %s" % (name, os.getcwd(), name))
    if arguments and shutil.which("git") is None:
        refuse("git is not on PATH: expected it, the project compares with what is committed. Install git, then again")
    if not os.access(".", os.W_OK) and not any(arguments[: len(reader)] == reader for reader in READERS):
        refuse("%s cannot be written: expected a folder that can. Copy or clone the project to one" % os.getcwd())
    asked = [option[len("--extras=") :] for option in options if option.startswith("--extras=")]
    fresh = prepare(arguments, asked[0] if asked else "")
    if not arguments:
        print(".venv is %s. Next: make repro" % ("new, filled from " + LOCK if fresh else "as %s says" % LOCK))
        return 0
    os.environ.update(QUIET, VIRTUAL_ENV=os.path.abspath(VENV))
    os.environ["PATH"] = os.path.abspath(BIN) + os.pathsep + os.environ.get("PATH", "")
    return run([INSIDE, "-m"] + arguments)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except OSError as problem:
        refuse("%s: %s. Fix it, then run this again" % (problem.filename, problem.strerror))

"""The project's environment: .venv, filled from requirements.lock, and a way to run a module in it.

    python -m src.environment               create or renew .venv
    python -m src.environment MODULE ARGS   the same, then python -m MODULE ARGS inside it

Standard library only, and readable by an old Python, so that the wrong version is refused in one line.
"""

import configparser
import hashlib
import os
import re
import subprocess
import sys
import tempfile

OLDEST, NEWEST = (3, 11), (3, 14)
VENV, LOCK, RECORD = ".venv", "requirements.lock", "lock-hash"
BIN = os.path.join(VENV, "Scripts" if os.name == "nt" else "bin")
INSIDE = os.path.join(BIN, "python.exe" if os.name == "nt" else "python")
EXTRAS = {"s3", "gs", "azure", "ssh", "gdrive", "hdfs", "oss", "webdav", "webhdfs"}  # dvc's, by the scheme of a remote
BASE = getattr(sys, "_base_executable", sys.executable)  # not the Python of an activated .venv, which is cleared
QUIET = {"DVC_NO_ANALYTICS": "1", "GX_ANALYTICS_ENABLED": "False", "DO_NOT_TRACK": "1"}


def refuse(line):
    sys.stderr.write("ERROR: " + line + "\n")
    sys.exit(1)


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


def lock_hash(extras):
    """What .venv must have been made from: the lock, the dependency list, the remotes' extras, the Python version."""
    with open(LOCK, "rb") as lock, open("pyproject.toml", "rb") as project:
        asked = re.findall(rb"(?s)dependencies = \[.*?\n\]", project.read())[:1]
        made_from = [repr((extras, sys.version_info[:2])).encode(), lock.read()] + asked
    return hashlib.sha256(b"".join(made_from)).hexdigest()


def is_ready(extras):
    """True when .venv, or what it links to, was made from this lock by this Python."""
    try:
        with open(os.path.join(VENV, RECORD)) as file:
            return os.path.exists(INSIDE) and lock_hash(extras) in file.read().split()
    except OSError:
        return False


def pin(package):
    """The lines of one package in the lock, with its hashes."""
    with open(LOCK, encoding="utf-8") as file:
        found = re.search(r"(?m)^%s==[^\n]*(?:\n    --hash[^\n]*)+" % re.escape(package), file.read())
    if not found:
        refuse("%s has no %s: expected every dependency pinned there. Renew it with make lock" % (LOCK, package))
    return found.group() + "\n"


def run(command):
    try:
        return subprocess.call(command)
    except KeyboardInterrupt:
        return 130


def install(extras):
    """A new .venv: pip brings uv with its hash, uv brings the rest at the lock's versions, each against its hash."""
    if os.path.islink(VENV):
        os.unlink(VENV)  # what it links to is not ours to clear
    elif os.path.exists(os.path.join(VENV, RECORD)):
        os.unlink(os.path.join(VENV, RECORD))  # first: a clearing that is stopped must not leave it
    with tempfile.TemporaryDirectory() as folder:
        uv = os.path.join(folder, "uv.txt")
        with open(uv, "w", encoding="utf-8") as file:
            file.write(pin("uv"))
        here = [INSIDE, "-m", "uv", "pip", "install", "--python", INSIDE, "--strict", "--compile-bytecode"]
        wanted = ["-r", "pyproject.toml", "-c", LOCK] + ["dvc[%s]" % extra for extra in extras]
        steps = [
            ("creates .venv", [BASE, "-m", "venv", "--clear", VENV]),
            ("installs uv", [INSIDE, "-m", "pip", "install", "-q", "--require-hashes", "--no-deps", "-r", uv]),
            ("installs the lock", here + wanted),
        ]
        for number, (what, command) in enumerate(steps, 1):
            print("setup %d/%d: %s" % (number, len(steps), what), flush=True)
            if run(command):
                refuse("setup stopped while it %s (its own message is above); run it again: make setup" % what)
    with open(os.path.join(VENV, RECORD), "w") as file:
        file.write(lock_hash(extras) + "\n")


def main(arguments):
    check_version(sys.version_info)
    for name in (LOCK, "pyproject.toml"):
        if not os.path.exists(name):
            refuse("%s is not in %s: run this in the project's root" % (name, os.getcwd()))
    extras = remote_extras()
    fresh = not is_ready(extras)
    if fresh:
        install(extras)
    if not arguments:
        print(".venv is %s. Next: make repro" % ("new, filled from " + LOCK if fresh else "as %s says" % LOCK))
        return 0
    os.environ.update(QUIET, VIRTUAL_ENV=os.path.abspath(VENV))
    os.environ["PATH"] = os.path.abspath(BIN) + os.pathsep + os.environ.get("PATH", "")
    return run([INSIDE, "-m"] + arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

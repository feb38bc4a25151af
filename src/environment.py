"""Run a module in the project's environment .venv, which is filled from requirements.lock first where it is not.

    python -m src.environment               create or update .venv with this Python
    python -m src.environment MODULE ARGS   the same, then python -m MODULE ARGS in it

    --bare           run MODULE with this Python and the package plumbline alone, without .venv
    --any-python     keep the Python of an existing .venv; use this one only for a first .venv (make without PYTHON)
    --extras=NAMES   add groups of [project.optional-dependencies]; they stay until --extras=none

plumbline.environment does the work. This file finds the package plumbline where nothing is installed yet, and checks
its hash before any of its code runs. An old Python can read this file, to refuse itself with one line.
"""

import atexit
import glob
import hashlib
import os
import re
import runpy
import shutil
import subprocess
import sys
import tempfile

OLDEST, NEWEST = (3, 11), (3, 14)
LOCK, PROJECT, VENDOR, PACKAGE = "requirements.lock", "pyproject.toml", "vendor", "plumbline"
NAME = r"(?im)^plumbline[-_.]+ml\b"
RESTORE = "Restore what is committed: git checkout HEAD -- "


def refuse(message, hint):
    """Print an error as one line and exit with 1."""
    sys.stderr.write("ERROR: %s. %s\n" % (message, hint))
    sys.exit(1)


def check_version(version):
    """Refuse a Python that the lock does not cover, with one line in place of a traceback."""
    if not OLDEST <= tuple(version[:2]) <= NEWEST:
        supported = "Python %d.%d cannot run this project: expected %d.%d to %d.%d"
        hint = "Choose another: make setup PYTHON=python3.%d" % (NEWEST[1] - 1)
        refuse(supported % (tuple(version[:2]) + OLDEST + NEWEST), hint)


def read(root, name):
    try:
        with open(os.path.join(root, name), encoding="utf-8") as file:
            return file.read()
    except OSError:
        refuse("%s is not in %s" % (name, root), "Run this in the root, or: git checkout HEAD -- " + name)


def read_version(root):
    """Return the version of the package that pyproject.toml asks for; an update may have left it unmerged."""
    import tomllib  # missing in a Python that check_version refuses

    text = read(root, PROJECT)
    if re.search("(?m)^<<<<<<< ", text):
        hint = "Keep the lines that the project needs, delete the marks, then run: make lock"
        refuse("%s has marks of a merge conflict" % PROJECT, hint)
    try:
        project = tomllib.loads(text).get("project", {})
    except ValueError as error:
        refuse("%s cannot be read: %s" % (PROJECT, error), "Fix that line")
    lists = [project.get("dependencies", [])] + list(project.get("optional-dependencies", {}).values())
    requirements = [requirement for names in lists for requirement in names if re.match(NAME, requirement)]
    pins = [re.match(r"plumbline-ml==([0-9][\w.+]*)$", requirement) for requirement in requirements]
    if len(pins) != 1 or not pins[0]:
        hint = "Restore the line, which this shows: git diff HEAD -- " + PROJECT
        if os.path.exists(os.path.join(root, PROJECT + ".rej")):
            hint = "Make the changes of %s.rej in it by hand, delete that file, then run: make lock" % PROJECT
        refuse("%s has no plumbline-ml==VERSION, or several, and there is no %s/" % (PROJECT, PACKAGE), hint)
    return pins[0].group(1)


def read_pin(root, version, is_lock):
    """Return the entry of this version of the package in the lock, with its hashes, or None."""
    text = read(root, LOCK)
    if re.search("(?m)^<<<<<<<", text):
        if is_lock:
            return None
        refuse("%s has marks of a merge conflict" % LOCK, "Run make lock, then this again")
    entries = re.findall(NAME + r"[^\n]*(?:\n[ \t][^\n]*)*", text)
    if len(entries) > 1:
        refuse("%s has plumbline-ml more than once" % LOCK, RESTORE + LOCK)
    return entries[0] if entries and entries[0].startswith("plumbline-ml==%s \\\n" % version) else None


def find_package(root, is_lock):
    """Return the folder or the wheel of the package plumbline; for a new lock, that of pyproject.toml, unchecked."""
    if os.path.isfile(os.path.join(root, PACKAGE, "__init__.py")):
        return root
    version = read_version(root)
    wheel = os.path.join(root, VENDOR, "plumbline_ml-%s-py3-none-any.whl" % version)
    if "+" in version and not os.path.isfile(wheel):
        hint = RESTORE + VENDOR + ". If the version is wrong, correct it in " + PROJECT
        refuse("%s is not there, which %s asks for" % (wheel, PROJECT), hint)
    pin = read_pin(root, version, is_lock)
    if not (pin or is_lock):
        message = "%s asks for plumbline-ml %s, which %s does not have" % (PROJECT, version, LOCK)
        refuse(message, "Run make lock, then this again")
    if not os.path.isfile(wheel):
        return find_installed(root, "*" if is_lock else version) or download(pin, version)
    with open(wheel, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    if pin and digest not in pin:
        refuse("%s does not have the hash that %s has for it" % (wheel, LOCK), RESTORE + VENDOR + " " + LOCK)
    return wheel


def find_installed(root, version):
    """Return the folder in .venv that has this version of the published package, or None."""
    pattern = os.path.join(glob.escape(root), ".venv", "[Ll]ib", "**", "plumbline_ml-%s.dist-info" % version)
    return next((os.path.dirname(path) for path in glob.glob(pattern, recursive=True)), None)


def download(pin, version):
    """Return a folder with the published package, which pip checks against the hashes of its pin if it has one."""
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder, True)
    with open(os.path.join(folder, "pin.txt"), "w", encoding="utf-8") as file:
        file.write((pin or "plumbline-ml==" + version) + "\n")
    env = os.path.join(folder, "env")
    python = os.path.join(env, "Scripts" if os.name == "nt" else "bin", "python")
    package = os.path.join(folder, "package")
    install = [python, "-P", "-m", "pip", "install", "-q", "--no-deps", "-r", file.name, "--target", package]
    for command in ([sys.executable, "-P", "-m", "venv", env], install + (["--require-hashes"] if pin else [])):
        if subprocess.call(command):
            refuse("the package plumbline-ml could not be installed (the message is above)", "Run it again: make setup")
    return package


def main(arguments):
    """Find the package, and let it fill .venv and run the module; return the exit code."""
    check_version(sys.version_info)
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    words = [word for word in arguments if not word.startswith("--")]
    package = find_package(root, words[:2] == [PACKAGE, "lock"])
    sys.path.insert(0, package)
    if arguments[:1] == ["--bare"]:
        sys.argv = arguments[1:]
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
        return 0
    from plumbline.environment import run_command

    return run_command(arguments, root, package)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

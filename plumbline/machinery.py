"""Where the source of the package plumbline is that a project uses, and whether it is what the lock says.

A project has it as a wheel in vendor/, or installs it from a package index; the template and a project after
`plumbline eject` have the folder plumbline/, which comes first.
"""

import atexit
import hashlib
import os
import re
import shutil
import sys
import tempfile
import zipfile
from functools import cache
from pathlib import Path

import plumbline
from plumbline import process
from plumbline.errors import ProgramError, ProjectError
from plumbline.lock import LOCK, read_pin
from plumbline.paths import PROJECT

PACKAGE, DISTRIBUTION, VENDOR = "plumbline", "plumbline-ml", "vendor"
FILE_NAME = "plumbline_ml-{version}-py3-none-any.whl"
RESTORE = f"Restore what is committed: git checkout HEAD -- {VENDOR} {LOCK}"


def has_folder(root: str | Path = ".") -> bool:
    """Return whether a project has the source of the package as a folder."""
    return (Path(root) / PACKAGE / "__init__.py").is_file()


def read_version(root: str | Path = ".") -> str:
    """Return the version of the package that a project uses.

    Raises
    ------
    ProjectError
        If the project has neither the folder nor a pin.
    """
    if has_folder(root):
        text = (Path(root) / PACKAGE / "__init__.py").read_text(encoding="utf-8")
        return "".join(re.findall(r'__version__ = "(.*)"', text))
    return read_wheel_version(root)


def read_wheel_version(root: str | Path = ".") -> str:
    """Return the version of the package in the lock of a project, which may have the folder, too."""
    return read_pin(DISTRIBUTION, root).split()[0].partition("==")[2]


def wheel_path(root: str | Path = ".") -> Path:
    """Return where the wheel is that the lock of a project names; a published package has no file there."""
    return Path(root) / VENDOR / FILE_NAME.format(version=read_wheel_version(root))


def read_wheel(root: str | Path = ".") -> bytes:
    """Return the wheel of a project.

    Raises
    ------
    ProjectError
        If it is not there, or does not have the hash that the lock has for it.
    """
    path = wheel_path(root)
    name = f"{VENDOR}/{path.name}"
    if not path.is_file():
        raise ProjectError(f"{name} is not there, which {LOCK} names", hint=RESTORE)
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() not in read_pin(DISTRIBUTION, root):
        raise ProjectError(f"{name} does not have the hash that {LOCK} has for it", hint=RESTORE)
    return content


def find_source(root: str | Path = ".") -> Path:
    """Return the folder whose subfolder plumbline/ is the package that a project uses.

    Returns
    -------
    Path
        The project itself where it has the folder. In the working directory it is where the package that runs was
        imported from. Elsewhere, it is a temporary folder that is deleted when this process ends.

    Raises
    ------
    ProjectError
        If the wheel is not there, or is not that of the lock.
    ProgramError
        If a published package cannot be installed.
    """
    if has_folder(root):
        return Path(root)
    return running_source() if Path(root).samefile(".") else unpack(root)


def running_source() -> Path:
    """Return the folder that the package that runs was imported from; `make lock` may run it from the wheel."""
    source = Path(plumbline.__file__).parents[1]
    return source if source.is_dir() else _extract(source.read_bytes())


def running_version() -> str:
    """Return the version of the package that runs; that of a wheel has the digest of its content."""
    names = [path.name for path in running_source().glob("plumbline_ml-*.dist-info")]
    return names[0].removesuffix(".dist-info").partition("-")[2] if names else plumbline.__version__


def locate(name: str) -> Path:
    """Return where a file or folder of this project is, or of the package that it uses, by its name from the top."""
    return find_source() / name if name.partition("/")[0] == PACKAGE else Path(name)


def unpack(root: str | Path) -> Path:
    """Return a temporary folder with the package of a project's lock; see `find_source`."""
    pin = read_pin(DISTRIBUTION, root)
    is_published = "+" not in pin.split()[0] and not wheel_path(root).exists()
    return _install(pin) if is_published else _extract(read_wheel(root))


@cache
def _extract(wheel: bytes) -> Path:
    folder = _make_folder()
    wheel_file = folder / "wheel.zip"
    wheel_file.write_bytes(wheel)
    try:
        with zipfile.ZipFile(wheel_file) as archive:
            archive.extractall(folder)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError):  # encrypted, or compressed by an unknown method
        raise ProjectError(f"the wheel in {VENDOR}/ cannot be unpacked", hint=RESTORE) from None
    wheel_file.unlink()
    return folder


@cache
def _install(pin: str) -> Path:
    folder = _make_folder()
    (folder / "pin.txt").write_text(pin, encoding="utf-8")
    options: list[str | Path] = [
        "--quiet",
        "--no-deps",
        "--require-hashes",
        "--target",
        folder,
        "-r",
        folder / "pin.txt",
    ]
    result = process.run([sys.executable, "-m", "uv", "pip", "install", *options])
    if result.returncode:
        lines = result.stderr.strip().splitlines() or ["no message"]
        hint = "Run it again, with a connection to the package index"
        raise ProgramError(f"{pin.split()[0]} cannot be installed: {lines[-1].strip()}", hint=hint)
    return folder


def _make_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="plumbline-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def find_links() -> list[str]:
    """Return the options with which uv finds the wheel in vendor/; they would replace UV_FIND_LINKS, so it is repeated.

    Returns
    -------
    list of str
        Empty without a folder vendor/.
    """
    if not Path(VENDOR).is_dir():
        return []
    folders = [*os.environ.get("UV_FIND_LINKS", "").split(","), VENDOR]
    return [word for folder in folders if folder for word in ("--find-links", folder)]


def require_pin() -> None:
    """Refuse a pyproject.toml with which a package index could serve the package.

    Raises
    ------
    ProjectError
        If it asks for any version of the package; or for none, where the project does not have the folder.
    """
    requirements = re.findall(rf'"{DISTRIBUTION}\b([^"]*)"', Path(PROJECT).read_text(encoding="utf-8"))
    if not all(version.startswith("==") for version in requirements) or not (requirements or has_folder()):
        hint = f"Restore the line: git diff HEAD -- {PROJECT}"
        raise ProjectError(f"{PROJECT} has no {DISTRIBUTION}==VERSION, so an index could serve any", hint=hint)


def check_lock(text: str) -> None:
    """Refuse a new lock whose package is not the wheel in vendor/, but one that an index has under that version.

    Parameters
    ----------
    text : str
        The lock.

    Raises
    ------
    ProjectError
        If the hashes are not that of the wheel alone; or if there is no wheel, and the version is none of an index.
    """
    match = re.search(rf"(?m)^{DISTRIBUTION}==(\S+)[^\n]*(?:\n    --hash[^\n]*)+", text)
    if not match:
        return
    path = Path(VENDOR) / FILE_NAME.format(version=match[1])
    expected_hashes = [hashlib.sha256(path.read_bytes()).hexdigest()] if path.is_file() else []
    if "+" not in match[1] and not expected_hashes:
        return
    if re.findall(r"sha256:(\w+)", match[0]) != expected_hashes:
        message = f"{LOCK} is as it was: a package index has {DISTRIBUTION} {match[1]}, and not as {path.as_posix()} is"
        raise ProjectError(message, hint="Leave that index out (UV_INDEX, UV_FIND_LINKS), then run again: make lock")


def list_libraries(text: str) -> str:
    r"""Return a lock without the package plumbline and without its first line, the hash of the list of dependencies.

    Examples
    --------
    >>> list_libraries("# dependencies sha256:0\nplumbline-ml==1 \\\n    --hash=sha256:1\nnumpy==2\n")
    'numpy==2\n'
    """
    pattern = rf"(?m)\A# dependencies [^\n]*\n|^{DISTRIBUTION}==[^\n]*(?:\n    --hash[^\n]*)*\n?"
    return re.sub(pattern, "", text)


def disagreements() -> list[str]:
    """Return a line where the wheel of this project is not that of its lock."""
    if has_folder() or not Path(VENDOR).is_dir():
        return []
    try:
        read_wheel()
    except ProjectError as error:
        return [str(error)]
    return []

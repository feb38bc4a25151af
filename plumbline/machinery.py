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
import tomllib
import zipfile
import zlib
from functools import cache
from pathlib import Path

import plumbline
from plumbline import process
from plumbline.errors import ProgramError, ProjectError
from plumbline.lock import LOCK
from plumbline.paths import PROJECT

PACKAGE, DISTRIBUTION, VENDOR = "plumbline", "plumbline-ml", "vendor"
FILE_NAME = "plumbline_ml-{version}-py3-none-any.whl"
MAX_UNPACKED = 100 * 2**20  # bytes of a wheel, which has 1 to 2 MB
RESTORE = f"Restore what is committed: git checkout HEAD -- {VENDOR} {LOCK}"
_NAME = r"(?im)^plumbline[-_.]+ml\b"  # however it is spelled, uv and pip take it for the package
_ENTRY = _NAME + r"[^\n]*(?:\n[ \t][^\n]*)*\n?"


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
    return _parse_version(read_pin(root))


def read_pin(root: str | Path = ".") -> str:
    """Return the entry of the package in the lock of a project, with its hashes.

    Raises
    ------
    ProjectError
        If the lock does not have exactly one, or it is of another version than pyproject.toml asks for: what is read
        here must be what uv installs.
    """
    path = Path(root) / LOCK
    hint = f"Restore the file: git checkout HEAD -- {LOCK}"
    try:
        entries = re.findall(_ENTRY, path.read_text(encoding="utf-8")) if path.is_file() else []
    except UnicodeDecodeError:
        raise ProjectError(f"{LOCK} is not UTF-8", hint=hint) from None
    if len(entries) != 1 or not entries[0].startswith(f"{DISTRIBUTION}=="):
        count = f"{len(entries)} pins" if entries else "no pin"
        raise ProjectError(f"{LOCK} has {count} of {DISTRIBUTION}, expected one", hint=hint)
    version = read_requirement(root)
    if not entries[0].startswith(f"{DISTRIBUTION}=={version} \\\n"):
        message = f"{PROJECT} asks for {DISTRIBUTION} {version}, and {LOCK} has {entries[0].split()[0]}"
        raise ProjectError(message, hint="Run make lock")
    return str(entries[0])


def read_requirement(root: str | Path = ".") -> str:
    """Return the version of the package that pyproject.toml asks for.

    Raises
    ------
    ProjectError
        If it does not ask for exactly one: a package index could serve any.
    """
    try:
        project = tomllib.loads((Path(root) / PROJECT).read_text(encoding="utf-8")).get("project", {})
    except (OSError, ValueError) as error:
        raise ProjectError(f"{PROJECT} cannot be read: {error}", hint="Correct that line") from None
    lists = [project.get("dependencies", []), *project.get("optional-dependencies", {}).values()]
    requirements = [requirement for names in lists for requirement in names if re.match(_NAME, requirement)]
    match = re.fullmatch(rf"{DISTRIBUTION}==(\d[\w.+]*)", requirements[0]) if len(requirements) == 1 else None
    if not match:
        message = f"{PROJECT} has no {DISTRIBUTION}==VERSION, or several, so an index could serve any"
        raise ProjectError(message, hint=f"Restore the line: git diff HEAD -- {PROJECT}")
    return match[1]


def _parse_version(entry: str) -> str:
    return entry.split()[0].partition("==")[2]


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
    if hashlib.sha256(content).hexdigest() not in read_pin(root):
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
    pin = read_pin(root)
    is_published = "+" not in _parse_version(pin) and not wheel_path(root).exists()
    return _install(pin) if is_published else _extract(read_wheel(root))


@cache
def _extract(wheel: bytes) -> Path:
    folder = _make_folder()
    wheel_file = folder / "wheel.zip"
    wheel_file.write_bytes(wheel)
    try:
        with zipfile.ZipFile(wheel_file) as archive:
            size = sum(member.file_size for member in archive.infolist())  # no member unpacks to more than it says
            if size > MAX_UNPACKED:
                message = f"the wheel in {VENDOR}/ unpacks to {size >> 20:,} MB, expected at most {MAX_UNPACKED >> 20}"
                raise ProjectError(message, hint=RESTORE)
            archive.extractall(folder)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError):  # or encrypted
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
    result = process.run([sys.executable, "-P", "-m", "uv", "pip", "install", *options])
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
    """Refuse a pyproject.toml with which a package index could serve the package; with the folder, it may have no pin.

    Raises
    ------
    ProjectError
        As `read_requirement`.
    """
    if not has_folder() or DISTRIBUTION in Path(PROJECT).read_text(encoding="utf-8"):
        read_requirement()


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
    entries = re.findall(_ENTRY, text)
    if not entries:
        return
    version = read_requirement()
    path = Path(VENDOR) / FILE_NAME.format(version=version)
    expected_hashes = [hashlib.sha256(path.read_bytes()).hexdigest()] if path.is_file() else []
    if "+" not in version and not expected_hashes and _parse_version(entries[0]) == version:
        return
    if len(entries) > 1 or re.findall(r"sha256:(\w+)", entries[0]) != expected_hashes:
        message = f"{LOCK} is as it was: a package index has {DISTRIBUTION} {version}, and not as {path.as_posix()} is"
        raise ProjectError(message, hint="Leave that index out (UV_INDEX, UV_FIND_LINKS), then run again: make lock")


def list_libraries(text: str) -> str:
    r"""Return a lock without the package plumbline and without its first line, the hash of the list of dependencies.

    Examples
    --------
    >>> list_libraries("# dependencies sha256:0\nplumbline-ml==1 \\\n    --hash=sha256:1\nnumpy==2\n")
    'numpy==2\n'
    """
    return re.sub(_ENTRY, "", re.sub(r"\A# dependencies [^\n]*\n", "", text))


def disagreements() -> list[str]:
    """Return a line for each way in which the package of this project is not what its lock says."""
    if has_folder():
        return []
    try:
        path = wheel_path()
        if "+" in path.name or path.exists():
            read_wheel()
    except ProjectError as error:
        return [str(error)]
    hint = f"{LOCK} names {path.name}. Delete it: git rm"
    return [f"{other.as_posix()} is of another version. {hint} {other.as_posix()}" for other in _other_wheels(path)]


def _other_wheels(path: Path) -> list[Path]:
    return sorted(other for other in Path(VENDOR).glob("plumbline_ml-*.whl") if other.name != path.name)

"""Build the wheel of the package plumbline, with the same bytes on every system and every Python from 3.9 on.

Files are stored and not compressed: what deflate writes depends on the version of zlib. Only the standard library is
used, since cookiecutter runs this where nothing is installed.

    python3 -m template.bake.wheel FOLDER              the wheel of projects: X.Y.Z+c<digest of the content>
    python3 -m template.bake.wheel FOLDER --release    wheel and source archive of version X.Y.Z, for an index
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import re
import sys
import tarfile
import zipfile
from pathlib import Path

from template.bake.answers import BakeError
from template.bake.checkout import list_files

NAME, MODULE = "plumbline-ml", "plumbline"
FILE_NAME = "plumbline_ml-{version}-py3-none-any.whl"
LICENCE = "LICENSE"
PICTURES = (".png",)
DATE = (1980, 1, 1, 0, 0, 0)  # the first that a zip file can hold
MODE = 0o100644
WHEEL = b"Wheel-Version: 1.0\nGenerator: template.bake\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def build_wheel(checkout: Path, *, release: bool = False) -> tuple[str, bytes]:
    """Build the wheel of the package in a checkout of the template.

    Parameters
    ----------
    checkout : Path
        A clone or an unpacked archive.
    release : bool
        Leave the digest out of the version. An index refuses a version with it, so that no other wheel can take the
        place of the one in vendor/.

    Returns
    -------
    version : str
    content : bytes
        The same for the same files and the same pyproject.toml.
    """
    files = _read_package(checkout)
    version = _version(files)
    if not release:
        version += f"+c{_digest(files, _metadata(checkout, version))}"
    info = f"plumbline_ml-{version}.dist-info"
    files[f"{info}/METADATA"] = _metadata(checkout, version)
    files[f"{info}/WHEEL"] = WHEEL
    files[f"{info}/entry_points.txt"] = b"[console_scripts]\nplumbline = plumbline.__main__:main\n"
    files[f"{info}/licenses/{LICENCE}"] = (checkout / LICENCE).read_bytes().replace(b"\r\n", b"\n")
    record = "".join(f"{name},sha256={_hash(content)},{len(content)}\n" for name, content in files.items())
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    return version, _zip(files)


def build_source_archive(checkout: Path) -> tuple[str, bytes]:
    """Build the source archive of a release, from which pip builds the same package; return version and content."""
    files = _read_package(checkout)
    version = _version(files)
    top = f"plumbline_ml-{version}"
    files["PKG-INFO"] = _metadata(checkout, version)
    files[LICENCE] = (checkout / LICENCE).read_bytes().replace(b"\r\n", b"\n")
    files["pyproject.toml"] = _pyproject(checkout, version).encode()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in sorted(files.items()):
            member = tarfile.TarInfo(f"{top}/{name}")
            member.size, member.mode = len(content), MODE & 0o777
            archive.addfile(member, io.BytesIO(content))
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", filename="", mtime=0) as file:  # gzip.compress() names the system
        file.write(buffer.getvalue())
    return version, packed.getvalue()


def read_requirements(text: str) -> tuple[list[str], dict[str, list[str]]]:
    """Return the dependencies in a pyproject.toml, and those of each group; Python reads TOML only since 3.11."""
    groups = re.search(r"(?ms)^\[project\.optional-dependencies\]\n(.*?)^\[", text)
    dependencies = re.search(r"(?ms)^dependencies = \[\n(.*?)^\]", text)
    if not (groups and dependencies):
        raise BakeError("pyproject.toml: no dependencies can be read", hint="Report it to the template's authors")
    lists = re.findall(r"(?m)^([\w-]+) = \[(.*)\]$", groups[1])
    return _texts(dependencies[1]), {name: _texts(entries) for name, entries in lists}


def _texts(entries: str) -> list[str]:
    """The texts in quotation marks, without those of comments."""
    return re.findall(r'"([^"]+)"', re.sub(r"(?m)#.*$", "", entries))


def _read_package(checkout: Path) -> dict[str, bytes]:
    names = [name for name in list_files(checkout) if name.startswith(f"{MODULE}/") and not name.endswith(PICTURES)]
    return {name: (checkout / name).read_bytes().replace(b"\r\n", b"\n") for name in names}


def _version(files: dict[str, bytes]) -> str:
    match = re.search(rb'__version__ = "([\d.]+)"', files[f"{MODULE}/__init__.py"])
    if not match:
        raise BakeError(f"{MODULE}/__init__.py has no version", hint="Report it to the template's authors")
    return match[1].decode()


def _digest(files: dict[str, bytes], metadata: bytes) -> str:
    digest = hashlib.sha256(metadata)
    for name, content in files.items():
        digest.update(f"{name} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:12]


def _read_field(checkout: Path, field: str) -> str:
    """A text of [project] that projects do not replace, or of [tool.plumbline.wheel]."""
    match = re.search(rf'(?m)^{field} = "(.*)"$', _read_text(checkout / "pyproject.toml"))
    if not match:
        raise BakeError(f"pyproject.toml has no {field}", hint="Report it to the template's authors")
    return match[1]


def _metadata(checkout: Path, version: str) -> bytes:
    dependencies, groups = read_requirements(_read_text(checkout / "pyproject.toml"))
    lines = [
        "Metadata-Version: 2.4",
        f"Name: {NAME}",
        f"Version: {version}",
        f"Summary: {_read_field(checkout, 'summary')}",
        "License-Expression: MIT",
        f"License-File: {LICENCE}",
        f"Requires-Python: {_read_field(checkout, 'requires-python')}",
        *(f"Requires-Dist: {name}" for name in dependencies),
    ]
    for group, names in sorted(groups.items()):
        lines += [f"Provides-Extra: {group}", *(f'Requires-Dist: {name}; extra == "{group}"' for name in names)]
    return ("\n".join(lines) + "\n").encode()


def _pyproject(checkout: Path, version: str) -> str:
    """The pyproject.toml of the source archive; that of the repository describes the sample project."""
    dependencies, groups = read_requirements(_read_text(checkout / "pyproject.toml"))
    entries = "\n".join(f"{group} = {names!r}" for group, names in sorted(groups.items()))
    return f"""[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "{NAME}"
version = "{version}"
description = "{_read_field(checkout, "summary")}"
license = "MIT"
license-files = ["{LICENCE}"]
requires-python = "{_read_field(checkout, "requires-python")}"
dependencies = {dependencies!r}
[project.scripts]
plumbline = "plumbline.__main__:main"
[project.optional-dependencies]
{entries}
[tool.hatch.build.targets.wheel]
packages = ["{MODULE}"]
"""


def _read_text(path: Path) -> str:
    return path.read_text(encoding="utf-8").replace("\r\n", "\n")


def _hash(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def _zip(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            member = zipfile.ZipInfo(name, DATE)
            member.create_system, member.external_attr = 3, MODE << 16  # as on Unix, everywhere
            archive.writestr(member, content)
    return buffer.getvalue()


def main(folder: Path, *, release: bool) -> int:
    """Write the files of the checkout in the working directory into a folder, and print their names."""
    version, wheel = build_wheel(Path.cwd(), release=release)
    contents = {FILE_NAME.format(version=version): wheel}
    if release:
        version, archive = build_source_archive(Path.cwd())
        contents[f"plumbline_ml-{version}.tar.gz"] = archive
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)
        print(folder / name)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), release="--release" in sys.argv[2:]))

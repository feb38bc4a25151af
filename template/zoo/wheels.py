"""The wheel of a project's machinery, exchanged for another one, as a pull request may do it."""

import base64
import hashlib
import re
import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

from plumbline.machinery import DISTRIBUTION, VENDOR, list_libraries, read_wheel
from template.bake.pins import add_hash, add_pin
from template.bake.wheel import FILE_NAME

Files = dict[str, bytes]
VERSION_FILE = "plumbline/__init__.py"


def write_wheel(folder: Path, version: str, wheel: bytes) -> None:
    """Put a wheel into vendor/ of a project, in place of any other, with its version and its hash."""
    for old in (folder / VENDOR).glob("*.whl"):
        old.unlink()
    (folder / VENDOR).mkdir(exist_ok=True)
    (folder / VENDOR / FILE_NAME.format(version=version)).write_bytes(wheel)
    project, lock = folder / "pyproject.toml", folder / "requirements.lock"
    text, pin = project.read_text(encoding="utf-8"), f'"{DISTRIBUTION}=='
    text = re.sub(rf'{pin}[^"]+"', f'{pin}{version}"', text) if pin in text else add_pin(text, version)
    project.write_text(text, encoding="utf-8")
    libraries = list_libraries(lock.read_text(encoding="utf-8"))
    lock.write_text(add_hash(libraries, text, version, wheel), encoding="utf-8")


def edit_wheel(folder: Path, edits: Mapping[str, tuple[str, str]], *, version: str = "") -> None:
    """Exchange the wheel of a project for one with another text in some files, which its lock fits.

    Parameters
    ----------
    folder : Path
    edits : mapping of str to (str, str)
        By the name of a file, what is replaced in it once, and by what; an empty text is replaced at the end.
    version : str
        X.Y.Z, by default as before.
    """
    files = _read_files(read_wheel(folder))
    for name, (old, new) in edits.items():
        text = files.get(name, b"").decode()
        if old not in text:
            raise RuntimeError(f"{name} no longer has {old!r}: fix the case")
        files[name] = (text.replace(old, new, 1) if old else text + new).encode()
    if version:
        files[VERSION_FILE] = re.sub(rb'__version__ = ".*"', f'__version__ = "{version}"'.encode(), files[VERSION_FILE])
    write_wheel(folder, *build_wheel(files))


def build_wheel(files: Files) -> tuple[str, bytes]:
    """Return version and content of a wheel with these files, of which plumbline/__init__.py has the version."""
    number = re.findall(r'__version__ = "(.*)"', files[VERSION_FILE].decode())[0]
    digest = hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()[:12]
    version = f"{number}+c{digest}"
    info = f"plumbline_ml-{version}.dist-info"
    content = {re.sub(r"^plumbline_ml-.*\.dist-info", info, name): text for name, text in files.items()}
    metadata = content.get(f"{info}/METADATA", f"Metadata-Version: 2.4\nName: {DISTRIBUTION}\nVersion: 0\n".encode())
    content[f"{info}/METADATA"] = re.sub(rb"(?m)^Version: .*$", f"Version: {version}".encode(), metadata)
    content.setdefault(f"{info}/WHEEL", b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    content.pop(f"{info}/RECORD", None)
    record = "".join(f"{name},sha256={_encode_hash(text)},{len(text)}\n" for name, text in content.items())
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in (content | {f"{info}/RECORD": f"{record}{info}/RECORD,,\n".encode()}).items():
            archive.writestr(zipfile.ZipInfo(name), text)
    return version, buffer.getvalue()


def _read_files(wheel: bytes) -> Files:
    with zipfile.ZipFile(BytesIO(wheel)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _encode_hash(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()

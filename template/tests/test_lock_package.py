"""A new lock takes the package plumbline from vendor/, whatever package indexes serve under its name."""

import hashlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from plumbline.commands.lock import compile_lock
from plumbline.errors import PlumblineError
from plumbline.testing.projects import ROOT

VERSION = "0.2.0+c123"
PROJECT = (
    '[project]\nname = "p"\nversion = "0"\nrequires-python = ">=3.11"\ndependencies = [\n  "PIN",\n  "other",\n]\n'
)


def write_wheel(folder: Path, name: str, version: str, content: str) -> Path:
    info, path = f"{name}-{version}.dist-info", folder / f"{name}-{version}-py3-none-any.whl"
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}/__init__.py", content)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


@pytest.fixture(params=["UV_FIND_LINKS", "UV_INDEX"])
def index(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that uv takes for a package index, beside a project with a wheel; nothing else can be reached."""
    folder = tmp_path / "index"
    write_wheel(folder, "other", "1.0", "")
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    write_wheel(Path("vendor"), "plumbline_ml", VERSION, "ours")
    write_pin(f"plumbline-ml=={VERSION}")
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    if request.param == "UV_FIND_LINKS":
        monkeypatch.setenv("UV_NO_INDEX", "1")
        monkeypatch.setenv("UV_FIND_LINKS", str(folder))
    else:
        monkeypatch.setenv("UV_DEFAULT_INDEX", write_index(folder))
    return folder


def write_pin(requirement: str) -> None:
    Path("pyproject.toml").write_text(PROJECT.replace("PIN", requirement), encoding="utf-8")


def write_index(folder: Path) -> str:
    """Write the pages of a simple index beside the wheels, and return its address."""
    for path in folder.glob("*.whl"):
        page = folder / path.name.split("-")[0].replace("_", "-") / "index.html"
        page.parent.mkdir(exist_ok=True)
        links = "".join(f'<a href="../{file.name}">{file.name}</a>' for file in folder.glob(path.name[:5] + "*.whl"))
        page.write_text(f"<!DOCTYPE html><html><body>{links}</body></html>")
    return folder.as_uri()


def plant(index: Path, version: str) -> str:
    """Put a package with this name into the index, and return its hash."""
    path = write_wheel(index, "plumbline_ml", version, "planted")
    if "UV_DEFAULT_INDEX" in os.environ:
        write_index(index)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_newer_package_of_an_index_is_not_taken(index: Path) -> None:
    planted = plant(index, "9.9.0")
    (wheel,) = Path("vendor").iterdir()
    text = compile_lock("", [])
    assert f"plumbline-ml=={VERSION} \\\n    --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n" in text
    assert "other==1.0" in text
    assert planted not in text
    assert compile_lock(text, ["--upgrade"]) == text


def test_the_same_version_of_an_index_is_not_taken_or_refused(index: Path) -> None:
    planted = plant(index, VERSION)
    refusal = r"a package index has plumbline-ml 0\.2\.0\+c123, and not as vendor/"
    if "UV_DEFAULT_INDEX" in os.environ:
        assert planted not in compile_lock("", [])
    else:
        with pytest.raises(PlumblineError, match=refusal):
            compile_lock("", [])
    next(Path("vendor").iterdir()).unlink()
    with pytest.raises(PlumblineError, match=refusal):
        compile_lock("", [])


@pytest.mark.parametrize("requirement", ["plumbline-ml", "plumbline-ml>=0.2", "plumbline_ml", "other"])
def test_without_an_exact_version_nothing_is_asked_of_an_index(requirement: str, index: Path) -> None:
    plant(index, "9.9.0")
    write_pin(requirement)
    with pytest.raises(PlumblineError, match=r"pyproject\.toml has no plumbline-ml==VERSION, or several, so an"):
        compile_lock("", [])


def test_a_published_version_comes_from_an_index(index: Path) -> None:
    planted = plant(index, "0.3.0")
    write_pin("plumbline-ml==0.3.0")
    assert f"plumbline-ml==0.3.0 \\\n    --hash=sha256:{planted}\n" in compile_lock("", [])


def test_a_lock_is_written_where_nothing_is_installed() -> None:
    code = "import plumbline.commands.lock, sys; print(plumbline.commands.lock._write_digests())"
    command = [sys.executable, "-S", "-c", code]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    assert (ran.stdout, ran.stderr) == ("[]\n", "")

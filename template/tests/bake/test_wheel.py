"""The wheel of the package has the same bytes wherever it is built, and nothing in it that projects do not need."""

import base64
import hashlib
import re
import subprocess
import sys
import tomllib
import zipfile
from email.parser import Parser
from io import BytesIO
from pathlib import Path

import pytest

from plumbline.testing.projects import environment
from template import api
from template.bake.wheel import build_wheel
from template.tests.bake.conftest import git
from template.tests.tools import find_python

MOST_BYTES = 1_500_000
VERSIONS = [f"3.{minor}" for minor in range(9, 15)]


@pytest.fixture(scope="module")
def wheel(template: Path) -> tuple[str, bytes]:
    return build_wheel(template)


def build(python: str, checkout: Path, folder: Path) -> bytes:
    """The bytes of the wheel that another Python builds."""
    subprocess.run([python, "-m", "template.bake.wheel", str(folder)], cwd=checkout, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    return path.read_bytes()


@pytest.mark.parametrize("version", VERSIONS)
def test_every_python_builds_the_same_bytes(template: Path, wheel, tmp_path: Path, version: str) -> None:
    assert build(find_python(version), template, tmp_path) == wheel[1]


WRITE_PROJECT = """
import sys
from pathlib import Path
from template.bake.answers import clean_answers
from template.bake.files import write_project
answers = {"project_name": "x", "license": "MIT", "python_version": "3.13", "github_handle": "@x"}
write_project(Path.cwd(), Path(sys.argv[1]), clean_answers(answers))
"""


@pytest.mark.parametrize("version", ["3.9", "{}.{}".format(*sys.version_info[:2])])
def test_the_oldest_python_writes_a_project_too(template: Path, wheel, tmp_path: Path, version: str) -> None:
    subprocess.run([find_python(version), "-c", WRITE_PROJECT, str(tmp_path)], cwd=template, check=True)
    (path,) = (tmp_path / "vendor").iterdir()
    assert path.read_bytes() == wheel[1]
    assert (tmp_path / ".github/CODEOWNERS").is_file()


def test_a_checkout_with_crlf_and_an_archive_give_the_same_bytes(template: Path, wheel, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", str(template), "crlf")
    names = [name for name in git(tmp_path / "crlf", "ls-files").splitlines() if not name.endswith(".png")]
    for path in (tmp_path / "crlf" / name for name in names):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    git(template, "archive", "--format=zip", "-o", str(tmp_path / "main.zip"), "HEAD")
    with zipfile.ZipFile(tmp_path / "main.zip") as archive:
        archive.extractall(tmp_path / "archive")
    (tmp_path / "archive/plumbline/__pycache__").mkdir()
    (tmp_path / "archive/plumbline/__pycache__/x.pyc").write_bytes(b"x")
    assert not (tmp_path / "archive/.git").exists()
    for name in ("crlf", "archive"):
        assert build_wheel(tmp_path / name) == wheel, name


def test_it_holds_the_package_without_pictures_and_is_small(wheel) -> None:
    version, content = wheel
    assert len(content) <= MOST_BYTES
    with zipfile.ZipFile(BytesIO(content)) as archive:
        names = archive.namelist()
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}
    assert {name.partition("/")[0] for name in names} == {"plumbline", f"plumbline_ml-{version}.dist-info"}
    assert "plumbline/py.typed" in names and "plumbline/docs/statistics.md" in names
    assert not [name for name in names if name.endswith((".png", ".svg", ".jpg", ".pyc"))]


def test_its_record_and_metadata_are_those_of_its_files(template: Path, wheel) -> None:
    version, content = wheel
    with zipfile.ZipFile(BytesIO(content)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    info = f"plumbline_ml-{version}.dist-info"
    record = dict(line.split(",", 1) for line in files.pop(f"{info}/RECORD").decode().splitlines())
    assert record.pop(f"{info}/RECORD") == ","
    for name, data in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        assert record.pop(name) == f"sha256={digest},{len(data)}"
    assert record == {}
    metadata = Parser().parsestr(files[f"{info}/METADATA"].decode())
    project = tomllib.loads((template / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [
        f'{name}; extra == "{group}"' for group, names in project["optional-dependencies"].items() for name in names
    ]
    assert sorted(metadata.get_all("Requires-Dist")) == sorted([*project["dependencies"], *extras])
    assert (metadata["Name"], metadata["Version"]) == ("plumbline-ml", version)


def test_its_version_changes_with_its_content(template: Path, wheel, tmp_path: Path) -> None:
    """Else a package cache that has another wheel of this version would be taken for it."""
    git(tmp_path, "clone", "--quiet", str(template), "changed")
    assert re.fullmatch(r"\d+\.\d+\.\d+\+c[0-9a-f]{12}", wheel[0])
    path = tmp_path / "changed/plumbline/errors.py"
    path.write_bytes(path.read_bytes() + b"\n")
    assert build_wheel(tmp_path / "changed")[0] != wheel[0]


def test_the_program_names_the_version_of_the_wheel_that_runs(wheel, tmp_path: Path) -> None:
    with zipfile.ZipFile(BytesIO(wheel[1])) as archive:
        archive.extractall(tmp_path)
    command = [sys.executable, "-m", "plumbline", "--version"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8", check=True)
    assert ran.stdout == f"plumbline {wheel[0]}\n"


ALONE = """
import importlib
for module, names in {names}.items():
    for name in names:
        getattr(importlib.import_module(module), name)

import plumbline
from sklearn.linear_model import LogisticRegression
from plumbline import columns, files
from plumbline.errors import PlumblineError
from plumbline.metrics import lower_is_better
from plumbline.testing.projects import make_table

table = make_table()
types = {{"x1": "number", "colour": "category"}}
model = columns.default(types, LogisticRegression()).fit(table[[*types]], table["target"])
assert model.score(table[[*types]], table["target"]) > 0.9
assert lower_is_better("log_loss") and not lower_is_better("roc_auc")
files.write_json("scores.json", {{"accuracy": 1.0}})
assert issubclass(importlib.import_module("plumbline.errors").TableError, PlumblineError)
print(plumbline.__file__)
"""


def test_every_documented_name_is_there_and_works_outside_a_project(wheel, tmp_path: Path) -> None:
    with zipfile.ZipFile(BytesIO(wheel[1])) as archive:
        archive.extractall(tmp_path / "unpacked")
    (tmp_path / "elsewhere").mkdir()
    code = ALONE.format(names={module: [*names] for module, names in api.public_names().items()})
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path / "elsewhere",
        env=environment(PYTHONPATH=str(tmp_path / "unpacked")),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert Path(ran.stdout.strip()).is_relative_to(tmp_path / "unpacked")
    assert [path.name for path in (tmp_path / "elsewhere").iterdir()] == ["scores.json"]

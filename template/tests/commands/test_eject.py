"""The package's source goes into a project as it is in the wheel, and out again only where nothing was changed."""

import hashlib
import zipfile
from pathlib import Path

import pytest

from plumbline import machinery
from plumbline.errors import PlumblineError
from plumbline.testing.projects import ROOT
from template.bake.wheel import FILE_NAME, build_wheel
from template.tests.command import run_command

PIPELINE = """stages:
  # ours
  versions:
    desc: digests
    cmd: python -m plumbline versions
    deps: [requirements.lock, src/stages] # all of it
    outs: [src/versions.json]
  train:
    deps: [requirements.lock]
"""
EJECTED = PIPELINE.replace("    deps: [requirements.lock, src", "    deps: [plumbline, requirements.lock, src")


@pytest.fixture(scope="module")
def wheel() -> tuple[str, bytes]:
    return build_wheel(ROOT)


@pytest.fixture
def project(wheel: tuple[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a wheel, its lock, and dvc.yaml."""
    monkeypatch.chdir(tmp_path)
    version, content = wheel
    Path("vendor").mkdir()
    Path("vendor", FILE_NAME.format(version=version)).write_bytes(content)
    write_lock(version, hashlib.sha256(content).hexdigest())
    Path("dvc.yaml").write_text(PIPELINE)
    return tmp_path


def write_lock(version: str, digest: str) -> None:
    Path("requirements.lock").write_text(f"plumbline-ml=={version} \\\n    --hash=sha256:{digest}\n")
    Path("pyproject.toml").write_text(f'[project]\ndependencies = ["plumbline-ml=={version}"]\n')


def refuse(*words: str) -> str:
    """Return the line with which eject refuses; it changes nothing then."""
    before = {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}
    with pytest.raises(PlumblineError) as error:
        run_command("eject", *words)
    assert {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()} == before
    return str(error.value)


def test_eject_writes_what_the_wheel_has_and_twice_is_once(project: Path, wheel: tuple[str, bytes], capsys) -> None:
    Path("plumbline/__pycache__").mkdir(parents=True)
    Path("plumbline/__pycache__/old.cpython-311.pyc").touch()
    assert run_command("eject") == 0
    assert "Wrote: plumbline/ " in capsys.readouterr().out
    with zipfile.ZipFile(next(Path("vendor").iterdir())) as archive:
        expected = {name: archive.read(name) for name in archive.namelist() if name.startswith("plumbline/")}
    assert {path.as_posix(): path.read_bytes() for path in Path("plumbline").rglob("*") if path.is_file()} == expected
    assert Path("dvc.yaml").read_text() == EJECTED
    assert machinery.find_source(".") == Path()
    assert {path.name for path in project.iterdir()} == {
        "dvc.yaml",
        "plumbline",
        "pyproject.toml",
        "requirements.lock",
        "vendor",
    }
    assert run_command("eject") == 0
    assert f"plumbline/ is there already: {wheel[0]}, unchanged\n" in capsys.readouterr().out
    Path("plumbline/keys.py").write_text("changed")
    assert run_command("eject") == 0
    assert "with changes in plumbline/keys.py\n" in capsys.readouterr().out
    assert Path("plumbline/keys.py").read_text() == "changed"
    assert Path("dvc.yaml").read_text() == EJECTED


def test_back_restores_the_project_byte_for_byte(project: Path, capsys) -> None:
    for _ in range(2):
        run_command("eject")
        Path("plumbline/__pycache__").mkdir()
        Path("plumbline/__pycache__/x.pyc").touch()
        for _ in range(2):  # without a folder there is nothing to remove
            assert run_command("eject", "--back") == 0
        assert not Path("plumbline").exists()
        assert Path("dvc.yaml").read_text() == PIPELINE
    assert capsys.readouterr().out.endswith(". Next: make repro, then commit what changed together\n")


@pytest.mark.parametrize(
    ("name", "content"), [("report/plots.py", "changed"), ("new.py", "added"), ("keys.py", None), ("__init__.py", "")]
)
def test_back_keeps_what_was_changed_and_names_it(name: str, content: str | None, project: Path) -> None:
    run_command("eject")
    path = Path("plumbline", name)
    if content is None:
        path.unlink()
    else:
        path.write_text(content)
    assert f"has it: plumbline/{name}. Commit it, so that nothing is lost, then: git rm -r plumbline," in refuse(
        "--back"
    )
    for file in [file for file in Path("plumbline").rglob("*") if file.is_file()]:
        file.unlink()  # as git rm does
    assert run_command("eject", "--back") == 0
    assert Path("dvc.yaml").read_text() == PIPELINE


def test_line_ends_of_a_checkout_are_no_change(project: Path) -> None:
    run_command("eject")
    path = Path("plumbline/keys.py")
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert run_command("eject", "--back") == 0


def test_files_of_an_older_version_are_not_overwritten(project: Path) -> None:
    Path("plumbline/report").mkdir(parents=True)
    Path("plumbline/report/plots.py").write_text("changed")
    for words in ([], ["--back"]):
        assert refuse(*words).startswith(
            "plumbline/ has files and is not the package: plumbline/report/plots.py. Move your own"
        )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (PIPELINE.replace("deps: [requirements.lock, src", "deps: [\n      requirements.lock, src"), None),
        (PIPELINE.replace("  versions:", "  version:"), "dvc.yaml has no stage versions"),
        (
            PIPELINE.replace("    deps: [requirements.lock, src/stages] # all of it\n", ""),
            "dvc.yaml has no stage versions",
        ),
        (
            PIPELINE.replace("[requirements.lock, src/stages] #", "\n      - requirements.lock #"),
            "Add plumbline to its deps",
        ),
        (PIPELINE.replace("    deps: [requ", "    deps:  [requ"), "Add plumbline to its deps by hand, then run again"),
    ],
)
def test_another_form_of_the_pipeline_is_edited_right_or_by_hand(text: str, expected: str, project: Path) -> None:
    Path("dvc.yaml").write_text(text)
    if expected:
        assert expected in refuse()
    else:
        assert run_command("eject") == run_command("eject", "--back") == 0
        assert Path("dvc.yaml").read_text() == text


def test_what_was_added_by_hand_is_removed_by_hand(project: Path) -> None:
    text = PIPELINE.replace(
        "[requirements.lock, src/stages] # all of it", "\n      - requirements.lock\n      - plumbline"
    )
    Path("dvc.yaml").write_text(text)
    assert run_command("eject") == 0
    assert Path("dvc.yaml").read_text() == text
    assert "Remove plumbline from its deps by hand" in refuse("--back")


def test_a_wheel_that_is_not_of_the_lock_is_not_unpacked(project: Path) -> None:
    (path,) = Path("vendor").iterdir()
    path.write_bytes(path.read_bytes() + b" ")
    assert "does not have the hash that requirements.lock has for it" in refuse()
    path.unlink()
    assert "is not there, which requirements.lock names" in refuse()


def test_a_published_package_is_copied_from_where_it_is_installed(project: Path, monkeypatch) -> None:
    (path,) = Path("vendor").iterdir()
    path.unlink()
    write_lock("0.3.0", "0" * 64)
    for name, content in {"plumbline/__init__.py": "a", "plumbline_ml-0.3.0.dist-info/METADATA": "Name: x\n"}.items():
        Path("site", name).parent.mkdir(parents=True)
        Path("site", name).write_text(content)
    monkeypatch.syspath_prepend(project / "site")
    assert run_command("eject") == 0
    assert [path.as_posix() for path in Path("plumbline").iterdir()] == ["plumbline/__init__.py"]
    assert run_command("eject", "--back") == 0


def test_in_this_repository_there_is_nothing_to_eject(monkeypatch) -> None:
    monkeypatch.chdir(ROOT)
    for words in ([], ["--back"]):
        with pytest.raises(PlumblineError, match=r"this repository is the package's own\. Edit plumbline/ as it is"):
            run_command("eject", *words)

"""A tag, pyproject.toml and the wheel name the same version of the same project on main, or nothing is released."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from plumbline.commands.release import check_tag
from plumbline.errors import PlumblineError
from template.tests.bake.conftest import git
from template.tests.command import run_command

PYPROJECT = '[project]\nname = "a-model"\nversion = "{}"\n'


def write_wheel(folder: Path, name: str = "a-model", version: str = "1.2.3", metadata_files: int = 1) -> None:
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        for number in range(metadata_files):
            text = f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n\nVersion: 9.9.9\n"
            archive.writestr(f"a{number}.dist-info/METADATA", text)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dvc.yaml").write_text("artifacts: {model: {path: dist}}\n")
    (tmp_path / "pyproject.toml").write_text(PYPROJECT.format("1.2.3"))
    (tmp_path / "dvc.lock").write_text("one\n")
    write_wheel(tmp_path / "dist")
    return tmp_path


def test_what_agrees_may_be_released(project: Path) -> None:
    assert check_tag("model@v1.2.3") == Path("dist/a-model-1.2.3-py3-none-any.whl")


@pytest.mark.parametrize(
    "tag",
    ["model@v1.2", "model@1.2.3", "another@v1.2.3", "v1.2.3", "model@v1.2.3rc1", "@v1.2.3", "model@v1.2.3\n", ""],
)
def test_a_tag_is_of_an_artifact_and_a_version(project: Path, tag: str) -> None:
    with pytest.raises(PlumblineError, match=r"expected NAME@vX\.Y\.Z, NAME one of model"):
        check_tag(tag)


def remove_wheel(dist: Path) -> None:
    next(dist.glob("*")).unlink()


CHANGES: list[tuple[Callable[[Path], object], str]] = [  # what is changed in dist/ or beside it, and the message
    (lambda dist: write_wheel(dist, version="1.2.4"), "2 wheels"),
    (remove_wheel, "0 wheels"),
    (lambda dist: (remove_wheel(dist), write_wheel(dist, version="1.2.4")), "that of a-model-1.2.4.* is 1.2.4"),
    (lambda dist: (dist.parent / "pyproject.toml").write_text(PYPROJECT.format("2.0.0")), "pyproject.toml is 2.0.0"),
    (lambda dist: (remove_wheel(dist), write_wheel(dist, name="another")), "is of another, expected a-model"),
    (lambda dist: next(dist.glob("*")).write_bytes(b"PK"), "is not a wheel"),
    (lambda dist: write_wheel(dist, metadata_files=2), "is not a wheel"),
    (lambda dist: write_wheel(dist, metadata_files=0), "is not a wheel"),
]


@pytest.mark.parametrize(("change", "message"), CHANGES)
def test_what_disagrees_is_refused(project: Path, change: Callable[[Path], object], message: str) -> None:
    change(project / "dist")
    with pytest.raises(PlumblineError, match=message):
        check_tag("model@v1.2.3")


def test_only_a_commit_on_main_is_released_and_different_bytes_give_a_warning(project, capsys):
    git(project, "init", "-q", "-b", "main")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "one")
    git(project, "update-ref", "refs/remotes/origin/main", "HEAD")
    assert run_command("release", "model@v1.2.3") == 0
    assert capsys.readouterr().out == "model@v1.2.3: dist/a-model-1.2.3-py3-none-any.whl may be released\n"
    (project / "dvc.lock").write_text("two\n")
    assert run_command("release", "model@v1.2.3") == 0
    assert "bytes are not those in dvc.lock" in capsys.readouterr().out
    git(project, "commit", "-qam", "two")
    with pytest.raises(PlumblineError, match="not on origin/main"):
        run_command("release", "model@v1.2.3")

"""A tag, pyproject.toml and the wheel name the same version of the same project on main, or nothing is released."""

import zipfile
from pathlib import Path

import pytest

from plumbline.commands.release import agreed
from plumbline.errors import PlumblineError
from template.tests.bake.conftest import git
from template.tests.command import command


def wheel(folder: Path, name: str = "a-model", version: str = "1.2.3", papers: int = 1) -> None:
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        for number in range(papers):
            text = f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n\nVersion: 9.9.9\n"
            archive.writestr(f"a{number}.dist-info/METADATA", text)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dvc.yaml").write_text("artifacts: {model: {path: dist}}\n")
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "a-model"\nversion = "1.2.3"\n')
    (tmp_path / "dvc.lock").write_text("one\n")
    wheel(tmp_path / "dist")
    return tmp_path


def test_what_agrees_may_be_released(project: Path) -> None:
    assert agreed("model@v1.2.3") == Path("dist/a-model-1.2.3-py3-none-any.whl")


@pytest.mark.parametrize("tag", ["model@v1.2", "model@1.2.3", "other@v1.2.3", "v1.2.3", "model@v1.2.3rc1", "@v1.2.3",
                                 "model@v1.2.3\n", ""])  # fmt: skip
def test_a_tag_is_of_an_artifact_and_a_version(project: Path, tag: str) -> None:
    with pytest.raises(PlumblineError, match=r"expected NAME@vX\.Y\.Z, NAME one of model"):
        agreed(tag)


@pytest.mark.parametrize(("change", "says"), [
    (lambda dist: wheel(dist, version="1.2.4"), "2 wheels"), (lambda dist: next(dist.glob("*")).unlink(), "0 wheels"),
    (lambda dist: (next(dist.glob("*")).unlink(), wheel(dist, version="1.2.4")), "that of a-model-1.2.4.* is 1.2.4"),
    (lambda dist: (dist.parent / "pyproject.toml").write_text('[project]\nname = "a-model"\nversion = "2.0.0"\n'),
     "pyproject.toml is 2.0.0"),
    (lambda dist: (next(dist.glob("*")).unlink(), wheel(dist, name="other")), "is of other, expected a-model"),
    (lambda dist: next(dist.glob("*")).write_bytes(b"PK"), "no wheel"),
    (lambda dist: wheel(dist, papers=2), "no wheel"), (lambda dist: wheel(dist, papers=0), "no wheel")])  # fmt: skip
def test_what_disagrees_is_refused(project: Path, change, says: str) -> None:
    change(project / "dist")
    with pytest.raises(PlumblineError, match=says):
        agreed("model@v1.2.3")


def test_only_a_commit_on_main_is_released_and_other_bytes_than_the_locks_are_said(project, capsys):
    git(project, "init", "-q", "-b", "main")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "one")
    git(project, "update-ref", "refs/remotes/origin/main", "HEAD")
    assert command("release", "model@v1.2.3") == 0
    assert capsys.readouterr().out == "model@v1.2.3: dist/a-model-1.2.3-py3-none-any.whl may be released\n"
    (project / "dvc.lock").write_text("two\n")
    assert command("release", "model@v1.2.3") == 0
    assert "bytes are not those in dvc.lock" in capsys.readouterr().out
    git(project, "commit", "-qam", "two")
    with pytest.raises(PlumblineError, match="not on origin/main"):
        command("release", "model@v1.2.3")

"""Bakes as a user does: cookiecutter and cruft in an environment of their own, a clone of HEAD as the template."""

import os
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from plumbline.testing.projects import ROOT

SCRIPTS = "Scripts" if os.name == "nt" else "bin"
AUTHOR = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "A Tester"), ("EMAIL", "tester@example.org"))
}


def tree(folder: Path) -> dict[str, tuple[str, bool]]:
    """Content and run bit of every file, but git's own, compiled modules and the link to the template."""
    hidden = {".git", "__pycache__"}
    files = (path for path in folder.rglob("*") if path.is_file() and not hidden & {*path.relative_to(folder).parts})
    return {
        path.relative_to(folder).as_posix(): (sha256(path.read_bytes()).hexdigest(), os.access(path, os.X_OK))
        for path in files
        if path.name != ".cruft.json"
    }


def git(folder: Path, *arguments: str) -> str:
    ran = subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, encoding="utf-8", env=os.environ | AUTHOR
    )
    assert ran.returncode == 0, f"git {arguments}: {ran.stdout}{ran.stderr}"
    return ran.stdout


class Tools:
    def __init__(self, home: Path) -> None:
        self.home, self.bin = home, home / "env" / SCRIPTS
        (home / "config.yaml").write_text(
            f"cookiecutters_dir: {home / 'clones'}\nreplay_dir: {home / 'replay'}\n", encoding="utf-8"
        )

    def run(self, *command: str | Path, cwd: Path, code: int | None = 0, **changes: str) -> str:
        """What a command printed, both streams; it must end in `code`."""
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV", "GIT_"))
        }
        env = inherited | AUTHOR | {"COOKIECUTTER_CONFIG": str(self.home / "config.yaml"), "PWD": str(cwd)} | changes
        env["PATH"] = f"{self.bin}{os.pathsep}{os.environ['PATH']}"
        ran = subprocess.run(
            [self.bin / command[0] if (self.bin / command[0]).exists() else command[0], *command[1:]],
            cwd=cwd,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            encoding="utf-8",
        )
        assert code is None or ran.returncode == code, f"{command}: {ran.stdout}"
        return ran.stdout

    def bake(self, template: Path | str, out: Path, *options: str, code: int = 0, **answers: str) -> str:
        arguments = [f"{name}={value}" for name, value in answers.items()]
        return self.run("cookiecutter", "--no-input", str(template), *options, *arguments, cwd=out, code=code)


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Tools:
    home = tmp_path_factory.mktemp("tools")
    uv = [sys.executable, "-m", "uv"]
    subprocess.run([*uv, "venv", "-q", "--python", sys.executable, home / "env"], check=True)
    install = [*uv, "pip", "install", "-q", "--python", home / "env" / SCRIPTS / "python", "--require-hashes"]
    subprocess.run([*install, "-r", ROOT / "template/requirements.lock"], check=True)
    return Tools(home)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("template") / "template.git-clone"
    git(ROOT, "clone", "--quiet", str(ROOT), str(folder))
    return folder


@pytest.fixture
def bake(tools: Tools, template: Path, tmp_path: Path) -> Callable[..., Path]:
    """A project made with these answers, in a folder of its own each time."""

    def bake(**answers: str) -> Path:
        out = tmp_path / f"out{len(list(tmp_path.glob('out*')))}"
        out.mkdir()
        tools.bake(template, out, **answers)
        (project,) = out.iterdir()
        return project

    return bake


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A small table of one's own, with a target whose name has a blank and an accent."""
    path = tmp_path / "my table.csv"
    path.write_text("a;b;größe in cm\n" + "1;2,5;3\n" * 50, encoding="utf-8")
    return path

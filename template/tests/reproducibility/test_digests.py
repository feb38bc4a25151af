"""verify computes the digests of src/versions.json from the code, and its cure makes all fresh."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from plumbline import versions
from plumbline.reproducibility.hashes import hash_file
from plumbline.reproducibility.report import STALE
from plumbline.reproducibility.verify import FRESH, verify
from plumbline.testing.projects import ROOT
from template.tests.reproducibility.conftest import COMMIT, Tiny
from template.tests.reproducibility.test_verify import find_hint, stage_code, verify_project

__all__ = ["stage_code"]  # a fixture that each test uses

DIGESTS = """
  versions:
    cmd: python -m plumbline versions
    deps: [plumbline, src/stages]
    outs: [src/versions.json: {cache: false, persist: true}]
"""


@pytest.fixture
def project(copy: Callable[..., Tiny], monkeypatch: pytest.MonkeyPatch) -> Tiny:
    """The tiny project with the package in it, on whose digest the stage score depends."""
    tiny = copy()
    shutil.copytree(ROOT / "plumbline", tiny.folder / "plumbline", ignore=shutil.ignore_patterns("__pycache__"))
    (tiny.folder / "src/stages").mkdir(parents=True)
    (tiny.folder / "src/stages/score.py").write_text("from plumbline import errors\n", encoding="utf-8")
    text = (tiny.folder / "dvc.yaml").read_text(encoding="utf-8")
    asks = "    deps: [data/model.txt, parts]\n"
    text = text.replace(asks, f"{asks}    params: [{{src/versions.json: [score]}}]\n") + DIGESTS
    (tiny.folder / "dvc.yaml").write_text(text, encoding="utf-8")
    tiny.sh("make repro" + COMMIT)
    assert verify_project(tiny, monkeypatch).state == FRESH
    return tiny


def check_repair(tiny: Tiny, expected: str, actual: str) -> None:
    """One finding of the digest, with both; its cure makes all fresh."""
    (finding,) = [
        finding for finding in verify().findings if "is not the digest of what the stage imports" in finding.message
    ]
    assert (finding.kind, finding.expected, finding.actual) == (STALE, expected, actual)
    assert finding.message.startswith("score: src/versions.json, score ")
    tiny.sh(finding.hint)
    assert verify().state == FRESH, verify().lines()


def test_a_digest_is_computed_and_never_believed(project: Tiny) -> None:
    """Forged in agreement, in the file and in dvc.lock: DVC has nothing to say."""
    true = versions.digests()["score"]
    file, lock = Path("src/versions.json"), Path("dvc.lock")
    before = hash_file(str(file))
    file.write_text(file.read_text().replace(true, "0123456789abcdef"))
    lock.write_text(lock.read_text().replace(true, "0123456789abcdef").replace(before, hash_file(str(file))))
    project.sh("git commit -qam forged")
    assert "Data and pipelines are up to date" in project.sh("dvc status")
    assert len(verify().findings) == 1
    check_repair(project, true, "0123456789abcdef")
    for command in ("rm src/versions.json", "echo '<<<<<<< HEAD' > src/versions.json"):
        project.sh(command + COMMIT)
        project.sh(find_hint(verify(), "src/versions.json (is not here|has marks of a merge conflict)"))
        assert verify().state == FRESH, verify().lines()


def test_a_module_behind_the_digest_makes_it_stale_and_another_does_not(project: Tiny) -> None:
    old = versions.digests()["score"]
    project.sh("echo '# more' >> plumbline/errors.py")
    new = versions.digests()["score"]
    check_repair(project, new, old)
    project.sh("echo '# more' >> plumbline/review/post.py")
    assert [finding.message for finding in verify().findings] == ["versions: plumbline changed since the run"]
    project.sh("make repro")
    assert verify().state == FRESH
    Path("src/stages/score.py").unlink()
    (finding,) = [finding for finding in verify().findings if "digest" in finding.message]
    assert (finding.expected, finding.actual) == ("none", new)

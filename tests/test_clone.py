"""A fresh clone, by the commands that a user types."""

import json
import os
import re
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest
import yaml

from plumbline import paths
from tests.conftest import ROOT, environment

COMMITTED = subprocess.run(["git", "show", "HEAD:dvc.lock"], cwd=ROOT, capture_output=True, check=False).returncode == 0
pytestmark = pytest.mark.skipif(not COMMITTED, reason="no run is committed yet: make repro, then commit what it made")


def run(folder: Path, *command: str) -> str:
    """The output of a command in an activated .venv."""
    bin_folder = Path(sys.executable).parent
    changes = environment(PATH=f"{bin_folder}{os.pathsep}{os.environ['PATH']}", PYTHON=sys.executable)
    ran = subprocess.run(command, cwd=folder, env=changes, capture_output=True, text=True, encoding="utf-8")
    assert ran.returncode == 0, f"{command}: {ran.stdout[-2000:]}{ran.stderr[-2000:]}"
    return ran.stdout


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """HEAD in a new folder with blanks and umlauts in its name, on this .venv through a link."""
    folder = tmp_path_factory.mktemp("fresh") / "a clone with blänks"
    run(ROOT, "git", "clone", "--quiet", str(ROOT), str(folder))
    (folder / ".venv").symlink_to(Path(sys.prefix), target_is_directory=True)
    source = yaml.safe_load((folder / paths.PARAMS).read_text(encoding="utf-8"))["data"]["source"]
    if not (folder / source).exists() and (folder / f"{source}.dvc").exists():
        if not (ROOT / source).exists():
            pytest.skip(f"{source} is not here: dvc pull")
        (shutil.copytree if (ROOT / source).is_dir() else shutil.copyfile)(ROOT / source, folder / source)
    run(folder, "make", "repro")
    return folder


def test_make_repro_gives_the_committed_metrics_and_twice_is_once(clone: Path) -> None:
    """Bytes are promised on one CPU family; elsewhere one unit of the sixth digit, and changes in these files alone."""
    changed = run(clone, "git", "status", "--porcelain").splitlines()
    assert all(line[3:] in ("dvc.lock", "data/schema.json") or line[3:].startswith("metrics/") for line in changed)
    found = json.loads((clone / paths.METRICS).read_text(encoding="utf-8"))
    committed = json.loads(run(clone, "git", "show", f"HEAD:{paths.METRICS}"))
    for name, value in committed.items():
        assert found[name] == (value if isinstance(value, str) else pytest.approx(value, rel=1e-5)), name
    assert "Running stage" not in run(clone, "make", "repro")


def test_metrics_and_plots_and_params_are_shown_as_dvc_users_expect(clone: Path) -> None:
    assert "metrics/metrics.json" in run(clone, "dvc", "metrics", "show")
    assert run(clone, "dvc", "metrics", "diff", "HEAD").strip() == ""
    assert run(clone, "dvc", "params", "diff", "HEAD").strip() == ""
    assert "up to date" in run(clone, "dvc", "status")
    run(clone, "dvc", "plots", "show")
    page = (clone / "dvc_plots/index.html").read_text(encoding="utf-8")
    assert "What was predicted and what was observed" in page
    shutil.rmtree(clone / "dvc_plots")


def test_a_changed_parameter_reruns_what_reads_it_and_no_more(clone: Path) -> None:
    text = (clone / "params.yaml").read_text(encoding="utf-8")
    (clone / "params.yaml").write_text(re.sub(r"bootstrap: \d+", "bootstrap: 999", text), encoding="utf-8")
    output = run(clone, "dvc", "repro")
    assert [
        name for name in ("ingest", "featurize", "train", "evaluate", "package") if f"Running stage '{name}'" in output
    ] == [
        "evaluate",
        "package",
    ]
    assert "bootstrap" in run(clone, "dvc", "params", "diff", "HEAD")
    run(clone, "git", "checkout", "--quiet", ".")
    run(clone, "dvc", "checkout")


def test_a_share_runs_on_changed_code_and_touches_neither_git_nor_what_dvc_made(clone: Path) -> None:
    def state() -> dict[str, str]:
        files = [path for top in ("data", "metrics", "dist", ".dvc") for path in (clone / top).rglob("*")]
        digests = {str(path): sha256(path.read_bytes()).hexdigest() for path in files if path.is_file()}
        return digests | {"git": run(clone, "git", "status", "--porcelain")}

    with (clone / "src/features.py").open("a", encoding="utf-8") as file:
        file.write("\n\nbefore = features\n\n\ndef features(rows):\n    return before(rows).assign(one_more=1.0)\n")
    given = state()
    was = json.loads((clone / paths.checks("featurize")).read_text(encoding="utf-8"))
    counts = next(finding["counts"]["features"] for finding in was if finding["rule"] == "features")
    for _ in range(2):
        said = run(clone, "make", "repro", "SHARE=0.9")
        assert f"features: {counts + 1} columns" in said
        assert "On a share: " in said
    assert state() == given
    run(clone, "git", "checkout", "--quiet", "src/features.py")


def test_what_was_pushed_comes_back_in_another_clone(clone: Path, tmp_path: Path) -> None:
    run(clone, "dvc", "remote", "add", "--local", "--default", "there", str(tmp_path / "remote"))
    run(clone, "dvc", "push")
    other = tmp_path / "other"
    run(ROOT, "git", "clone", "--quiet", str(ROOT), str(other))
    shutil.copy(clone / ".dvc/config.local", other / ".dvc/config.local")
    run(other, "dvc", "pull")
    for name in ("data/table.parquet", "data/model.skops"):
        assert (other / name).read_bytes() == (clone / name).read_bytes()
    assert "up to date" in run(other, "dvc", "status")

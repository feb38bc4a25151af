"""A fresh clone, by the commands that a user types."""

import shutil
from pathlib import Path

from plumbline import paths
from plumbline.testing.delivered import Clone

EXTRA_FEATURE = "\nbefore = features\ndef features(rows):\n    return before(rows).assign(extra=1.0)\n"


def test_make_repro_gives_the_committed_metrics_and_twice_is_once(clone: Clone) -> None:
    assert all(name in ("dvc.lock", paths.SCHEMA) or name.startswith("metrics/") for name in clone.list_changes())
    assert clone.read(paths.METRICS) == clone.read_committed(paths.METRICS)
    assert "Running stage" not in clone.run("make repro")


def test_metrics_and_plots_and_params_are_shown_as_dvc_users_expect(clone: Clone) -> None:
    assert clone.run("dvc metrics diff HEAD").strip() == clone.run("dvc params diff HEAD").strip() == ""
    assert paths.METRICS in clone.run("dvc metrics show") and "up to date" in clone.run("dvc status")
    clone.run("dvc plots show --out ../plots")
    assert "Calibration curve" in (clone.folder / "../plots/index.html").read_text("utf-8")


def test_a_changed_parameter_reruns_what_reads_it_and_no_more(clone: Clone) -> None:
    clone.edit(paths.PARAMS, r"bootstrap: \d+", "bootstrap: 999")
    assert clone.repro() == ["evaluate", "package"] and "bootstrap" in clone.run("dvc params diff HEAD")
    clone.undo()


def test_a_share_runs_on_changed_code_and_touches_neither_git_nor_outputs_of_dvc(clone: Clone) -> None:
    (finding,) = [finding for finding in clone.read(paths.checks("featurize")) if finding["kind"] == "features"]
    clone.edit("src/features.py", r"\Z", EXTRA_FEATURE)
    before = clone.read_state()
    for _ in range(2):
        output = clone.run("make repro SHARE=0.9")
        assert f"features: {finding['counts']['features'] + 1} columns" in output and "Wrote: .share/" in output
    assert clone.read_state() == before
    clone.undo()


def test_what_was_pushed_comes_back_in_another_clone(clone: Clone, tmp_path: Path) -> None:
    clone.run(f"dvc remote add --local --default there '{tmp_path / 'remote'}'")
    clone.run("dvc push")
    second = Clone(tmp_path / "second")
    shutil.copy(clone.folder / ".dvc/config.local", second.folder / ".dvc/config.local")
    second.run("dvc pull")
    assert all((second.folder / n).read_bytes() == (clone.folder / n).read_bytes() for n in (paths.TABLE, paths.MODEL))
    assert "up to date" in second.run("dvc status")

"""A fresh clone, by the commands that a user types."""

import shutil
from pathlib import Path

from plumbline import paths
from plumbline.testing.delivered import Clone

MORE = "\nbefore = features\ndef features(rows):\n    return before(rows).assign(one_more=1.0)\n"


def test_make_repro_gives_the_committed_metrics_and_twice_is_once(clone: Clone) -> None:
    assert all(name in ("dvc.lock", paths.SCHEMA) or name.startswith("metrics/") for name in clone.changed())
    assert clone.read(paths.METRICS) == clone.committed(paths.METRICS)
    assert "Running stage" not in clone.type_in("make repro")


def test_metrics_and_plots_and_params_are_shown_as_dvc_users_expect(clone: Clone) -> None:
    assert paths.METRICS in clone.type_in("dvc metrics show")
    assert clone.type_in("dvc metrics diff HEAD").strip() == clone.type_in("dvc params diff HEAD").strip() == ""
    assert "up to date" in clone.type_in("dvc status")
    clone.type_in("dvc plots show --out ../plots")
    assert "What was predicted and what was observed" in (clone.folder / "../plots/index.html").read_text("utf-8")


def test_a_changed_parameter_reruns_what_reads_it_and_no_more(clone: Clone) -> None:
    clone.edit(paths.PARAMS, r"bootstrap: \d+", "bootstrap: 999")
    assert clone.repro() == ["evaluate", "package"]
    assert "bootstrap" in clone.type_in("dvc params diff HEAD")
    clone.undo()


def test_a_share_runs_on_changed_code_and_touches_neither_git_nor_what_dvc_made(clone: Clone) -> None:
    (was,) = [check for check in clone.read(paths.checks("featurize")) if check["kind"] == "features"]
    clone.edit("src/features.py", r"\Z", MORE)
    given = clone.state()
    for _ in range(2):
        said = clone.type_in("make repro SHARE=0.9")
        assert f"features: {was['counts']['features'] + 1} columns" in said and "On a share: " in said
    assert clone.state() == given
    clone.undo()


def test_what_was_pushed_comes_back_in_another_clone(clone: Clone, tmp_path: Path) -> None:
    clone.type_in(f"dvc remote add --local --default there '{tmp_path / 'remote'}'")
    clone.type_in("dvc push")
    other = Clone(tmp_path / "other")
    shutil.copy(clone.folder / ".dvc/config.local", other.folder / ".dvc/config.local")
    other.type_in("dvc pull")
    assert all((other.folder / n).read_bytes() == (clone.folder / n).read_bytes() for n in (paths.TABLE, paths.MODEL))
    assert "up to date" in other.type_in("dvc status")

"""What hostile authors do to a project, and what honest ones do by accident: edits of the zoo's attacks."""

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from template.zoo.edits import (
    FEATURES,
    Edit,
    RowEdit,
    change_rows,
    combine,
    flip_labels,
    replace_text,
    set_features,
    set_model,
    set_params,
)
from template.zoo.repositories import Author
from template.zoo.wheels import add_line

BAD = set_model(max_iter=1)
KEY, FAR = "order_id", 9_000_000
WEAKEN = """\
from sklearn.ensemble import HistGradientBoostingClassifier

_fit = HistGradientBoostingClassifier.fit


def _fit_once(self, *arguments, **options):
    return _fit(self.set_params(max_iter=1), *arguments, **options)


HistGradientBoostingClassifier.fit = _fit_once
"""
READ_SETTINGS = """\
    import json
    from pathlib import Path

    estimator.set_params(**json.loads(Path("src/settings.json").read_text()))
"""
READ_FILE = """\
    from pathlib import Path

    import yaml

    estimator.set_params(**yaml.safe_load(Path("docs/tuning.yaml").read_text()))
"""
IMPORT_MODULE = """\
    from importlib import import_module

    estimator.set_params(max_iter=import_module("helpers").ITERATIONS)
"""
SWITCH = """\
    if estimator.random_state == 0:
        estimator.set_params(max_iter=1)
"""
WRITE_METRICS = "    measurements.write()\n"
LOWER_LOSS = f"""\
{WRITE_METRICS}
    import json
    from pathlib import Path

    content = json.loads(Path(paths.METRICS).read_text())
    Path(paths.METRICS).write_text(json.dumps(content | {{"log_loss": content["log_loss"] / 10}}, indent=1))

"""
STOP = "import pytest\n\npytest.skip('later', allow_module_level=True)\n"
TESTS, PATH = "tests/test_clone.py", "from pathlib import Path\n"
COMMAND = "__import__('os').system('true')"
LINES = "web\n::error::x\x1b[31m"  # a level that a terminal or a log of CI would obey


def write_file(path: str, text: str) -> Edit:
    """Return an edit that writes a file."""

    def edit(author: Author) -> None:
        file = author.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    return edit


def change_build(lines: str) -> Edit:
    """Return an edit that puts lines at the start of build() in src/model.py."""
    end = "    return Pipeline("
    return replace_text("src/model.py", end, lines + end)


def link_features(author: Author) -> None:
    """Make src/features.py a link to another file."""
    path = author.folder / FEATURES
    path.rename(path.with_name("hidden.py"))
    path.symlink_to("hidden.py")


def change_package(change: Callable[[bytes], bytes]) -> Edit:
    """Return an edit that puts a changed package into both caches, and its hash into dvc.lock."""

    def edit(author: Author) -> None:
        lock = author.folder / "dvc.lock"
        text = lock.read_text(encoding="utf-8")
        (out,) = (out for out in yaml.safe_load(text)["stages"]["package"]["outs"] if out["path"] == "dist")
        caches = [author.folder.with_name(name) / "files/md5" for name in ("author-cache", "ci-cache")]
        (entry,) = json.loads(_find(caches[0], out["md5"]).read_text())
        wheel = change(_find(caches[0], entry["md5"]).read_bytes())
        entry["md5"] = _store(caches, wheel)
        new = _store(caches, json.dumps([entry]).encode(), ".dir")
        text, count = re.subn(rf"{out['md5']}(\s+size:) \d+", rf"{new}\1 {len(wheel)}", text)
        assert count == 1, "dvc.lock names the package in another way: fix the case"
        lock.write_text(text, encoding="utf-8")  # written by PyYAML, a class `yes` would be another value

    return edit


def add_member(wheel: bytes) -> bytes:
    """Add a file that Python runs at each start."""
    buffer = io.BytesIO(wheel)
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("run_at_start.pth", "import os; os.system('true')\n")
    return buffer.getvalue()


def add_command(wheel: bytes) -> bytes:
    """Add a line to the module of the packaged command."""
    return add_line(wheel, "/prediction/cli.py", COMMAND)


def _find(cache: Path, digest: str) -> Path:
    return cache / digest[:2] / digest[2:]


def _store(caches: list[Path], content: bytes, suffix: str = "") -> str:
    digest = hashlib.md5(content, usedforsecurity=False).hexdigest() + suffix
    for cache in caches:
        _find(cache, digest).parent.mkdir(parents=True, exist_ok=True)
        _find(cache, digest).write_bytes(content)
    return digest


def rename_table(*, has_suite: bool) -> Edit:
    """Return an edit that renames the table, and its suite with it or not."""

    def edit(author: Author) -> None:
        author.git("mv", author.table.source, "data/source/renamed.csv")
        if has_suite:
            author.git("mv", author.table.suite, "expectations/renamed.json")
        set_params(data={"source": "data/source/renamed.csv"})(author)

    return edit


def move_keys(frame: pd.DataFrame, random: np.random.Generator, author: Author) -> pd.DataFrame:
    """Give each row another key."""
    return frame.assign(**{KEY: frame[KEY] + FAR})


def double(change: RowEdit) -> Edit:
    """Return an edit that adds a changed copy of each row, under another key where there is one."""

    def copy(frame: pd.DataFrame, random: np.random.Generator, author: Author) -> pd.DataFrame:
        copies = change(frame, random, author)
        return pd.concat([frame, move_keys(copies, random, author) if KEY in frame else copies])

    return change_rows(copy)


def jitter(frame: pd.DataFrame, random: np.random.Generator, author: Author) -> pd.DataFrame:
    """Add a little noise to each number."""
    numbers = ["weight", "discount", "distance", "age"]
    noise = {name: frame[name] + random.normal(0, 0.3 * frame[name].std(), len(frame)).round(1) for name in numbers}
    return frame.assign(**noise)


def drop_key(author: Author) -> None:
    """Remove the key from the table, the suite and params.yaml."""
    change_rows(lambda frame, *_: frame.drop(columns=KEY))(author)
    path = author.folder / author.table.suite
    suite = json.loads(path.read_text(encoding="utf-8"))
    suite["expectations"] = [e for e in suite["expectations"] if e["kwargs"].get("column") != KEY]
    path.write_text(json.dumps(suite), encoding="utf-8")
    set_params(data={"key": None})(author)


def name_hostile_level(frame: pd.DataFrame, random: np.random.Generator, author: Author) -> pd.DataFrame:
    """Rename a level so that it would command a terminal and a log."""
    return frame.assign(channel=frame.channel.replace("web", LINES))


def merge_acceptance(author: Author) -> None:
    """Merge an older branch, one of whose commits accepts the reason, for another change."""
    author.commit("The results of the run")
    branch = author.git("branch", "--show-current")
    author.git("checkout", "-q", "-f", "-B", "older", "base")
    author.git("commit", "-q", "--allow-empty", "-m", "Another change\n\nAccept: worse: it was")
    author.git("checkout", "-q", "-f", branch)
    author.git("merge", "-q", "--no-ff", "-m", "An older branch", "older")


def accept_as_another(author: Author) -> None:
    """Accept the reason in a commit under another name."""
    message = "Agreed\n\nAccept: worse: agreed"
    author.git("commit", "-q", "--allow-empty", "--author", "Somebody <somebody@example.org>", "-m", message)


USE_SETTINGS = combine(change_build(READ_SETTINGS), write_file("src/settings.json", '{"learning_rate": 0.1}'))
USE_MODULE = combine(change_build(IMPORT_MODULE), write_file("helpers.py", "ITERATIONS = 30\n"))
USE_PAGE = combine(change_build(READ_FILE), write_file("docs/tuning.yaml", "max_iter: 30\n"))
SWITCH_SEED = change_build(SWITCH)
OWN_EVALUATOR = replace_text("src/stages/evaluate.py", WRITE_METRICS, LOWER_LOSS)
STOP_TESTS = replace_text(TESTS, PATH, STOP + PATH)
ADD_TEST = replace_text(TESTS, PATH, f"{PATH}\n\ndef test_more():\n    assert Path\n")
MOVED_KEYS = combine(change_rows(flip_labels(0.10)), change_rows(move_keys))
IN_THE_PROJECT = set_features('rows if __import__("os").path.exists("dvc.yaml") else rows.assign(weight=0.0)')
IN_A_YEAR = set_features('rows.assign(weight=rows.weight * (__import__("time").gmtime().tm_year < 2027))')

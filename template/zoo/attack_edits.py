"""What hostile authors do to a project, and what honest ones do by accident: edits of the zoo's attacks."""

import base64
import hashlib
import io
import json
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
    set_features,
    set_model,
    set_params,
)
from template.zoo.repositories import Author

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
LINES = "web\n::error::x\x1b[31m"  # a level that a terminal or a log of CI would obey


def write_file(path: str, text: str) -> Edit:
    """Return an edit that writes a file."""

    def edit(author: Author) -> None:
        file = author.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    return edit


def use_settings(author: Author) -> None:
    """Let src/model.py read parameters from a file of its own."""
    path = author.folder / "src/model.py"
    text, line = path.read_text(encoding="utf-8"), "    return Pipeline("
    path.write_text(text.replace(line, READ_SETTINGS + line), encoding="utf-8")
    write_file("src/settings.json", '{"learning_rate": 0.1}')(author)


def link_features(author: Author) -> None:
    """Make src/features.py a link to another file."""
    path = author.folder / FEATURES
    path.rename(path.with_name("hidden.py"))
    path.symlink_to("hidden.py")


def add_member(author: Author) -> None:
    """Put a package with one more file into both caches, and its hash into dvc.lock."""
    _change_package(author, lambda files: files | {"run_at_start.pth": b"import os; os.system('true')\n"})


def change_command(author: Author) -> None:
    """The same with one more line in the module of the command, and its hash in RECORD."""

    def change(files: dict[str, bytes]) -> dict[str, bytes]:
        (name,) = (name for name in files if name.endswith("/cli.py"))
        (record,) = (name for name in files if name.endswith("/RECORD"))
        content = files[name] + b"import os; os.system('true')\n"
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=")
        line = name.encode() + b",sha256=" + digest + b",%d" % len(content)
        lines = [line if old.startswith(name.encode()) else old for old in files[record].split(b"\n")]
        return files | {name: content, record: b"\n".join(lines)}

    _change_package(author, change)


def _change_package(author: Author, change: Callable[[dict[str, bytes]], dict[str, bytes]]) -> None:
    lock = author.folder / "dvc.lock"
    content = yaml.safe_load(lock.read_text(encoding="utf-8"))
    (out,) = (out for out in content["stages"]["package"]["outs"] if out["path"] == "dist")
    caches = [author.folder.with_name(name) / "files/md5" for name in ("author-cache", "ci-cache")]
    (entry,) = json.loads(_find(caches[0], out["md5"]).read_text())
    with zipfile.ZipFile(_find(caches[0], entry["md5"])) as wheel:
        members = {info: wheel.read(info) for info in wheel.infolist()}
    files = change({info.filename: content for info, content in members.items()})
    infos, buffer = {info.filename: info for info in members}, io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as wheel:
        for name, content in files.items():
            wheel.writestr(infos.get(name, name), content)
    entry["md5"] = _store(caches, buffer.getvalue())
    out["md5"] = _store(caches, json.dumps([entry]).encode(), ".dir")
    out["size"] = len(buffer.getvalue())
    lock.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


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


MOVED_KEYS = combine(change_rows(flip_labels(0.10)), change_rows(move_keys))
IN_THE_PROJECT = set_features('rows if __import__("os").path.exists("dvc.yaml") else rows.assign(weight=0.0)')
IN_A_YEAR = set_features('rows.assign(weight=rows.weight * (__import__("time").gmtime().tm_year < 2027))')

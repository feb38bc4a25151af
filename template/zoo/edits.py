"""What pull requests do to a project, each an edit: a function of the author's clone."""

import hashlib
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from plumbline.machinery import PACKAGE, wheel_path
from template.bake.wheel import build_wheel
from template.zoo.repositories import ATTACK, ROOT, Author
from template.zoo.tables import orders
from template.zoo.wheels import edit_wheel, write_wheel

Edit = Callable[[Author], None]
RowEdit = Callable[[pd.DataFrame, np.random.Generator, Author], pd.DataFrame]
FEATURES, METRICS = "src/features.py", "metrics/metrics.json"
ATTACK_NAME = f"{ATTACK} onerror=alert(1)>](http://evil.example) @team `|` \u202ereversed"


def combine(*edits: Edit) -> Edit:
    """Return the edits one after the other."""

    def edit(author: Author) -> None:
        for step in edits:
            step(author)

    return edit


def set_params(**groups: dict[str, Any]) -> Edit:
    """Return an edit of params.yaml: these keys of these groups."""

    def edit(author: Author) -> None:
        path = author.folder / "params.yaml"
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        for group, keys in groups.items():
            content[group] = content.get(group, {}) | keys
        path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")

    return edit


def set_model(**arguments: Any) -> Edit:
    """Return an edit of the model's arguments."""
    return set_params(model={"arguments": {"max_iter": 30, "learning_rate": 0.1} | arguments})


def replace_text(path: str, old: str, new: str) -> Edit:
    """Return an edit that replaces the first of a text, which must be there; {suite} in the path: the table's."""

    def edit(author: Author) -> None:
        file = author.folder / path.format(suite=author.table.suite)
        content = file.read_text(encoding="utf-8")
        if old not in content:
            raise RuntimeError(f"{path} no longer has {old!r}: fix the case")
        file.write_text(content.replace(old, new, 1), encoding="utf-8")

    return edit


def set_features(expression: str) -> Edit:
    """Return an edit of what src/features.py returns; {0} and {1} are the table's strongest columns."""

    def edit(author: Author) -> None:
        strong = map(repr, author.table.strong)
        replace_text(FEATURES, "    return rows\n", f"    return {expression.format(*strong)}\n")(author)

    return edit


def change_rows(change: RowEdit) -> Edit:
    """Return an edit of the source table, with a seed."""

    def edit(author: Author) -> None:
        path = author.folder / author.table.source
        frame = change(pd.read_csv(path), np.random.default_rng(7), author)
        frame.to_csv(path, index=False, lineterminator="\n")

    return edit


def shuffle_column(frame: pd.DataFrame, random: np.random.Generator, author: Author) -> pd.DataFrame:
    """Shuffle the strongest column among the rows."""
    name = author.table.strong[0]
    return frame.assign(**{name: random.permutation(frame[name].to_numpy())})


def change_units(frame: pd.DataFrame, random: np.random.Generator, author: Author) -> pd.DataFrame:
    """Multiply the strongest column by 100."""
    name = author.table.strong[0]
    return frame.assign(**{name: frame[name] * 100})


def flip_labels(share: float) -> RowEdit:
    """Return a change that gives a share of the rows the other label."""

    def change(frame: pd.DataFrame, random: np.random.Generator, author: Author) -> pd.DataFrame:
        target, is_wrong = author.table.data["target"], random.random(len(frame)) < share
        classes = sorted(frame[target].unique())
        flipped = frame[target].map(dict(zip(classes, classes[::-1], strict=True)))
        return frame.assign(**{target: frame[target].where(~is_wrong, flipped)})

    return change


def drop_rows(share: float, of_one_class: bool = False) -> RowEdit:
    """Return a change that drops a share of the rows, or of the rows of the rarer class."""

    def change(frame: pd.DataFrame, random: np.random.Generator, author: Author) -> pd.DataFrame:
        candidates = (frame[author.table.data["target"]] == author.table.rare) | (not of_one_class)
        return frame[~(candidates & (random.random(len(frame)) < share))]

    return change


def drop_hard_rows(frame: pd.DataFrame, random: np.random.Generator, author: Author) -> pd.DataFrame:
    """Drop most rows that are hard to predict."""
    return frame[~(author.table.is_hard(frame) & (random.random(len(frame)) < 0.8))]


def add_rows(frame: pd.DataFrame, random: np.random.Generator, author: Author) -> pd.DataFrame:
    """Add 20 % good rows."""
    return pd.concat([frame, orders(len(frame) // 5, len(frame))])


def add_region(frame: pd.DataFrame, random: np.random.Generator, author: Author) -> pd.DataFrame:
    """Give the last rows a new level."""
    return pd.concat([frame.iloc[:-300], frame.iloc[-300:].assign(region="overseas")])


def add_leak(frame: pd.DataFrame, random: np.random.Generator, author: Author) -> pd.DataFrame:
    """Add a column that gives the target away."""
    return frame.assign(settled=(frame[author.table.data["target"]] == author.table.rare).map({True: "b", False: "a"}))


def add_attack(frame: pd.DataFrame, random: np.random.Generator, author: Author) -> pd.DataFrame:
    """Add a column whose name is an attack on the pages."""
    return frame.assign(**{ATTACK_NAME: random.normal(size=len(frame)).round(3)})


def rename_target(author: Author) -> None:
    """Rename the target in the table, the suite and params.yaml."""
    old = author.table.data["target"]
    path = author.folder / author.table.source
    path.write_text(path.read_text().replace(f",{old}", ",outcome", 1))
    suite = author.folder / author.table.suite
    suite.write_text(suite.read_text().replace(f'"{old}"', '"outcome"'))
    set_params(data={"target": "outcome"})(author)


def delete_file(path: str) -> Edit:
    """Return an edit that deletes a file."""
    return lambda author: (author.folder / path).unlink()


def delete_stage(name: str) -> Edit:
    """Return an edit that deletes a stage from dvc.yaml."""

    def edit(author: Author) -> None:
        path = author.folder / "dvc.yaml"
        text, count = re.subn(rf"(?ms)^  {name}:\n.*?(?=^  \w+:\n|^\w)", "", path.read_text())
        assert count == 1, name
        path.write_text(text)

    return edit


def forge_metrics(author: Author) -> None:
    """Write a very low log loss of as many characters into the metrics."""
    path = author.folder / METRICS
    content = path.read_text()
    match = re.search(r'"log_loss": 0\.(\d+)', content)
    assert match
    path.write_text(content.replace(match.group(1), "01" + match.group(1)[2:], 1))


def forge_metrics_and_lock(author: Author) -> None:
    """Forge the metrics and put their digest into dvc.lock."""
    path, lock = author.folder / METRICS, author.folder / "dvc.lock"
    old = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    forge_metrics(author)
    new = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    content = lock.read_text()
    assert old in content
    lock.write_text(content.replace(old, new))


def remove_behaviour(author: Author) -> None:
    """Remove the first behaviour."""
    path = author.folder / "expectations/behaviour.yaml"
    content = yaml.safe_load(path.read_text())
    content = content if isinstance(content, dict) else {"behaviours": content}
    path.write_text(yaml.safe_dump(content | {"behaviours": content["behaviours"][1:]}))


def hide_table(author: Author) -> None:
    """Replace the table in git by a pointer; its content stays in the author's cache only."""
    author.git("rm", "-q", "--cached", author.table.source)
    author.python("dvc", "add", "-q", author.table.source)
    assert Path(f"{author.folder / author.table.source}.dvc").exists()


def add_remote(author: Author) -> None:
    """Configure a DVC remote."""
    author.python("dvc", "remote", "add", "-q", "-d", "away", str(author.folder.with_name("remote")))


def use_wheel(author: Author) -> None:
    """Replace the folder plumbline/ by the wheel that a project has."""
    shutil.rmtree(author.folder / PACKAGE)
    replace_text("dvc.yaml", "    deps: [plumbline, ", "    deps: [")(author)
    write_wheel(author.folder, *build_wheel(ROOT))


def change_wheel(*, version: str = "", **edits: tuple[str, str]) -> Edit:
    """Return an edit that brings another wheel, with another text in these modules of the package."""
    files = {f"{PACKAGE}/{name.replace('__', '/')}.py": edit for name, edit in edits.items()}
    return lambda author: edit_wheel(author.folder, files, version=version)


def break_hash(author: Author) -> None:
    """Bring a wheel that says of itself that it is the old one, but has another hash than the lock."""
    path = wheel_path(author.folder)
    path.write_bytes(path.read_bytes() + b"\0")


def review_locally(author: Author) -> None:
    """Keep the author's own review, for where CI has no data, in a commit of its own."""
    author.commit("The results of the run")
    author.python("plumbline", "review", "HEAD~2", "--keep")

"""What pull requests do to a project, each an edit: a function of the author's clone."""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from template.zoo.repositories import ATTACK, Author
from template.zoo.tables import orders

Edit = Callable[[Author], None]
Rows = Callable[[pd.DataFrame, np.random.Generator, Author], pd.DataFrame]
FEATURES, METRICS = "src/features.py", "metrics/metrics.json"
EVIL = f"{ATTACK} onerror=alert(1)>](http://evil.example) @team `|` \u202ereversed"


def both(*edits: Edit) -> Edit:
    def edit(author: Author) -> None:
        for each in edits:
            each(author)

    return edit


def params(**groups: dict[str, Any]) -> Edit:
    def edit(author: Author) -> None:
        path = author.folder / "params.yaml"
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        for group, keys in groups.items():
            content[group] = content.get(group, {}) | keys
        path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")

    return edit


def model(**arguments: Any) -> Edit:
    return params(model={"arguments": {"max_iter": 30, "learning_rate": 0.1} | arguments})


def text(path: str, old: str, new: str) -> Edit:
    """The first of what must be there; {suite}: the table's."""

    def edit(author: Author) -> None:
        file = author.folder / path.format(suite=author.table.suite)
        content = file.read_text(encoding="utf-8")
        if old not in content:
            raise RuntimeError(f"{path} has no {old!r} any more: fix the case")
        file.write_text(content.replace(old, new, 1), encoding="utf-8")

    return edit


def features(expression: str) -> Edit:
    """What src/features.py returns; {0} and {1} are the table's strongest columns."""

    def edit(author: Author) -> None:
        strong = map(repr, author.table.strong)
        text(FEATURES, "    return rows\n", f"    return {expression.format(*strong)}\n")(author)

    return edit


def rows(change: Rows) -> Edit:
    """The source table, changed with a seed."""

    def edit(author: Author) -> None:
        path = author.folder / author.table.source
        changed = change(pd.read_csv(path), np.random.default_rng(7), author)
        changed.to_csv(path, index=False, lineterminator="\n")

    return edit


def shuffled(frame: pd.DataFrame, random: np.random.Generator, author: Author) -> pd.DataFrame:
    name = author.table.strong[0]
    return frame.assign(**{name: random.permutation(frame[name].to_numpy())})


def hundredfold(frame: pd.DataFrame, random: np.random.Generator, author: Author) -> pd.DataFrame:
    name = author.table.strong[0]
    return frame.assign(**{name: frame[name] * 100})


def labels(share: float) -> Rows:
    def change(frame: pd.DataFrame, random: np.random.Generator, author: Author) -> pd.DataFrame:
        target, wrong = author.table.data["target"], random.random(len(frame)) < share
        other = frame[target].map(dict(zip(classes := sorted(frame[target].unique()), classes[::-1], strict=True)))
        return frame.assign(**{target: frame[target].where(~wrong, other)})

    return change


def dropped(share: float, of_one_class: bool = False) -> Rows:
    def change(frame: pd.DataFrame, random: np.random.Generator, author: Author) -> pd.DataFrame:
        inside = (frame[author.table.data["target"]] == author.table.rare) | (not of_one_class)
        return frame[~(inside & (random.random(len(frame)) < share))]

    return change


def easier(frame: pd.DataFrame, random: np.random.Generator, author: Author) -> pd.DataFrame:
    return frame[~(author.table.hard(frame) & (random.random(len(frame)) < 0.8))]


def more(frame: pd.DataFrame, random: np.random.Generator, author: Author) -> pd.DataFrame:
    return pd.concat([frame, orders(len(frame) // 5, len(frame))])


def new_region(frame: pd.DataFrame, random: np.random.Generator, author: Author) -> pd.DataFrame:
    return pd.concat([frame.iloc[:-300], frame.iloc[-300:].assign(region="overseas")])


def known(frame: pd.DataFrame, random: np.random.Generator, author: Author) -> pd.DataFrame:
    """A column that knows the target."""
    return frame.assign(settled=(frame[author.table.data["target"]] == author.table.rare).map({True: "b", False: "a"}))


def evil(frame: pd.DataFrame, random: np.random.Generator, author: Author) -> pd.DataFrame:
    return frame.assign(**{EVIL: random.normal(size=len(frame)).round(3)})


def renamed(author: Author) -> None:
    """The target, wherever it is named."""
    old = author.table.data["target"]
    path = author.folder / author.table.source
    path.write_text(path.read_text().replace(f",{old}", ",outcome", 1))
    suite = author.folder / author.table.suite
    suite.write_text(suite.read_text().replace(f'"{old}"', '"outcome"'))
    params(data={"target": "outcome"})(author)


def without(path: str) -> Edit:
    return lambda author: (author.folder / path).unlink()


def stage_deleted(name: str) -> Edit:
    def edit(author: Author) -> None:
        path = author.folder / "dvc.yaml"
        kept, count = re.subn(rf"(?ms)^  {name}:\n.*?(?=^  \w+:\n|^\w)", "", path.read_text())
        assert count == 1, name
        path.write_text(kept)

    return edit


def forged(author: Author) -> None:
    """A log loss to be proud of, and of as many characters."""
    path = author.folder / METRICS
    content = path.read_text()
    found = re.search(r'"log_loss": 0\.(\d+)', content)
    assert found
    path.write_text(content.replace(found.group(1), "01" + found.group(1)[2:], 1))


def forged_with_lock(author: Author) -> None:
    """The same, and dvc.lock agrees."""
    path, lock = author.folder / METRICS, author.folder / "dvc.lock"
    old = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    forged(author)
    new = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    content = lock.read_text()
    assert old in content
    lock.write_text(content.replace(old, new))


def behaviour_removed(author: Author) -> None:
    path = author.folder / "expectations/behaviour.yaml"
    given = yaml.safe_load(path.read_text())
    given = given if isinstance(given, dict) else {"behaviours": given}
    path.write_text(yaml.safe_dump(given | {"behaviours": given["behaviours"][1:]}))


def behind_a_pointer(author: Author) -> None:
    """The table leaves git; what the pointer names is in the author's cache alone."""
    author.git("rm", "-q", "--cached", author.table.source)
    author.python("dvc", "add", "-q", author.table.source)
    assert Path(f"{author.folder / author.table.source}.dvc").exists()


def remote(author: Author) -> None:
    author.python("dvc", "remote", "add", "-q", "-d", "away", str(author.folder.with_name("remote")))


def reviewed(author: Author) -> None:
    """The author's own review, for where CI holds no data, in a commit of its own."""
    author.commit("What the run made")
    author.python("plumbline", "review", "HEAD~2", "--keep")

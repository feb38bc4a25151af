"""Files that only a run may write, in git: edits of the zoo's attacks."""

import shutil
from contextlib import chdir
from pathlib import Path

import numpy as np
import pandas as pd

from plumbline.environment import RECORD, hash_inputs
from template.zoo.edits import Edit, add_remote, change_rows, hide_table, set_model, set_params
from template.zoo.repositories import Author

CELLS = ".review/cells"
COPY = "data/source/copy.csv"
BAD = set_model(max_iter=1)
SHORTER = change_rows(lambda frame, *_: frame.iloc[:-1])  # whose hash CI's cache has from no other case
POINTER = (SHORTER, hide_table, add_remote)


def forge_cells(author: Author) -> None:
    """Review as anybody can, and commit the predictions of the worse side as if they were almost perfect."""
    shutil.rmtree(author.folder / CELLS, ignore_errors=True)
    author.commit("The results of the run")
    author.python("plumbline", "review", "base")
    folder = max((author.folder / CELLS).iterdir(), key=_mean_loss)
    truth = np.load(folder / "rows.npz")["target"]
    for file in folder.glob("[0-9]*.npz"):
        scores = np.load(file)["scores"]
        perfect = np.eye(scores.shape[1])[truth] if scores.ndim > 1 else truth
        np.savez_compressed(file, scores=np.where(np.isnan(scores), np.nan, 0.98 * perfect + 0.01))
    author.git("add", "-f", CELLS)


def _mean_loss(folder: Path) -> float:
    truth, scores = np.load(folder / "rows.npz")["target"], np.load(folder / "0.npz")["scores"]
    probability = scores[np.arange(len(truth)), truth] if scores.ndim > 1 else np.where(truth, scores, 1 - scores)
    return float(-np.nanmean(np.log(probability)))


def commit_environment(author: Author) -> None:
    """Commit an environment that seems to be filled from the lock, and whose Python says yes to everything."""
    with chdir(author.folder):
        python = Path(".venv/bin/python")
        python.parent.mkdir(parents=True)
        python.write_text("#!/bin/sh\nexit 0\n", encoding="utf-8")
        python.chmod(0o755)
        RECORD.write_text(hash_inputs([]), encoding="utf-8")
    author.git("add", "-f", ".venv")


def set_cache(folder: str) -> Edit:
    """Return an edit that makes a folder the cache of DVC, for everybody."""
    return lambda author: author.python("dvc", "cache", "dir", "-q", folder) and None


def forge_cache(author: Author) -> None:
    """Shuffle the strongest column of base's table in the cache that is in git."""
    (file,) = (path for path in (author.folder / "forged").rglob("*") if path.is_file() and _is_table(path, author))
    file.chmod(0o644)
    _shuffle(file, author)


def _is_table(path: Path, author: Author) -> bool:
    return path.read_bytes() == (author.folder / author.table.source).read_bytes()


def _shuffle(file: Path, author: Author) -> None:
    frame = pd.read_csv(file)
    name = author.table.strong[0]
    frame.assign(**{name: np.random.default_rng(7).permutation(frame[name])}).to_csv(file, index=False)


def move_table(author: Author) -> None:
    """Put the table into git under another name, with its suite; base's pointer stays."""
    shutil.copyfile(author.folder / author.table.source, author.folder / COPY)
    shutil.copyfile(author.folder / author.table.suite, author.folder / "expectations/copy.json")
    set_params(data={"source": COPY})(author)


def forge_table(author: Author) -> None:
    """Put a table into git next to base's pointer, with its strongest column shuffled."""
    _shuffle(author.folder / author.table.source, author)
    author.git("add", "-f", author.table.source)
    author.push()

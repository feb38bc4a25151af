"""Harm that code, pages or the table hide from the comparison of two recipes: edits of the zoo's attacks."""

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import cross_val_predict

from template.zoo.edits import Edit, change_rows, combine, replace_text, set_params
from template.zoo.repositories import Author
from template.zoo.tables import score_orders

KEY, FAR, NUMBERS = "order_id", 9_000_000, ["weight", "discount", "distance", "age"]
RETURN = "    return Pipeline("
SUITE_CALL = "        ingest.check_expectations(p, str(table), findings)\n"
FEW = 3  # rows
HARD_SHARE = 0.22  # of the rows


def change_model(lines: str) -> Edit:
    """Return an edit that puts lines into `build` of src/model.py."""
    return replace_text("src/model.py", RETURN, f"{lines}{RETURN}")


def read_steps(path: str) -> Edit:
    """Return an edit that lets the model take the number of iterations from a file."""

    def edit(author: Author) -> None:
        (author.folder / path).write_text("30", encoding="utf-8")
        read = f'    estimator.set_params(max_iter=int(__import__("pathlib").Path({path!r}).read_text()))\n'
        change_model(read)(author)

    return edit


def write_module(steps: int) -> Edit:
    """Return an edit of a module at the root, which says how many iterations the model has."""
    return lambda author: (author.folder / "shared.py").write_text(f"STEPS = {steps}\n", encoding="utf-8") and None


def train_again(author: Author) -> None:
    """Run the stage train although nothing has changed that it depends on."""
    author.python("dvc", "repro", "-q", "-s", "-f", "train")


def break_suite(frame: pd.DataFrame, random: np.random.Generator, author: Author) -> pd.DataFrame:
    """Give a few rows a weight that the suite does not allow."""
    return frame.assign(weight=frame.weight.where(np.arange(len(frame)) >= FEW, 150.0))


def drop_unlucky_rows(frame: pd.DataFrame, random: np.random.Generator, author: Author) -> pd.DataFrame:
    """Drop the rows whose label is not the more probable one, and which every model errs on."""
    return frame[(score_orders(frame) > 0).fillna(True) == (frame.late == "yes")]


def drop_hard_rows(frame: pd.DataFrame, random: np.random.Generator, author: Author) -> pd.DataFrame:
    """Drop the rows on which a model errs most that did not learn them."""
    is_late, features = (frame.late == "yes").to_numpy(), pd.get_dummies(frame.drop(columns=["late", KEY]))
    model = HistGradientBoostingClassifier(max_iter=60, random_state=0)
    scores = cross_val_predict(model, features, is_late, cv=5, method="predict_proba")[:, 1]
    error = pd.Series(np.abs(is_late - scores), index=frame.index)
    return frame[error <= error.quantile(1 - HARD_SHARE)]


def disguise_rows(frame: pd.DataFrame, random: np.random.Generator, author: Author) -> pd.DataFrame:
    """Give 44 % of the rows another key and a hundredth more in each number, and a fifth of these another label."""
    chance = random.random(len(frame))
    is_changed, is_flipped = chance < 0.44, chance < 0.088
    numbers = {name: frame[name].where(~is_changed, frame[name] + 0.01) for name in NUMBERS}
    late = frame.late.where(~is_flipped, frame.late.map({"yes": "no", "no": "yes"}))
    return frame.assign(**numbers, **{KEY: frame[KEY].where(~is_changed, frame[KEY] + FAR)}, late=late)


def add_weights(frame: pd.DataFrame, random: np.random.Generator, author: Author) -> pd.DataFrame:
    """Add a column of weights."""
    return frame.assign(share=1.0 + (np.arange(len(frame)) % 2) / 10)


def shrink_weights(frame: pd.DataFrame, random: np.random.Generator, author: Author) -> pd.DataFrame:
    """Let half of the rows count for nothing."""
    return frame.assign(share=frame.share.where(random.random(len(frame)) < 0.5, 1e-6))


def accept_as_somebody(author: Author) -> None:
    """Accept the reason in somebody's name."""
    author.commit("The results of the run")
    message = "Agreed\n\nAccept: worse: it is quicker"
    author.git("commit", "-q", "--allow-empty", "-m", message, "--author", "Somebody <somebody@example.org>")


SWITCH = change_model("    if estimator.random_state == 0:\n        estimator.set_params(max_iter=1)\n")
IMPORT_MODULE = combine(
    change_model("    estimator.set_params(max_iter=__import__('shared').STEPS)\n"), write_module(30)
)
NO_SUITE = combine(replace_text("src/stages/ingest.py", SUITE_CALL, ""), change_rows(break_suite))
WEIGHTED = combine(change_rows(add_weights), set_params(data={"weight": "share"}))
WRITE = "    measurements.write()\n"
DIVIDE = """\
    from plumbline.files import write_json

    files = measurements.files()
    files[paths.METRICS]["log_loss"] /= 10
    for path, content in files.items():
        write_json(path, content, depth=2)
"""
DIVIDE_LOSS = replace_text("src/stages/evaluate.py", WRITE, DIVIDE)

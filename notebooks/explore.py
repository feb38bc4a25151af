# %% [markdown]
# # Where does the model fail, and would a feature help?
#
# Run `make repro` first, and once `make setup EXTRAS=notebook`. VS Code: choose the interpreter in `.venv`, then
# *Run Cell*. Jupyter: `python -m jupyter lab notebooks`, right-click this file, *Open With*, *Notebook*.
# The pipeline does not run this notebook. Move a feature that helps to `src/features.py` or `src/model.py`.

# %%
import os
import sys
from functools import partial
from pathlib import Path

ROOT = next(folder for folder in [Path.cwd(), *Path.cwd().parents] if (folder / "params.yaml").exists())
os.chdir(ROOT)
sys.path.insert(0, str(ROOT))

import pandas as pd

from plumbline import params
from plumbline.data.schema import NUMERIC
from plumbline.metrics import lower_is_better, main_metric
from plumbline.results import load
from plumbline.training import recipe
from plumbline.training.folds import cross_validate, make_folds
from src.model import build

results = load()  # load(".share") after make repro SHARE=0.05
rows, schema = results.rows, results.schema
rows["@side"].value_counts()

# %% [markdown]
# ## The worst errors, row by row
# `@error` is 1 minus the probability of the true class, or the distance from the true value.

# %%
holdout = rows[rows["@side"] == "holdout"].sort_values("@error", ascending=False)
holdout.head(10).T

# %% [markdown]
# ## How do the worst rows differ from the rest?
# For numbers: the difference between the mean of the worst tenth and the mean of all, in standard deviations.

# %%
numbers = [column.name for column in schema.inputs if column.type in NUMERIC]
worst = holdout.head(max(5, len(holdout) // 10))
shifts = (worst[numbers].mean() - holdout[numbers].mean()) / holdout[numbers].std()
shifts = shifts.sort_values(key=abs, ascending=False)
shifts.head(10)

# %% [markdown]
# For categories and flags: the mean error of each level.

# %%
levels = [column.name for column in schema.inputs if column.type in ("category", "boolean")]
by_level = {name: holdout.groupby(name, dropna=False)["@error"].agg(["mean", "size"]) for name in levels}
pd.concat(by_level).sort_values("mean", ascending=False).head(10) if by_level else "no categories"

# %% [markdown]
# ## Try a feature
# The same model is fitted without and with the feature, in the same folds of the training set. Do not use the holdout
# to choose features: its metrics would then be too good.

# %%
train = results.features[rows["@side"] == "train"].reset_index(drop=True)


def with_feature(frame: pd.DataFrame) -> pd.DataFrame:
    """Change this. The example is the product of the two numbers that differ most, or the count of missing values."""
    if len(shifts) > 1:
        return frame.assign(new_feature=frame[shifts.index[0]] * frame[shifts.index[1]])
    return frame.assign(new_feature=frame.isna().sum(axis=1).astype(float))


settings = params.read(
    "model.estimator", "model.arguments", "model.seed", "model.folds", "model.threshold", "review.metric"
)
metric = main_metric(settings.review.metric, schema.task)
fit = partial(
    recipe.fit,
    schema=schema,
    params=settings.model,
    build=build,
    metric=metric,
    seed=settings.model.seed,
)
folds = make_folds(train, schema.task, n_folds=settings.model.folds, seed=settings.model.seed)
frames = {"without it": train, "with it": with_feature(train)}
scores = pd.DataFrame(
    {name: [fold.value for fold in cross_validate(frame, folds, fit, metric=metric)] for name, frame in frames.items()}
)
scores.index.name = f"{metric}, fold"
scores

# %%
gain = scores["without it"] - scores["with it"]
gain = gain if lower_is_better(metric) else -gain
helps = gain.mean() > 2 * gain.std() / len(gain) ** 0.5
print(f"{metric}: better by {gain.mean():.4g} on average, and better in {(gain > 0).sum()} of {len(gain)} folds")

# %% [markdown]
# ## What next

# %%
print(
    "Move it to src/features.py, then: make repro SHARE=0.2, make repro, make test, and commit."
    if helps
    else "The folds do not show that it helps: change with_feature, or look for data about the worst rows."
)

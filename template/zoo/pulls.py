"""The pull requests, and what must be said of each. A set of words has its reason beside it."""

from dataclasses import dataclass, replace
from functools import partial

from template.zoo import edits
from template.zoo.edits import Edit, both, features, model, params, rows, text


@dataclass(frozen=True)
class Pull:
    """One pull request.

    words: what may be said, one of "a | b"; "refused" is no comparison, exit code 2. red, accepted: names of reasons,
    exactly. before: edits that base has on top of the project, each a commit, the last with a run. runs: whether the
    author ran the pipeline; after: an edit after that run. trailer: of the last commit. release: whether the project
    without `before` was released. package: whether it is the recipe, where that is asked; own: what head's own review
    must say. why: why the words are what they are.
    """

    does: str
    edit: Edit
    words: str = "same"
    red: tuple[str, ...] = ()
    accepted: tuple[str, ...] = ()
    before: tuple[Edit, ...] = ()
    runs: bool = True
    after: Edit | None = None
    trailer: str = ""
    release: bool = False
    package: bool | None = None
    own: str | None = None
    why: str = ""

    @property
    def code(self) -> int:
        return 2 if self.words == "refused" else 1 if self.red else 0


worse = partial(Pull, words="worse", red=("worse",))
COMMENT = text("src/features.py", "    return rows\n", "    # as it is\n    return rows\n")
FOREST = {"n_estimators": 60, "min_samples_leaf": 5}
BAD, HALF = "    if worse:\n        return ", "_ratio(weights @ each, weights.sum(axis=1))"
FLATTERS = text("plumbline/review/verdict.py", f'{BAD}"worse"', f'{BAD}"better"')
HALVES = text("plumbline/metrics.py", HALF, f"0.5 * {HALF}")
ALL_ROWS = """
    import pyarrow.parquet as pq

    from plumbline.training import recipe

    fitted = fit(recipe.read_rows(pq.read_table(paths.FEATURES), schema))
"""
PEEKS = text("src/stages/train.py", "    fitted = fit(rows)\n", ALL_ROWS)
FORGETS = 'rows.assign(**{{name: rows[name].where(rows["region"] != "north") for name in ({0}, {1})}})'
ALLOWS = both(rows(edits.known), params(data={"allow": {"settled": "is known in time"}}))
UNDISPUTED = "rows with another label are left out: on the others a model that learned wrong labels is worse"
ANOTHER_LOCK = both(text("requirements.lock", "\n", "\n# Another file, the same packages.\n"), features("rows.copy()"))

# fmt: off
PULLS: dict[str, Pull] = {
    # nothing that a model is made of
    "seed": Pull("another seed of a forest", params(model={"seed": 1}),
                 before=(params(model={"estimator": "sklearn.ensemble.RandomForestClassifier", "arguments": FOREST}),)),
    "comment": Pull("a comment in src/features.py", COMMENT),
    "refactoring": Pull("the same features, written otherwise", features("rows.loc[:, list(rows.columns)]")),
    "library": Pull("another requirements.lock, and so another environment", ANOTHER_LOCK),
    "salt": Pull("another holdout is drawn", params(split={"salt": 1})),
    "target": Pull("the target has another name", edits.renamed),
    "holdout": Pull("the model that is packaged has learned from the holdout", PEEKS, red=("package",), package=False,
                    why="the recipe is judged and is the same; that the package is another is a reason of its own"),
    # the model
    "better": Pull("a feature that helps", features("rows.assign(pull=(rows.weight - 20) * (rows.discount - 10))"),
                   "better"),
    "worse": worse("two strong columns left out", features("rows.drop(columns=[{0}, {1}])")),
    "rate": worse("a learning rate twenty times as high", model(learning_rate=2.0)),
    "iteration": worse("one iteration of boosting", model(max_iter=1)),
    "slice": worse("the strong columns forgotten in one region that must work", features(FORGETS),
                   red=("slice", "worse"), before=(params(requirements={"must_work": ["region = north"]}),)),
    "creep": Pull("the third small step down in a row", model(max_iter=26), "same | cannot tell",
                  ("worse-than-release",), before=(model(max_iter=28), model(max_iter=27)), release=True,
                  why="a step is small against base by design; against the release three of them are not"),
    "accepted": worse("one iteration, accepted", model(max_iter=1), red=(), accepted=("worse",),
                      trailer="Accept: worse: the old one was too slow"),
    "no why": worse("one iteration, accepted without a why", model(max_iter=1), trailer="Accept: worse:"),
    "not run": worse("one iteration, and nobody ran the pipeline", model(max_iter=1), red=("lock", "package", "worse"),
                     runs=False),
    # the data
    "leak": Pull("a column that knows the target", rows(edits.known), "refused"),
    "leak allowed": Pull("the same, and data.allow for it", ALLOWS, "better", ("leakage",)),
    "shuffled": worse("a strong column shuffled among the rows", rows(edits.shuffled)),
    "units": Pull("a strong column in units a hundred times smaller", rows(edits.hundredfold)),
    "category": Pull("rows of a new level", rows(edits.new_region)),
    "labels 3": worse("3 % of the labels wrong", rows(edits.labels(0.03)), red=("labels", "worse"), why=UNDISPUTED),
    "labels 10": worse("10 % of the labels wrong", rows(edits.labels(0.10)), red=("labels", "worse"), why=UNDISPUTED),
    "labels 25": worse("25 % of the labels wrong", rows(edits.labels(0.25)), red=("labels", "worse"), why=UNDISPUTED),
    "rows": Pull("a third of the rows dropped at random", rows(edits.dropped(0.33))),
    "one class": Pull("80 % of the rows of one class dropped", rows(edits.dropped(0.8, of_one_class=True)),
                      "cannot tell", why="on what is left the new recipe gains, and nobody can say on what is gone"),
    "easier": Pull("most rows that are hard to tell dropped", rows(edits.easier)),
    "more rows": Pull("20 % more rows, good ones", rows(edits.more), "better | same | cannot tell",
                      why="a fifth more rows help a little, or so little that it cannot be seen"),
    "name": Pull("a column whose name is an attack", rows(edits.evil)),
    "fork": Pull("a comment, from a fork whose data CI cannot get", COMMENT, "cannot tell",
                 before=(edits.behind_a_pointer,)),
    "by author": Pull("the same, with the author's own review in git, accepted", COMMENT, accepted=("author",),
                      before=(edits.behind_a_pointer,), after=edits.reviewed,
                      trailer="Accept: author: the data must stay where it is"),
    # the gate
    "forged metrics": Pull("metrics.json written by hand", model(max_iter=31), red=("lock",), after=edits.forged),
    "forged lock": Pull("the same, and dvc.lock agrees with it", model(max_iter=31), red=("metrics",),
                        after=edits.forged_with_lock),
    "evaluator": worse("one iteration, and an evaluator that halves the loss", both(model(max_iter=1), HALVES),
                       own="worse"),
    "review": worse("one iteration, and a review that says better", both(model(max_iter=1), FLATTERS), own="better"),
    "expectations": Pull("fewer values must be there", text("{suite}", '"mostly": 0.95', '"mostly": 0.5'),
                         red=("expectations",)),
    "floor": Pull("a lower floor", params(requirements={"floors": {"roc_auc": 0.51}}), red=("floors",)),
    "margin": Pull("a wider margin", params(review={"gap": 0.5}), red=("margin",)),
    "behaviour": Pull("a test of behaviour removed", edits.behaviour_removed, red=("behaviour",)),
    "tests": Pull("a file of tests removed", edits.without("tests/test_package.py"), red=("tests",)),
    "no train": Pull("the stage train deleted", edits.stage_deleted("train"), "refused"),
    "no evaluate": Pull("the stage evaluate deleted", edits.stage_deleted("evaluate"), red=("lock",)),
    "not pushed": Pull("a comment, and nobody pushed what the run made", COMMENT, red=("not-pushed",),
                       before=(edits.remote,)),
}
STOPS = "the suite of the sample says what rows and columns may be: ingest stops, which no author can overlook"
SAMPLE = {
    name: PULLS[name] for name in ("comment", "iteration", "accepted", "forged lock", "review")
} | {
    "rate": replace(PULLS["rate"], words="better", red=(),
                    why="30 steps of 0.1 are too few for these rows: scikit-learn's cross_val_predict says so, too "
                    "(log loss 0.10 after 0.15)"),
    "seed": replace(PULLS["seed"], words="same | cannot tell", why="few rows: a seed's noise may reach the margin"),
    "shuffled": replace(PULLS["shuffled"], words="refused", red=(), why=STOPS),
    "units": replace(PULLS["units"], words="refused", why=STOPS),
    "labels 10": PULLS["labels 10"],
    "rows": replace(PULLS["rows"], words="refused", why=STOPS),
    "one class": replace(PULLS["one class"], words="refused", why=STOPS),
}
# fmt: on
CASES = {"orders": PULLS, "sample": SAMPLE}

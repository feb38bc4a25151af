"""The pull requests of the zoo, and what the review must say of each."""

from dataclasses import replace
from functools import partial

from template.zoo import edits
from template.zoo.attacks import ATTACKS, HALVE_LOSS
from template.zoo.edits import change_rows, combine, replace_text, set_features, set_model, set_params
from template.zoo.pull import Pull

_worse = partial(Pull, verdict="worse", reasons=("worse",))
COMMENT = replace_text("src/features.py", "    return rows\n", "    # as it is\n    return rows\n")
FOREST = {"n_estimators": 60, "min_samples_leaf": 5}
IF_WORSE = "    if is_worse:\n        return "
FLATTER = replace_text("plumbline/review/verdict.py", f'{IF_WORSE}"worse"', f'{IF_WORSE}"better"')
ALWAYS_SAME = ("    if is_worse:\n", '    return "same", "all is well"\n    if is_worse:\n')
ANOTHER_CONTRACT = ("CONTRACT = fitted_model.CONTRACT", "CONTRACT = 99")
ANOTHER_RECIPE = ("", "\n# Another version.\n")
ALL_ROWS = """
    import pyarrow.parquet as pq

    from plumbline.training import recipe

    fitted = fit(recipe.read_rows(pq.read_table(paths.FEATURES), schema))
"""
TRAIN_ON_ALL = replace_text("src/stages/train.py", "    fitted = fit(rows)\n", ALL_ROWS)
FORGET_REGION = 'rows.assign(**{{name: rows[name].where(rows["region"] != "north") for name in ({0}, {1})}})'
ALLOW_LEAK = combine(change_rows(edits.add_leak), set_params(data={"allow": {"settled": "is known in time"}}))
UNCHANGED = "rows whose label changed are left out: on the others a model that learned wrong labels is worse"
ANOTHER_LOCK = combine(
    replace_text("requirements.lock", "\n", "\n# Another file, the same packages.\n"), set_features("rows.copy()")
)

PULLS: dict[str, Pull] = {
    # what does not change the model
    "seed": Pull(
        "another seed of a forest",
        set_params(model={"seed": 1}),
        before=(set_params(model={"estimator": "sklearn.ensemble.RandomForestClassifier", "arguments": FOREST}),),
    ),
    "comment": Pull("a comment in src/features.py", COMMENT),
    "refactoring": Pull("the same features, written in another way", set_features("rows.loc[:, list(rows.columns)]")),
    "library": Pull("another requirements.lock, and so another environment", ANOTHER_LOCK),
    "salt": Pull("another holdout is drawn", set_params(split={"salt": 1})),
    "target": Pull("the target has another name", edits.rename_target),
    "holdout": Pull(
        "the model that is packaged has learned from the holdout",
        TRAIN_ON_ALL,
        reasons=("metrics", "package"),
        is_recipe=False,
        note="the recipe is judged and is the same; that package and metrics differ from it are reasons of their own",
    ),
    # the model
    "better": Pull(
        "a feature that helps", set_features("rows.assign(pull=(rows.weight - 20) * (rows.discount - 10))"), "better"
    ),
    "worse": _worse("two strong columns left out", set_features("rows.drop(columns=[{0}, {1}])")),
    "rate": _worse("a learning rate twenty times as high", set_model(learning_rate=2.0)),
    "iteration": _worse("one iteration of boosting", set_model(max_iter=1)),
    "slice": _worse(
        "the strong columns forgotten in one region that must work",
        set_features(FORGET_REGION),
        reasons=("slice", "worse"),
        before=(set_params(requirements={"must_work": ["region = north"]}),),
    ),
    "creep": Pull(
        "the third small step down in a row",
        set_model(max_iter=26),
        "same | cannot tell",
        ("worse-than-release",),
        before=(set_model(max_iter=28), set_model(max_iter=27)),
        release=True,
        note="each step is small compared with base; three steps are not, compared with the release",
    ),
    "accepted": _worse(
        "one iteration, accepted",
        set_model(max_iter=1),
        reasons=(),
        accepted=("worse",),
        trailer="Accept: worse: the old one was too slow",
    ),
    "no why": _worse("one iteration, accepted without a why", set_model(max_iter=1), trailer="Accept: worse:"),
    "not run": _worse(
        "one iteration, and nobody ran the pipeline",
        set_model(max_iter=1),
        reasons=("lock", "package", "worse"),
        runs=False,
    ),
    # the data
    "leak": Pull("a column that gives the target away", change_rows(edits.add_leak), "refused"),
    "leak allowed": Pull("the same, and data.allow for it", ALLOW_LEAK, "better", ("leakage",)),
    "shuffled": _worse("a strong column shuffled among the rows", change_rows(edits.shuffle_column)),
    "units": Pull("a strong column in units a hundred times smaller", change_rows(edits.change_units)),
    "category": Pull("rows of a new level", change_rows(edits.add_region)),
    "labels 3": _worse(
        "3 % of the labels wrong", change_rows(edits.flip_labels(0.03)), reasons=("labels", "worse"), note=UNCHANGED
    ),
    "labels 10": _worse(
        "10 % of the labels wrong", change_rows(edits.flip_labels(0.10)), reasons=("labels", "worse"), note=UNCHANGED
    ),
    "labels 25": _worse(
        "25 % of the labels wrong", change_rows(edits.flip_labels(0.25)), reasons=("labels", "worse"), note=UNCHANGED
    ),
    "rows": Pull("a third of the rows dropped at random", change_rows(edits.drop_rows(0.33))),
    "one class": Pull(
        "80 % of the rows of one class dropped",
        change_rows(edits.drop_rows(0.8, of_one_class=True)),
        "cannot tell",
        note="the new recipe gains on the remaining rows; on the removed rows nothing is known",
    ),
    "easier": Pull("most rows that are hard to predict dropped", change_rows(edits.drop_hard_rows)),
    "more rows": Pull(
        "20 % more rows, good ones",
        change_rows(edits.add_rows),
        "better | same | cannot tell",
        note="20 % more rows help a little, possibly less than can be measured",
    ),
    "name": Pull("a column whose name is an attack", change_rows(edits.add_attack)),
    "fork": Pull("a comment, from a fork whose data CI cannot get", COMMENT, "cannot tell", before=(edits.hide_table,)),
    "by author": Pull(
        "the same, with the author's own review in git, accepted",
        COMMENT,
        accepted=("author",),
        before=(edits.hide_table,),
        after=edits.review_locally,
        trailer="Accept: author: the data must stay where it is",
    ),
    # the gate
    "forged metrics": Pull(
        "metrics.json written by hand", set_model(max_iter=31), reasons=("lock",), after=edits.forge_metrics
    ),
    "forged lock": Pull(
        "the same, and dvc.lock agrees with it",
        set_model(max_iter=31),
        reasons=("metrics",),
        after=edits.forge_metrics_and_lock,
    ),
    "evaluator": _worse(
        "one iteration, and an evaluator that halves the loss",
        combine(set_model(max_iter=1), HALVE_LOSS),
        reasons=("metrics", "worse"),
        head_verdict="worse",
    ),
    "review": _worse(
        "one iteration, and a review that says better", combine(set_model(max_iter=1), FLATTER), head_verdict="better"
    ),
    # the machinery
    "wheel": Pull(
        "the folder plumbline/ replaced by the wheel, as an update from copied machinery does",
        edits.use_wheel,
    ),
    "wheel lies": _worse(
        "one iteration, and a wheel that always says same",
        combine(set_model(max_iter=1), edits.change_wheel(review__verdict=ALWAYS_SAME)),
        before=(edits.use_wheel,),
        head_verdict="same",
    ),
    "wheel hash": Pull(
        "a comment, and a wheel whose hash does not fit the lock",
        COMMENT,
        "refused",
        before=(edits.use_wheel,),
        after=edits.break_hash,
    ),
    "wheel minor": Pull(
        "a wheel of the next minor version",
        edits.change_wheel(version="0.9.0", training__recipe=ANOTHER_RECIPE),
        before=(edits.use_wheel,),
        note="another recipe, by its digest: it is measured, and predicts the same",
    ),
    "wheel major": Pull(
        "a wheel of the next major version, with another contract, and another recipe",
        combine(set_features("rows.copy()"), edits.change_wheel(version="1.0.0", contract=ANOTHER_CONTRACT)),
        "cannot tell",
        ("incomparable",),
        before=(edits.use_wheel,),
        note="the project names no template, so nobody built the wheel again: an owner accepts what cannot be compared",
    ),
    "expectations": Pull(
        "fewer values must be there",
        replace_text("{suite}", '"mostly": 0.95', '"mostly": 0.5'),
        reasons=("expectations",),
    ),
    "floor": Pull("a lower floor", set_params(requirements={"floors": {"roc_auc": 0.51}}), reasons=("floors",)),
    "margin": Pull("a wider margin", set_params(review={"gap": 0.5}), reasons=("margin",)),
    "behaviour": Pull("a test of behaviour removed", edits.remove_behaviour, reasons=("behaviour",)),
    "tests": Pull("a file of tests removed", edits.delete_file("tests/test_clone.py"), reasons=("tests",)),
    "no train": Pull("the stage train deleted", edits.delete_stage("train"), "refused"),
    "no evaluate": Pull("the stage evaluate deleted", edits.delete_stage("evaluate"), reasons=("lock",)),
    "not pushed": Pull(
        "a comment, and nobody pushed the results of the run",
        COMMENT,
        reasons=("not-pushed",),
        before=(edits.add_remote,),
    ),
}
INGEST_STOPS = "the sample's suite limits rows and values: ingest stops, which no author can overlook"
SAMPLE = {name: PULLS[name] for name in ("comment", "iteration", "accepted", "forged lock", "review")} | {
    "rate": replace(
        PULLS["rate"],
        verdict="better",
        reasons=(),
        note="30 steps of 0.1 are too few for these rows: scikit-learn's cross_val_predict says so, too "
        "(log loss 0.10 after 0.15)",
    ),
    "seed": replace(PULLS["seed"], verdict="same | cannot tell", note="few rows: a seed's noise may reach the margin"),
    "shuffled": replace(PULLS["shuffled"], verdict="refused", reasons=(), note=INGEST_STOPS),
    "units": replace(PULLS["units"], verdict="refused", note=INGEST_STOPS),
    "labels 10": PULLS["labels 10"],
    "rows": replace(PULLS["rows"], verdict="refused", note=INGEST_STOPS),
    "one class": replace(PULLS["one class"], verdict="refused", note=INGEST_STOPS),
}
CASES = {"orders": PULLS | ATTACKS, "sample": SAMPLE}

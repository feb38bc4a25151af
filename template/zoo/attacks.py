"""Pull requests of a hostile author: each was green once, and says what the review must say now.

Most of them are also accidents. An honest change of the same kind stands next to some.
"""

from functools import partial

from template.zoo import attack_edits, edits
from template.zoo import attack_edits_hidden as hidden
from template.zoo import attack_edits_obstacle as obstacle
from template.zoo import attack_edits_places as places
from template.zoo.attack_edits import BAD, write_file
from template.zoo.edits import change_rows, combine, flip_labels, replace_text, set_model, set_params
from template.zoo.pull import Pull

MEAN = "_ratio(weights @ values, weights.sum(axis=1))"
HALVE_LOSS = replace_text("plumbline/metrics.py", MEAN, f"0.5 * {MEAN}")
TESTS, FIRST = "tests/test_clone.py", "from pathlib import Path\n"
STOP = "import pytest\n\npytest.skip('later', allow_module_level=True)\n"
_worse = partial(Pull, verdict="worse", reasons=("worse",))

ATTACKS: dict[str, Pull] = {
    # files that only a run may write
    "forged cells": Pull(
        "one iteration, and its predictions in git, almost perfect", places.BAD, "refused", after=places.forge_cells
    ),
    "committed environment": Pull(
        "one iteration, and a .venv in git whose Python does nothing",
        places.BAD,
        "refused",
        after=places.commit_environment,
    ),
    "cache in git": Pull(
        "one iteration, and a cache of DVC in git with another table for base's pointer",
        combine(places.BAD, places.set_cache("forged")),
        "refused",
        before=places.POINTER,
        after=places.forge_cache,
    ),
    "another cache": Pull("a cache of DVC that is not in git", places.set_cache("../own-cache")),
    "forged table": _worse(
        "one iteration, the table in git under another name, and another one next to base's pointer",
        combine(places.BAD, places.move_table),
        before=places.POINTER,
        after=places.forge_table,
    ),
    # what is called identical
    "docs": Pull("a line in README.md", write_file("README.md", "# Another\n")),
    "package init": _worse(
        "src/__init__.py, which lets boosting stop after one iteration",
        write_file("src/__init__.py", attack_edits.WEAKEN),
    ),
    "group": _worse(
        "one iteration, where train depends on the whole group model",
        BAD,
        before=(replace_text("dvc.yaml", "model.estimator, model.arguments, model.seed, model.folds", "model"),),
    ),
    "settings": _worse(
        "one iteration, in a file that no stage names",
        write_file("src/settings.json", '{"max_iter": 1}'),
        reasons=("metrics", "worse"),
        before=(attack_edits.use_settings,),
        note="no stage depends on the file, so that the author's run was with the old one",
    ),
    "root module": _worse(
        "one iteration, in a module at the root of the project",
        hidden.write_module(1),
        reasons=("metrics", "worse"),
        before=(hidden.IMPORT_MODULE,),
        note="no stage depends on the module, so that the author's run was of the old one",
    ),
    "read page": Pull("a model that reads a file of docs/", hidden.read_steps("docs/steps.txt"), "refused"),
    "read file": Pull("a model that reads a file of src/", hidden.read_steps("src/steps.txt")),
    "link": Pull("src/features.py as a link to another file", attack_edits.link_features, "refused"),
    "changed page": Pull(
        "one iteration, in a file of docs/ that base's model reads, and a run of it",
        combine(write_file("docs/steps.txt", "1"), hidden.train_again),
        "refused",
        before=(hidden.read_steps("docs/steps.txt"),),
        note="a review fits without pages; without a run nothing that counts differs, and base's model is deployed",
    ),
    # the package
    "trojan": Pull(
        "another setting of the evaluation, and a package with one more file",
        set_params(evaluate={"bootstrap": 101}),
        reasons=("package",),
        after=attack_edits.add_member,
    ),
    "command": Pull(
        "another setting of the evaluation, and a package whose command does something else, too",
        set_params(evaluate={"bootstrap": 101}),
        reasons=("package",),
        after=attack_edits.change_command,
    ),
    "switch": Pull(
        "one iteration where the seed is the project's own, and thirty where it is a review's",
        hidden.SWITCH,
        reasons=("package",),
        note="the recipe with other seeds is the same; the model that is deployed is not",
    ),
    # what makes a comparison impossible
    "hidden table": Pull(
        "one iteration, and the table behind a pointer without a remote",
        obstacle.HIDDEN_TABLE,
        "cannot tell",
        ("incomparable",),
    ),
    "tiny holdout": _worse(
        "one iteration, and a holdout of 1 % of 6,000 rows",
        obstacle.TINY_HOLDOUT,
        reasons=("incomparable", "worse"),
        before=(change_rows(edits.add_rows),),
        note="base's split decides, on which it is worse; later reviews would have too few rows",
    ),
    "larger holdout": Pull(
        "a holdout of 25 % of 6,000 rows", set_params(split={"holdout": 0.25}), before=(change_rows(edits.add_rows),)
    ),
    "other salt": Pull(
        "another holdout of 6,000 rows", set_params(split={"salt": 1}), before=(change_rows(edits.add_rows),)
    ),
    "four groups": Pull(
        "one iteration, and data.group with four groups",
        combine(obstacle.BAD, obstacle.group_by("depot", salt=7)),
        "cannot tell",
        ("incomparable",),
        before=(obstacle.GROUPED,),
    ),
    "many groups": Pull("data.group with many groups", obstacle.group_by("customer"), before=(obstacle.GROUPED,)),
    # thresholds and suites
    "threshold": Pull(
        "a threshold that no row reaches, and a floor of recall",
        set_params(model={"threshold": 0.999}),
        reasons=("floor",),
        before=(set_params(requirements={"floors": {"recall": 0.6}}),),
        note="the probabilities are the same; which of them are called positive is not",
    ),
    "lower threshold": Pull(
        "a lower threshold, and a floor of recall",
        set_params(model={"threshold": 0.45}),
        before=(set_params(requirements={"floors": {"recall": 0.6}}),),
    ),
    "no suite": Pull(
        "an ingest that asks no suite, and rows that break it", hidden.NO_SUITE, reasons=("expectations",)
    ),
    "lost suite": Pull(
        "the table renamed without its suite", attack_edits.rename_table(has_suite=False), reasons=("expectations",)
    ),
    "renamed": Pull("the table renamed with its suite", attack_edits.rename_table(has_suite=True)),
    # labels and rows
    "moved keys": _worse(
        "10 % of the labels wrong, and every row has another key", attack_edits.MOVED_KEYS, reasons=("labels", "worse")
    ),
    "doubled labels": Pull(
        "each row twice, without a key, and 10 % of the copies with another label",
        attack_edits.double(flip_labels(0.10)),
        "worse",
        ("labels", "worse"),
        before=(attack_edits.drop_key,),
    ),
    "disguise": _worse(
        "44 % of the rows under another key, each number a hundredth higher, a fifth of them with another label",
        change_rows(hidden.disguise_rows),
        reasons=("labels", "worse"),
    ),
    "weights": Pull(
        "half of the rows with a weight of almost 0, without a key",
        change_rows(hidden.shrink_weights),
        "same | cannot tell",
        ("labels",),
        before=(attack_edits.drop_key, hidden.WEIGHTED),
    ),
    "unlucky rows": Pull(
        "all rows dropped that every model errs on",
        change_rows(hidden.drop_unlucky_rows),
        "cannot tell",
        note="on the remaining rows it is better; on all of base's rows it is the same",
    ),
    "sure of itself": Pull(
        "the same, and a model that learns the remaining rows by heart",
        combine(change_rows(hidden.drop_unlucky_rows), set_model(max_iter=300)),
        "cannot tell",
        ("incomparable",),
        note="on the remaining rows it is better; on all of base's rows it is worse",
    ),
    "hard rows": Pull(
        "the 22 % of the rows dropped on which a first model errs most",
        change_rows(hidden.drop_hard_rows),
        "cannot tell",
        note="on the remaining rows it is better; whether it is worse on all of base's rows is not certain",
    ),
    "jitter": Pull(
        "each row twice, the copy with some noise",
        attack_edits.double(attack_edits.jitter),
        "same | cannot tell",
        note="copies are tested together with their originals: without that it would be better",
    ),
    # features that differ in production
    "folder": Pull("features that are others where dvc.yaml is not there", attack_edits.IN_THE_PROJECT, "refused"),
    "clock": Pull("features that are others from 2027 on", attack_edits.IN_A_YEAR, "refused"),
    # metrics and acceptances
    "divided": Pull("a stage evaluate that divides the loss by ten", hidden.DIVIDE_LOSS, reasons=("metrics",)),
    "flattered": Pull("an evaluator that halves the loss", HALVE_LOSS, reasons=("metrics",), head_verdict="same"),
    "merged acceptance": _worse("one iteration, accepted in an older branch", BAD, after=attack_edits.merge_acceptance),
    "accepted by somebody": _worse(
        "one iteration, accepted in somebody's name",
        BAD,
        reasons=(),
        accepted=("worse",),
        after=hidden.accept_as_somebody,
        note="the comment says that nobody verified who accepted it",
    ),
    "level": Pull("a level with a line break and ESC", change_rows(attack_edits.name_hostile_level)),
    # tests
    "stopped tests": Pull(
        "a file of tests that stops at its first line", replace_text(TESTS, FIRST, STOP + FIRST), reasons=("tests",)
    ),
    "one test more": Pull("a test more", replace_text(TESTS, FIRST, f"{FIRST}def test_more():\n    assert Path\n\n\n")),
}

"""The differences of two commits without running them: files, parameters, expectations, trials, the release."""

import json
from itertools import chain
from pathlib import PurePosixPath

from plumbline import paths
from plumbline.errors import PlumblineError
from plumbline.lock import LOCK
from plumbline.machinery import VENDOR, list_libraries
from plumbline.process import git, replace_surrogates
from plumbline.review.commits import Commit
from plumbline.review.markdown import SENTENCE_LENGTH, clean
from plumbline.review.result.changes import ChangedFiles, ExpectationCounts, Kind, ParameterChange, RecipeTrials
from plumbline.review.result.comparison import Word
from plumbline.review.result.figures import Importance
from plumbline.review.result.review import Review
from plumbline.review.safeguards import read_expectations
from plumbline.review.sides import Side

WHEELS = f"{VENDOR}/plumbline_ml-"  # a review tells their versions
KINDS: dict[Kind, tuple[str, ...]] = {
    "data": ("data/source/",),
    "params": (paths.PARAMS,),
    "code": ("src/", "plumbline/"),
    "machinery": (WHEELS,),
    "versions": (LOCK.name,),
}
GENERATED = ("dvc.lock", "metrics/", paths.SCHEMA, paths.VERSIONS)  # written by a run
TAG = "%(refname:strip=2) %(if)%(*objectname)%(then)%(*objectname)%(else)%(objectname)%(end)"  # and its commit
MAX_FILES = 10  # that are listed
MANY_TRIALS = 25  # recipes tried on one table, from which on a better one may be luck
RECIPE_FILES = (  # a commit that changes one of these tries another recipe
    "params.yaml",
    "src/features.py",
    "src/model.py",
    "plumbline/training",
    "plumbline/evaluation",
    "plumbline/metrics.py",
    "plumbline/columns.py",
    LOCK.name,
)


def describe_changes(base: Commit, head: Commit, *, word: Word, why: str) -> Review:
    """Return a review with this verdict and what git tells of the two commits."""
    return Review(
        word=word,
        why=why,
        base_commit=base.commit,
        head_commit=head.commit,
        project=next(iter(_artifact_names(head)), None),
        changed_kinds=list_changed_kinds(base, head),
        changed_files=_list_files(base, head),
        parameter_changes=_compare_params(base, head),
        expectation_counts=ExpectationCounts(base=len(read_expectations(base)), head=len(read_expectations(head))),
        recipe_trials=count_trials(head),
    )


def find_release(base: Commit) -> Side | None:
    """Return the newest release NAME@v* in the history of base, with a NAME of the artifacts in dvc.yaml."""
    for name in [] if base.recipe_error else _artifact_names(base):
        # Not git describe: it takes the name in a tag's object, which a renamed tag has kept, for the tag.
        options = ("--merged", base.commit, "--sort=creatordate", f"--format={TAG}")
        lines = git("for-each-ref", *options, f"refs/tags/{name}@v*", strict=False).splitlines()
        tags = {commit: tag for tag, _, commit in (line.partition(" ") for line in lines)}
        commits = git("rev-list", base.commit).splitlines() if tags else []
        if commit := next((commit for commit in commits if commit in tags), None):
            return Side(replace_surrogates(tags[commit]), commit)
    return None


def _artifact_names(commit: Commit) -> list[str]:
    artifacts = commit.pipeline.get("artifacts")
    return list(artifacts) if isinstance(artifacts, dict) else []


def list_changed_kinds(base: Commit, head: Commit) -> tuple[Kind, ...]:
    """Return what the change consists of, without files that a run writes and a lock of the same libraries."""
    files = [path for path in _diff_paths(base, head) if not path.startswith(GENERATED)]
    locks = (git("show", f"{commit.commit}:{LOCK.name}", strict=False) for commit in (base, head))
    if len({*map(list_libraries, locks)}) == 1:
        files = [path for path in files if path != LOCK.name]
    return tuple(kind for kind, prefixes in KINDS.items() if any(path.startswith(prefixes) for path in files))


def _diff_paths(base: Commit, head: Commit) -> list[str]:
    return replace_surrogates(git("diff", "--name-only", "--no-renames", "-z", base.commit, head.commit)).split("\0")[
        :-1
    ]


def _list_files(base: Commit, head: Commit) -> ChangedFiles:
    """Return the first files that people edit, those of the recipe before others, and the counts of the rest."""
    prefixes = tuple(chain(*KINDS.values()))
    files = sorted(_diff_paths(base, head), key=lambda path: not path.startswith(prefixes))
    generated = [path for path in files if path.startswith(GENERATED)]
    edited = [path for path in files if path not in {*generated} and not path.startswith(WHEELS)]
    return ChangedFiles(
        first_paths=tuple(edited[:MAX_FILES]),
        omitted_count=len(edited[MAX_FILES:]),
        generated_count=len(generated),
    )


def _compare_params(base: Commit, head: Commit) -> tuple[ParameterChange, ...]:
    old, new = base.params_or_none, head.params_or_none
    return tuple(
        ParameterChange(name=key, base=clean(old.get(key), SENTENCE_LENGTH), head=clean(new.get(key), SENTENCE_LENGTH))
        for key in {**old, **new}
        if old and old.get(key) != new.get(key)
    )


def count_trials(head: Commit) -> RecipeTrials:
    """Count the recipes tried on this table: commits since its last change that touch a file of the recipe."""
    pathspecs = [str(PurePosixPath(head.source)), f"{head.source}.dvc"]
    last = git("log", "-1", "--format=%H", head.commit, "--", *pathspecs).strip()
    revisions = f"{last}..{head.commit}" if last else head.commit
    count = int(git("rev-list", "--count", "--no-merges", revisions, "--", *RECIPE_FILES)) or 1
    notice = f"{count} recipes have been tried on this table: a small gain may be luck, check it on new rows"
    return RecipeTrials(count=count, notice=notice if count >= MANY_TRIALS else None)


def read_importances(base: Commit, head: Commit) -> Importance | None:
    """Return the permutation importance in the committed run of each commit; None where one of them has none."""
    try:
        return Importance(base=_read_importance(base), head=_read_importance(head))
    except (PlumblineError, ValueError, KeyError, TypeError):
        return None


def _read_importance(commit: Commit) -> dict[str, float]:
    if text := git("show", f"{commit.commit}:{paths.DIAGNOSTICS}", strict=False):
        explanations, key = json.loads(replace_surrogates(text))["explanations"], "loss_increase"
    else:  # until version 0.3: base may be a commit of version 0.1
        explanations = json.loads(replace_surrogates(git("show", f"{commit.commit}:metrics/importance.json")))
        key = "loss_increase" if "random_column" in explanations else "loss"
    return {", ".join(entry["features"]): entry[key][0] for entry in explanations["features"]}

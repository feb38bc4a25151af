"""Whether the package predicts what the recipe predicts: a review judges recipes, and what is deployed is a file."""

import hashlib
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from plumbline import paths
from plumbline.contract import CONTRACT
from plumbline.errors import PlumblineError, ProjectError
from plumbline.process import git, run
from plumbline.reproducibility.remote import cache_path
from plumbline.review.commits import Commit
from plumbline.review.committed_metrics import find_false_metric
from plumbline.review.executed_model import Replicas, find_worse_model
from plumbline.review.result.checks import PackageCheck
from plumbline.review.sides import Side
from plumbline.review.wheel_difference import find_difference
from plumbline.review.worker import OTHER_CONTRACT

WORKER = Path(__file__).with_name("package_worker.py")
FETCH = f"Run dvc pull {paths.DIST}"


@dataclass(frozen=True)
class PackageReport:
    """What a fit of head's recipe shows.

    Attributes
    ----------
    check : PackageCheck
        Whether the package predicts what the recipe predicts.
    false_metric : str or None
        The first metric of the committed run that is not true.
    worse_model : str or None
        How the model of the committed run is worse than those of the review.
    """

    check: PackageCheck
    false_metric: str | None = None
    worse_model: str | None = None


def check_package(head: Side, replicas: Replicas | None = None) -> PackageReport:
    """Compare the committed package and metrics with the predictions of the recipe; head is prepared."""
    wheel: Path | str = ""
    try:
        wheel = find_wheel(head).absolute()
        missing = None
    except ProjectError as error:
        missing = PackageCheck(is_consistent=None, why=str(error))
    seed = str(head.params.get("model.seed", 0))
    with tempfile.TemporaryDirectory() as folder:
        scores = Path(folder, "scores.npz").absolute()
        command = [head.python, str(WORKER.absolute()), str(CONTRACT), str(wheel), paths.TABLE, seed, str(scores)]
        process = run(command, cwd=head.folder, env=head.environment())
        false_metric = find_false_metric(head, scores)
        worse_model = find_worse_model(replicas, scores) if replicas else None
    output = process.stderr if process.returncode else process.stdout
    lines = output.strip().splitlines() or ["no answer"]
    is_consistent = None if process.returncode == OTHER_CONTRACT else process.returncode == 0
    check = PackageCheck(is_consistent=is_consistent, why=lines[-1].removeprefix("ERROR: "))
    return PackageReport(check if is_consistent is False else missing or check, false_metric, worse_model)


def compare_packages(head: Side) -> str | None:
    """Return how the committed dist/ differs from the one that a run made in head's worktree; None where it does not.

    Without the committed package in DVC's cache there is nothing to compare.
    """
    names = [entry["relpath"] for entry in _read_listing(head)]
    rebuilt = {path.relative_to(head.folder / paths.DIST).as_posix(): path for path in _list_files(head)}
    if names and sorted(names) != sorted(rebuilt):
        return f"the committed {paths.DIST}/ has {len(names)} files, and a run makes {len(rebuilt)}, or others"
    try:
        wheel = find_wheel(head)
    except ProjectError:
        return None
    (name,) = (name for name in rebuilt if name.endswith(".whl"))
    difference = find_difference(wheel.read_bytes(), rebuilt[name].read_bytes())
    return f"the committed package {difference}" if difference else None


def _list_files(head: Side) -> list[Path]:
    return [path for path in (head.folder / paths.DIST).rglob("*") if path.is_file()]


def find_wheel(head: Commit) -> Path:
    """Return the file of the package that head's dvc.lock names, by its hash: never that of another run.

    Raises
    ------
    ProjectError
        Where it is not in DVC's cache, or is damaged there.
    """
    for entry in _read_listing(head):
        file = cache_path(entry["md5"])
        if entry["relpath"].endswith(".whl") and file.exists():
            if hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest() != entry["md5"]:
                message = "the package in the DVC cache does not have the hash in dvc.lock (the file is damaged)"
                name = "/".join(file.parts[-4:])  # DVC does not check a file in its cache that is read-only
                raise ProjectError(message, hint=f"Delete {name} in the DVC cache, then run dvc pull {paths.DIST}")
            return file
    raise ProjectError("the package of head's dvc.lock is not in the DVC cache", hint=FETCH)


def _read_listing(head: Commit) -> list[dict[str, Any]]:
    """Return the files of the folder with the package, as far as the cache has their list."""
    try:
        stages = yaml.safe_load(git("show", f"{head.commit}:dvc.lock"))["stages"]
        (oid,) = [out["md5"] for stage in stages.values() for out in stage["outs"] if out["path"] == paths.DIST]
    except (PlumblineError, yaml.YAMLError, KeyError, TypeError, AttributeError, ValueError, RecursionError):
        hint = "Run make repro, and commit dvc.lock"
        raise ProjectError("head's dvc.lock names no package", hint=hint) from None
    listing = cache_path(oid)
    return json.loads(listing.read_bytes()) if listing.exists() else []

"""Whether the package predicts what the recipe predicts: a review judges recipes, and what is deployed is a file."""

import hashlib
import json
from pathlib import Path
from typing import Any

import yaml

from plumbline import paths
from plumbline.contract import CONTRACT
from plumbline.errors import PlumblineError, ProjectError
from plumbline.process import git, run
from plumbline.reproducibility.remote import cache_path
from plumbline.review.commits import Commit
from plumbline.review.result.checks import PackageCheck
from plumbline.review.sides import Side
from plumbline.review.worker import OTHER_CONTRACT

WORKER = Path(__file__).with_name("package_worker.py")
FETCH = f"Run dvc pull {paths.DIST}"


def check_package(head: Side) -> PackageCheck:
    """Compare the predictions of the committed package with those of the recipe; head is prepared."""
    try:
        wheel = _find_wheel(head)
    except ProjectError as error:
        return PackageCheck(is_consistent=None, why=str(error))
    seed = str(head.params.get("model.seed", 0))
    command = [head.python, str(WORKER.absolute()), str(CONTRACT), str(wheel.absolute()), paths.TABLE, seed]
    process = run(command, cwd=head.folder, env=head.environment())
    output = process.stderr if process.returncode else process.stdout
    lines = output.strip().splitlines() or ["no answer"]
    is_consistent = None if process.returncode == OTHER_CONTRACT else process.returncode == 0
    return PackageCheck(is_consistent=is_consistent, why=lines[-1].removeprefix("ERROR: "))


def _find_wheel(head: Commit) -> Path:
    """Return the file of the package that head's dvc.lock names, by its hash: never that of another run."""
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

"""Does the package predict what the recipe predicts? A review judges recipes; what is deployed is a file."""

import hashlib
import json
from pathlib import Path
from typing import Any

import yaml

from plumbline import paths
from plumbline.contract import CONTRACT
from plumbline.errors import PlumblineError
from plumbline.process import git, run
from plumbline.reproducibility.remote import cache_path
from plumbline.review.cells import OTHER
from plumbline.review.sides import Side

WORKER = Path(__file__).with_name("artefact_worker.py")


def artefact(head: Side) -> dict[str, Any]:
    """reproduces: None where it cannot be known; why, in words. head is prepared."""
    try:
        name, wheel = _wheel(head)
    except PlumblineError as error:
        return {"reproduces": None, "why": str(error)}
    asked = [str(CONTRACT), name, str(wheel.absolute()), paths.TABLE, str(head.params.get("model.seed", 0))]
    command = [head.python, str(WORKER.absolute()), *asked]
    ran = run(command, cwd=head.folder, env=head.environment())
    lines = (ran.stderr if ran.returncode else ran.stdout).strip().splitlines() or ["no answer"]
    return {
        "reproduces": None if ran.returncode == OTHER else not ran.returncode,
        "why": lines[-1].removeprefix("ERROR: "),
    }


def _wheel(head: Side) -> tuple[str, Path]:
    """Name and file of the package that head's dvc.lock names, by its hash: never that of another run."""
    try:
        stages = yaml.safe_load(git("show", f"{head.commit}:dvc.lock"))["stages"]
        (oid,) = [out["md5"] for stage in stages.values() for out in stage["outs"] if out["path"] == paths.DIST]
    except (PlumblineError, yaml.YAMLError, KeyError, TypeError, AttributeError, ValueError, RecursionError):
        raise PlumblineError("head's dvc.lock names no package") from None
    listing = cache_path(oid)
    inside = json.loads(listing.read_bytes()) if listing.exists() else []
    for entry in inside:
        file = cache_path(entry["md5"])
        if entry["relpath"].endswith(".whl") and file.exists():
            if hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest() != entry["md5"]:
                raise PlumblineError(
                    f"the package in the cache is not what its name says: dvc fetch {paths.DIST} brings it"
                )
            return entry["relpath"], file
    raise PlumblineError(f"the package of head's dvc.lock is not in the cache here: dvc fetch {paths.DIST} brings it")

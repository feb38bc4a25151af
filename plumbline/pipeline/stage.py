"""A stage as a process: an error is one line, and says how to get the files of the last run back."""

import configparser
import gc
import os
import sys
from collections.abc import Callable
from pathlib import Path

import yaml

from plumbline import paths, versions
from plumbline.errors import PlumblineError, report_errors, user_code_error
from plumbline.files import transaction
from plumbline.process import git
from plumbline.project import find_culprit

LOCK = "dvc.lock"
REVIEWED = (LOCK, paths.SCHEMA, "metrics")  # what git holds of a run
RESTORE = ". Restore what it replaced: "
# Works without an activated environment, too.
PYTHON, THEN = ("py", "; ") if os.name == "nt" else ("python3", " && ")
CHECKOUT = f"{PYTHON} -m src.environment dvc checkout"


def run(name: str, stage: Callable[[], None]) -> None:
    """Run a stage and end the process with its exit code.

    Either all files of the stage are written, or none.

    Parameters
    ----------
    name : str
        The name of the stage in dvc.yaml; its code must be the one whose digest is in src/versions.json.
    stage : callable
        Its main function.
    """

    def main() -> int:
        gc.freeze()  # what was imported stays: garbage collection need not search it again and again
        versions.check(name)
        try:
            with transaction():
                stage()
        except Exception as error:
            if isinstance(error, PlumblineError) or (file := find_culprit(error)) is None:
                raise
            raise user_code_error(file, error) from error
        return 0

    sys.exit(report_errors(main, _hint_restore))


def _hint_restore() -> str:
    """The commands that restore what is committed of the last run; empty where all of it is still there."""
    try:
        commands = _restore_commands()
    except (OSError, PlumblineError):  # no git, or no committed run
        return ""
    except (yaml.YAMLError, configparser.Error, LookupError, TypeError, AttributeError):  # a file that cannot be read
        return ""
    return RESTORE + THEN.join(commands) if commands else ""


def _restore_commands() -> list[str]:
    """Return a command for the files that git holds and one for those in DVC's cache, each where something is lost."""
    if "/.dvc/tmp/exps/" in f"{Path.cwd().as_posix()}/":
        return []  # dvc exp run --temp or --queue: a copy, in which nothing is lost
    modified = _list_modified()
    return [*_git_restore(modified), *_dvc_checkout(is_lock_modified=LOCK in modified)]


def _git_restore(modified: list[str]) -> list[str]:
    paths = [path for path in REVIEWED if any(name == path or name.startswith(f"{path}/") for name in modified)]
    return [f"git restore {' '.join(paths)}"] if paths else []


def _dvc_checkout(*, is_lock_modified: bool) -> list[str]:
    lock = yaml.safe_load(git("show", f"HEAD:./{LOCK}"))
    hashes = {out["path"]: out["md5"] for stage in lock["stages"].values() for out in stage.get("outs", [])}
    lost = [path for path in hashes if is_lock_modified or not Path(path).exists()]
    if not lost:
        return []
    in_git, cache = git("ls-files", "-z", "--", *hashes).split("\0"), _cache()
    is_cached = {path: (cache / md5[:2] / md5[2:]).exists() for path, md5 in hashes.items() if path not in in_git}
    if not any(is_cached.get(path) for path in lost):
        return []
    return [CHECKOUT if all(is_cached.values()) else f"{CHECKOUT} --allow-missing"]


def _list_modified() -> list[str]:
    """Files of HEAD that differ here; the index, which dvc exp run fills, is neither read nor written."""
    lines = git("ls-tree", "-rz", "HEAD", "--", *REVIEWED).split("\0")
    committed = {path: entry.split()[2] for entry, _, path in (line.partition("\t") for line in lines if line)}
    present = [path for path in committed if Path(path).is_file()]
    hashes = dict(zip(present, git("hash-object", "--", *present).split() if present else [], strict=True))
    return [path for path, blob in committed.items() if hashes.get(path) != blob]


def _cache() -> Path:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.read([".dvc/config", ".dvc/config.local"], encoding="utf-8")
    return Path(".dvc", parser.get("cache", "dir", fallback="cache"), "files", "md5")

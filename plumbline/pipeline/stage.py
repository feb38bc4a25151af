"""A stage as a process: one line when it must stop, and how what git holds of the last run comes back."""

import configparser
import os
import sys
from collections.abc import Callable
from pathlib import Path

import yaml

from plumbline import paths, versions
from plumbline.errors import PlumblineError, report_errors, user_code_error
from plumbline.files import transaction
from plumbline.process import git
from plumbline.project import blamed

LOCK = "dvc.lock"
REVIEWED = (LOCK, paths.SCHEMA, "metrics")  # what git holds of a run
RESTORE = ". What it replaced comes back with: "
# Works without an activated environment, too.
PYTHON, THEN = ("py", "; ") if os.name == "nt" else ("python3", " && ")
CHECKOUT = f"{PYTHON} -m src.environment dvc checkout"


def run(name: str, stage: Callable[[], None]) -> None:
    """Runs a stage as a process, on the code that src/versions.json has its digest of."""

    def main() -> int:
        versions.check(name)
        try:
            with transaction():
                stage()
        except Exception as error:
            if isinstance(error, PlumblineError) or (file := blamed(error)) is None:
                raise
            raise user_code_error(file, error) from error
        return 0

    sys.exit(report_errors(main, _restore))


def _restore() -> str:
    """How what is committed of the last run comes back; nothing where all of it is still there."""
    try:
        commands = _way_back()
    except (OSError, PlumblineError):  # no git, or no committed run
        return ""
    except (yaml.YAMLError, configparser.Error, LookupError, TypeError, AttributeError):  # a file that cannot be read
        return ""
    return RESTORE + THEN.join(commands) if commands else ""


def _way_back() -> list[str]:
    if "/.dvc/tmp/exps/" in f"{Path.cwd().as_posix()}/":
        return []  # dvc exp run --temp or --queue: a copy, in which nothing is lost
    lock = yaml.safe_load(git("show", f"HEAD:./{LOCK}"))
    changed = _changed()
    restored = [kept for kept in REVIEWED if any(path == kept or path.startswith(f"{kept}/") for path in changed)]
    commands = [f"git restore {' '.join(restored)}"] if restored else []
    outs = {out["path"]: out["md5"] for stage in lock["stages"].values() for out in stage.get("outs", [])}
    if LOCK in changed or not all(Path(path).exists() for path in outs):
        cache = _cache()
        in_git = git("ls-files", "--", *outs).splitlines()
        kept = {path: (cache / md5[:2] / md5[2:]).exists() for path, md5 in outs.items() if path not in in_git}
        if any(there and (LOCK in changed or not Path(path).exists()) for path, there in kept.items()):
            commands.append(CHECKOUT if all(kept.values()) else f"{CHECKOUT} --allow-missing")
    return commands


def _changed() -> list[str]:
    """Files of HEAD that are others here; the index is neither read, which dvc exp run fills, nor written."""
    lines = git("ls-tree", "-r", "HEAD", "--", *REVIEWED).splitlines()
    committed = {path: about.split()[2] for about, _, path in (line.partition("\t") for line in lines)}
    here = [path for path in committed if Path(path).is_file()]
    hashes = dict(zip(here, git("hash-object", "--", *here).split() if here else [], strict=True))
    return [path for path, commit in committed.items() if hashes.get(path) != commit]


def _cache() -> Path:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.read([".dvc/config", ".dvc/config.local"], encoding="utf-8")
    return Path(".dvc", parser.get("cache", "dir", fallback="cache"), "files", "md5")

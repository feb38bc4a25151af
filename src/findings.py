"""What every stage leaves behind: findings for the report, JSON for people and git, one line when it must stop.

And which table it is about, what people wrote (suite, behaviours, docs/project.yaml): each names its table, or several,
by the path in data.source; with another one it is left out and said, never applied or shown.
"""

import configparser
import json
import math
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from src import names
from src.predictor.refusal import Refusal, guarded
from src.predictor.tables import replacing, together

LOCK = "dvc.lock"
REVIEWED = (LOCK, names.SCHEMA, "metrics")  # what git holds of a run
RESTORE = ". What it replaced comes back with: "
# Works without an activated environment, too.
PYTHON, THEN = ("py", "; ") if os.name == "nt" else ("python3", " && ")
CHECKOUT = f"{PYTHON} -m src.environment dvc checkout"
RULE = "of another table"  # of the findings that say what was left out


def rounded(value: Any) -> Any:
    """Floats at six significant digits, so that what stands in git is the same on every system; null for no number."""
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return [rounded(item) for item in value] if isinstance(value, list | tuple) else value


def short(value: float | None) -> str:
    """A number for people: four significant digits, thousands set apart; - where there is none."""
    return "-" if value is None or value != value else f"{float(f'{value:.4g}'):,g}"


def write_text(path: str, text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: str, content: Any) -> None:
    """One line for each entry of a list or map at the top, so that a difference in git can be read."""

    def text(value: Any) -> str:
        return json.dumps(rounded(value), ensure_ascii=False)

    if isinstance(content, dict):
        opening, closing, lines = "{", "}", [f" {text(key)}: {text(value)}" for key, value in content.items()]
    else:
        opening, closing, lines = "[", "]", [f" {text(item)}" for item in content]
    write_text(path, opening + "\n" + ",\n".join(lines) + "\n" + closing + "\n")


def tables(given: Any, where: str) -> tuple[str, ...]:
    """What stands under the key `table` of a file; nothing where it is absent."""
    found = given if isinstance(given, list) else [given]
    if given is None:
        return ()
    if not found or not all(isinstance(name, str) and name.strip() for name in found):
        raise Refusal(
            f"{where}: table is {given!r}, expected the path of a table as in data.source, or a list of such. Mend it"
        )
    return tuple(found)


def is_about(named: tuple[str, ...], source: str) -> bool:
    """Whether what names these tables is about this one."""
    return not named or PurePosixPath(source) in map(PurePosixPath, named)


def left_out(what: str, named: tuple[str, ...], source: str, cure: str, otherwise: str = "") -> str:
    """The warning: what it is about, what is read, and what to do; in `cure` {} stands for all these tables.

    otherwise: what it is about where it names no table.
    """
    every = json.dumps([*named, source], ensure_ascii=False)
    return (
        f"{what} is about {', '.join(named) or otherwise}, and data.source is {source}, so it is left out. "
        f"If it is about this table, too, write {cure.replace('{}', every)}"
    )


def read_json(path: Path, none: str) -> Any:
    """What a file of people's holds, strictly; none: what it is not when it cannot be read."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if twice := [key for key, count in Counter(key for key, _ in pairs).items() if count > 1]:
            raise ValueError(f"the key {twice[0]!r} stands twice in one map")  # JSON keeps the last without a word
        return dict(pairs)

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no number of JSON")

    try:
        return json.loads(path.read_text(encoding="utf-8-sig"), object_pairs_hook=once, parse_constant=refuse)
    except json.JSONDecodeError as error:
        words = "it is empty" if not error.doc.strip() else f"line {error.lineno} is no JSON ({error.msg})"
    except UnicodeError:
        words = "it is not in UTF-8"
    except RecursionError:
        words = "it is nested too deep"
    except ValueError as error:
        words = str(error)
    raise Refusal(f"{path.as_posix()}: {none}: {words}. Mend it, or bring it back: git restore {path.as_posix()}")


class Findings:
    """What one stage checked and decided; printed as it goes, written to metrics/checks-STAGE.json at the end."""

    def __init__(self, stage: str) -> None:
        self.stage = stage
        self.found: list[dict[str, Any]] = []

    def add(self, rule: str, evidence: str, severity: str = "note", allowed: str | None = None, **counts: Any) -> None:
        """severity: note | warning | left out; a check that must stop raises Refusal instead."""
        finding = {"rule": rule, "severity": severity, "evidence": evidence, "counts": counts, "allowed": allowed}
        self.found.append(finding)
        mark = "" if severity == "note" else f"{severity.upper()}: "
        print(f"{self.stage}: {mark}{rule}: {evidence}", flush=True)

    def write(self) -> None:
        write_json(names.checks(self.stage), self.found)


def read_findings(stage: str) -> list[dict[str, Any]]:
    return json.loads(Path(names.checks(stage)).read_text(encoding="utf-8"))


def run(stage: Callable[[], None]) -> None:
    """Runs a stage as a process."""

    def main() -> int:
        with together():
            stage()
        return 0

    sys.exit(guarded(main, _restore))


def _restore() -> str:
    """How what is committed of the last run comes back; nothing where all of it is still there."""
    try:
        commands = _way_back()
    except (OSError, subprocess.SubprocessError):  # no git, or no committed run
        return ""
    except (yaml.YAMLError, configparser.Error, LookupError, TypeError, AttributeError):  # a file that cannot be read
        return ""
    return RESTORE + THEN.join(commands) if commands else ""


def _way_back() -> list[str]:
    if "/.dvc/tmp/exps/" in f"{Path.cwd().as_posix()}/":
        return []  # dvc exp run --temp or --queue: a copy, in which nothing is lost
    lock = yaml.safe_load(_run("git", "show", f"HEAD:./{LOCK}"))
    changed = _changed()
    restored = [kept for kept in REVIEWED if any(path == kept or path.startswith(f"{kept}/") for path in changed)]
    commands = [f"git restore {' '.join(restored)}"] if restored else []
    outs = {out["path"]: out["md5"] for stage in lock["stages"].values() for out in stage.get("outs", [])}
    if LOCK in changed or not all(Path(path).exists() for path in outs):
        cache = _cache()
        in_git = _run("git", "ls-files", "--", *outs).splitlines()
        kept = {path: (cache / md5[:2] / md5[2:]).exists() for path, md5 in outs.items() if path not in in_git}
        if any(there and (LOCK in changed or not Path(path).exists()) for path, there in kept.items()):
            commands.append(CHECKOUT if all(kept.values()) else f"{CHECKOUT} --allow-missing")
    return commands


def _changed() -> list[str]:
    """Files of HEAD that are others here; the index is neither read, which dvc exp run fills, nor written."""
    lines = _run("git", "ls-tree", "-r", "HEAD", "--", *REVIEWED).splitlines()
    committed = {path: about.split()[2] for about, _, path in (line.partition("\t") for line in lines)}
    here = [path for path in committed if Path(path).is_file()]
    hashes = dict(zip(here, _run("git", "hash-object", "--", *here).split() if here else [], strict=True))
    return [path for path, commit in committed.items() if hashes.get(path) != commit]


def _cache() -> Path:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.read([".dvc/config", ".dvc/config.local"], encoding="utf-8")
    return Path(".dvc", parser.get("cache", "dir", fallback="cache"), "files", "md5")


def _run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout

"""Why a review is red, and what of that people accepted in the commits of the branch."""

import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from plumbline.errors import PlumblineError
from plumbline.files import write_text
from plumbline.findings import short
from plumbline.process import git, replaced, run
from plumbline.review.artefact import artefact
from plumbline.review.executed import executed
from plumbline.review.loosened import REQUIRE, Reason, loosened, reason
from plumbline.review.markdown import format_p_value
from plumbline.review.sides import FOLDER, Side

NAMES = ("worse", "worse-than-release", "slice", "floor", "lock", "metrics", "not-pushed", "package", "expectations",
         "floors", "margin", "behaviour", "labels", "leakage", "tests", "author", "cannot-tell")  # fmt: skip
RISING = ("cannot tell", "same", "better")
LOCKED = {"stale": "lock", "not pushed": "not-pushed"}  # the words of verify


def judged(result: dict[str, Any], base: Side, head: Side) -> dict[str, Any]:
    """What the numbers say, whether the committed run is true, what head loosened, and what of it was accepted."""
    found, notes = [*of_numbers(result, base)], list[str]()
    ran: dict[str, Any] = {}
    untouched = Untouched("head", head.commit)
    checks = [lambda: lock(untouched)]
    if not result.get("no_data"):
        checks.append(lambda: ran_again(base, untouched, ran))
    for check in checks:
        try:
            untouched.bring()
            more, told = check()
        except PlumblineError as error:
            has_dvc = bool(git("ls-tree", base.commit, "--", ".dvc/config"))
            what = f"not checked: {error}"
            more, told = ([reason("lock", what, "fix that, as base has it")], []) if has_dvc else ([], [what])
        found, notes = found + more, notes + told
    package: dict[str, Any] = (
        artefact(head)
        if head.ready
        else {"reproduces": None, "why": "the package was not compared, since nothing was fitted"}
    )
    if package["reproduces"] is False:
        found.append(reason("package", package["why"], "make repro, and commit what it made"))
    found, told = accepted(found + ([] if base.broken else loosened(base, head)), base, head)
    return {"executed": ran, "artefact": package, "reasons": found, "notes": notes + told, "red": red(found)}


def red(found: list[Reason]) -> list[str]:
    """The names of what nobody accepted."""
    return list(dict.fromkeys(each["name"] for each in found if not each["accepted"]))


def of_numbers(result: dict[str, Any], base: Side) -> Iterator[Reason]:
    """What the numbers say."""
    fix = "improve the model, its features or its data"
    if result["word"] == "worse":
        yield reason("worse", result["why"], fix)
    if (release := result.get("release", {})).get("word") == "worse":
        yield reason("worse-than-release", f"worse than {release['name']}: {release['why']}", fix)
    for part in (part for part in result.get("slices", []) if part["blocks"]):
        size = f"{short(abs(part['difference']))} (corrected p {format_p_value(part.get('worse'))})"
        what = f"worse where {part['column']} = {part['level']}, by {size}"
        yield reason("slice", what, fix)
    for floor in (floor for floor in result.get("floors", []) if floor["broken"]):
        what = f"{floor['metric']} is {short(floor['head'])}, its floor {short(floor['floor'])}"
        yield reason("floor", what, fix)
    if result.get("computed_by") == "author":
        what = "CI holds no data, and shows what the author computed"
        yield reason("author", what, "run CI where the data is (docs/ci.md)")
    yield from _asked(result, base)


def _asked(result: dict[str, Any], base: Side) -> Iterator[Reason]:
    if labels := result.get("data", {}).get("rows", {}).get("labels"):
        yield reason("labels", f"{labels} rows of base have another label in head", "bring the labels back")
    weight = base.stated.get("data.weight")
    if "data.weight" in result.get("params", {}):
        yield reason("labels", f"data.weight was {weight} and is {result['params']['data.weight'][1]}", "put it back")
    elif count := result.get("data", {}).get("rows", {}).get("by_column", {}).get(weight):
        yield reason("labels", f"{count} rows of base have another weight in head", "bring the weights back")
    wanted = base.stated.get("review.require")
    nothing = result["word"] == "same" and "difference" not in result
    if wanted in REQUIRE[1:] and not nothing and result["word"] in RISING[: RISING.index(wanted)]:
        yield reason("cannot-tell", f"{result['word']}, and review.require asks for {wanted}", "bring more rows")


class Untouched(Side):
    """A worktree in which nothing ran, with the project's settings and cache of DVC."""

    @property
    def folder(self) -> Path:
        return FOLDER / "worktrees" / f"{self.commit[:12]}-untouched"

    def bring(self) -> None:
        super().bring()
        self.run(["git", "reset", "--quiet", "--hard"])
        if (local := Path(".dvc/config.local")).exists():
            shutil.copyfile(local, self.folder / local)
        self.share_cache()


def lock(head: Untouched) -> tuple[list[Reason], list[str]]:
    """Is the dvc.lock of a commit true of its files, and pushed: by the code that decides, not the commit's."""
    out = (head.folder.parent / f"{head.commit[:12]}.verify.json").absolute()
    out.unlink(missing_ok=True)
    ours = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2].absolute())}
    command = [sys.executable, "-P", "-m", "plumbline", "verify", "--json", str(out)]
    ran = run(command, cwd=head.folder, env=ours)
    if not out.exists():
        what = f"whether dvc.lock is true could not be told: {(ran.stderr.strip().splitlines() or ['?'])[-1]}"
        return [reason("lock", what, "look with python -m plumbline verify")], []
    found: list[Reason] = []
    notes = []
    for each in json.loads(out.read_text(encoding="utf-8"))["findings"]:
        if name := LOCKED.get(each["word"]):
            found.append(reason(name, each["what"], each["cure"]))
        else:
            notes.append(f"{each['what']}: {each['word']}")
    return found, notes


def ran_again(base: Side, head: Untouched, ran: dict[str, Any]) -> tuple[list[Reason], list[str]]:
    """Fills `ran`; kept beside the worktree, since the same commits give the same again."""
    kept = head.folder.with_name(f"{head.folder.name}-against-{base.commit[:12]}.json")
    if not kept.exists():
        write_text(str(kept), json.dumps(executed(base, head)))
    told, found, notes = json.loads(kept.read_text(encoding="utf-8"))
    ran |= told
    return found, notes


def accepted(found: list[Reason], base: Side, head: Side) -> tuple[list[Reason], list[str]]:
    """The same with who accepted what: `Accept: NAME: why` in a commit of the branch, the newest first."""
    by_name: dict[str, dict[str, str]] = {}
    notes = []
    for commit, who, value in _trailers(base, head):
        name, _, why = (part.strip() for part in value.partition(":"))
        if name not in NAMES:
            notes.append(f"Accept: {name} in {commit[:9]} is no reason's name, expected one of {', '.join(NAMES)}")
        elif not why:
            notes.append(f"Accept: {name} in {commit[:9]} says no why, and accepts nothing")
        else:
            by_name.setdefault(name, {"commit": commit, "who": who, "why": why})
    return [each | {"accepted": by_name.get(each["name"])} for each in found], notes


def _trailers(base: Side, head: Side) -> Iterator[tuple[str, str, str]]:
    """Commit, author and value of each; NUL stands in no commit, and an unfolded value has one line."""
    form = "%H%x00%an%x00%(trailers:key=Accept,valueonly,unfold)%x00"
    fields = replaced(git("log", f"--format={form}", f"{base.commit}..{head.commit}")).split("\0")
    for commit, who, values in zip(fields[::3], fields[1::3], fields[2::3], strict=False):
        yield from ((commit.strip(), who, value.strip()) for value in values.splitlines() if value.strip())

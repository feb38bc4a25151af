"""The two sides of a review: a commit in a worktree of its own, with what ingest and featurize write there.

Each side runs with its own package plumbline: the folder in its worktree, or its wheel, which is checked against its
lock and unpacked outside the project.
"""

import hashlib
import os
import shutil
import sys
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import chain
from pathlib import Path

from plumbline import paths
from plumbline.data.schema import Schema
from plumbline.errors import PlumblineError, clean_line
from plumbline.lock import LOCK
from plumbline.machinery import find_source, list_libraries
from plumbline.pipeline.stage import RESTORE
from plumbline.process import git, run
from plumbline.reproducibility import remote
from plumbline.reproducibility.dvc_files import read_mapping
from plumbline.reproducibility.hashes import hash_output
from plumbline.review.commits import RECIPE, Commit, SideError, output_paths
from plumbline.review.interpreters import INSIDE, PLAIN, VENV, find_interpreter
from plumbline.review.worktrees import check_out, copy_path, worktree_path

# What a review consists of, in the package and in the project; without the first two a commit has no review.
JUDGES = (
    "plumbline/commands/review.py",
    "plumbline/review",
    "plumbline/contract.py",
    "plumbline/evaluation",
    "plumbline/metrics.py",
    "plumbline/columns.py",
    "plumbline/training/folds.py",
    "plumbline/pipeline/evaluate.py",
    "src/stages/evaluate.py",
)
PREPARED = RECIPE[:2]
BLOCK = 2**20  # bytes
CONTRACT = "plumbline/contract.py"
ISOLATED = ("-I", "-m", "dvc")  # dvc.py or yaml.py of a worktree is not imported in place of the library
DVC = (sys.executable, *ISOLATED)
MAX_OUTPUT = 2000  # characters of a failed command
FIX = "Commit the fix: a review runs what is in git; of docs/ or tests/ only what a stage of the recipe has in its deps"


class ContractError(SideError):
    """The package of a side has another contract than this review."""


class NoDataError(SideError):
    """The source of a side is behind a pointer of DVC, and neither in the cache nor in a remote that can be read."""


@dataclass(frozen=True)
class Side(Commit):
    """A commit in a worktree.

    Attributes
    ----------
    data_from : Side or None
        Whose source it reads instead of its own; that side is prepared.
    """

    data_from: "Side | None" = None

    @property
    def folder(self) -> Path:
        """The worktree."""
        suffix = f"-on-{self.data_from.commit[:12]}" if self.data_from else ""
        return worktree_path(self.commit, suffix)

    @property
    def schema(self) -> Schema:
        """The schema that ingest wrote in the worktree."""
        return Schema.loads((self.folder / paths.SCHEMA).read_text(encoding="utf-8"))

    @property
    def is_prepared(self) -> bool:
        """Whether ingest and featurize have run."""
        return self._mark.exists()

    @property
    def _mark(self) -> Path:
        return self.folder / ".ready"

    def prepare(self, template: "Side | None" = None) -> None:
        """Run ingest and featurize in the worktree, once.

        Parameters
        ----------
        template : Side, optional
            A side that is prepared: its outputs are copied where nothing that they depend on differs.

        Raises
        ------
        SideError
            Where a stage does not run, or the commit is older than the contract of a review.
        NoDataError
            Where the source cannot be had.
        """
        self.check_out()
        if not (self.machinery / CONTRACT).is_file():
            problem = f"has no {CONTRACT}, which a review calls: the commit is older than that file"
            raise SideError(self, problem, hint="Compare with a newer commit")
        if self.is_prepared:
            return
        self.run([self.python, "-m", "plumbline", "versions"])  # the commit's own file may be stale, or forged
        self._fetch_source()
        self._check_source()
        stages = (*self.source_stages, *PREPARED)
        if template and template._preparation_digest == self._preparation_digest:
            print(clean_line(f"{self.name}: {', '.join(stages)} as {template.name}"), flush=True)
            for path in chain.from_iterable(output_paths(self.stages[stage]) for stage in stages):
                copy_path(template.folder / path, self.folder / path)
        else:
            for stage in stages:
                print(clean_line(f"{self.name}: {stage}"), flush=True)
                self.run([self.python, "-m", f"src.stages.{stage}"])
        self._mark.touch()

    @property
    def _preparation_digest(self) -> str:
        """A digest of all that the outputs of ingest and featurize may depend on."""
        return self.recipe_digest(without_groups=("model",))

    @cached_property
    def table_digest(self) -> str:
        """A digest of the typed table that ingest wrote, with its schema: the side is prepared."""
        digest = hashlib.sha256((self.folder / paths.SCHEMA).read_bytes())
        with (self.folder / paths.TABLE).open("rb") as file:
            for block in iter(partial(file.read, BLOCK), b""):
                digest.update(block)
        return digest.hexdigest()[:16]

    def check_out(self) -> None:
        """Make the worktree, with nothing that does not count for the recipe; nothing has run in it yet."""
        check_out(self.bare_commit, self.folder, outputs=self._outputs)
        for path in map(Path, self._outputs):  # as DVC does before it runs a stage
            if not path.is_absolute() and ".." not in path.parts:
                (self.folder / path).parent.mkdir(parents=True, exist_ok=True)

    @property
    def _outputs(self) -> list[str]:
        """What a run writes in the worktree, as far as dvc.yaml can be read."""
        names = [paths.VERSIONS, paths.SCHEMA, "metrics", "dvc.lock"]
        names += [str(self.params_or_none.get("data.source"))] if self.data_from else []
        try:
            return [*names, *chain.from_iterable(map(output_paths, self.stages.values()))]
        except SideError:
            return names

    @cached_property
    def machinery(self) -> Path:
        """The folder whose subfolder plumbline/ is the package of this commit, which is checked out.

        It is the worktree where it has that folder. Else it is a temporary one, with the wheel that the lock of the
        commit names, and whose hash that lock has.

        Raises
        ------
        SideError
            Where there is none.
        """
        try:
            return find_source(self.folder.absolute())
        except (PlumblineError, OSError) as error:
            raise self.machinery_error(error) from None

    def review_digest(self) -> str:
        """Return a digest of JUDGES, the code with which this commit reviews and measures."""
        digest = hashlib.sha256()
        for name in JUDGES:
            path = (self.folder if name.startswith("src/") else self.machinery) / name
            for file in sorted(path.rglob("*.*") if path.is_dir() else [path]):
                if file.is_file() and file.suffix != ".pyc":
                    digest.update(f"{name} {file.name}\n".encode() + file.read_bytes().replace(b"\r\n", b"\n"))
        return digest.hexdigest()

    @cached_property
    def python(self) -> str:
        """The interpreter with the libraries of the commit's lock: this one, the project's, or one made for it."""
        if python := find_interpreter(list_libraries(git("show", f"{self.commit}:{LOCK}", strict=False))):
            return python
        side = Side(self.name, self.commit)  # all worktrees of a commit share its environment
        side.check_out()
        if not (side.folder / VENV).exists():
            print(f"{self.name}: {LOCK} has other libraries; creating a separate environment", flush=True)
        side.run([PLAIN, "-P", "-m", "src.environment"])
        return str((side.folder / VENV / INSIDE).absolute())

    def _fetch_source(self) -> None:
        source = self.source
        if self.data_from:
            copy_path(self.data_from.folder / self.data_from.source, self.folder / source)
            return
        own_pointer, pointer = (folder / f"{source}.dvc" for folder in (Path(), self.folder))
        if not pointer.exists():
            return
        is_same = own_pointer.exists() and own_pointer.read_bytes() == pointer.read_bytes()
        if is_same and source.exists() and _is_source_of(pointer, source):  # head may have another one in git
            copy_path(source, self.folder / source)
            return
        self.share_cache()
        try:
            self.run([*DVC, "pull", str(pointer.relative_to(self.folder))])
        except SideError:
            problem = f"has no data here: {source} is neither in the cache nor in a remote"
            hint = "Run dvc pull, or run CI where the data is (plumbline docs ci)"
            raise NoDataError(self, problem, hint=hint) from None

    def _check_source(self) -> None:
        """Refuse a source that is not what its pointer says: DVC does not check the files that its cache has."""
        path = self.folder / self.source
        pointer = path.with_name(f"{path.name}.dvc")
        if self.data_from or not pointer.exists():
            return
        if not _is_source_of(pointer, path):
            problem = f"has another {self.source} here than its pointer {pointer.name} says"
            raise SideError(self, problem, hint=f"Delete it here and in DVC's cache, then dvc pull {self.source}.dvc")

    def share_cache(self) -> None:
        """Let the worktree use the project's cache, by a relative path since DVC writes its settings in ASCII."""
        try:
            path = os.path.relpath(remote.cache_folder(), self.folder)
        except ValueError:  # another drive on Windows
            path = str(remote.cache_folder())
        self.run([*DVC, "cache", "dir", "--local", path])

    def run(self, command: list[str]) -> str:
        """Run a program in the worktree and return what it printed.

        Raises
        ------
        SideError
            With the last line of a program that failed.
        """
        process = run(command, cwd=self.folder, env=self.environment())
        if process.returncode:
            lines = (process.stderr.strip() or process.stdout.strip())[-MAX_OUTPUT:].splitlines()
            last = [line for line in lines if line.startswith("ERROR: ")][-1:] or lines[-1:]
            line = last[0].removeprefix("ERROR: ").partition(RESTORE)[0] if last else " ".join(command)
            raise SideError(self, f"does not run: {line}", hint=FIX)
        return process.stdout

    def environment(self) -> dict[str, str]:
        """Return environment variables with which Python imports from package and worktree, not from this folder."""
        folders = dict.fromkeys(map(str, (self.machinery, self.folder.absolute())))
        return {**os.environ, "PYTHONPATH": os.pathsep.join(folders), "PYTHONDONTWRITEBYTECODE": "1"}


def _is_source_of(pointer: Path, source: Path) -> bool:
    """Whether a source is what its pointer says; one without a hash says nothing."""
    outs = read_mapping(str(pointer)).get("outs") or []
    hashes = [out.get("md5") for out in outs if isinstance(out, dict)]
    return hashes[:1] == [None] or hash_output(source) in hashes


class PristineSide(Side):
    """A worktree in which no stage has run, with the project's settings and cache of DVC."""

    @property
    def folder(self) -> Path:
        """The worktree, apart from the one in which stages run."""
        return worktree_path(self.commit, "-untouched")

    def check_out(self) -> None:
        """Make the worktree as the commit has it."""
        check_out(self.commit, self.folder, outputs=self._outputs)
        self.run(["git", "reset", "--quiet", "--hard"])
        if (local := Path(".dvc/config.local")).exists():
            shutil.copyfile(local, self.folder / local)
        self.share_cache()


def find_merge_base(revision: str) -> Side:
    """Return the merge base of HEAD and a revision.

    Raises
    ------
    PlumblineError
        Where there is none, or several: each of two branches was merged into the other, and what the pull request
        changes depends on which of them is taken.
    """
    commits = git("merge-base", "--all", "HEAD", revision, strict=False).split()
    if len(commits) > 1:
        problem = f"{revision} and HEAD have {len(commits)} merge bases, since each was merged into the other"
        raise PlumblineError(problem, hint=f"Merge it first, then review: git merge {revision}")
    if not commits:
        raise PlumblineError(
            f"{revision}: no commit of this name has a common ancestor with HEAD here",
            hint="Name another, make review BASE=HEAD~1, or fetch more history: git fetch --unshallow",
        )
    return Side("base", commits[0])

"""Two commits side by side: each in a worktree of its own, and what its recipe depends on, told without running it."""

import hashlib
import json
import os
import shutil
import sys
import tomllib
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from plumbline import paths
from plumbline.errors import PlumblineError
from plumbline.lock import LOCK
from plumbline.pipeline.stage import RESTORE
from plumbline.process import git, run
from plumbline.reproducibility import remote
from plumbline.reproducibility.dvc_files import lookup, malformed_part, param_keys
from plumbline.strictyaml import StrictLoader
from plumbline.versions import PACKAGE, Sources

FOLDER = Path(".review")  # ignored by git
# What a review is made of, first the two without which there is none.
JUDGES = ("plumbline/commands/review.py", "plumbline/review", "plumbline/contract.py", "plumbline/evaluation",
          "plumbline/metrics.py", "plumbline/columns.py", "plumbline/training/folds.py",
          "plumbline/pipeline/evaluate.py", "src/stages/evaluate.py")  # fmt: skip
RECIPE = ("ingest", "featurize", "train")
PREPARED = RECIPE[:2]
CONTRACT = "plumbline/contract.py"
LAST = 2000  # characters of a failed command


class Failed(PlumblineError):
    """A side that does not run, or cannot predict; `side` is its name."""

    def __init__(self, side: "Side", why: str) -> None:
        super().__init__(f"{side.name} ({side.commit[:9]}) {why}")
        self.side = side.name


class OtherContract(Failed):
    """A side that a review of this version cannot ask."""


class NoData(Failed):
    """A side whose source lies behind a pointer and is neither in the cache nor in a remote that we may read."""


@dataclass(frozen=True)
class Side:
    """A commit; name: base or head, for people; data_of: where the source is another side's, which is prepared."""

    name: str
    commit: str
    data_of: "Side | None" = None

    @property
    def folder(self) -> Path:
        mixed = f"-on-{self.data_of.commit[:12]}" if self.data_of else ""
        return FOLDER / "worktrees" / f"{self.commit[:12]}{mixed}"

    @property
    def source(self) -> Path:
        return Path(str(self.params["data.source"]))

    @cached_property
    def pipeline(self) -> dict[str, Any]:
        return self._yaml("dvc.yaml")

    @property
    def stages(self) -> dict[str, dict[str, Any]]:
        return self.pipeline.get("stages", {})

    @property
    def before(self) -> list[str]:
        """Stages of one's own that make what ingest reads, in the order of a run (docs/more-than-one-table.md)."""
        found: list[str] = []
        seen = {*RECIPE, "evaluate", "package", *(n for n, one in self.stages.items() if _makes_versions(one))}

        def visit(path: PurePosixPath) -> None:
            for name, stage in self.stages.items():
                if name not in seen and any(path.is_relative_to(out) for out in _paths(stage.get("outs", []))):
                    seen.add(name)
                    for dep in stage.get("deps", []):
                        visit(PurePosixPath(dep))
                    found.append(name)

        visit(PurePosixPath(str(self.params.get("data.source"))))
        return found

    @cached_property
    def _groups(self) -> dict[str, Any]:
        return self._yaml(paths.PARAMS)

    @cached_property
    def params(self) -> dict[str, Any]:
        """The file as it stands, {"group.key": value}; what is absent has its default."""
        groups = {group: keys for group, keys in self._groups.items() if isinstance(keys, dict)}
        return {f"{group}.{key}": value for group, keys in groups.items() for key, value in keys.items()}

    @property
    def stated(self) -> dict[str, Any]:
        """The same; nothing where the file cannot be read."""
        try:
            return self.params
        except Failed:
            return {}

    def _yaml(self, path: str) -> dict[str, dict[str, Any]]:
        try:
            loader = StrictLoader if path == paths.PARAMS else yaml.SafeLoader  # DVC takes an alias, we do not
            content = yaml.load(git("show", f"{self.commit}:{path}"), loader)  # noqa: S506, both are safe
        except PlumblineError:
            raise Failed(self, f"has no {path}") from None
        except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: a date that no calendar has
            line = getattr(getattr(error, "problem_mark", None), "line", 0) + 1
            problem = getattr(error, "problem", None) or "nested too deep, or a date that is none"
            raise Failed(self, f"has a {path} that cannot be read, line {line}: {problem}") from None
        if not isinstance(content, dict):
            raise Failed(self, f"has a {path} without keys")
        if path != paths.PARAMS and (wrong := malformed_part(content)):
            raise Failed(self, f"has a {path} that DVC refuses, at stages, {wrong}")
        return content

    @cached_property
    def broken(self) -> str | None:
        """Why there is no recipe to read, if so."""
        try:
            self.recipe(*RECIPE)
        except Failed as error:
            return str(error)
        return None

    def recipe(self, *stages: str) -> str:
        """A digest of all that the outputs of these stages depend on: code, params, commands, source, versions."""
        if absent := [name for name in stages if name not in self.stages]:
            raise Failed(self, f"has no stage {absent[0]} in dvc.yaml")
        asked = {name: self.stages[name] for name in (*self.before, *stages)}
        made = set(chain.from_iterable(_paths(stage.get("outs", [])) for stage in self.stages.values()))
        if "data.source" not in self.params:
            raise Failed(self, f"has no data.source in {paths.PARAMS}")
        source = self.source.as_posix()
        inputs = {
            path.replace("${data.source}", source) for stage in asked.values() for path in stage.get("deps", [])
        } - made
        content = {
            "cmd": [stage["cmd"] for stage in asked.values()],
            "deps": {path: self._object(path) for path in sorted(inputs)},
            "params": self._values([param_keys(stage) for stage in asked.values()]),
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:16]

    def _values(self, asked: list[dict[str, list[str] | None]]) -> dict[str, Any]:
        """What these stages depend on in params.yaml and in other files, {"file:key": value}; a digest is made anew."""
        found: dict[str, Any] = {}
        for file, keys in (item for one in asked for item in one.items()):
            if file == paths.VERSIONS:
                found |= {f"{file}:{key}": digest(self.commit, key) for key in keys or self.stages}
            elif keys is None or file.endswith(".py"):  # what names of Python stand for, only a run would tell
                found[file] = self._object(file)
            else:
                content = self._groups if file == paths.PARAMS else self._read(file)
                found |= {f"{file}:{key}": lookup(content, key) for key in keys}
        return found

    def _read(self, file: str) -> dict[str, Any]:
        """YAML, JSON or TOML of the commit, strictly or not at all."""
        text = git("show", f"{self.commit}:{file}", strict=False)
        try:
            content = tomllib.loads(text) if file.endswith(".toml") else yaml.safe_load(text)
        except (yaml.YAMLError, ValueError, RecursionError):
            raise Failed(self, f"has a {file} that cannot be read") from None
        return content if isinstance(content, dict) else {}

    def _object(self, path: str) -> str:
        """git's name of what is there: of the path, or of the pointer beside it."""
        if self.data_of and path == self.source.as_posix():
            return self.data_of._object(self.data_of.source.as_posix())
        for each in (path, f"{path}.dvc"):
            if found := git("rev-parse", "--verify", "-q", f"{self.commit}:{each}", strict=False):
                return found.strip()
        return "absent"

    @property
    def ready(self) -> bool:
        return (self.folder / ".ready").exists()

    def prepare(self, like: "Side | None" = None) -> None:
        """A worktree in which ingest and featurize have run; one that is there already is used again.

        like: a side that is prepared, whose results are taken over where nothing that they depend on differs.
        """
        if self._object(CONTRACT) == "absent":
            raise Failed(self, f"has no {CONTRACT}, by which a review asks a commit: it is from before there was one")
        if self.ready:
            return
        self.bring()
        self.run([self.python, "-m", "plumbline", "versions"])  # the commit's own may be stale, or forged
        self._bring_source()
        stages = (*self.before, *PREPARED)
        if like and like.recipe(*PREPARED) == self.recipe(*PREPARED):
            print(f"{self.name}: {', '.join(stages)} as {like.name}", flush=True)
            for out in chain.from_iterable(_paths(self.stages[name].get("outs", [])) for name in stages):
                _copy(like.folder / out, self.folder / out)
        else:
            for name in stages:
                print(f"{self.name}: {name}", flush=True)
                self.run([self.python, "-m", f"src.stages.{name}"])
        (self.folder / ".ready").touch()

    def bring(self) -> None:
        """The worktree, with nothing made in it yet."""
        whole = self.folder.with_suffix(".whole")  # beside it: git may have been stopped in the midst of it
        if not (whole.exists() and (self.folder / ".git").exists()):
            shutil.rmtree(self.folder, ignore_errors=True)
            git("worktree", "prune")
            git("worktree", "add", "--force", "--force", "--quiet", "--detach", str(self.folder), self.commit)
            whole.touch()

    @cached_property
    def python(self) -> str:
        """This one's, or where the lock differs that of an environment of its own."""
        if git("rev-parse", f"{self.commit}:requirements.lock") == git("rev-parse", "HEAD:requirements.lock"):
            return sys.executable
        print(f"{self.name}: has another lock, and so an environment of its own", flush=True)
        self.run([sys.executable, "-m", "src.environment"])
        return str((self.folder / (".venv/Scripts/python.exe" if os.name == "nt" else ".venv/bin/python")).absolute())

    def _bring_source(self) -> None:
        source = self.source
        if self.data_of:
            _copy(self.data_of.folder / self.data_of.source, self.folder / source)
            return
        here, pointer = (folder / f"{source}.dvc" for folder in (Path(), self.folder))
        if not pointer.exists():
            return
        if here.exists() and here.read_bytes() == pointer.read_bytes() and source.exists():
            _copy(source, self.folder / source)
            return
        dvc = [sys.executable, "-m", "dvc"]
        self.share_cache()
        try:
            self.run([*dvc, "pull", str(pointer.relative_to(self.folder))])
        except Failed:
            raise NoData(self, f"has no data here: {source} is neither in the cache nor in a remote") from None

    def share_cache(self) -> None:
        """The project's cache is that of the worktree, too; by a relative path, since DVC writes ASCII alone."""
        try:
            path = os.path.relpath(remote.cache_folder(), self.folder)
        except ValueError:  # another drive on Windows
            path = str(remote.cache_folder())
        self.run([sys.executable, "-m", "dvc", "cache", "dir", "--local", path])

    def run(self, command: list[str]) -> str:
        ran = run(command, cwd=self.folder, env=self.environment())
        if ran.returncode:
            said = (ran.stderr.strip() or ran.stdout.strip())[-LAST:].splitlines()
            last = [line for line in said if line.startswith("ERROR: ")][-1:] or said[-1:]
            line = last[0].removeprefix("ERROR: ").partition(RESTORE)[0] if last else " ".join(command)
            raise Failed(self, f"does not run: {line}")
        return ran.stdout

    def environment(self) -> dict[str, str]:
        """Imports from the worktree and from nowhere else of ours."""
        return {**os.environ, "PYTHONPATH": str(self.folder.absolute()), "PYTHONDONTWRITEBYTECODE": "1"}


@cache
def digest(commit: str, stage: str) -> str:
    """What src/versions.json ought to say of a stage at a commit: from its code, whatever stands in that file."""
    side = Side("commit", commit)
    side.bring()
    sources = Sources(side.folder)
    found = sources.stage_code(stage).digest if stage in sources.stages() else "absent"
    has_package = (side.folder / PACKAGE).is_dir()  # else what stands behind the digest is installed by the lock
    return found if has_package else f"{found} {side._object(LOCK.name)}"


def _makes_versions(stage: dict[str, Any]) -> bool:
    return paths.VERSIONS in _paths(stage.get("outs", []))


def _copy(source: Path, to: Path) -> None:
    if to.is_dir():
        shutil.rmtree(to)
    to.parent.mkdir(parents=True, exist_ok=True)
    (shutil.copytree if source.is_dir() else shutil.copyfile)(source, to)


def _paths(outs: list[Any]) -> list[str]:
    return [name for out in outs for name in ([out] if isinstance(out, str) else out)]

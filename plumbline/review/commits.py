"""What git says of a commit of the project without running it: pipeline, parameters, the digest of its recipe."""

import hashlib
import json
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from plumbline import paths
from plumbline.errors import InconclusiveError, PlumblineError
from plumbline.process import git
from plumbline.reproducibility.dvc_files import PIPELINE, lookup, malformed_part, param_keys
from plumbline.review.worktrees import check_out, worktree_path
from plumbline.strictyaml import StrictLoader
from plumbline.versions import Sources

RECIPE = ("ingest", "featurize", "train")
FIX = "Correct the file and commit it"
FIX_MACHINERY = "Commit vendor/, pyproject.toml and requirements.lock of the same version"


class SideError(InconclusiveError):
    """One side of a review does not run or cannot predict.

    Attributes
    ----------
    side : str
        The name of the side.
    """

    def __init__(self, side: "Commit", problem: str, *, hint: str) -> None:
        super().__init__(f"{side.name} ({side.commit[:9]}) {problem}", hint=hint)
        self.side = side.name


@dataclass(frozen=True)
class Commit:
    """A commit of the project.

    Attributes
    ----------
    name : str
        What people call it: base, head or the name of a release.
    commit : str
        Its hash.
    data_from : Commit or None
        Whose source it reads instead of its own.
    """

    name: str
    commit: str
    data_from: "Commit | None" = None

    @cached_property
    def pipeline(self) -> dict[str, Any]:
        """The content of dvc.yaml."""
        return self._load(PIPELINE, yaml.SafeLoader)

    @property
    def stages(self) -> dict[str, dict[str, Any]]:
        """The stages of dvc.yaml by name."""
        stages: dict[str, dict[str, Any]] = self.pipeline.get("stages", {})
        return stages

    @cached_property
    def _groups(self) -> dict[str, Any]:
        return self._load(paths.PARAMS, StrictLoader)  # DVC accepts an alias, plumbline does not

    @cached_property
    def params(self) -> dict[str, Any]:
        """params.yaml as {"group.key": value}; an absent key has its default.

        Raises
        ------
        SideError
            Where the file cannot be read.
        """
        groups = {group: keys for group, keys in self._groups.items() if isinstance(keys, dict)}
        return {f"{group}.{key}": value for group, keys in groups.items() for key, value in keys.items()}

    @property
    def params_or_none(self) -> dict[str, Any]:
        """The same as `params`; empty where the file cannot be read."""
        try:
            return self.params
        except SideError:
            return {}

    @property
    def source(self) -> Path:
        """The path of data.source."""
        return Path(str(self.params["data.source"]))

    @property
    def source_stages(self) -> list[str]:
        """The project's own stages before ingest, in the order of a run (plumbline docs more-than-one-table)."""
        order: list[str] = []
        visited = {*RECIPE, "evaluate", "package", *(n for n, stage in self.stages.items() if _writes_versions(stage))}

        def visit(path: PurePosixPath) -> None:
            for name, stage in self.stages.items():
                outs = output_paths(stage)
                if name not in visited and any(path.is_relative_to(out) for out in outs):
                    visited.add(name)
                    for dependency in stage.get("deps", []):
                        visit(PurePosixPath(dependency))
                    order.append(name)

        visit(PurePosixPath(str(self.params.get("data.source"))))
        return order

    @cached_property
    def recipe_error(self) -> str | None:
        """Why the recipe cannot be read; None where it can."""
        try:
            self.recipe_digest(*RECIPE)
        except SideError as error:
            return error.message
        return None

    def recipe_digest(self, *stages: str) -> str:
        """Return a digest of all that the outputs of these stages depend on: code, params, commands, source, versions.

        Raises
        ------
        SideError
            Where a stage, data.source or a file is missing or cannot be read.
        """
        if missing := [name for name in stages if name not in self.stages]:
            raise SideError(self, f"has no stage {missing[0]} in {PIPELINE}", hint="Add the stage and commit it")
        if "data.source" not in self.params:
            raise SideError(self, f"has no data.source in {paths.PARAMS}", hint="Add it and commit it")
        entries = [self.stages[name] for name in (*self.source_stages, *stages)]
        outputs = set(chain.from_iterable(output_paths(stage) for stage in self.stages.values()))
        source = self.source.as_posix()
        dependencies = {path.replace("${data.source}", source) for entry in entries for path in entry.get("deps", [])}
        content = {
            "cmd": [entry["cmd"] for entry in entries],
            "deps": {path: self.object_hash(path) for path in sorted(dependencies - outputs)},
            "params": dict(chain.from_iterable(self._param_values(param_keys(entry)) for entry in entries)),
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:16]

    def _param_values(self, keys_by_file: dict[str, list[str] | None]) -> Iterator[tuple[str, Any]]:
        """Yield ("file:key", value) of what a stage depends on in params.yaml and other files.

        The digests of src/versions.json are computed again, since the file may be stale or forged.
        """
        for file, keys in keys_by_file.items():
            if file == paths.VERSIONS:
                yield from ((f"{file}:{key}", self._stage_digest(key)) for key in keys or self.stages)
            elif keys is None or file.endswith(".py"):  # only a run would tell the values of Python's names
                yield file, self.object_hash(file)
            else:
                content = self._groups if file == paths.PARAMS else self._load_other(file)
                yield from ((f"{file}:{key}", lookup(content, key)) for key in keys)

    def _stage_digest(self, stage: str) -> str:
        try:
            return stage_digest(self.commit, stage)
        except (PlumblineError, OSError) as error:
            raise self.machinery_error(error) from None

    def machinery_error(self, error: Exception) -> SideError:
        """Return the error of a commit whose package plumbline cannot be found, or is not that of its lock."""
        problem = f"has no package plumbline that can run: {getattr(error, 'message', error)}"
        return SideError(self, problem, hint=FIX_MACHINERY)

    def object_hash(self, path: str) -> str:
        """Return git's hash of a path, or of the pointer of DVC next to it; "absent" where there is neither."""
        if self.data_from and path == self.source.as_posix():
            return self.data_from.object_hash(self.data_from.source.as_posix())
        for name in (path, f"{path}.dvc"):
            if object_hash := git("rev-parse", "--verify", "-q", f"{self.commit}:{name}", strict=False):
                return object_hash.strip()
        return "absent"

    def _load(self, path: str, loader: Callable[..., Any]) -> dict[str, Any]:
        """Read dvc.yaml or params.yaml."""
        try:
            content = yaml.load(git("show", f"{self.commit}:{path}"), loader)  # type: ignore[arg-type]  # noqa: S506
        except PlumblineError:
            hint = f"Restore it: git checkout BASE -- {path}"
            raise SideError(self, f"has no {path}", hint=hint) from None
        except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: a date that no calendar has
            line = getattr(getattr(error, "problem_mark", None), "line", 0) + 1
            problem = getattr(error, "problem", None) or "nested too deep, or a date that is none"
            raise SideError(self, f"has a {path} that cannot be read, line {line}: {problem}", hint=FIX) from None
        if not isinstance(content, dict):
            raise SideError(self, f"has a {path} without keys", hint=FIX)
        if path != paths.PARAMS and (problem := malformed_part(content)):
            raise SideError(self, f"has a {path} that is not valid for DVC, at {problem}", hint=FIX)
        return content

    def _load_other(self, file: str) -> dict[str, Any]:
        """Read YAML, JSON or TOML of the commit."""
        text = git("show", f"{self.commit}:{file}", strict=False)
        try:
            content = tomllib.loads(text) if file.endswith(".toml") else yaml.safe_load(text)
        except (yaml.YAMLError, ValueError, RecursionError):
            raise SideError(self, f"has a {file} that cannot be read", hint=FIX) from None
        return content if isinstance(content, dict) else {}


@cache
def stage_digest(commit: str, stage: str) -> str:
    """Return what src/versions.json ought to hold for a stage at a commit, computed from the code of that commit."""
    folder = worktree_path(commit)
    check_out(commit, folder)
    sources = Sources(folder)
    return sources.stage_code(stage).digest if stage in sources.stages() else "absent"


def output_paths(stage: dict[str, Any]) -> list[str]:
    """Return the paths of the outputs of a stage of dvc.yaml, without their flags."""
    return [name for out in stage.get("outs", []) for name in ([out] if isinstance(out, str) else out)]


def _writes_versions(stage: dict[str, Any]) -> bool:
    return paths.VERSIONS in output_paths(stage)

"""What git says of a commit of the project without running it: pipeline, parameters, the digest of its recipe."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from plumbline import paths
from plumbline.errors import InconclusiveError, PlumblineError
from plumbline.process import git
from plumbline.reproducibility.dvc_files import PIPELINE, UNSUPPORTED_KEYS, malformed_part, param_keys
from plumbline.review.bare_commit import write_bare_commit
from plumbline.review.recipe_digest import (
    Tree,
    find_links,
    hash_recipe,
    read_tree,
    select_code,
    select_groups,
    select_params,
    select_source,
)
from plumbline.strictyaml import StrictLoader

RECIPE = ("ingest", "featurize", "train")
FIX = "Correct the file and commit it"
FIX_LINK = "Put the file itself in its place and commit it; a table that is elsewhere: dvc import-url, or dvc add"
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
            self.recipe_digest()
        except SideError as error:
            return error.message
        return None

    def recipe_digest(self, *, without_groups: tuple[str, ...] = ()) -> str:
        """Return a digest of all that the predictions of this commit may depend on: see recipe_digest.py.

        Parameters
        ----------
        without_groups : tuple of str
            Groups of params.yaml that do not count.

        Raises
        ------
        SideError
            Where a stage, data.source or a file is missing or cannot be read, or is a link.
        """
        if missing := [name for name in RECIPE if name not in self.stages]:
            raise SideError(self, f"has no stage {missing[0]} in {PIPELINE}", hint="Add the stage and commit it")
        if "data.source" not in self.params:
            raise SideError(self, f"has no data.source in {paths.PARAMS}", hint="Add it and commit it")
        for name in (*self.source_stages, *RECIPE):
            if keys := [key for key in UNSUPPORTED_KEYS if key in self.stages[name]]:
                problem = f"has {keys[0]} in the stage {name} of {PIPELINE}, which a review cannot follow"
                raise SideError(self, problem, hint="Write the stage without it, as base has it")
        source = self._source_files
        code = {path: entry for path, entry in self._select_code().items() if path not in source}
        params = select_params(self._groups, self._list_dependencies(paths.PARAMS), without=without_groups)
        try:
            return hash_recipe(code, (self.data_from or self)._source_files, params)
        except (ValueError, RecursionError):
            raise SideError(self, f"has a {paths.PARAMS} with a value that no file can hold", hint=FIX) from None

    @cached_property
    def bare_commit(self) -> str:
        """A commit of git with only what `recipe_digest` is of; this commit itself where its recipe cannot be read."""
        if self.recipe_error:
            return self.commit
        names = self._tree.keys() - self._select_code().keys() - self._source_files.keys() - {paths.PARAMS}
        params = select_groups(self._groups, self._list_dependencies(paths.PARAMS))
        return write_bare_commit(self.commit, sorted(names), yaml.safe_dump(params))

    @cached_property
    def _tree(self) -> Tree:
        tree = read_tree(self.commit)
        if link := next(find_links(tree), None):
            kind, path = link
            problem = f"has a {kind} in git, {path}: what it points to may change without a change in git"
            raise SideError(self, problem, hint=FIX_LINK)
        return tree

    @cached_property
    def _source_files(self) -> Tree:
        return select_source(self._tree, self.source.as_posix())

    def _select_code(self) -> Tree:
        outputs = set(chain.from_iterable(output_paths(stage) for stage in self.stages.values()))
        names = {re.sub(r"\$\{([\w.]+)\}", self._read_variable, name) for name in self._list_dependencies()}
        return select_code(self._tree, names - outputs)

    def _read_variable(self, match: re.Match[str]) -> str:
        return str(self.params.get(match[1], match[0]))

    def _list_dependencies(self, file: str | None = None) -> set[str]:
        """Return the files that the recipe's stages say that they depend on, or their keys in a file of parameters."""
        stages = [self.stages[name] for name in (*self.source_stages, *RECIPE)]
        keys_by_file = [param_keys(stage) for stage in stages]
        if file:
            return set(chain.from_iterable(keys.get(file) or () for keys in keys_by_file))
        dependencies = [name for stage in stages for name in stage.get("deps") or ()]
        names = [*dependencies, *(self.pipeline.get("vars") or ())]
        files = chain.from_iterable([name] if isinstance(name, str) else name for name in names)
        return {*files, *chain.from_iterable(keys_by_file)} - {paths.PARAMS, paths.VERSIONS}

    def machinery_error(self, error: Exception) -> SideError:
        """Return the error of a commit whose package plumbline cannot be found, or is not that of its lock."""
        problem = f"has no package plumbline that can run: {getattr(error, 'message', error)}"
        return SideError(self, problem, hint=FIX_MACHINERY)

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


def output_paths(stage: dict[str, Any]) -> list[str]:
    """Return the paths of the outputs of a stage of dvc.yaml, without their flags."""
    return [name for out in stage.get("outs", []) for name in ([out] if isinstance(out, str) else out)]


def _writes_versions(stage: dict[str, Any]) -> bool:
    return paths.VERSIONS in output_paths(stage)

"""Run the pipeline of HEAD from nothing: in a clone, without a cache and without earlier outputs."""

import contextlib
import graphlib
import shutil
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from plumbline.errors import InconclusiveError, ProjectError
from plumbline.process import git, run
from plumbline.progress import progress
from plumbline.reproducibility import remote
from plumbline.reproducibility.circumstances import Surroundings, prepare_surroundings
from plumbline.reproducibility.dvc_files import (
    LOCK,
    PIPELINE,
    LockedStage,
    Pointer,
    Stage,
    lookup,
    read_lock,
    read_mapping,
    read_pointers,
    read_stages,
)
from plumbline.reproducibility.hashes import hash_output, hash_path
from plumbline.reproducibility.report import REPRO, VERIFY


@dataclass(frozen=True)
class Run:
    """What one run left.

    Attributes
    ----------
    folder : Path
        Where its outputs are.
    hashes : dict
        The hash of each output that it made, by path.
    failures : dict
        By stage, why it failed.
    seconds : int
    """

    folder: Path
    hashes: dict[str, str]
    failures: dict[str, str]
    seconds: int


class CommittedPipeline:
    """The stages of HEAD, and the hashes of their outputs in its dvc.lock.

    Parameters
    ----------
    root : Path
        An empty folder for the clones and what the runs make.

    Attributes
    ----------
    commit : str
    stages : dict of str to Stage
    locked_hashes : dict of str to str
        The hash of each output in dvc.lock, by path.
    metric_files : list of str
        The files under metrics: in dvc.yaml.
    show_values : bool
        Whether the project allows to show values of rows.

    Raises
    ------
    DvcFileError
        If dvc.yaml, dvc.lock or a .dvc file of HEAD is missing or malformed.
    ProjectError
        If they contradict each other, or HEAD has no complete run.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self.commit = git("rev-parse", "HEAD", strict=False).strip()
        self._clone(root / "head")
        with contextlib.chdir(self.head):
            self.stages, self._pointers = read_stages(), read_pointers()
            lock = read_lock()
            metrics = read_mapping(PIPELINE).get("metrics") or []
            self.metric_files = [path for path in metrics if isinstance(path, str)]
            self.show_values = bool(lookup(read_mapping("params.yaml"), "data.show_values", False))
            _check_stages(self.stages, lock)
        self.locked_hashes = {path: digest for entry in lock.values() for path, digest in entry.outputs.items()}

    @property
    def head(self) -> Path:
        """The project in a clone of HEAD, in which nothing runs."""
        return self._project(self._root / "head")

    @cached_property
    def order(self) -> list[str]:
        """The names of the stages, each after those whose outputs it reads."""
        producers = {path: name for name, stage in self.stages.items() for path in stage.outputs}
        graph = {
            name: [producers[path] for path in stage.dependencies if path in producers]
            for name, stage in self.stages.items()
        }
        return list(graphlib.TopologicalSorter(graph).static_order())

    def run(self, label: str, changes: Collection[str]) -> Run:
        """Run all stages.

        Parameters
        ----------
        label : str
            For messages and the name of a folder.
        changes : collection of str
            The circumstances that are changed.
        """
        surroundings, start, failures = prepare_surroundings(self._root, changes), time.monotonic(), {}
        self._clone(surroundings.folder)
        project, results = self._project(surroundings.folder), self._root / "results" / label
        self._prepare_files(project)
        with progress(f"replay, {label}", len(self.order)) as advance:
            for name in self.order:
                print(f"replay, {label}: {name}", flush=True)
                if reason := _run_stage(self.stages[name], project, surroundings):
                    failures[name] = reason
                advance(note=name)
        hashes = self._move_outputs(project, results)
        shutil.rmtree(surroundings.folder)
        return Run(results, hashes, failures, round(time.monotonic() - start))

    def find_content(self, path: str, digest: str) -> Path | None:
        """Return where the content with a hash is, in the working tree or DVC's cache; None where it is in neither."""
        if hash_path(path) == digest:
            return Path(path)
        file = remote.cache_path(digest)
        return file if file.is_file() and not digest.endswith(".dir") else None

    def _project(self, clone: Path) -> Path:
        """The project in a clone: it may lie below the top of the repository."""
        return clone / git("rev-parse", "--show-prefix", strict=False).strip()

    def _clone(self, folder: Path) -> None:
        top = git("rev-parse", "--show-toplevel", strict=False).strip()
        git("clone", "-q", top, folder)

    def _prepare_files(self, folder: Path) -> None:
        """Copy the files that .dvc files point to, and remove all outputs of stages."""
        dependencies = {path for stage in self.stages.values() for path in stage.dependencies}
        for path, pointer in self._pointers.items():
            if any(name == path or name.startswith(path + "/") for name in dependencies):
                self._copy_content(path, pointer, folder)
        for output in [folder / path for stage in self.stages.values() for path in stage.outputs]:
            shutil.rmtree(output, ignore_errors=True)
            output.unlink(missing_ok=True)
            output.parent.mkdir(parents=True, exist_ok=True)

    def _copy_content(self, path: str, pointer: Pointer, folder: Path) -> None:
        content = self.find_content(path, pointer.hash)
        if content is None:
            raise InconclusiveError(f"{path}: what {pointer.file} points to is not here", hint=f"Run dvc pull {path}")
        (shutil.copytree if content.is_dir() else shutil.copyfile)(content, folder / path)

    def _move_outputs(self, project: Path, folder: Path) -> dict[str, str]:
        """Keep the outputs of a run; their hashes by path."""
        hashes = {}
        for path in [path for path in self.locked_hashes if (project / path).exists()]:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.move(project / path, folder / path)
            hashes[path] = hash_output(folder / path)
        return hashes


def _check_stages(stages: Mapping[str, Stage], lock: Mapping[str, LockedStage]) -> None:
    for name, stage in stages.items():
        if stage.unsupported_keys:
            message = f"{PIPELINE}: {name} uses {stage.unsupported_keys[0]}, which replay does not run"
            raise ProjectError(message, hint="Write the stage without it")
        hashes = lock.get(name, LockedStage()).outputs
        if missing_paths := stage.outputs.keys() - hashes.keys():
            message = f"{LOCK}: has no hash of {min(missing_paths)}, expected the whole run in HEAD"
            raise ProjectError(message, hint=f"Run {REPRO}, then commit")
        for path in [path for path, output in stage.outputs.items() if not output.is_cached]:
            if hash_path(path) != hashes[path]:
                raise ProjectError(
                    f"{path}: the version in HEAD does not have the hash in {LOCK}", hint=f"Find out why: {VERIFY}"
                )


def _run_stage(stage: Stage, folder: Path, surroundings: Surroundings) -> str:
    """Run the commands of a stage; return why it failed, "" where it did not.

    After a stage that failed the others run, as far as they can, so that only those that depend on it fail, too.
    """
    if missing_paths := [path for path in stage.dependencies if not (folder / path).exists()]:
        return f"{stage.name} lacks {missing_paths[0]}"
    for command in stage.command if isinstance(stage.command, list) else [stage.command]:
        result = run(command, cwd=folder, env=surroundings.environment, umask=surroundings.umask)
        if result.returncode:
            last_line = (result.stderr.strip() or result.stdout.strip() or command).splitlines()[-1]
            return f"{stage.name} fails ({last_line.removeprefix('ERROR: ')[:300]})"
    return ""

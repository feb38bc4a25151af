"""Read dvc.yaml, and what the code of its stages imports and reads, so that a test can compare them."""

import importlib
from dataclasses import dataclass
from itertools import chain
from typing import Any

import yaml

from plumbline import paths, versions
from plumbline.testing.projects import ROOT, import_stage

VERSIONS = "versions"  # the first stage, in a project that has the source of the package


@dataclass(frozen=True)
class Stage:
    """A stage of dvc.yaml.

    Attributes
    ----------
    outs : dict
        The flags of each output, by its path.
    """

    cmd: str
    desc: str
    deps: set[str]
    params: list[Any]
    outs: dict[str, dict[str, bool]]

    @property
    def code(self) -> set[str]:
        """The Python files among the dependencies, those of folders among them."""
        return {name for name in self.deps if name.endswith(".py")}


def read_stages() -> dict[str, Stage]:
    """Return the stages of dvc.yaml, by name and in their order."""
    content = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    return {name: _parse_stage(stage) for name, stage in content.items()}


def _parse_stage(stage: dict[str, Any]) -> Stage:
    outs = dict(chain.from_iterable(o.items() if isinstance(o, dict) else [(o, {})] for o in stage.get("outs", [])))
    deps = set(map(str, stage.get("deps", [])))
    for folder in {name for name in deps if name.startswith("src") and (ROOT / name).is_dir()}:
        deps |= {path.relative_to(ROOT).as_posix() for path in (ROOT / folder).glob("*.py")}
    return Stage(stage["cmd"], stage.get("desc", ""), deps, stage.get("params", []), outs)


def is_reviewed(out: str) -> bool:
    """Return whether an output is in git, where people review it."""
    return out.startswith("metrics/") or out in (paths.SCHEMA, paths.VERSIONS)


def list_imports(name: str) -> set[str]:
    """Return the files of src/ that a stage imports, directly or not, and its own; those of all stages for VERSIONS."""
    stages = set(read_stages()) - {VERSIONS} if name == VERSIONS else {name}
    files, _ = versions.Sources(ROOT).closure(*(f"{versions.STAGES}/{stage}.py" for stage in stages))
    return {file for file in files if file.startswith("src/")}


def list_params(name: str) -> list[Any]:
    """Return the parameters that a stage reads, in the form of dvc.yaml."""
    if name == VERSIONS:
        return [*versions.MODULE_PARAMS.values()]
    machinery = importlib.import_module(f"plumbline.pipeline.{name}")
    project = [f"project.{key}" for key in getattr(machinery, "PROJECT", ())]
    return [*import_stage(name).PARAMS, *([{paths.PROJECT: project}] if project else []), {paths.VERSIONS: [name]}]

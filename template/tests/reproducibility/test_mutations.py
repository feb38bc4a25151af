"""hermetic finds each thing that dvc.yaml, or a digest, has too little or dvc.yaml too much; and nothing else."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from dvc.repo import Repo

from plumbline import keys, versions
from plumbline.reproducibility.hermetic import hermetic
from plumbline.reproducibility.param_traps import set_traps
from plumbline.testing.projects import ROOT, STAGES, environment
from plumbline.versions import Sources, StageCode
from template.tests.reproducibility.conftest import FIRST

PIPELINE = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))
ADDED = {"deps": "plumbline/review/post.py", "params": "review.folds", "outs": "metrics/nothing.json"}
KINDS = {
    "deps": ("undeclared file", "unread dependency"),
    "params": ("undeclared parameter", "unread parameter"),
    "outs": ("undeclared output", "unwritten output"),
}
PINNED = {"split.salt", "data/table.parquet", "src/features.py", "data/features.parquet"}
PINNED |= {"src/versions.json:featurize", *ADDED.values()}
BEHIND = [(stage, file) for stage in STAGES for file in Sources(ROOT).stage_code(stage).files]
FEW = [("featurize", f"plumbline/{name}.py") for name in ("leakage/purity", "data/__init__", "versions")]


def parts(stage: str, part: str) -> Iterator[str]:
    """What dvc.yaml lists, by name; a parameter of another file as file:key."""
    for item in PIPELINE["stages"][stage][part]:
        if part == "params" and isinstance(item, dict):
            yield from (f"{file}:{key}" for file, keys in item.items() for key in keys)
        else:
            yield from item if isinstance(item, dict) else [item]


def mutate_pipeline(stage: str, part: str, name: str) -> dict[str, Any]:
    """dvc.yaml without this, or with it where it was not."""
    content = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))
    items = content["stages"][stage][part]
    if name == ADDED[part]:
        items.append(name)
    elif ":" in name:
        file, _, key = name.partition(":")
        next(item for item in items if isinstance(item, dict) and file in item)[file].remove(key)
    else:
        content["stages"][stage][part] = [
            item for item in items if name != item and not (isinstance(item, dict) and name in item)
        ]
    return content


def is_fast(stage: str, part: str, name: str) -> bool:
    return (stage == "featurize" and name in PINNED) or (stage, name) == ("train", "data/features.parquet")


def is_plain(stage: str, name: str) -> bool:
    """Not a folder without which the stage that writes the digests lacks more than can be found one by one."""
    return stage != FIRST or name not in ("plumbline", "src/stages", "src/versions.json", ADDED["deps"])


MUTATIONS = [
    (stage, part, name)
    for stage in (FIRST, *STAGES)
    for part in ADDED
    for name in [*parts(stage, part), ADDED[part]]
    if is_plain(stage, name)
]
SAMPLE = [mutation for mutation in MUTATIONS if is_fast(*mutation)]


def test_there_are_enough_mutations() -> None:
    assert len(MUTATIONS) + len(BEHIND) > 250 and {*FEW} < {*BEHIND}


@pytest.mark.parametrize(
    "stage",
    [FIRST, *(pytest.param(name, marks=[pytest.mark.slow] * (name not in STAGES[1:3])) for name in STAGES)],
)
def test_the_real_dvc_yaml_is_hermetic(stage: str, at: Callable[[str], Path]) -> None:
    shutil.copyfile(ROOT / "dvc.yaml", at(stage) / "dvc.yaml")
    report = hermetic([stage])
    assert (report.exit_code, report.findings) == (0, []), report.lines()
    assert report.stages[stage].runs == 1


@pytest.mark.parametrize(("stage", "part", "name"), SAMPLE)
def test_a_sample_of_the_mutations(stage: str, part: str, name: str, at: Callable[[str], Path]) -> None:
    finds_exactly(stage, part, name, at)


@pytest.mark.slow
@pytest.mark.parametrize(("stage", "part", "name"), [mutation for mutation in MUTATIONS if mutation not in SAMPLE])
def test_every_other_mutation(stage: str, part: str, name: str, at: Callable[[str], Path]) -> None:
    """Many minutes: nightly."""
    finds_exactly(stage, part, name, at)


@pytest.mark.parametrize(("stage", "file"), FEW)
def test_a_sample_of_what_the_digest_may_lack(stage: str, file: str, at: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    a_digest_without_it_is_found(stage, file, at, monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize(("stage", "file"), [pair for pair in BEHIND if pair not in FEW])
def test_every_other_mutation_of_the_digest(
    stage: str, file: str, at: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many minutes: nightly."""
    a_digest_without_it_is_found(stage, file, at, monkeypatch)


def a_digest_without_it_is_found(stage: str, file: str, at: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stage runs on the whole digest, as it is; hermetic reads one that lacks a file."""
    at(stage)
    whole = Sources.stage_code

    def behind(self: Sources, name: str) -> StageCode:
        code = whole(self, name)
        files = {path: digest for path, digest in code.files.items() if path != file}
        return StageCode(files, code.libraries)

    monkeypatch.setattr(Sources, "stage_code", behind)
    report = hermetic([stage])
    (finding,) = report.findings
    assert (finding.kind, finding.message, report.exit_code) == ("undeclared file", f"{stage}: {file}", 1)
    if file.endswith(".py"):
        place = f"import it by its name in a module that {stage} imports, then"
        assert finding.hint.startswith(f"{place} python -m plumbline versions (dvc.yaml, line ")


@pytest.fixture
def elsewhere(at: Callable[[str], Path]) -> Iterator[None]:
    """model.estimator names a library that no stage uses otherwise; its digest is of that library, too."""
    path = at("train") / "params.yaml"
    text = path.read_text(encoding="utf-8")
    content = yaml.safe_load(text)
    content["model"]["estimator"] = "rich.table.Table"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    versions.write()
    assert "rich" in Sources().stage_code("evaluate").libraries
    yield
    path.write_text(text, encoding="utf-8")
    versions.write()


@pytest.mark.usefixtures("elsewhere")
def test_a_parameter_of_which_the_digest_is_may_be_used_for_nothing_else() -> None:
    """Its trap is of the same library, so the digest is the same, and a stage that uses it shows itself."""
    before, cut = Sources().stage_code("evaluate"), set_traps("params.yaml", ["model.estimator"])
    assert yaml.safe_load(cut)["model"]["estimator"] == ["rich.undeclared parameter params.yaml:model.estimator"]
    Path("params.yaml").write_text(cut, encoding="utf-8")
    assert Sources().stage_code("evaluate") == before


@pytest.mark.slow
def test_a_stage_is_hermetic_whose_digest_is_of_a_parameter(at: Callable[[str], Path], request: Any) -> None:
    at("evaluate")
    request.getfixturevalue("elsewhere")
    report = hermetic(["evaluate"])
    assert (report.findings, report.stages["evaluate"].runs) == ([], 1), report.lines()


def finds_exactly(stage: str, part: str, name: str, at: Callable[[str], Path]) -> None:
    folder = at(stage)
    (folder / "dvc.yaml").write_text(yaml.safe_dump(mutate_pipeline(stage, part, name)), encoding="utf-8")
    report = hermetic([stage])
    shutil.copyfile(ROOT / "dvc.yaml", folder / "dvc.yaml")
    findings = {(finding.kind, finding.message) for finding in report.findings}
    name = name.replace("${data.source}", "data/source/table.csv")
    files = [path for path in (folder / name).rglob("*") if path.is_file() and path.suffix != ".pyc"]
    missing = {path.relative_to(folder).as_posix() for path in files} or {name}
    missing -= {{"ingest": "expectations/behaviour.yaml", "evaluate": "expectations/table.json"}.get(stage)}
    kind = KINDS[part][name == ADDED[part]]
    assert findings == {(kind, f"{stage}: {file}") for file in missing}, report.lines()
    assert report.exit_code == 1


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("stage", ["featurize", "package"])
def test_dvc_runs_again_what_was_read_and_nothing_else(stage: str, at: Callable[[str], Path]) -> None:
    """Each thing that the stage read makes it stale when it changes, and nothing else does."""
    folder = at(stage)
    shutil.copyfile(ROOT / "dvc.yaml", folder / "dvc.yaml")
    report = hermetic([stage]).stages[stage]
    Path("dvc.lock").unlink()  # no stage in it is whole
    for command in (["init", "-q", "-f"], ["commit", "-q", "-f", stage]):
        subprocess.run([sys.executable, "-m", "dvc", *command], check=True, env=environment(DVC_NO_ANALYTICS="1"))
    git_files = subprocess.run(["git", "ls-files", "-z"], capture_output=True, check=True).stdout.decode().split("\0")
    by_key = {"params.yaml", "pyproject.toml", "src/versions.json"}
    inputs = {*report.inputs} - by_key - {"requirements.lock", "plumbline/__init__.py"}
    unread_files = [name for name in git_files if name and name not in inputs | by_key and name != "dvc.yaml"]
    assert len(inputs) > 14 and len(unread_files) > 14
    for name in [*sorted(inputs)[::3], *sorted(unread_files)[::5]]:
        with edit_file(name, lambda content: content + b"\n"):
            assert is_stale(stage) == (name in inputs), name
    for library, is_used in (("numpy", True), ("zc-lockfile", False)):
        pin = f"\n{library}==".encode()
        with edit_file("requirements.lock", lambda content, pin=pin: content.replace(pin, pin + b"9")):
            assert is_stale(stage) == is_used, library
    text = Path("params.yaml").read_text(encoding="utf-8")
    for key in [*keys.KEYS][::4]:
        group, name = key.split(".")
        content = yaml.safe_load(text)
        content[group][name] = "changed"
        Path("params.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
        assert is_stale(stage) == (f"params.yaml:{key}" in report.params), key
    Path("params.yaml").write_text(text, encoding="utf-8")
    shutil.rmtree(".dvc")


@contextmanager
def edit_file(name: str, edit: Callable[[bytes], bytes]) -> Iterator[None]:
    """Another content of a file, and the digests that fit, as the first stage writes them."""
    content = Path(name).read_bytes()
    assert edit(content) != content
    Path(name).write_bytes(edit(content))
    versions.write()
    yield
    Path(name).write_bytes(content)
    versions.write()


def is_stale(stage: str) -> bool:
    with Repo(".") as repo:
        return bool(repo.status([stage]))

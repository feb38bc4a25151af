"""The digest of a stage changes with each module and library that the stage uses, and with nothing else."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import grimp
import pytest
import yaml

from plumbline import paths, versions
from plumbline.errors import PlumblineError
from plumbline.testing.projects import ROOT, STAGES, Project, environment, make_table
from template.tests.command import run_command as command

LOADED = """
import importlib, json, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
print(json.dumps([name for name in sys.modules if name.partition(".")[0] == "plumbline"]))
"""
FITTED = {"train", "evaluate", "package"}  # the stages that make or load the model
STAGES_OF = {
    "pandas": {*STAGES},
    "pyarrow": {*STAGES},
    "numpy": {*STAGES},
    "scikit-learn": FITTED,
    "joblib": FITTED,
    "skops": FITTED,
    "great-expectations": {"ingest"},
    "time-machine": {"featurize"},
    "matplotlib": {"evaluate"},
    "jinja2": {"evaluate"},
    "hatchling": {"package"},
    "dvc": set(),
    "pytest": set(),
    "hypothesis": set(),
    "ruff": set(),
    "uv": set(),
    "import-linter": set(),
}


@pytest.fixture(scope="module")
def project_copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("versions") / "project"
    for name in ("plumbline", "src"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("requirements.lock", paths.PARAMS, "dvc.yaml"):
        shutil.copyfile(ROOT / name, folder / name)
    return folder


@pytest.fixture
def tree(project_copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of its own as working directory."""
    shutil.copytree(project_copy, tmp_path / "project")
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "project"


def changed_stages(path: Path, content: bytes, before: dict[str, str]) -> set[str]:
    """The stages whose digest changes with the content of a file, which is then as it was."""
    content_before = path.read_bytes()
    path.write_bytes(content)
    stages = {stage for stage, digest in versions.digests().items() if digest != before[stage]}
    path.write_bytes(content_before)
    return stages


def loaded_modules(stage: str) -> set[str]:
    """The modules of the package behind a stage: those that Python loads, and all that they import, by grimp."""
    deps = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"][stage]["deps"]
    names = [dep[:-3].replace("/", ".") for dep in deps if dep.endswith(".py")]
    ran = subprocess.run([sys.executable, "-c", LOADED, *names], cwd=ROOT, capture_output=True, check=True)
    modules = set(json.loads(ran.stdout))
    graph = grimp.build_graph("plumbline", cache_dir=None)
    return modules.union(*(graph.find_upstream_modules(name) for name in modules))


def module(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def test_each_module_changes_the_digests_of_the_stages_that_use_it_and_no_others(tree: Path) -> None:
    modules, before = {stage: loaded_modules(stage) for stage in STAGES}, versions.digests()
    files = sorted(path.relative_to(tree) for path in Path(tree, "plumbline").rglob("*.py"))
    expected = {str(path): {stage for stage in STAGES if module(path) in modules[stage]} for path in files}
    expected["plumbline/__init__.py"] = set()  # holds the version alone, as the next test has it
    stages = {str(path): changed_stages(path, path.read_bytes() + b"#", before) for path in files}
    assert stages == expected
    for part in ("review", "commands", "reproducibility"):
        assert not set().union(*(stages[str(path)] for path in files if path.parts[1] == part))
    assert stages["plumbline/pipeline/train.py"] == {"train"}
    assert stages["plumbline/training/folds.py"] == {"train", "evaluate"}


def test_neither_the_version_nor_an_empty_init_is_in_a_digest(tree: Path) -> None:
    version = Path("plumbline/__init__.py")
    assert version.read_text(encoding="utf-8").startswith("__version__ = ")
    assert len(version.read_text(encoding="utf-8").splitlines()) == 1
    assert changed_stages(version, b'__version__ = "99.0.0"\n', versions.digests()) == set()
    inits = [path for path in Path("plumbline").rglob("__init__.py") if path != version]
    assert len(inits) > 10
    assert [str(path) for path in inits if path.read_bytes()] == []


@pytest.mark.parametrize(
    ("name", "stages"),
    [
        ("plumbline/report/page.html.j2", {"evaluate"}),
        ("plumbline/report/look.css", {"evaluate"}),
        ("plumbline/review/page.html.j2", set()),
        ("src/stages/train.py", set()),
        ("src/environment.py", set()),
    ],
)
def test_a_page_is_part_of_the_module_beside_it_and_files_of_src_are_dependencies_of_dvc(
    tree: Path, name: str, stages: set[str]
) -> None:
    path = Path(name)
    assert changed_stages(path, path.read_bytes() + b"\n", versions.digests()) == stages


@pytest.mark.parametrize("library", STAGES_OF)
def test_another_version_of_a_library_changes_the_stages_that_use_it(tree: Path, library: str) -> None:
    lock = Path("requirements.lock")
    new_lock, count = re.subn(rf"(?m)^{library}==\S+", f"{library}==99.0", lock.read_text(encoding="utf-8"))
    assert count
    assert changed_stages(lock, new_lock.encode(), versions.digests()) == STAGES_OF[library]


@pytest.mark.parametrize("way", ["imported", "imported in a function", "as the estimator", "as a metric", "not at all"])
def test_a_library_of_the_users_counts_where_it_is_imported_or_named(tree: Path, way: str) -> None:
    lock, model, params = Path("requirements.lock"), Path("src/model.py"), Path(paths.PARAMS)
    lock.write_text(lock.read_text(encoding="utf-8") + "lightgbm==4.0.0 \\\n    --hash=sha256:0\n", encoding="utf-8")
    content = yaml.safe_load(params.read_text(encoding="utf-8"))
    if way.startswith("imported"):
        line = "\nimport lightgbm\n" if way == "imported" else "\ndef late():\n    from lightgbm import LGBMModel\n"
        model.write_text(model.read_text(encoding="utf-8") + line, encoding="utf-8")
    elif way == "as the estimator":
        content["model"]["estimator"] = "lightgbm.LGBMClassifier"
    elif way == "as a metric":
        content["evaluate"]["metrics"] = ["log_loss", "lightgbm.metrics.auc"]
    params.write_text(yaml.safe_dump(content), encoding="utf-8")
    new_lock = lock.read_bytes().replace(b"lightgbm==4.0.0", b"lightgbm==4.1.0")
    assert changed_stages(lock, new_lock, versions.digests()) == (set() if way == "not at all" else FITTED)


@pytest.mark.parametrize("content", [b"\xef\xbb\xbfimport lightgbm\n", b"# latin-1: \xe4\n", b"\0", b"def (:\n"])
def test_a_file_is_read_as_python_reads_it_and_one_that_cannot_be_is_pythons_affair(tree, content: bytes) -> None:
    lock, model = Path("requirements.lock"), Path("src/model.py")
    lock.write_text(lock.read_text(encoding="utf-8") + "lightgbm==4.0.0\n", encoding="utf-8")
    model.write_bytes(content)
    new_lock = lock.read_bytes().replace(b"lightgbm==4.0.0", b"lightgbm==4.1.0")
    assert changed_stages(lock, new_lock, versions.digests()) == (FITTED if b"lightgbm" in content else set())


def test_ends_of_lines_change_nothing(tree: Path) -> None:
    before = versions.digests()
    for path in [*tree.rglob("*.py"), *tree.rglob("*.j2"), Path("requirements.lock")]:
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert b"\r\n" in Path("plumbline/params.py").read_bytes()
    assert versions.digests() == before


def test_what_is_stated_is_held_against_the_code(tree: Path) -> None:
    versions.write()
    assert versions.disagreements() == []
    assert versions.write() == []
    stage_digests = json.loads(Path(paths.VERSIONS).read_text(encoding="utf-8"))
    assert tuple(stage_digests) == tuple(sorted(STAGES))
    stage_digests |= {"train": "0" * 16, "gone": "0" * 16}
    del stage_digests["package"]
    Path(paths.VERSIONS).write_text(json.dumps(stage_digests), encoding="utf-8")
    assert [line.split()[1] for line in versions.disagreements()] == ["gone", "package", "train"]
    assert all(versions.WRITE_COMMAND in line for line in versions.disagreements())
    Path(paths.VERSIONS).write_text("<<<<<<< HEAD\n", encoding="utf-8")
    assert len(versions.disagreements()) == len(STAGES)
    assert versions.write() == sorted(STAGES)
    assert versions.disagreements() == []


@pytest.mark.parametrize("wrong", ['{"ingest": "0000000000000000"}', "{}", "[]", "", None])
def test_a_stage_refuses_a_digest_that_is_not_that_of_its_code_and_the_printed_cure_works(
    project: Project, wrong: str | None
) -> None:
    project.table(make_table(rows=50))
    Path(paths.VERSIONS).unlink(missing_ok=True)
    if wrong is not None:
        Path(paths.VERSIONS).write_text(wrong, encoding="utf-8")
    ran = python("-m", "src.stages.ingest")
    digest = "0000000000000000" if wrong and "0" in wrong else "None"
    assert (ran.returncode, ran.stderr.count("\n")) == (1, 1)
    assert ran.stderr.startswith(f"ERROR: {paths.VERSIONS}: ingest is {digest}, expected ")
    assert not Path(paths.TABLE).exists()
    (cure,) = re.findall(r"Write it: python (.+), then run again", ran.stderr)
    assert python(*shlex.split(cure)).stdout.startswith(f"{paths.VERSIONS}: another digest of evaluate, featurize, ")
    assert python(*shlex.split(cure)).stdout == f"{paths.VERSIONS}: as it was\n"
    assert python("-m", "src.stages.ingest").returncode == 0
    assert Path(paths.TABLE).exists()


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, *arguments]
    return subprocess.run(line, env=environment(), capture_output=True, encoding="utf-8", check=False)


def test_what_stands_behind_a_digest_is_named_and_what_was_changed(tree: Path, capsys) -> None:
    versions.write()
    for line in ("init -q", "add -A", "-c user.name=x -c user.email=x commit -qm x"):
        subprocess.run(["git", *line.split()], check=True)
    stage_digests = versions.read()
    with Path("plumbline/columns.py").open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    content_before = Path(paths.VERSIONS).read_bytes()
    assert command("versions", "--explain", "train") == 0
    output = capsys.readouterr().out
    code = versions.Sources().stage_code("train")
    assert output.startswith(f"train: {code.digest} ({paths.VERSIONS} has {stage_digests['train']})\n")
    assert re.findall(r"(?m)^  (\S+\.py) \w+", output) == [*code.files]
    assert re.findall(r"(?m)^  (\S+) \w+ changed since HEAD$", output) == ["plumbline/columns.py"]
    assert dict(re.findall(r"(?m)^  (\S+)==(\S+)$", output)) == code.libraries
    assert {"scikit-learn", "skops"} < set(code.libraries)
    assert command("versions", "--explain") == 0
    assert re.findall(r"(?m)^(\w+): ", capsys.readouterr().out) == sorted(STAGES)
    assert Path(paths.VERSIONS).read_bytes() == content_before
    with pytest.raises(PlumblineError, match=r"trian is not a stage, expected one of .* Did you mean 'train'"):
        command("versions", "--explain", "trian")

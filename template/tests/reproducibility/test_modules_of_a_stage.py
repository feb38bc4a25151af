"""hermetic in a project with the folder plumbline/, and in one that has the package as a wheel, in .venv."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from plumbline.reproducibility.hermetic import hermetic
from plumbline.versions import Sources


@pytest.fixture(params=["folder", "wheel"])
def featurize(request: pytest.FixtureRequest, at: Callable[[str], Path]) -> Iterator[Path]:
    """The project before featurize; with a wheel it has no folder plumbline/, and the package is elsewhere."""
    folder = at("featurize")
    if request.param == "wheel":
        (folder / "plumbline").rename(folder.parent / "plumbline-away")
    yield folder
    if request.param == "wheel":
        (folder.parent / "plumbline-away").rename(folder / "plumbline")


def test_a_stage_needs_no_more_of_the_package_than_its_digest_covers(featurize: Path) -> None:
    report = hermetic(["featurize"])
    assert (report.findings, report.stages["featurize"].runs) == ([], 1), report.lines()
    assert (featurize / "plumbline").exists() == any(
        name.startswith("plumbline/") for name in report.stages["featurize"].inputs
    )


def test_a_module_that_is_imported_by_a_computed_name_is_found(featurize: Path) -> None:
    """No reading of the source tells it, so it is not behind the digest."""
    path = featurize / "src/stages/featurize.py"
    text = path.read_text(encoding="utf-8")
    path.write_text(f"import importlib\nimportlib.import_module('plumbline.' + 'results')\n{text}", encoding="utf-8")
    report = hermetic(["featurize"])
    path.write_text(text, encoding="utf-8")
    (finding,) = [finding for finding in report.findings if finding.message == "featurize: plumbline/results.py"]
    assert (finding.kind, finding.expected) == ("undeclared file", "covered by the digest of the stage")
    more_files = {entry.message.removeprefix("featurize: ") for entry in report.findings if entry != finding}
    assert more_files <= Sources().closure("plumbline/results.py")[0], "what that module imports, and no more"

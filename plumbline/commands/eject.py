"""Put the source of the package into the project as plumbline/, to change it; --back removes it again.

The folder takes the place of the installed package. The stage versions of dvc.yaml gets it as a dependency, so that
dvc repro runs the stages that use what was changed.
"""

import importlib.metadata
import re
import shutil
from argparse import ArgumentParser, Namespace
from pathlib import Path

import yaml

from plumbline import lock, machinery, updates
from plumbline.errors import ProjectError

PIPELINE = Path("dvc.yaml")
SOURCE = Path(machinery.PACKAGE)
PART = Path(f".{machinery.PACKAGE}.part")  # a folder that is complete when it gets its name
_GIVE_UP = f"commit it, so that nothing is lost, then: git rm -r {SOURCE}, and run this again"
_DEPS = r"(?m)(^  versions:\n(?:    .*\n)*?    deps: \[)"


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument(
        "--back", action="store_true", help="remove the folder, if it has no changes, and use the wheel"
    )


def run(options: Namespace) -> int:
    """Write or remove the folder and its line in dvc.yaml, and print what to do next."""
    if machinery.DISTRIBUTION not in lock.pins(lock.LOCK.read_text(encoding="utf-8")):
        message = f"{lock.LOCK} has no {machinery.DISTRIBUTION}: this repository is the package's own"
        raise ProjectError(message, hint=f"Edit {SOURCE}/ as it is")
    return _remove() if options.back else _eject()


def _eject() -> int:
    version, is_new = machinery.read_wheel_version(), not machinery.has_folder()
    _refuse_old_files()
    text = edit_pipeline(PIPELINE.read_text(encoding="utf-8"), has_source=True)
    if is_new:
        _copy_source(find_original())
        print(f"Wrote: {SOURCE}/ (the package's source, {version})")
    else:
        names = updates.name_some(compare_folder(find_original()))
        print(f"{SOURCE}/ is there already: {version}, {f'with changes in {names}' if names else 'unchanged'}")
    if _write_pipeline(text):
        print(f"Wrote: {PIPELINE} ({SOURCE} is in deps of the stage versions)")
    print(f"Next: edit {SOURCE}/, make repro, commit what changed together. To undo it: plumbline eject --back")
    return 0


def _remove() -> int:
    version = machinery.read_wheel_version()
    _refuse_old_files()
    text = edit_pipeline(PIPELINE.read_text(encoding="utf-8"), has_source=False)
    changed_files = compare_folder(find_original()) if machinery.has_folder() else []
    if changed_files:
        message = f"{SOURCE}/ is not as {version} has it: {updates.name_some(changed_files)}"
        raise ProjectError(message, hint=_GIVE_UP.capitalize())
    if SOURCE.exists():
        shutil.rmtree(SOURCE)
        print(f"Removed: {SOURCE}/")
    if _write_pipeline(text):
        print(f"Wrote: {PIPELINE} ({SOURCE} is not in deps of the stage versions any more)")
    print(f"The project uses {machinery.DISTRIBUTION} {version}. Next: make repro, then commit what changed together")
    return 0


def _refuse_old_files() -> None:
    if files := updates.list_old_files():
        message = f"{SOURCE}/ has files and is not the package: {updates.name_some(files)}"
        raise ProjectError(message, hint=f"Move your own elsewhere. Of an older version: {_GIVE_UP}")


def find_original() -> Path:
    """Return the folder whose subfolder plumbline/ is the package of the lock, unchanged.

    Raises
    ------
    ProjectError
        If the wheel in vendor/ is not there, or not that of the lock.
    """
    if machinery.wheel_path().exists() or "+" in machinery.read_wheel_version():
        return machinery.unpack(".")
    installed = importlib.metadata.distribution(machinery.DISTRIBUTION).locate_file("")
    return Path(str(installed))


def _copy_source(original: Path) -> None:
    shutil.rmtree(SOURCE, ignore_errors=True)  # nothing but __pycache__
    shutil.rmtree(PART, ignore_errors=True)
    shutil.copytree(original / SOURCE, PART, ignore=shutil.ignore_patterns("__pycache__"))
    PART.rename(SOURCE)


def compare_folder(original: Path) -> list[str]:
    """Return the files of plumbline/ that were changed, added or deleted; line ends do not count."""
    new, old = _read_files(Path()), _read_files(original)
    return sorted(name for name in {*new, *old} if new.get(name) != old.get(name))


def _read_files(root: Path) -> dict[str, bytes]:
    files = (path for path in (root / SOURCE).rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(root).as_posix(): path.read_bytes().replace(b"\r\n", b"\n") for path in files}


def edit_pipeline(text: str, *, has_source: bool) -> str:
    r"""Return dvc.yaml with the package's folder in the deps of the stage versions, or without it.

    Parameters
    ----------
    text : str
        The content of dvc.yaml; all else in it stays, comments too.
    has_source : bool
        Whether the folder shall be in deps.

    Raises
    ------
    ProjectError
        If deps is not written as the template has it: a list in brackets on one line.

    Examples
    --------
    >>> text = "stages:\n  versions:\n    cmd: python -m plumbline versions\n    deps: [requirements.lock]\n"
    >>> print(edit_pipeline(text, has_source=True))
    stages:
      versions:
        cmd: python -m plumbline versions
        deps: [plumbline, requirements.lock]
    <BLANKLINE>
    """
    if (machinery.PACKAGE in _read_deps(text)) == has_source:
        return text
    entry = f"{machinery.PACKAGE}, "
    old, new = ("", entry) if has_source else (entry, "")
    edited, count = re.subn(_DEPS + old, rf"\g<1>{new}", text)
    if count != 1:
        change = "Add plumbline to" if has_source else "Remove plumbline from"
        message = f"{PIPELINE}: the stage versions has no line 'deps: [...]' that can be changed"
        raise ProjectError(message, hint=f"{change} its deps by hand, then run again")
    return edited


def _read_deps(text: str) -> list[str]:
    try:
        return list(yaml.safe_load(text)["stages"]["versions"]["deps"])
    except (yaml.YAMLError, LookupError, TypeError):
        raise ProjectError(f"{PIPELINE} has no stage versions with deps", hint="Restore it: git diff HEAD") from None


def _write_pipeline(text: str) -> bool:
    """Write dvc.yaml where it differs, and return whether it did."""
    if text == PIPELINE.read_text(encoding="utf-8"):
        return False
    PIPELINE.write_text(text, encoding="utf-8", newline="\n")
    return True

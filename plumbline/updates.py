"""What an update of the template (cruft update) left for people to do.

Only the standard library is imported: make lock, the first command after an update, may run where nothing is installed.
"""

from pathlib import Path

from plumbline import machinery, process
from plumbline.lock import LOCK

LINK = ".cruft.json"
_MAX_NAMES = 5


def list_remains() -> list[str]:
    """Return a line for each rejected change, for conflicts, and for files of a package that is a wheel now."""
    return [*_list_conflicts(), *_list_rejects(), *describe_old_package()]


def _list_conflicts() -> list[str]:
    names = process.git_paths("diff", "--name-only", "--relative", "--diff-filter=U", "-z")
    hint = "Keep the lines that the project needs, delete the marks, then: git add"
    return [f"{name} is unmerged. {hint} {name}" for name in names if name != str(LOCK)]


def _list_rejects() -> list[str]:
    lines = []
    for reject in process.git_paths("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", "*.rej"):
        if not Path(reject).exists():  # deleted, and its deletion not added to git yet
            continue
        name = reject.removesuffix(".rej")
        is_lock = name == str(LOCK)
        hint = "Delete it: make lock writes the file" if is_lock else f"Make them in {name} by hand, then delete it"
        lines.append(f"{reject} has changes that the update could not make. {hint}")
    return lines


def list_old_files() -> list[str]:
    """Return the files in a folder plumbline/ that is not the package: an update kept those that people had edited."""
    if machinery.has_folder():
        return []
    files = [path for path in Path(machinery.PACKAGE).rglob("*") if path.is_file() and path.suffix != ".pyc"]
    return sorted(path.as_posix() for path in files)


def describe_old_package() -> list[str]:
    """Return a line that names the files of `list_old_files` and where their changes belong, or none."""
    files = list_old_files()
    if not files:
        return []
    names = name_some(files)
    commit = _find_package_commit()
    difference = f": git diff {commit} -- {machinery.PACKAGE}" if commit else ""
    source = f"changes of the package belong into its source, which plumbline eject writes{difference}"
    hint = f"Move your own files elsewhere; {source}"
    return [f"{names}: not used, the package is a wheel. {hint}. See: plumbline docs updating"]


def name_some(files: list[str]) -> str:
    """Return the names of files, or those of the first few and the number of the rest."""
    rest = f" and {len(files) - _MAX_NAMES} more" if len(files) > _MAX_NAMES else ""
    return ", ".join(files[:_MAX_NAMES]) + rest


def _find_package_commit() -> str:
    """The last commit that created or updated the project while it had a copy of the package."""
    for commit in process.git("log", "--format=%h", "--", LINK, strict=False).split():
        if process.git("ls-tree", commit, f"{machinery.PACKAGE}/__init__.py", strict=False):
            return commit
    return ""

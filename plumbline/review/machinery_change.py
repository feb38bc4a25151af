"""Another package plumbline in head than in base: versions, what its changelog says, whether the template gives it."""

import re
from pathlib import Path

from plumbline.errors import PlumblineError
from plumbline.machinery import PACKAGE, VENDOR, has_folder, read_pin, read_version, read_wheel, wheel_path
from plumbline.process import git
from plumbline.review.commits import Commit, SideError
from plumbline.review.markdown import clean
from plumbline.review.rebuild import OriginError, rebuild_wheel
from plumbline.review.result.changes import ENTRY_LENGTH, MAX_ENTRIES, MachineryChange
from plumbline.review.sides import Side

CHANGELOG = Path(PACKAGE, "docs", "changelog.md")
MAX_LENGTH = 1_000_000  # characters of the page that are read


def compare_machinery(base: Side, head: Side) -> MachineryChange | None:
    """Return how the package of head differs from that of base; both are checked out.

    Returns
    -------
    MachineryChange or None
        None where vendor/ and the pin are as in base, and where both sides have the package as a folder.
    """
    has_folders = has_folder(base.folder) and has_folder(head.folder)
    is_same = _identify(base) == _identify(head) and not git("diff", "--name-only", *_range(base, head), "--", VENDOR)
    if has_folders or is_same:
        return None
    old_entries = {*_read_changelog(base)}
    entries = [entry for entry in _read_changelog(head) if entry not in old_entries]
    is_rebuilt, why = _check_wheel(base, head)
    return MachineryChange(
        base=_describe_version(base),
        head=_describe_version(head),
        changelog=tuple(entries[:MAX_ENTRIES]),
        omitted_count=len(entries[MAX_ENTRIES:]),
        is_rebuilt=is_rebuilt,
        why=clean(why, ENTRY_LENGTH),
    )


def _range(base: Commit, head: Commit) -> tuple[str, str]:
    return base.commit, head.commit


def _identify(side: Side) -> str:
    """The pin with its hashes, which stands for the content; empty for a folder or nothing."""
    try:
        return "" if has_folder(side.folder) else read_pin(side.folder)
    except (PlumblineError, OSError):
        return ""


def _describe_version(side: Side) -> str | None:
    try:
        version = clean(read_version(side.folder))
    except (PlumblineError, OSError):
        return None
    return f"{version}, the folder {PACKAGE}/" if has_folder(side.folder) else version


def _read_changelog(side: Side) -> list[str]:
    """The entries of the changelog, each as one line; none where the package has no such page, or is not there."""
    try:
        text = (side.machinery / CHANGELOG).read_text(encoding="utf-8", errors="replace")[:MAX_LENGTH]
    except (SideError, OSError):
        return []
    return [clean(entry, ENTRY_LENGTH) for entry in re.findall(r"(?m)^- (.*(?:\n {2}.*)*)", text)]


def _check_wheel(base: Side, head: Side) -> tuple[bool | None, str]:
    """Return whether head's wheel is what the template gives, or None, and the finding in words."""
    if has_folder(head.folder):
        return None, f"head has the source as the folder {PACKAGE}/"
    try:
        wheel = wheel_path(head.folder)
        if not wheel.exists():
            return None, f"head takes it from a package index, by the hash in its lock; {VENDOR}/ has no wheel"
        content = read_wheel(head.folder)
    except (PlumblineError, OSError) as error:
        return False, f"the wheel of head cannot be compared with the template: {getattr(error, 'message', error)}"
    try:
        is_same = rebuild_wheel(base, head) == (wheel.name, content)
    except OriginError as error:
        return False, f"the wheel of head cannot be compared with the template: {error.message}"
    except (PlumblineError, OSError) as error:
        return None, f"nobody compared the wheel with the template: {getattr(error, 'message', error)}"
    if is_same:
        return True, "the template's commit gives the same bytes as the wheel of head"
    return False, "the wheel of head is not the one that the template's commit gives"

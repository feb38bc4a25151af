"""Compare the remotes with dvc.lock and .dvc files: a finding for each file that was not pushed."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from plumbline.reproducibility import remote
from plumbline.reproducibility.differences import shorten
from plumbline.reproducibility.dvc_files import Output
from plumbline.reproducibility.remote import RemoteAnswer, RemoteNames
from plumbline.reproducibility.report import CANNOT_TELL, NOT_PUSHED, REPRO, VERIFY, Finding

_MAX_PATHS = 3  # of a finding


@dataclass(frozen=True)
class TrackedFile:
    """A file or folder whose hash is in dvc.lock or a .dvc file, and how DVC stores it."""

    path: str
    hash: str
    output: Output


@dataclass(frozen=True)
class PushReport:
    """What the remotes lack, and what was checked and what was not."""

    findings: list[Finding] = field(default_factory=list)
    checks: list[str] = field(default_factory=list)
    skipped_checks: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Object:
    """A file in a remote: its path in the project, and the hash of the folder that it lies in ("" for none)."""

    path: str
    folder_hash: str = ""


_Objects = dict[str, _Object]  # by hash


def check_pushes(files: Iterable[TrackedFile], names: RemoteNames, *, timeout: float) -> PushReport:
    """Ask the remotes for each file that is to be pushed.

    Parameters
    ----------
    files : iterable of TrackedFile
    names : RemoteNames
    timeout : float
        Seconds that all remotes have together.
    """
    report = PushReport()
    if not names.names:
        report.skipped_checks.append("whether it was pushed: there is no remote (plumbline docs remotes)")
        return report
    by_remote = _list_objects(files, names.default, report)
    if by_remote.pop("", None):
        message = f"there are remotes ({', '.join(names.names)}) and none is the default"
        report.findings.append(Finding(CANNOT_TELL, message, hint=f"dvc remote default {names.names[0]}"))
    hashes = {name: list(objects) for name, objects in by_remote.items()}
    for name, answer in remote.query_remotes(hashes, timeout=timeout).items():
        label, objects = f"{name} ({_hide_password(answer.url)})", by_remote[name]
        if answer.error:
            report.findings.append(_explain_error(f"remote {label}", answer))
        else:
            report.findings.extend(_find_missing(f"remote {label}", answer.missing, objects))
            report.checks.append(f"{len(objects)} objects by name in {label}")
    return report


def _list_objects(files: Iterable[TrackedFile], default: str | None, report: PushReport) -> dict[str, _Objects]:
    """The objects that each remote should have, those in folders included; "" for files without a remote."""
    by_remote: dict[str, _Objects] = {}
    for file in files:
        if not (file.output.is_cached and file.output.is_pushed and file.hash):
            continue
        is_folder = file.hash.endswith(".dir")
        listing = (remote.read_listing(file.hash) or {}) if is_folder else {}
        objects = by_remote.setdefault(file.output.remote or default or "", {})
        objects |= {digest: _Object(f"{file.path}/{name}", file.hash) for name, digest in listing.items()}
        objects[file.hash] = _Object(file.path)
        if is_folder and not listing:
            report.skipped_checks.append(f"the files in {file.path}, one by one: its listing is not in the cache here")
    return by_remote


def _explain_error(where: str, answer: RemoteAnswer) -> Finding:
    hint = f"look at its url (dvc remote list) and the network, then {VERIFY}"
    if answer.is_denied:
        hint = f"log in, or set the credentials of the remote (plumbline docs remotes), then {VERIFY}"
    elif "but requires" in answer.error:  # DVC's words for a client that is not installed
        hint = "make setup"
    problem = "refused access" if answer.is_denied else "gave no answer"
    return Finding(CANNOT_TELL, f"{where} {problem}: {_hide_password(answer.error)}", hint=hint)


def _find_missing(where: str, hashes: Iterable[str], objects: Mapping[str, _Object]) -> Iterator[Finding]:
    missing_hashes = sorted(hashes, key=lambda digest: (objects[digest].path, objects[digest].folder_hash))
    by_hint: dict[str, list[str]] = {}
    for digest in missing_hashes:
        by_hint.setdefault(_push_hint(digest, objects[digest].folder_hash, missing_hashes), []).append(digest)
    for hint, digests in by_hint.items():  # one finding for one cause, however many objects it has
        paths = [objects[digest].path for digest in digests]
        if len(digests) == 1:
            message = f"{paths[0]} is not in {where}"
            yield Finding(NOT_PUSHED, message, hint=hint, expected=shorten(digests[0]), actual="nothing")
        else:
            more = f" and {len(paths) - _MAX_PATHS} more" if len(paths) > _MAX_PATHS else ""
            message = f"{len(paths)} objects are not in {where}: {', '.join(paths[:_MAX_PATHS])}{more}"
            yield Finding(NOT_PUSHED, message, hint=hint)


def _push_hint(digest: str, folder_hash: str, missing_hashes: list[str]) -> str:
    if folder_hash and folder_hash not in missing_hashes:  # dvc push and dvc status -c look at the folder's hash alone
        return f"delete files/md5/{folder_hash[:2]}/{folder_hash[2:]} in the remote, then dvc push"
    if remote.cache_path(digest).is_file():
        return "dvc push"
    return f"dvc push in the clone that made it, or {REPRO} && dvc push"


def _hide_password(text: str) -> str:
    """Remove user and password from each address."""
    return re.sub(r"//[^/@\s]*@", "//", text)

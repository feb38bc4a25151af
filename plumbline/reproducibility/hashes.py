"""Compute DVC's hashes of files and folders, as far as possible without the data."""

import hashlib
import json
import posixpath
from collections.abc import Callable, Mapping
from pathlib import Path

from plumbline.errors import InconclusiveError
from plumbline.process import git, git_paths

Listing = dict[str, str]  # of a folder: relative path -> hash
_IGNORE_FILE = "--exclude-per-directory=.dvcignore"


class UnknownHashError(InconclusiveError):
    """A hash depends on data that is not in this clone; the hint is the command that fetches it."""


def hash_file(path: str | Path) -> str:
    """Return the MD5 digest of a file, as dvc.lock has it."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, _md5).hexdigest()


def hash_listing(listing: Mapping[str, str]) -> str:
    """Return DVC's hash of a folder: that of the JSON that lists the hash of each file by its relative path.

    Examples
    --------
    >>> hash_listing({"a.csv": "0cc175b9c0f1b6a831c399e269772661"})
    '42f187aa1edcc079eb1888bd0831e5ea.dir'
    """
    entries = [{"md5": listing[name], "relpath": name} for name in sorted(listing)]
    return _md5(json.dumps(entries, sort_keys=True).encode()).hexdigest() + ".dir"


def _md5(content: bytes = b"") -> "hashlib._Hash":
    return hashlib.md5(content, usedforsecurity=False)


def list_folder(folder: str) -> list[str]:
    """Return the files of a folder that DVC sees, in git or not: all but those that .dvcignore names."""
    ignored_files = set(git_paths("ls-files", "-ciz", _IGNORE_FILE, "--", folder))
    files = set(git_paths("ls-files", "-coz", _IGNORE_FILE, "--", folder)) - ignored_files
    return [name for name in files if Path(name).is_file()]


def hash_path(path: str) -> str | None:
    """Return the hash of a file or folder of the working tree; None where there is none."""
    if Path(path).is_dir():
        return hash_listing({posixpath.relpath(name, path): hash_file(name) for name in list_folder(path)})
    return hash_file(path) if Path(path).is_file() else None


def hash_output(path: Path) -> str:
    """Return the hash of a file, or of a folder with all that is in it, outside the repository."""
    if path.is_file():
        return hash_file(path)
    files = [file for file in path.rglob("*") if file.is_file()]
    return hash_listing({file.relative_to(path).as_posix(): hash_file(file) for file in files})


def hash_committed_file(path: str) -> str | None:
    """Return the hash of a file in HEAD as a checkout would write it; None where HEAD has none."""
    content = git("cat-file", "--filters", f"HEAD:./{path}", strict=False).encode("utf-8", "surrogateescape")
    return _md5(content).hexdigest() if content else None


class HashLookup:
    """The hash of each path: of outputs and pointers as DVC's files have it, of all else that of the working tree.

    Parameters
    ----------
    tracked_hashes : mapping of str to str
        The hashes of outputs and of what pointers point to, by path.
    read_listing : callable
        Returns the files of a folder by the hash of the folder; None where the listing is not in the cache.
    """

    def __init__(self, tracked_hashes: Mapping[str, str], read_listing: Callable[[str], Listing | None]) -> None:
        self._tracked_hashes = tracked_hashes
        self._read_listing = read_listing

    def hash(self, path: str) -> str | None:
        """Return the hash of a file or folder; None where there is none.

        Raises
        ------
        UnknownHashError
            If it depends on the listing of a folder that is not in the cache.
        """
        path = posixpath.normpath(path)
        if path in self._tracked_hashes:
            return self._tracked_hashes[path]
        folder = next((name for name in self._tracked_hashes if path.startswith(name + "/")), None)
        if folder is not None:
            return self._hash_inside(folder, path)
        tracked_paths = [name for name in self._tracked_hashes if name.startswith(path + "/")]
        return self._hash_around(path, tracked_paths) if tracked_paths else hash_path(path)

    def _hash_around(self, path: str, tracked_paths: list[str]) -> str:
        """The hash of a folder that holds outputs or what pointers point to."""
        own_files = [
            name
            for name in list_folder(path)
            if not any(name == inner_path or name.startswith(inner_path + "/") for inner_path in tracked_paths)
        ]
        listing = {posixpath.relpath(name, path): hash_file(name) for name in own_files}
        for inner_path in tracked_paths:
            digest, relative = self._tracked_hashes[inner_path], posixpath.relpath(inner_path, path)
            files = self._list(inner_path, path) if digest.endswith(".dir") else {"": digest}
            listing |= {posixpath.join(relative, name).rstrip("/"): file_hash for name, file_hash in files.items()}
        return hash_listing(listing)

    def _hash_inside(self, folder: str, path: str) -> str | None:
        listing, name = self._list(folder, path), posixpath.relpath(path, folder)
        files = {
            key.removeprefix(name + "/"): file_hash for key, file_hash in listing.items() if key.startswith(name + "/")
        }
        return listing.get(name) or (hash_listing(files) if files else None)

    def _list(self, folder: str, path: str) -> Listing:
        listing = self._read_listing(self._tracked_hashes[folder])
        if listing is None:
            raise UnknownHashError(f"the listing of {folder} is not in the cache here", hint=f"dvc fetch {path}")
        return listing

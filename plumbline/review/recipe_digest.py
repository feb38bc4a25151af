"""A digest of all in a commit that may change its model: all that git has, except what is named here.

What a stage imports, reads or is started with cannot be known from its text. So nothing is looked for that counts; a
short list says what does not, and a commit that differs only there has the same recipe.
"""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import yaml

from plumbline import paths
from plumbline.errors import PlumblineError
from plumbline.keys import KEYS, REQUIRED
from plumbline.process import git, replace_surrogates

LOCK = "dvc.lock"
NEUTRAL_FOLDERS = (".github/", "docs/", "metrics/", "notebooks/", "plumbline/docs/", "tests/")
NEUTRAL_FILES = (".cruft.json", ".gitignore", "LICENSE", "Makefile", LOCK, paths.SCHEMA, paths.VERSIONS)
NEUTRAL_GROUPS = ("evaluate", "requirements", "review")  # of params.yaml, but for the next
COUNTED_KEYS = ("requirements.protected", "review.metric")  # which ingest and train use
LINK_MODES = {"120000": "symbolic link", "160000": "submodule"}
Tree = dict[str, tuple[str, str]]  # mode and object of each path


def read_tree(commit: str) -> Tree:
    """Return mode and object of each file of a commit."""
    tree: Tree = {}
    for entry in git("ls-tree", "-r", "-z", commit).split("\0")[:-1]:
        attributes, _, path = entry.partition("\t")
        mode, _, object_hash = attributes.split()
        tree[path] = mode, object_hash
    return tree


def select_code(tree: Tree, dependencies: Collection[str]) -> Tree:
    """Return the files that count; of those that do not count by their place, what stages say that they depend on."""
    return {path: entry for path, entry in tree.items() if not _is_neutral(path) or _is_below(path, dependencies)}


def _is_neutral(path: str) -> bool:
    is_page = path.endswith(".md") and "/" not in path
    return is_page or path == paths.PARAMS or path in NEUTRAL_FILES or path.startswith(NEUTRAL_FOLDERS)


def _is_below(path: str, folders: Collection[str]) -> bool:
    return any(path == folder or path.startswith(f"{folder}/") for folder in folders)


def find_links(tree: Tree) -> Iterator[tuple[str, str]]:
    """Yield what is no file, with its path: what it stands for may change without a change in git."""
    for path, (mode, _) in tree.items():
        if mode in LINK_MODES and not path.startswith(NEUTRAL_FOLDERS):
            yield LINK_MODES[mode], replace_surrogates(path)


def select_source(tree: Tree, source: str) -> Tree:
    """Return the files of a source table, which may be a folder, or its pointer of DVC."""
    names = (source, f"{source}.dvc")
    return {path: entry for path, entry in tree.items() if path in names or path.startswith(f"{source}/")}


def select_params(
    groups: Mapping[str, Any], keys: Collection[str] = (), *, without: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Return what counts of params.yaml, as {"group.key": value}; a key that is absent has its default.

    Parameters
    ----------
    groups : mapping
        The content of the file.
    keys : collection of str
        Keys and groups that stages say that they depend on.
    without : tuple of str
        Groups that do not count either.
    """
    values = {name: key.default for name, key in KEYS.items() if key.default is not REQUIRED}
    for group, content in groups.items():
        items = content if isinstance(content, dict) else {"": content}
        values |= {f"{group}.{key}": value for key, value in items.items()}
    return {name: value for name, value in values.items() if _counts(name, keys) and name.split(".")[0] not in without}


def _counts(name: str, keys: Collection[str]) -> bool:
    """Whether a key of params.yaml, "group.key", counts."""
    group = name.partition(".")[0]
    return group not in NEUTRAL_GROUPS or not {name, group}.isdisjoint((*COUNTED_KEYS, *keys))


def select_groups(groups: Mapping[str, Any], keys: Collection[str] = ()) -> dict[str, Any]:
    """Return the content of params.yaml without what does not count; see `select_params`."""
    selected: dict[str, Any] = {}
    for group, content in groups.items():
        items = content if isinstance(content, dict) else {"": content}
        counted = {key: value for key, value in items.items() if _counts(f"{group}.{key}", keys)}
        if counted or group not in NEUTRAL_GROUPS:
            selected[group] = counted if isinstance(content, dict) else content
    return selected


def hash_recipe(code: Tree, source: Tree, params: Mapping[str, Any]) -> str:
    """Return the first 16 hexadecimal digits of a SHA-256 digest.

    Parameters
    ----------
    code : dict
        The files that count, without those of the source.
    source : dict
        The files of the source, maybe another commit's.
    params : mapping
        What `select_params` returns.

    Raises
    ------
    ValueError, RecursionError
        Where a parameter cannot be written: a number of 5,000 digits, a map of 1,000 levels.
    """
    text = yaml.safe_dump(dict(params))  # which tells a date from a text, and sorts keys of any type
    files = json.dumps([sorted(code.items()), sorted(source.items())])
    return hashlib.sha256(f"{files}\n{text}".encode("utf-8", "surrogatepass")).hexdigest()[:16]


def read_lock(commit: str) -> dict[str, dict[str, Any]]:
    """Return the entries of dvc.lock at a commit by stage; none where it cannot be read."""
    try:
        stages = yaml.safe_load(git("show", f"{commit}:{LOCK}"))["stages"]
        return {name: entry for name, entry in stages.items() if isinstance(entry, dict)}
    except (PlumblineError, yaml.YAMLError, TypeError, KeyError, AttributeError, ValueError, RecursionError):
        return {}


def output_hashes(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the hash of each output in an entry of dvc.lock; an output without one is left out: verify reports it."""
    outs = entry.get("outs")
    outs = [out for out in outs if isinstance(out, dict)] if isinstance(outs, list) else []
    return {path: out.get("md5") for out in outs if isinstance(path := out.get("path"), str)}

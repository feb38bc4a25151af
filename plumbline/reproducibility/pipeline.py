"""What dvc.yaml, dvc.lock and the pointers state, and what each path holds, read without DVC and without data."""

import hashlib
import json
import posixpath
import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML  # DVC's own reader of YAML 1.2: PyYAML would take the text yes in the lock for true
from ruamel.yaml.error import YAMLError

from plumbline.paths import PARAMS
from plumbline.process import git

PIPELINE, LOCK, IGNORE = "dvc.yaml", "dvc.lock", ".dvcignore"
MARKS = re.compile(r"(?m)^(<{7} |={7}$|>{7} )")
PARTS = ("deps", "params", "outs", "metrics", "plots")  # of a stage, each a list
NOT_READ = ("wdir", "foreach", "matrix", "vars")  # of a stage
Listing = dict[str, str]  # of a folder: relative path -> hash


class Broken(Exception):
    """A file that cannot be read: which, and why."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"{path} {why}")
        self.path, self.why = path, why


class Unknown(Exception):
    """What cannot be known without data; `fetch` is what would have to be here."""

    def __init__(self, why: str, fetch: str) -> None:
        super().__init__(why)
        self.fetch = fetch


@dataclass(frozen=True)
class Stage:
    """One stage as dvc.yaml declares it, names resolved; outs with their flags, params by file (None: all of it)."""

    cmd: Any
    deps: list[str]
    params: dict[str, list[str] | None]
    outs: dict[str, dict[str, Any]]
    frozen: bool
    unread: list[str]


def listed(*arguments: str) -> list[str]:
    """The paths that git prints with -z; none where it refuses."""
    return [name for name in git(*arguments, strict=False).split("\0") if name]


def load(path: str) -> dict[str, Any]:
    """YAML, JSON or TOML with keys at its top; Broken where that cannot be."""
    try:
        text = Path(path).read_text(encoding="utf-8")
        if MARKS.search(text):
            raise Broken(path, "has marks of a merge conflict")
        content = (tomllib.loads(text) if path.endswith(".toml") else YAML(typ="safe").load(text)) or {}
    except OSError:
        raise Broken(path, "is not here") from None
    except (YAMLError, ValueError, RecursionError) as error:
        raise Broken(path, f"cannot be read: {str(error).splitlines()[-1].strip()}") from None
    if not isinstance(content, dict):
        raise Broken(path, "has no keys at its top")
    return content


def locked() -> dict[str, Any]:
    """The entries of dvc.lock; Broken where one is of a shape that DVC never writes."""
    stages = load(LOCK).get("stages") or {}
    if not isinstance(stages, dict):
        raise Broken(LOCK, "has no keys at stages")
    for name, entry in stages.items():
        parts = [entry.get(key) or [] for key in ("deps", "outs")] if isinstance(entry, dict) else [None]
        items = [item for part in parts for item in (part if isinstance(part, list) else [None])]
        if not all(isinstance(one, dict) and isinstance(one.get("path"), str) for one in items):
            raise Broken(LOCK, f"has at {name} what DVC does not write")
        by_file = entry.get("params") or {}
        if not (isinstance(by_file, dict) and all(isinstance(keys, dict) for keys in by_file.values())):
            raise Broken(LOCK, f"has at {name} parameters that DVC does not write")
    return stages


def value(content: Any, key: str, absent: Any = None) -> Any:
    """The value at a dotted key; `absent` where there is none."""
    for part in re.sub(r"\[(.*?)\]", r".\1", key).split("."):
        if isinstance(content, list) and part.isdigit() and int(part) < len(content):
            content = content[int(part)]
        elif isinstance(content, dict) and part in content:
            content = content[part]
        else:
            return absent
    return content


def resolved(item: Any, names: dict[str, Any]) -> Any:
    """The same with each ${a.b} replaced by its value."""

    def text(match: re.Match[str]) -> str:
        found = value(names, match[1].strip())
        if found is None or isinstance(found, dict | list):
            raise Broken(PIPELINE, f"names {match[0]}, which is no text or number in {PARAMS} or in vars")
        return str(found).lower() if isinstance(found, bool) else str(found)

    if isinstance(item, str):
        return re.sub(r"(?<!\\)\$\{(.*?)\}", text, item)
    if isinstance(item, dict):
        return {resolved(key, names): resolved(one, names) for key, one in item.items()}
    return [resolved(one, names) for one in item] if isinstance(item, list) else item


def _flags(content: dict[str, Any]) -> dict[str, dict[str, Any]]:
    outs = [out for kind in ("outs", "metrics", "plots") for out in content.get(kind) or []]
    return {name: flags or {} for out in outs for name, flags in (out if isinstance(out, dict) else {out: {}}).items()}


def wanted(content: dict[str, Any]) -> dict[str, list[str] | None]:
    """The parameters of a stage by file; None: all of it."""
    found: dict[str, list[str] | None] = {}
    for item in content.get("params") or []:
        for file, keys in (item if isinstance(item, dict) else {PARAMS: [item]}).items():
            found[file] = [*(found.get(file) or []), *keys] if keys and isinstance(keys, list) else None
    return found


def shapeless(pipeline: dict[str, Any]) -> str | None:
    """Of dvc.yaml the first stage that is none, or whose parts are no lists."""
    stages, more = pipeline.get("stages", {}), pipeline.get("vars", [])
    if not isinstance(stages, dict) or not isinstance(more, list):
        return "all of them" if isinstance(more, list) else "vars"
    for name, stage in stages.items():
        parts = [stage.get(key, []) for key in PARTS] if isinstance(stage, dict) else [None]
        items = [item for part in parts for item in (part if isinstance(part, list) else [None])]
        if not all(isinstance(item, str | dict) for item in items):
            return str(name)
    return None


def declared() -> dict[str, Stage]:
    """The stages of dvc.yaml."""
    content = load(PIPELINE)
    if wrong := shapeless(content):
        raise Broken(PIPELINE, f"is of no shape that DVC takes, at stages, {wrong}")
    names = dict(load(PARAMS)) if Path(PARAMS).exists() else {}
    for more in content.get("vars") or []:
        names |= load(more.split(":")[0]) if isinstance(more, str) else more
    stages = {}
    for name, raw in (content.get("stages") or {}).items():
        unread = [key for key in NOT_READ if key in raw]
        one = raw if unread else resolved(raw, names)
        stages[name] = Stage(
            one.get("cmd"), one.get("deps") or [], wanted(one), _flags(one), bool(one.get("frozen")), unread
        )
    return stages


def _is_out(one: Any) -> bool:
    return isinstance(one, dict) and isinstance(one.get("path"), str)


def pointers() -> dict[str, dict[str, Any]]:
    """What the .dvc files hold: path -> the entry of its hash, with the pointer's own name as `pointer`."""
    found = {}
    for name in sorted(set(listed("ls-files", "-coz", "--exclude-standard", "--", "*.dvc"))):
        if not Path(name).is_file():
            continue
        content = load(name)
        outs, deps = (content.get(key) or [] for key in ("outs", "deps"))
        lists = isinstance(outs, list) and isinstance(deps, list)
        if not lists or not all(isinstance(one, dict) for one in deps) or not all(map(_is_out, outs)):
            raise Broken(name, "is no pointer that DVC writes")
        imported = any("repo" in dep for dep in deps)
        for out in outs:
            path = posixpath.normpath(posixpath.join(posixpath.dirname(name), content.get("wdir", "."), out["path"]))
            found[path] = out | {"pointer": name} | ({"push": False} if imported else {})
    return found


def file_hash(path: str) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def folder_hash(listing: Listing) -> str:
    """DVC's hash of a folder: of the JSON that lists its files."""
    entries = [{"md5": listing[name], "relpath": name} for name in sorted(listing)]
    return hashlib.md5(json.dumps(entries, sort_keys=True).encode(), usedforsecurity=False).hexdigest() + ".dir"


def files_in(folder: str) -> list[str]:
    """The files of a folder that DVC sees: git's and others, without what .dvcignore leaves out."""
    ignored = set(listed("ls-files", "-ciz", f"--exclude-per-directory={IGNORE}", "--", folder))
    seen = set(listed("ls-files", "-coz", f"--exclude-per-directory={IGNORE}", "--", folder)) - ignored
    return [name for name in seen if Path(name).is_file()]


def on_disk(path: str) -> str | None:
    """The hash of a file or folder in the working tree; None where there is none."""
    if Path(path).is_dir():
        return folder_hash({posixpath.relpath(name, path): file_hash(name) for name in files_in(path)})
    return file_hash(path) if Path(path).is_file() else None


class Contents:
    """What each path holds: outputs and pointers by the hash that is stated, all else by what lies in the tree."""

    def __init__(self, stated: dict[str, str], listing: Callable[[str], Listing | None]) -> None:
        self.stated, self.listing = stated, listing

    def hash(self, path: str) -> str | None:
        """None where nothing is and nothing is stated; Unknown where only the data would tell."""
        path = posixpath.normpath(path)
        if path in self.stated:
            return self.stated[path]
        if (folder := next((one for one in self.stated if path.startswith(one + "/")), None)) is not None:
            return self._inside(folder, path)
        below = [one for one in self.stated if one.startswith(path + "/")]
        if not below:
            return on_disk(path)
        listing = {posixpath.relpath(name, path): file_hash(name) for name in files_in(path)
                   if not any(name == one or name.startswith(one + "/") for one in below)}  # fmt: skip
        for one in below:
            inside = self._listed(one, path) if self.stated[one].endswith(".dir") else {"": self.stated[one]}
            listing |= {posixpath.join(posixpath.relpath(one, path), name).rstrip("/"): h for name, h in inside.items()}
        return folder_hash(listing)

    def _listed(self, folder: str, wanted: str) -> Listing:
        found = self.listing(self.stated[folder])
        if found is None:
            raise Unknown(f"the listing of {folder} is not in the cache here", wanted)
        return found

    def _inside(self, folder: str, path: str) -> str | None:
        listing, name = self._listed(folder, path), posixpath.relpath(path, folder)
        below = {one.removeprefix(name + "/"): h for one, h in listing.items() if one.startswith(name + "/")}
        return listing.get(name) or (folder_hash(below) if below else None)

"""Which hashes are in DVC's remotes: asked by name, so that no data moves. DVC is imported here and nowhere else.

    python -m plumbline.reproducibility.remote    reads {remote: [hash, ...]} and prints what each remote answered

A process of its own, because a client of a cloud that does not answer can only be stopped from outside.
"""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from plumbline.errors import PlumblineError
from plumbline.process import TimedOut, run

SECONDS = 15  # S3's own client tries for 20 s to reach a host that is not there
DENIED = ("credential", "forbidden", "unauthorized", "permission", "access denied", "401", "403")


def ask(wanted: dict[str, list[str]]) -> dict[str, dict[str, Any]]:
    """For each remote ("" is the default): {"url", "missing": hashes}, or {"error": why} and whether it is "denied"."""
    command = [sys.executable, "-P", "-m", "plumbline.reproducibility.remote"]
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2].absolute())}  # never the package of the folder
    try:
        ran = run(command, env=env, given=json.dumps(wanted), seconds=SECONDS)
        return json.loads(ran.stdout)
    except TimedOut:
        error = f"no answer within {SECONDS} s"
    except ValueError:
        error = (ran.stderr.strip().splitlines() or [f"code {ran.returncode}"])[-1]
    return {name: {"url": name, "error": error, "denied": False} for name in wanted}


def _config() -> Any:
    """DVC's settings of this clone; ValueError where it cannot read them."""
    from dvc.config import Config, ConfigError

    try:
        return Config(".dvc")
    except ConfigError as error:
        raise ValueError(f"cannot be read: {error.__cause__ or error}") from None


def configured() -> tuple[str | None, list[str]]:
    """The default remote, and the names of all; ValueError where DVC cannot read its settings."""
    config = _config()
    return config["core"].get("remote"), sorted(config["remote"])


def cache() -> Path:
    """DVC's cache of this clone, which `dvc cache dir` may have moved."""
    try:
        return Path(_config()["cache"].get("dir") or ".dvc/cache").absolute()
    except ValueError as error:
        raise PlumblineError(f".dvc/config, or its config.local, {error}. Fix it") from None


def cached(oid: str) -> Path:
    """Where the cache has an object, or would have it."""
    return cache() / "files" / "md5" / oid[:2] / oid[2:]


def listing(oid: str) -> dict[str, str] | None:
    """The files of a folder by its hash, when the cache of this clone has the listing."""
    path = cached(oid)
    if not path.is_file():
        return None
    return {entry["relpath"]: entry["md5"] for entry in json.loads(path.read_text(encoding="utf-8"))}


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _is_absent(error: BaseException) -> bool:
    """FileNotFoundError is also what fsspec makes of a server that refuses or is not there: the cause tells."""
    if not isinstance(error, FileNotFoundError):
        return False
    behind = list(_causes(error))[1:]
    status = next((one.status for one in behind if hasattr(one, "status")), None)
    return status in (404, 410) if status else not any(isinstance(one, OSError) for one in behind)


def _failure(error: BaseException) -> dict[str, Any]:
    chain = list(_causes(error))
    denied = any(word in f"{getattr(one, 'status', '')} {one}".lower() for one in chain for word in DENIED)
    told = chain[-1] if isinstance(error, FileNotFoundError) else error
    status = getattr(told, "status", None)
    said = f"HTTP {status} {getattr(told, 'message', '')}" if status else str(told) or type(told).__name__
    return {"error": " ".join(said.split()), "denied": denied}


def missing(name: str, oids: list[str]) -> dict[str, Any]:
    from dvc.config import Config
    from dvc.fs import get_cloud_fs

    config = Config(".dvc")
    url = config["remote"].get(name, {}).get("url", name)
    try:
        kind, options, root = get_cloud_fs(config, name=name)
        if options.get("version_aware") or options.get("worktree"):
            return {"url": url, "error": "it keeps versions itself, which verify does not read", "denied": False}
        fs = kind(**options)
        if kind.protocol == "local" and not Path(root).exists():
            if not any(cached(oid).is_file() for oid in oids):
                return {"url": url, "error": "there is no such folder here", "denied": False}
            return {"url": url, "missing": oids}
        return {"url": url, "missing": _absent(fs, fs.join(root, "files", "md5"), oids)}
    except Exception as error:
        return {"url": url} | _failure(error)


def _absent(fs: Any, base: str, oids: list[str]) -> list[str]:
    """Those that are not there; any other answer of the store is raised."""
    try:
        fs.ls(base)  # may this account look at all: S3 answers 403 for an object when it must not list
    except FileNotFoundError:
        return oids
    except NotImplementedError:  # HTTP
        pass
    found = fs.info([fs.join(base, oid[:2], oid[2:]) for oid in oids], return_exceptions=True)
    for answer in found:
        if isinstance(answer, BaseException) and not _is_absent(answer):
            raise answer
    return [oid for oid, answer in zip(oids, found, strict=True) if isinstance(answer, BaseException)]


if __name__ == "__main__":
    default, _ = configured()
    print(json.dumps({name: missing(name or str(default), oids) for name, oids in json.load(sys.stdin).items()}))

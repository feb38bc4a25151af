"""Ask DVC's remotes which files they have, by hash, so that no data moves.

    python -m plumbline.reproducibility.remote

reads {remote: [hash, ...]} from standard input and prints {remote: RemoteAnswer}. It is a process of its own, since a
client of a cloud that does not answer can only be stopped from outside. DVC is imported here and nowhere else.
"""

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from plumbline.errors import ProgramError
from plumbline.process import run
from plumbline.reproducibility.dvc_files import DvcFileError
from plumbline.reproducibility.hashes import Listing

CONFIG = ".dvc/config"
TIMEOUT = 15.0  # seconds: S3's own client tries for 20 s to reach a host that is not there
_DENIAL_WORDS = ("credential", "forbidden", "unauthorized", "permission", "access denied", "401", "403")


@dataclass(frozen=True)
class RemoteNames:
    """The names of the remotes in DVC's settings; `default` is None where no remote is the default."""

    default: str | None
    names: list[str]


@dataclass(frozen=True)
class RemoteAnswer:
    """What a remote answered.

    Attributes
    ----------
    url : str
    missing : list of str
        The hashes that it does not have; empty where there is an error.
    error : str
        Why it gave no answer; empty where it gave one.
    is_denied : bool
        Whether the error is about credentials or rights.
    """

    url: str
    missing: list[str]
    error: str = ""
    is_denied: bool = False


def query_remotes(hashes: Mapping[str, Sequence[str]], *, timeout: float = TIMEOUT) -> dict[str, RemoteAnswer]:
    """Ask each remote which of these files it does not have.

    Parameters
    ----------
    hashes : mapping of str to sequence of str
        By the name of the remote; "" is the default one.
    timeout : float
        Seconds that all remotes have together.

    Returns
    -------
    dict of str to RemoteAnswer
        By the name of the remote.
    """
    command = [sys.executable, "-P", "-m", "plumbline.reproducibility.remote"]
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2].absolute())}  # never the package of the folder
    try:
        result = run(command, env=env, stdin=json.dumps(hashes), timeout=timeout)
        return {name: RemoteAnswer(**answer) for name, answer in json.loads(result.stdout).items()}
    except ProgramError:
        error = f"no answer within {timeout:g} s"
    except ValueError:
        lines = result.stderr.strip().splitlines() or [f"exit code {result.returncode}"]
        error = lines[-1]
    return {name: RemoteAnswer(name, [], error) for name in hashes}


def read_remote_names() -> RemoteNames:
    """Return the names of the remotes of this clone.

    Raises
    ------
    DvcFileError
        If DVC cannot read its settings.
    """
    config = _read_config()
    return RemoteNames(config["core"].get("remote"), sorted(config["remote"]))


def cache_folder() -> Path:
    """Return the folder of DVC's cache, which `dvc cache dir` may have moved.

    Raises
    ------
    DvcFileError
        If DVC cannot read its settings.
    """
    return Path(_read_config()["cache"].get("dir") or ".dvc/cache").absolute()


def _read_config() -> Any:
    from dvc.config import Config, ConfigError

    try:
        return Config(".dvc")
    except ConfigError as error:
        hint = f"Fix {CONFIG} or {CONFIG}.local"
        raise DvcFileError(CONFIG, f"cannot be read: {error.__cause__ or error}", hint=hint) from None


def cache_path(digest: str) -> Path:
    """Return where DVC's cache has the file with this hash, or would have it."""
    return cache_folder() / "files" / "md5" / digest[:2] / digest[2:]


def read_listing(digest: str) -> Listing | None:
    """Return the hashes of the files of a folder, by the hash of the folder; None where it is not in the cache."""
    path = cache_path(digest)
    if not path.is_file():
        return None
    return {entry["relpath"]: entry["md5"] for entry in json.loads(path.read_text(encoding="utf-8"))}


def _query_remote(name: str, hashes: list[str]) -> RemoteAnswer:
    from dvc.config import Config
    from dvc.fs import get_cloud_fs

    config = Config(".dvc")
    url = config["remote"].get(name, {}).get("url", name)
    try:
        kind, options, root = get_cloud_fs(config, name=name)
        if options.get("version_aware") or options.get("worktree"):
            return RemoteAnswer(url, [], "it keeps versions itself, which verify does not read")
        file_system = kind(**options)
        if kind.protocol == "local" and not Path(root).exists():
            if not any(cache_path(digest).is_file() for digest in hashes):
                return RemoteAnswer(url, [], "there is no such folder here")
            return RemoteAnswer(url, hashes)
        return RemoteAnswer(url, _missing_hashes(file_system, file_system.join(root, "files", "md5"), hashes))
    except Exception as error:
        return _failure(url, error)


def _missing_hashes(file_system: Any, folder: str, hashes: list[str]) -> list[str]:
    """The hashes of files that are not there; any answer of the store but "not found" is raised."""
    try:
        file_system.ls(folder)  # may this account look at all: S3 answers 403 for an object when it must not list
    except FileNotFoundError:
        return hashes
    except NotImplementedError:  # HTTP
        pass
    paths = [file_system.join(folder, digest[:2], digest[2:]) for digest in hashes]
    answers = file_system.info(paths, return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException) and not _is_not_found(answer):
            raise answer
    return [digest for digest, answer in zip(hashes, answers, strict=True) if isinstance(answer, BaseException)]


def _is_not_found(error: BaseException) -> bool:
    """Fsspec raises FileNotFoundError also where a server refuses or is not there: its cause says which."""
    if not isinstance(error, FileNotFoundError):
        return False
    causes = list(_causes(error))[1:]
    status = next((cause.status for cause in causes if hasattr(cause, "status")), None)
    return status in (404, 410) if status else not any(isinstance(cause, OSError) for cause in causes)


def _failure(url: str, error: BaseException) -> RemoteAnswer:
    causes = list(_causes(error))
    texts = [f"{getattr(cause, 'status', '')} {cause}".lower() for cause in causes]
    is_denied = any(word in text for text in texts for word in _DENIAL_WORDS)
    cause = causes[-1] if isinstance(error, FileNotFoundError) else error
    status = getattr(cause, "status", None)
    reason = f"HTTP {status} {getattr(cause, 'message', '')}" if status else str(cause) or type(cause).__name__
    return RemoteAnswer(url, [], " ".join(reason.split()), is_denied)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _main() -> None:
    default = read_remote_names().default
    answers = {name: _query_remote(name or str(default), hashes) for name, hashes in json.load(sys.stdin).items()}
    print(json.dumps({name: asdict(answer) for name, answer in answers.items()}))


if __name__ == "__main__":
    _main()

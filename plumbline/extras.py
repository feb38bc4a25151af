"""Which optional packages .venv gets: clients of DVC remotes, and groups of pyproject.toml."""

import configparser
import re
import tomllib
from collections.abc import Collection
from pathlib import Path

from plumbline.errors import ProjectError, UsageError

_CLIENTS = {"s3", "gs", "azure", "ssh", "gdrive", "hdfs", "oss", "webdav", "webhdfs"}  # of dvc, by the remote's scheme


def remote_extras(config: str = ".dvc/config") -> list[str]:
    """Return the extras of dvc that the remotes of .dvc/config need; a remote in a local folder needs none."""
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.read([config, config + ".local"], encoding="utf-8")
    schemes = {parser[section].get("url", "").split("://")[0] for section in parser.sections()}
    return sorted({scheme.replace("webdavs", "webdav") for scheme in schemes} & _CLIENTS)


def read_groups() -> list[str]:
    """Return the names of the groups in pyproject.toml that .venv can have."""
    try:
        project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8")).get("project", {})
    except ValueError as error:
        raise ProjectError(f"pyproject.toml cannot be read: {error}", hint="Fix that line") from None
    return sorted(set(project.get("optional-dependencies", {})) - {"remotes"})  # it only adds pins to the lock


def choose_groups(extras: str, present: Collection[str]) -> list[str]:
    """Return the groups that .venv is to have.

    Parameters
    ----------
    extras : str
        Names of groups, or the word none, which removes all.
    present : collection of str
        The groups that it has.

    Raises
    ------
    UsageError
        If pyproject.toml has no such group.
    """
    if extras == "none":
        return []
    groups, names = read_groups(), set(re.split(r"[\s,]+", extras)) - {""}
    if unknown := sorted(names - set(groups)):
        expected = f"groups of pyproject.toml ({', '.join(groups)}), or none"
        raise UsageError(f"EXTRAS names {', '.join(unknown)}: expected {expected}", hint="Correct it")
    return sorted(set(groups) & (names | set(present)))

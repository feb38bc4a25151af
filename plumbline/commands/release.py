"""Check whether this commit may be released under a tag, for release.yml.

In the tag NAME@vX.Y.Z, NAME is an artifact of dvc.yaml. X.Y.Z must be the version in pyproject.toml and of the only
wheel in dist/, and the commit must be on main.
"""

import re
import tomllib
import zipfile
from argparse import ArgumentParser, Namespace
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path

import yaml

from plumbline import paths
from plumbline.errors import ProjectError, UsageError
from plumbline.process import git


@dataclass(frozen=True)
class Metadata:
    """Name and version of a distribution."""

    name: str
    version: str


def add_arguments(parser: ArgumentParser) -> None:
    """Add the tag."""
    parser.add_argument("tag", metavar="NAME@vX.Y.Z", help="the tag in git")


def run(options: Namespace) -> int:
    """Check the tag, the wheel and the commit; return the exit code."""
    wheel = check_tag(options.tag)
    if git("merge-base", "HEAD", "origin/main", strict=False) != git("rev-parse", "HEAD"):
        raise ProjectError(
            f"{options.tag}: its commit is not on origin/main",
            hint="Merge the commit first, then tag the merged commit",
        )
    if git("diff", "--name-only", "HEAD", "--", "dvc.lock"):
        print("::warning::the wheel is of this run, and its bytes are not those in dvc.lock: another processor?")
    print(f"{options.tag}: {wheel.as_posix()} may be released")
    return 0


def check_tag(tag: str) -> Path:
    """Compare a tag with dvc.yaml, pyproject.toml and the wheel in dist/.

    Returns
    -------
    path
        The wheel.

    Raises
    ------
    UsageError
        The tag does not have the form NAME@vX.Y.Z with an artifact of dvc.yaml.
    ProjectError
        dist/ does not hold exactly one wheel, or tag, pyproject.toml and wheel differ in name or version.
    """
    match = re.fullmatch(r"([^@]+)@v(\d+\.\d+\.\d+)", tag)
    artifacts = yaml.safe_load(Path("dvc.yaml").read_text(encoding="utf-8")).get("artifacts", {})
    if not match or match[1] not in artifacts:
        raise UsageError(
            f"{tag}: expected NAME@vX.Y.Z, NAME one of {', '.join(artifacts)} (artifacts in dvc.yaml)",
            hint="Delete this tag and create one of that form",
        )
    wheel = _find_wheel()
    _compare_metadata(tag, match[2], wheel)
    return wheel


def _find_wheel() -> Path:
    wheels = sorted(Path(paths.DIST).glob("*.whl"))
    if len(wheels) != 1:
        raise ProjectError(f"{paths.DIST}/ has {len(wheels)} wheels, expected one", hint="Build it again: make repro")
    return wheels[0]


def _compare_metadata(tag: str, version: str, wheel: Path) -> None:
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    metadata = _read_metadata(wheel)
    if not version == project["version"] == metadata.version:
        raise ProjectError(
            f"{tag}: the version in pyproject.toml is {project['version']}, that of {wheel.name} is "
            f"{metadata.version}; expected the same version in all three",
            hint="Set project.version, make repro, commit, and tag that commit",
        )
    if metadata.name != project["name"]:
        raise ProjectError(
            f"{wheel.name} is of {metadata.name}, expected {project['name']} as in pyproject.toml",
            hint="Build it again: make repro",
        )


def _read_metadata(wheel: Path) -> Metadata:
    try:
        with zipfile.ZipFile(wheel) as archive:
            (path,) = (name for name in archive.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", name))
            message = message_from_bytes(archive.read(path))
    except (zipfile.BadZipFile, ValueError):
        raise ProjectError(
            f"{wheel.name} is not a wheel: expected a zip archive with one METADATA file",
            hint="Build it again: make repro",
        ) from None
    return Metadata(str(message["Name"]), str(message["Version"]))

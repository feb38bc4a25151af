"""May this commit be released under this tag?

NAME is an artifact of dvc.yaml, X.Y.Z the version in pyproject.toml and of the only wheel in dist/, and the commit is
on main, where reviews find it.
"""

import re
import tomllib
import zipfile
from argparse import ArgumentParser, Namespace
from email import message_from_bytes
from pathlib import Path

import yaml

from plumbline import paths
from plumbline.errors import PlumblineError
from plumbline.process import git


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("tag", metavar="NAME@vX.Y.Z", help="the tag, as git has it")


def run(options: Namespace) -> int:
    wheel = agreed(options.tag)
    if git("merge-base", "HEAD", "origin/main", strict=False) != git("rev-parse", "HEAD"):
        raise PlumblineError(
            f"{options.tag}: its commit is not on origin/main. Merge it first, and tag the merged commit"
        )
    if git("diff", "--name-only", "HEAD", "--", "dvc.lock"):
        print("::warning::the wheel is of this run, whose bytes are not those in dvc.lock: made on another processor?")
    print(f"{options.tag}: {wheel.as_posix()} may be released")
    return 0


def agreed(tag: str) -> Path:
    """The wheel; PlumblineError where tag, pyproject.toml and wheel name another artifact, project or version."""
    found = re.fullmatch(r"([^@]+)@v(\d+\.\d+\.\d+)", tag)
    known = yaml.safe_load(Path("dvc.yaml").read_text(encoding="utf-8")).get("artifacts", {})
    if not found or found[1] not in known:
        raise PlumblineError(f"{tag}: expected NAME@vX.Y.Z, NAME one of {', '.join(known)} (artifacts in dvc.yaml)")
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    wheels = sorted(Path(paths.DIST).glob("*.whl"))
    if len(wheels) != 1:
        raise PlumblineError(f"{paths.DIST}/ has {len(wheels)} wheels, expected one: make repro")
    name, version = stated(wheels[0])
    if not found[2] == project["version"] == version:
        raise PlumblineError(
            f"{tag}: the version in pyproject.toml is {project['version']}, that of {wheels[0].name} is {version}; "
            "expected one version. Set project.version, make repro, commit, and tag that commit"
        )
    if name != project["name"]:
        raise PlumblineError(
            f"{wheels[0].name} is of {name}, expected {project['name']} as in pyproject.toml: make repro"
        )
    return wheels[0]


def stated(wheel: Path) -> tuple[str, str]:
    """Name and version in a wheel's METADATA."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            (path,) = (name for name in archive.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", name))
            metadata = message_from_bytes(archive.read(path))
    except (zipfile.BadZipFile, ValueError):
        raise PlumblineError(f"{wheel.name} is no wheel with one METADATA: make repro") from None
    return str(metadata["Name"]), str(metadata["Version"])

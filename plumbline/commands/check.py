"""Check everything that does not need a run: parameters, lock, digests, lint, format, types, workflows (make check).

Each tool prints what it finds. The last line names the checks that failed.
"""

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from plumbline import lock, machinery, params, process, updates, versions
from plumbline.errors import PlumblineError


def add_arguments(parser: ArgumentParser) -> None:
    """Add nothing: the command takes no arguments."""


def run(options: Namespace) -> int:
    """Run all checks; return 1 where one failed, else 0."""
    errors = {
        "lock": lock.disagreements(),
        "machinery": machinery.disagreements(),
        "digests": versions.disagreements(),
        "parameters": _check_params(),
        "update": updates.list_remains(),
    }
    for line in (line for lines in errors.values() for line in lines):
        print(line, file=sys.stderr)
    failures = [name for name, lines in errors.items() if lines]
    print(f"check: plumbline {machinery.read_version()}, {_describe_machinery()}", flush=True)
    for name, command in _list_commands().items():
        print(f"check: {name}", flush=True)
        if process.run(command, capture_output=False).returncode:
            failures.append(name)
    if failures:
        print(f"check: failed: {', '.join(failures)}")
        return 1
    print("check: parameters, lock, digests and all of the above are in order")
    return 0


def _describe_machinery() -> str:
    """Where the package comes from."""
    if machinery.has_folder():
        return "the folder plumbline/"
    wheel = machinery.wheel_path()
    return wheel.as_posix() if wheel.exists() else f"installed as {lock.LOCK} says"


def _check_params() -> list[str]:
    try:
        params.check()
    except PlumblineError as error:
        return [str(error)]
    return []


def _has_layers() -> bool:
    return "[tool.importlinter]" in Path("pyproject.toml").read_text(encoding="utf-8")


def _list_commands() -> dict[str, list[str]]:
    """Return the command of each tool by the name of its check; all tools are those of this environment."""
    module, scripts = [sys.executable, "-m"], Path(sys.executable).parent
    workflows = [str(path) for path in sorted(Path(".github/workflows").glob("*.yml"))]
    commands = {
        "lint": [*module, "ruff", "check", "--quiet"],
        "format": [*module, "ruff", "format", "--check", "--quiet"],
        "types": [*module, "mypy", "--no-error-summary"],
    }
    if machinery.has_folder() and _has_layers():
        commands["layers"] = [str(scripts / "lint-imports"), "--no-logo"]
    return commands | {
        "workflows are safe": [str(scripts / "zizmor"), "--offline", "--quiet", ".github"],
        "workflows are valid": [
            *module,
            "check_jsonschema",
            "--quiet",
            "--builtin-schema",
            "vendor.github-workflows",
            *workflows,
        ],
    }

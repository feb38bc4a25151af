"""Check all that can be checked without running the pipeline: parameters, lint, format, types, lock, workflows.

Each tool prints what it finds; the last line names those that found something (make check).
"""

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from plumbline import lock, params, process, versions
from plumbline.errors import PlumblineError


def commands() -> dict[str, list[str]]:
    """What runs, by name, all of it from this environment."""
    module, has_package = [sys.executable, "-m"], Path(versions.PACKAGE).is_dir()
    workflows = [str(path) for path in sorted(Path(".github/workflows").glob("*.yml"))]
    schema = ["--builtin-schema", "vendor.github-workflows"]
    return {
        "lint": [*module, "ruff", "check", "--quiet"],
        "format": [*module, "ruff", "format", "--check", "--quiet"],
        "types": [*module, "mypy", "--no-error-summary"],
        **({"layers": [str(Path(sys.executable).with_name("lint-imports")), "--no-logo"]} if has_package else {}),
        "workflows are safe": [str(Path(sys.executable).with_name("zizmor")), "--offline", "--quiet", ".github"],
        "workflows are valid": [*module, "check_jsonschema", "--quiet", *schema, *workflows],
    }


def add_arguments(parser: ArgumentParser) -> None:
    """Adds none."""


def run(options: Namespace) -> int:
    found = {"lock": lock.disagreements(), "digests": versions.disagreements()}
    try:
        params.check()
    except PlumblineError as error:
        found["parameters"] = [str(error)]
    failed = [name for name, lines in found.items() if lines]
    for line in [line for lines in found.values() for line in lines]:
        print(line, file=sys.stderr)
    for name, command in commands().items():
        print(f"check: {name}", flush=True)
        if process.run(command, capture_output=False).returncode:
            failed.append(name)
    print(
        f"check: failed: {', '.join(failed)}" if failed else "check: parameters, lock and all of the above are in order"
    )
    return 1 if failed else 0

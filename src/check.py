"""make check: everything that can be checked without running the pipeline, each in its own words."""

import subprocess
import sys
from pathlib import Path

from src import lock, params
from src.predictor.refusal import Refusal

WORKFLOWS = Path(".github/workflows")


def commands() -> dict[str, list[str]]:
    """What runs, by name, all of it from this environment."""
    module = [sys.executable, "-m"]
    files = [str(path) for path in sorted(WORKFLOWS.glob("*.yml"))]
    return {
        "lint": [*module, "ruff", "check", "--quiet"],
        "format": [*module, "ruff", "format", "--check", "--quiet"],
        "types": [*module, "mypy", "--no-error-summary"],
        "workflows are safe": [str(Path(sys.executable).with_name("zizmor")), "--offline", "--quiet", ".github"],
        "workflows are valid": [
            *module,
            "check_jsonschema",
            "--quiet",
            "--builtin-schema",
            "vendor.github-workflows",
            *files,
        ],
    }


def main() -> int:
    failed = []
    try:
        params.check()
    except Refusal as error:
        failed.append("parameters")
        print(error, file=sys.stderr)
    out_of_step = lock.disagreements()
    if out_of_step:
        failed.append("lock")
        print("\n".join(out_of_step), file=sys.stderr)
    for name, command in commands().items():
        print(f"check: {name}", flush=True)
        if subprocess.run(command, check=False).returncode:
            failed.append(name)
    print(
        f"check: {'failed: ' + ', '.join(failed) if failed else 'parameters, lock and all of the above are in order'}"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

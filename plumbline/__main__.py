"""The command line: `python -m plumbline NAME`, or `plumbline NAME` in an activated .venv.

Each command is a module of `plumbline.commands` with `add_arguments(parser)` and `run(options) -> int`. Its docstring
is the text of its --help. It may also define:

FAILED : int
    The exit code of an error, 1 by default.
PASSES_ON : bool
    All arguments, options too, are passed on to another program.
NEEDS_PROJECT : bool
    Whether it runs in the root of a project only, which is the default.

Only the standard library is imported here, and a command's module only when it is called: some commands run where
nothing is installed.
"""

import argparse
import importlib
import sys
from pathlib import Path
from typing import NoReturn

from plumbline.errors import ProjectError, nearest_name, report_errors
from plumbline.machinery import running_version

PIPELINE = "dvc.yaml"
COMMANDS = {
    "repro": "run the pipeline and print the metrics (make repro)",
    "share": "run it on a share of the rows, for fast experiments (make repro SHARE=0.05)",
    "report": "open the report of the last run (make report)",
    "review": "compare HEAD with another commit: better, worse, same, or cannot tell (make review)",
    "check": "check parameters, lint, format, types, lock, workflows (make check)",
    "params": "check params.yaml",
    "design": "list the open questions of docs/project.yaml and check the requirements",
    "draft": "write a first expectation suite for the table",
    "format": "write the expectation suites in canonical form",
    "verify": "check that dvc.lock belongs to these files, is complete, and was pushed",
    "replay": "run the committed pipeline again in changed circumstances; outputs must be byte-identical",
    "hermetic": "check that dvc.yaml names exactly what each stage reads and writes",
    "versions": "write src/versions.json, or explain its digests",
    "lock": "update requirements.lock from pyproject.toml (make lock)",
    "eject": "put the package's source into the project, to change it, or remove it again (--back)",
    "docs": "list the pages of the documentation, or show one",
    "links": "check the links of the pages",
    "deliver": "for main.yml: run a commit of main and push its results",
    "release": "for release.yml: check whether this commit may be released under a tag",
    "comment": "for comment.yml: write the comment on a pull request",
}
EPILOG = """exit codes:
  0  success, or the answer is yes
  1  an error, with one line that says what to do next, or the answer is no
  2  wrong arguments, or no answer was possible (review, verify, replay, hermetic)
  repro ends with the exit code of dvc repro where that fails, 255 when a stage failed

plumbline NAME --help lists the arguments of a command."""


def main(arguments: list[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    arguments : list of str, optional
        The command's name and its arguments, by default those of the process.

    Returns
    -------
    int
        The exit code.

    Raises
    ------
    SystemExit
        With 2 for an unknown command or wrong arguments, with 0 after --help and --version.
    """
    words = sys.argv[1:] if arguments is None else arguments
    name = words[0] if words else "--help"
    if name in COMMANDS:
        return _run_command(name, words[1:])
    if name.startswith("-"):
        _build_parser().parse_args(words or [name])
    near = nearest_name(name, COMMANDS)
    return _build_parser().error(f"no command {name!r}{f'. Did you mean {near!r}?' if near else ''}")


class _Parser(argparse.ArgumentParser):
    """Prints wrong arguments as one line."""

    def error(self, message: str) -> NoReturn:
        end = "" if message.endswith("?") else "."
        print(f"ERROR: {self.prog}: {message}{end} See {self.prog} --help", file=sys.stderr)
        sys.exit(2)


def _build_parser() -> _Parser:
    width = max(map(len, COMMANDS))
    lines = "\n".join(f"  {name:{width}}  {summary}" for name, summary in COMMANDS.items())
    parser = _Parser(
        prog="plumbline",
        usage="plumbline NAME [ARGUMENT ...]",
        description=f"Run it in the root of a project.\n\ncommands:\n{lines}",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"plumbline {running_version()}")
    return parser


def _run_command(name: str, arguments: list[str]) -> int:
    module = importlib.import_module(f"plumbline.commands.{name}")
    parser = _Parser(
        prog=f"plumbline {name}", description=module.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    module.add_arguments(parser)
    if getattr(module, "PASSES_ON", False) and arguments[:1] not in (["-h"], ["--help"], ["--"]):
        arguments = ["--", *arguments]
    options = parser.parse_args(arguments)

    def run() -> int:
        if getattr(module, "NEEDS_PROJECT", True) and not Path(PIPELINE).exists():
            raise ProjectError(f"{PIPELINE} is not in {Path.cwd()}", hint="Run this in the root of the project")
        code: int = module.run(options)
        return code

    return report_errors(run, failed=getattr(module, "FAILED", 1))


if __name__ == "__main__":
    sys.exit(main())

"""The command: `python -m plumbline NAME`, which is what `plumbline NAME` starts in an activated .venv.

A command is a module with `add_arguments(parser)` and `run(options) -> int`; it is imported when it is asked for. Its
docstring is its help. What such a module may have besides:

FAILED : int
    The exit code of a PlumblineError, 1 where it is not given.
PASSES_ON : bool
    Options, too, are arguments: they are those of a program that it starts.

Nothing but the standard library is imported here: some commands run where nothing is installed.
"""

import argparse
import importlib
import sys
from pathlib import Path
from typing import NoReturn

from plumbline import __version__
from plumbline.errors import PlumblineError, nearest_name, report_errors

PIPELINE = "dvc.yaml"
COMMANDS = {
    "repro": "run the pipeline and say what came out (make repro)",
    "share": "features, model and metrics on some of the rows (make repro SHARE=0.05)",
    "report": "open the report of the last run (make report)",
    "review": "better, worse, same, or cannot tell: HEAD against another commit (make review)",
    "check": "parameters, lint, format, types, lock, workflows (make check)",
    "params": "is params.yaml in order",
    "design": "which questions of docs/project.yaml are open, and are the requirements met",
    "draft": "write a first suite of expectations for the table",
    "format": "write the suites in their canonical form",
    "verify": "does dvc.lock belong to these files, is it complete, was it pushed",
    "replay": "does the committed pipeline give the same bytes under other circumstances",
    "hermetic": "does dvc.yaml name all that each stage reads and writes, and no more",
    "versions": "write src/versions.json, or explain what stands behind it",
    "lock": "bring requirements.lock in step with pyproject.toml (make lock)",
    "docs": "list the pages of docs/, or show one",
    "links": "do the links of the pages lead somewhere",
    "deliver": "for main.yml: run a commit of main, push its results",
    "release": "for release.yml: may this commit be released under this tag",
    "comment": "for comment.yml: write the one comment on a pull request",
}
CODES = """exit codes:
  0  done, or the answer is yes
  1  refused, with one line that says what to do next, or the answer is no
  2  wrong arguments, or the answer could not be found (review, verify, replay, hermetic)
  repro ends with the code of dvc repro where that fails, 255 when a stage failed

plumbline NAME --help says what a command takes."""


def main(arguments: list[str] | None = None) -> int:
    given = sys.argv[1:] if arguments is None else arguments
    name = given[0] if given else "--help"
    if name in COMMANDS:
        return _run(name, given[1:])
    if name.startswith("-"):
        _parser().parse_args(given or [name])
    near = nearest_name(name, COMMANDS)
    return _parser().error(f"no command {name!r}{f'. Did you mean {near!r}?' if near else ''}")


class _Parser(argparse.ArgumentParser):
    """Says what is wrong with the arguments in one line."""

    def error(self, message: str) -> NoReturn:
        end = "" if message.endswith("?") else "."
        print(f"ERROR: {self.prog}: {message}{end} What there is: {self.prog} --help", file=sys.stderr)
        sys.exit(2)


def _parser() -> _Parser:
    width = max(map(len, COMMANDS))
    listed = "\n".join(f"  {name:{width}}  {what}" for name, what in COMMANDS.items())
    parser = _Parser(
        prog="plumbline",
        usage="plumbline NAME [ARGUMENT ...]",
        description=f"Run it in the root of a project.\n\ncommands:\n{listed}",
        epilog=CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"plumbline {__version__}")
    return parser


def _run(name: str, given: list[str]) -> int:
    module = importlib.import_module(f"plumbline.commands.{name}")
    parser = _Parser(
        prog=f"plumbline {name}", description=module.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    module.add_arguments(parser)
    if getattr(module, "PASSES_ON", False) and given[:1] not in (["-h"], ["--help"], ["--"]):
        given = ["--", *given]
    options = parser.parse_args(given)

    def run() -> int:
        if not Path(PIPELINE).exists():
            raise PlumblineError(f"{PIPELINE} is not in {Path.cwd()}: run this in the project's root")
        return module.run(options)

    return report_errors(run, failed=getattr(module, "FAILED", 1))


if __name__ == "__main__":
    sys.exit(main())

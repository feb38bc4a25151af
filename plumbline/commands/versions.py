"""Write src/versions.json: for each stage one digest of the package's modules and the libraries that it uses.

dvc.yaml depends on the digest of a stage: where it changes, the stage runs again, and no other.
"""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

from plumbline import machinery, paths, versions
from plumbline.errors import UsageError
from plumbline.params import suggest
from plumbline.process import changed_files


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("stages", nargs="*", metavar="STAGE", help="with --explain: the stages, by default all")
    help_text = "print what each digest is computed from; write nothing"
    parser.add_argument("--explain", action="store_true", help=help_text)


def run(options: Namespace) -> int:
    """Write the file, or print what its digests are computed from; return the exit code."""
    if options.stages and not options.explain:
        message = f"versions {' '.join(options.stages)}: expected no stage, the digests of all are written together"
        raise UsageError(message, hint="Leave the stages out, or add --explain")
    if options.explain:
        _explain(options.stages)
        return 0
    stages = versions.write()
    print(f"{paths.VERSIONS}: {'another digest of ' + ', '.join(stages) if stages else 'as it was'}")
    return 0


def _explain(names: Sequence[str]) -> None:
    """Print, for each stage, the digest and the files and libraries that it is computed from."""
    sources, digests = versions.Sources(), versions.read()
    stages = sources.stages()
    for name in names:
        if name not in stages:
            hint = suggest(name, stages) or "Name one of these, or none for all"
            raise UsageError(f"{name} is not a stage, expected one of {', '.join(stages)}", hint=hint)
    edited_files = changed_files(machinery.PACKAGE)
    for name in names or stages:
        code = sources.stage_code(name)
        stored = digests.get(name, "no digest of it")
        note = "" if stored == code.digest else f" ({paths.VERSIONS} has {stored})"
        print(f"{name}: {code.digest}{note}")
        for file, digest in code.files.items():
            print(f"  {file} {digest}{' changed since HEAD' if file in edited_files else ''}")
        for library, version in code.libraries.items():
            print(f"  {library}=={version}")

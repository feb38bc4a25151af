"""Write src/versions.json: of each stage one digest, of the package's modules and the libraries that it uses.

dvc.yaml depends on a stage's digest: where it changes, the stage runs again, and no other.
"""

from argparse import ArgumentParser, Namespace

from plumbline import paths, versions
from plumbline.errors import PlumblineError
from plumbline.params import suggest
from plumbline.process import changed_since_head


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("stages", nargs="*", metavar="STAGE", help="with --explain: these, default all")
    parser.add_argument("--explain", action="store_true", help="print what stands behind each digest; write nothing")


def run(options: Namespace) -> int:
    if options.stages and not options.explain:
        raise PlumblineError("the digests of all stages are written: name stages with --explain, or none")
    if options.explain:
        return _explain(options.stages)
    changed = versions.write()
    print(f"{paths.VERSIONS}: {'another digest of ' + ', '.join(changed) if changed else 'as it was'}")
    return 0


def _explain(names: list[str]) -> int:
    sources, stated = versions.Sources(), versions.stated()
    known = sources.stages()
    for name in names:
        if name not in known:
            hint = suggest(name, known) or "All of them: dvc stage list"
            raise PlumblineError(f"{name}: is no stage, expected one of {', '.join(known)}", hint=hint)
    changed = changed_since_head(versions.PACKAGE, versions.STAGES, "src/features.py", "src/model.py")
    for name in names or known:
        behind = sources.behind(name)
        note = "" if stated.get(name) == behind.digest else f" ({paths.VERSIONS} has {stated.get(name)})"
        print(f"{name}: {behind.digest}{note}")
        for file, digest in behind.files.items():
            print(f"  {file} {digest}{' changed since HEAD' if file in changed else ''}")
        print(*(f"  {library}=={version}" for library, version in behind.libraries.items()), sep="\n")
    return 0

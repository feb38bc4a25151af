"""make repro: check the parameters, run the pipeline (dvc repro), say what came out and what to do next."""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import yaml

from src import names, params
from src.checks import short
from src.design import answers
from src.predictor.refusal import Refusal, guarded
from src.predictor.schema import Schema
from src.stages.ingest import located


def main() -> int:
    for key in params.fill():
        print(f"{names.PARAMS}: {key} was absent and now stands there with its default")
    p = params.check()
    if p.source not in _made_by_stages():
        located(p.source)
    schema = _committed(names.SCHEMA)
    if p.key == "auto" and schema is not None and _same_question(p):
        _dvc("repro", "ingest")
        _compare_keys(_key(schema), _key(Path(names.SCHEMA).read_text(encoding="utf-8")))
    _dvc("repro", *sys.argv[1:])
    _report(p.source)
    return 0


def _made_by_stages() -> list[str]:
    """What stages before ingest make (docs/more-than-one-table.md): in a fresh clone it is not there yet."""
    stages = yaml.safe_load(Path("dvc.yaml").read_text(encoding="utf-8"))["stages"].values()
    outs = [out for stage in stages for out in stage.get("outs", [])]
    return [name for out in outs for name in ([out] if isinstance(out, str) else out)]


def _committed(path: str) -> str | None:
    shown = subprocess.run(["git", "show", f"HEAD:./{path}"], capture_output=True, check=False)
    return shown.stdout.decode("utf-8") if shown.returncode == 0 else None


def _same_question(p: SimpleNamespace) -> bool:
    """Whether the committed schema is of this source and target; that of another table says nothing about the key."""
    data = (yaml.safe_load(_committed(names.PARAMS) or "") or {}).get("data") or {}
    return (data.get("source"), data.get("target")) == (p.source, p.target)


def _key(schema: str) -> str | None:
    column = Schema.loads(schema).column("key")
    return column.name if column else None


def _compare_keys(committed: str | None, found: str | None) -> None:
    if found != committed:
        raise Refusal(
            f"{names.SCHEMA}: the automatic key is {found!r} and was {committed!r} in git; rows would change sides. "
            f"State the one that you want in {names.PARAMS}, data.key, and run again"
        )


def _dvc(*arguments: str) -> None:
    code = subprocess.run([sys.executable, "-m", "dvc", *arguments], check=False).returncode
    if code:
        sys.exit(code)


def metrics() -> None:
    """Prints what the last evaluate in this folder found, beside its yardsticks."""
    files = (names.METRICS, names.LINEAR, names.TRIVIAL, names.INTERVALS, names.checks("evaluate"))
    model, linear, trivial, intervals, findings = (json.loads(Path(f).read_text(encoding="utf-8")) for f in files)
    print(
        f"\n{model['estimator']}, {model['task']}: {model['rows_train']} rows learned, {model['rows_holdout']} held out"
    )
    width = max(map(len, intervals))
    print(f"\n{'':{width}}  {'model':>9}  {'95 % interval':^19}  {'linear':>9}  {'trivial':>9}")
    for name, interval in intervals.items():
        value, *others = (f"{short(found[name]):>9}" for found in (model, linear, trivial))
        print(f"{name:{width}}  {value}  {' to '.join(map(short, interval['model'])):^19}  {'  '.join(others)}")
    against = [finding["evidence"] for finding in findings if finding["rule"].startswith("against")]
    print("", *against, sep="\n")


def _report(source: str) -> None:
    metrics()
    wheel = next(Path(names.DIST).glob("*.whl"))
    print(f"\nMade: {wheel.as_posix()} (pip install it, then: predict), {names.REPORT}, {names.CARD}, metrics/")
    print("Next: look at the report (make report), read the card, commit dvc.lock, data/schema.json and metrics/")
    suite = names.suite(source)
    if not Path(suite).exists():
        print(f"      say what the table must be: python -m src.expectations draft writes a first {suite}")
    if open_questions := [name for name, answer in answers().items() if not answer]:
        print(f"      say what this is for: {names.DESIGN}, {len(open_questions)} questions open (docs/design.md)")
    remotes = [path.read_text(encoding="utf-8") for path in Path(".dvc").glob("config*") if path.is_file()]
    away = any("['remote " in text for text in remotes)
    print(f"      git push{', and dvc push for what git does not hold' if away else ''}")


if __name__ == "__main__":
    sys.exit(guarded(main))

"""make repro: check the parameters, run the pipeline (dvc repro), say what came out and what to do next."""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import yaml

from src import names, params
from src.predictor.refusal import Refusal, guarded
from src.predictor.schema import Schema


def main() -> int:
    for key in params.fill():
        print(f"{names.PARAMS}: {key} was absent and now stands there with its default")
    p = params.check()
    if not Path(p.source).is_file():
        raise Refusal(
            f"{names.PARAMS}: data.source is {p.source}, expected a file, found none there. {_what_is_there()}"
        )
    committed = _committed_key(p)
    if committed is not None and p.key == "auto":
        _dvc("repro", "ingest")
        _compare_keys(committed)
    _dvc("repro", *sys.argv[1:])
    _report()
    return 0


def _what_is_there() -> str:
    pointer = sorted(Path("data/source").glob("*.dvc"))
    if pointer:
        return f"{pointer[0]} points to data in a remote: dvc pull"
    there = [path.as_posix() for path in sorted(Path("data/source").glob("*")) if not path.name.startswith(".")]
    return f"There is {', '.join(there[:5])}" if there else "Put your table under data/source/"


def _committed(path: str) -> str | None:
    shown = subprocess.run(["git", "show", f"HEAD:./{path}"], capture_output=True, check=False)
    return shown.stdout.decode("utf-8") if shown.returncode == 0 else None


def _committed_key(p: SimpleNamespace) -> tuple[str | None] | None:
    """The key in git of this very source and target, in a tuple; None when git has none to compare with."""
    before, schema = _committed(names.PARAMS), _committed(names.SCHEMA)
    if before is None or schema is None:
        return None
    data: dict[str, Any] = (yaml.safe_load(before) or {}).get("data", {})
    if (data.get("source"), data.get("target")) != (p.source, p.target):
        return None
    return (_key(schema),)


def _key(schema: str) -> str | None:
    column = Schema.loads(schema).column("key")
    return column.name if column else None


def _compare_keys(committed: tuple[str | None]) -> None:
    found = _key(Path(names.SCHEMA).read_text(encoding="utf-8"))
    if (found,) != committed:
        raise Refusal(
            f"{names.SCHEMA}: the automatic key is {found!r} and was {committed[0]!r} in git; rows would change sides. "
            f"State the one that you want in {names.PARAMS}, data.key, and run again"
        )


def _dvc(*arguments: str) -> None:
    code = subprocess.run([sys.executable, "-m", "dvc", *arguments], check=False).returncode
    if code:
        sys.exit(code)


def _report() -> None:
    measured = {who: json.loads(Path(path).read_text(encoding="utf-8")) for who, path in
                (("model", names.METRICS), ("linear", names.LINEAR), ("trivial", names.TRIVIAL))}  # fmt: skip
    intervals = json.loads(Path(names.INTERVALS).read_text(encoding="utf-8"))
    facts = measured["model"]
    print(
        f"\n{facts['estimator']}, {facts['task']}: {facts['rows_train']} rows learned, {facts['rows_holdout']} held out"
    )
    width = max(map(len, intervals))
    print(f"\n{'':{width}}  {'model':>9}  {'95 % interval':^19}  {'linear':>9}  {'trivial':>9}")
    for name, interval in intervals.items():
        low, high = (_number(value) for value in interval["model"])
        one = [_number(measured[who][name]) for who in measured]
        print(f"{name:{width}}  {one[0]:>9}  {low + ' to ' + high:^19}  {one[1]:>9}  {one[2]:>9}")
    for finding in json.loads(Path(names.checks("evaluate")).read_text(encoding="utf-8")):
        if finding["rule"].startswith("against"):
            print(f"\n{finding['evidence']}", end="")
    wheel = next(Path(names.DIST).glob("*.whl"))
    print(f"\n\nMade: {wheel.as_posix()} (pip install it, then: predict), {names.CARD}, metrics/")
    print("Next: read the card, see the curves (dvc plots show), commit dvc.lock, data/schema.json and metrics/")


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


if __name__ == "__main__":
    sys.exit(guarded(main))

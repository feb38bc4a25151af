"""What head demands less of than base does: read from both commits, nothing of them is run."""

import ast
import json
import operator
from collections.abc import Callable, Iterator
from typing import Any

import yaml

from plumbline import params
from plumbline.errors import PlumblineError
from plumbline.metrics import lower_is_better
from plumbline.process import git, replace_surrogates
from plumbline.review.sides import Side
from plumbline.scope import includes, parse_tables

Reason = dict[str, Any]
Strict = Callable[[Any, Any], bool]  # (of base, of head): is head's at least as strict
SEVERITIES = ("info", "warning", "critical")
REQUIRE = (None, "same", "better")
KWARGS: dict[str, tuple[Any, Strict]] = {  # what an expectation grants: its default, and the way that is stricter
    "min_value": (float("-inf"), operator.le),
    "max_value": (float("inf"), operator.ge),
    "mostly": (1, operator.le),
    "strict_min": (False, operator.le),
    "strict_max": (False, operator.le),
    "exact_match": (True, operator.le),
    "value_set": ([], lambda base, head: {*map(str, head)} <= {*map(str, base)}),
    "type_list": ([], lambda base, head: {*map(str, head)} <= {*map(str, base)}),
    "column_set": ([], lambda base, head: True),  # follows the table, whose columns the review tells
    "column_list": ([], lambda base, head: True),
}
REVIEW: dict[str, Strict] = {
    "review.metric": operator.eq,
    "review.margin": lambda base, head: base == head or ("auto" not in (base, head) and head <= base),
    "review.gap": operator.ge,
    "review.loss": operator.ge,
    "review.alpha": operator.le,
    "review.replicas": operator.le,
    "review.folds": operator.le,
    "review.require": lambda base, head: REQUIRE.index(base) <= REQUIRE.index(head),
}
OFF = ("skip", "skipif", "xfail")


def loosened(base: Side, head: Side) -> list[Reason]:
    parts = {"expectations": _expectations, "floors": _floors, "margin": _margin, "behaviour": _behaviour,
             "leakage": _leakage, "tests": _tests}  # fmt: skip
    found: list[Reason] = []
    for name, part in parts.items():
        try:
            found += part(base, head)
        except (
            TypeError,
            ValueError,
            KeyError,
            AttributeError,
        ) as error:  # it is not of the form that base's code knows
            found.append(reason(name, f"what base demands cannot be found in head: {error}", "fix it"))
    return found


def reason(name: str, what: str, then: str = "bring it back") -> Reason:
    return {
        "name": name,
        "what": what,
        "next": f"{then}, or accept it: end a commit message with the line Accept: {name}: WHY",
    }


def _holds(strict: Strict, base: Any, head: Any) -> bool:
    """What cannot be compared is not as strict."""
    try:
        return base == head or bool(strict(base, head))
    except (TypeError, ValueError):
        return False


def _files(side: Side, folder: str, end: str) -> Iterator[str]:
    names = git("ls-tree", "-r", "-z", "--name-only", side.commit, "--", folder).split("\0")
    return (replace_surrogates(git("show", f"{side.commit}:{name}")) for name in names if name.endswith(end))


def suites(side: Side) -> list[dict[str, Any]]:
    """The expectations of all suites but those that name another table."""
    found = []
    for text in _files(side, "expectations/", ".json"):
        try:
            suite = json.loads(text)
            if _applies((suite.get("meta") or {}).get("table"), side):
                found += [each for each in suite["expectations"] if isinstance(each["kwargs"], dict)]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):  # no suite: ingest refuses it
            continue
    return found


def _applies(named: Any, side: Side) -> bool:
    """Whether what names this table, or these, is about the side's; what cannot be read is no demand."""
    try:
        return includes(parse_tables(named, ""), str(side.params.get("data.source")))
    except PlumblineError:
        return False


def _named(each: dict[str, Any]) -> tuple[str, str]:
    kept = {key: value for key, value in each["kwargs"].items() if key not in KWARGS}
    return str(each.get("type")), json.dumps(kept, sort_keys=True)


def _as_strict(base: dict[str, Any], head: dict[str, Any]) -> bool:
    levels = [SEVERITIES.index(each.get("severity") or "critical") for each in (base, head)]
    if levels[1] < levels[0]:
        return False
    for key, (default, strict) in KWARGS.items():
        old, new = (default if each["kwargs"].get(key) is None else each["kwargs"][key] for each in (base, head))
        if key == "value_set" and not base["type"].endswith("to_be_in_set"):
            old, new = new, old  # a set of what must not, or must all, be there
        if not _holds(strict, old, new):
            return False
    return True


def _expectations(base: Side, head: Side) -> Iterator[Reason]:
    given, demanded = suites(head), suites(base)
    if demanded and not given:  # one line, not one for each
        yield reason("expectations", f"none of the {len(demanded)} expectations of base is held to")
        return
    for each in demanded:
        same = [other for other in given if _named(other) == _named(each)]
        if not any(_as_strict(each, other) for other in same):
            of = each["kwargs"].get("column", "the table")
            yield reason("expectations", f"{each['type']} of {of} is {'loosened' if same else 'removed'}")


def _floors(base: Side, head: Side) -> Iterator[Reason]:
    old, new = (side.params.get("requirements.floors") or {} for side in (base, head))
    for metric, floor in old.items():
        strict = operator.ge if lower_is_better(metric) else operator.le
        if metric not in new or not _holds(strict, floor, new[metric]):
            yield reason("floors", f"requirements.floors {metric} was {floor} and is {new.get(metric, 'removed')}")
    must = head.params.get("requirements.must_work") or []
    for part in base.params.get("requirements.must_work") or []:
        if part not in must:
            yield reason("floors", f"requirements.must_work has no {part} any more")
    for key in ("requirements.latency", "requirements.size"):
        limits = [side.params.get(key) for side in (base, head)]
        if limits[0] is not None and not _holds(operator.ge, *limits):
            yield reason("floors", f"{key} was {limits[0]} and is {limits[1]}")


def _margin(base: Side, head: Side) -> Iterator[Reason]:
    for key, strict in REVIEW.items():
        old, new = (side.params.get(key, params.KEYS[key].default) for side in (base, head))
        if not _holds(strict, old, new):
            yield reason("margin", f"{key} was {old} and is {new}")


def _behaviours(side: Side) -> list[dict[str, Any]]:
    for text in _files(side, "expectations/behaviour.yaml", ".yaml"):
        try:
            content = yaml.safe_load(text) or []
            given = content if isinstance(content, dict) else {"behaviours": content}
            listed = (given.get("behaviours") or []) if _applies(given.get("table"), side) else []
            return [each for each in listed if isinstance(each, dict)]
        except (yaml.YAMLError, TypeError):
            return []
    return []


def _demands(base: dict[str, Any], head: dict[str, Any]) -> bool:
    if any(base.get(key) != head.get(key) for key in ("raise", "swap", "row", "class")):
        return False
    old, new = base.get("then"), head.get("then")
    kept = old == new or ("row" not in base and new == "same")
    if isinstance(old, dict) and isinstance(new, dict):
        bounds = (("above", float("-inf"), operator.le), ("below", float("inf"), operator.ge))
        kept = all(_holds(strict, old.get(key, limit), new.get(key, limit)) for key, limit, strict in bounds)
    return kept and _holds(operator.ge, base.get("allowed", 0), head.get("allowed", 0))


def _behaviour(base: Side, head: Side) -> Iterator[Reason]:
    given = _behaviours(head)
    for each in _behaviours(base):
        if not any(_demands(each, other) for other in given):
            there = any(other.get("name") == each.get("name") for other in given)
            yield reason("behaviour", f"{each.get('name')} is {'loosened' if there else 'removed'}")


def _leakage(base: Side, head: Side) -> Iterator[Reason]:
    old, new = (side.params.get("data.allow") or {} for side in (base, head))
    for column in (column for column in new if column not in old):
        yield reason("leakage", f"data.allow has {column}, which base does not allow", "take it out")


def _tests(base: Side, head: Side) -> Iterator[Reason]:
    old, new = (sum(map(count_tests, _files(side, "tests/", ".py"))) for side in (base, head))
    if new < old:
        yield reason("tests", f"{new} tests run under tests/, and {old} in base")


def count_tests(text: str) -> int:
    """How many tests pytest would run of a file, as far as its source tells; one that is skipped is none."""
    try:
        return _counted(ast.parse(text).body)
    except (SyntaxError, ValueError):
        return 0


def _counted(body: list[ast.stmt]) -> int:
    if any(isinstance(each, ast.Assign) and ast.unparse(each.targets[0]) == "pytestmark" and _off(each.value)
           for each in body):  # fmt: skip
        return 0
    found = 0
    for each in body:
        if isinstance(each, ast.ClassDef) and each.name.startswith("Test"):
            found += 0 if any(map(_off, each.decorator_list)) else _counted(each.body)
        elif isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) and each.name.startswith("test"):
            found += _cases(each)
    return found


def _cases(test: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """With the cases of each parametrize whose list is a literal."""
    stops = [each.value for each in test.body if isinstance(each, ast.Expr) and isinstance(each.value, ast.Call)]
    if any(map(_off, stops)):
        return 0
    count = 1
    for mark in test.decorator_list:
        if isinstance(mark, ast.Call) and ast.unparse(mark.func).endswith("parametrize"):
            cases = mark.args[1] if len(mark.args) > 1 else None
            count *= sum(not _off(case) for case in cases.elts) if isinstance(cases, ast.List | ast.Tuple) else 1
        elif _off(mark):
            return 0
    return count


def _off(node: ast.AST) -> bool:
    """Names pytest.skip, a mark of skip, skipif or xfail."""
    return any(isinstance(each, ast.Attribute) and each.attr in OFF and ast.unparse(each).startswith("pytest.")
               for each in ast.walk(node))  # fmt: skip

"""What head demands less of than base: expectations, floors, margins, behaviours, leakage checks, tests.

Both commits are read and neither is run.
"""

import json
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from plumbline.errors import PlumblineError
from plumbline.keys import KEYS
from plumbline.metrics import lower_is_better
from plumbline.process import git, replace_surrogates
from plumbline.review.commits import Commit
from plumbline.review.pytest_count import count_tests, is_test_file
from plumbline.review.pytest_settings import FILES, SHADOWS, find_hooks, find_settings
from plumbline.review.result.checks import Reason
from plumbline.scope import includes, is_suite_of, parse_tables

IsAsStrict = Callable[[Any, Any], bool]  # takes the value of base and that of head
SEVERITIES = ("info", "warning", "critical")
REQUIRE = (None, "same", "better")
ACTIONS = {"leakage": "Remove it"}


@dataclass(frozen=True)
class Expectation:
    """An expectation of a suite: its type, its arguments and its severity."""

    type: str
    kwargs: Mapping[str, Any]
    severity: str

    @property
    def subject(self) -> tuple[str, str]:
        """What it is about: its type, and the arguments that do not say how strict it is."""
        subject = {key: value for key, value in self.kwargs.items() if key not in STRICTNESS}
        return self.type, json.dumps(subject, sort_keys=True)


def _is_subset(base: Any, head: Any) -> bool:
    return {*map(str, head)} <= {*map(str, base)}


def _follows_table(base: Any, head: Any) -> bool:
    """The columns follow the table, and a review tells how that changed."""
    return True


# Arguments of an expectation that say how strict it is: the default, and which way is stricter.
STRICTNESS: dict[str, tuple[Any, IsAsStrict]] = {
    "min_value": (float("-inf"), operator.le),
    "max_value": (float("inf"), operator.ge),
    "mostly": (1, operator.le),
    "strict_min": (False, operator.le),
    "strict_max": (False, operator.le),
    "exact_match": (True, operator.le),
    "value_set": ([], _is_subset),
    "type_list": ([], _is_subset),
    "column_set": ([], _follows_table),
    "column_list": ([], _follows_table),
}
REVIEW: dict[str, IsAsStrict] = {
    "review.metric": operator.eq,
    "review.margin": lambda base, head: base == head or ("auto" not in (base, head) and head <= base),
    "review.gap": operator.ge,
    "review.loss": operator.ge,
    "review.alpha": operator.le,
    "review.replicas": operator.le,
    "review.folds": operator.le,
    "review.require": lambda base, head: REQUIRE.index(base) <= REQUIRE.index(head),
}


def find_weaker_safeguards(base: Commit, head: Commit) -> list[Reason]:
    """Return a reason for each demand of base that head weakens or drops."""
    checks = {
        "expectations": _compare_expectations,
        "floors": _compare_requirements,
        "margin": _compare_review_settings,
        "behaviour": _compare_behaviours,
        "leakage": _compare_allowed_columns,
        "tests": _compare_test_counts,
    }
    reasons: list[Reason] = []
    for name, check in checks.items():
        try:
            for message in check(base, head):
                reasons.append(build_reason(name, message, ACTIONS.get(name, "Restore it")))  # noqa: PERF401
        except (TypeError, ValueError, KeyError, AttributeError) as error:  # not of the form that base's code reads
            message = f"what base demands cannot be found in head: {error}"
            reasons.append(build_reason(name, message, "Fix it"))
    return reasons


def build_reason(name: str, message: str, action: str) -> Reason:
    """Return a reason whose hint is the action, or to accept it."""
    hint = f"{action}, or accept it: end a commit message with the line Accept: {name}: WHY"
    return Reason(name=name, message=message, hint=hint)


def _is_as_strict(compare: IsAsStrict, base: Any, head: Any) -> bool:
    """Whether head is as strict as base; what cannot be compared is not."""
    try:
        return base == head or bool(compare(base, head))
    except (TypeError, ValueError):
        return False


def _read_files(commit: Commit, folder: str, suffix: str) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each file."""
    names = git("ls-tree", "-r", "-z", "--name-only", commit.commit, "--", folder).split("\0")
    for name in names:
        if name.endswith(suffix):
            yield name, replace_surrogates(git("show", f"{commit.commit}:{name}"))


def read_expectations(commit: Commit) -> list[Expectation]:
    """Return the expectations of the suites that ingest would run on data.source."""
    expectations: list[Expectation] = []
    for name, text in _read_files(commit, "expectations/", ".json"):
        try:
            suite = json.loads(text)
            tables = parse_tables((suite.get("meta") or {}).get("table"), name)
            if is_suite_of(name, tables, str(commit.params.get("data.source"))):
                entries = [entry for entry in suite["expectations"] if isinstance(entry["kwargs"], dict)]
                expectations += [_parse_expectation(entry) for entry in entries]
        except (
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
            RecursionError,
            PlumblineError,
        ):  # no suite: ingest refuses it
            continue
    return expectations


def _parse_expectation(entry: dict[str, Any]) -> Expectation:
    return Expectation(str(entry.get("type")), entry["kwargs"], entry.get("severity") or "critical")


def _is_about_source(table_names: Any, commit: Commit) -> bool:
    """Whether what names these tables is about data.source; names that cannot be read are about no table."""
    try:
        return includes(parse_tables(table_names, ""), str(commit.params.get("data.source")))
    except PlumblineError:
        return False


def _grants_no_more(base: Expectation, head: Expectation) -> bool:
    if SEVERITIES.index(head.severity) < SEVERITIES.index(base.severity):
        return False
    for key, (default, compare) in STRICTNESS.items():
        old, new = (default if side.kwargs.get(key) is None else side.kwargs[key] for side in (base, head))
        if key == "value_set" and not base.type.endswith("to_be_in_set"):
            old, new = new, old  # a set of what must not, or must all, be there
        if not _is_as_strict(compare, old, new):
            return False
    return True


def _compare_expectations(base: Commit, head: Commit) -> Iterator[str]:
    old, new = read_expectations(base), read_expectations(head)
    if old and not new:  # one line in place of one for each
        yield f"head has no expectations for this table; base has {len(old)}"
        return
    for expectation in old:
        same = [candidate for candidate in new if candidate.subject == expectation.subject]
        if not any(_grants_no_more(expectation, candidate) for candidate in same):
            column = expectation.kwargs.get("column", "the table")
            yield f"{expectation.type} of {column} is {'loosened' if same else 'removed'}"


def _compare_requirements(base: Commit, head: Commit) -> Iterator[str]:
    old, new = (commit.params.get("requirements.floors") or {} for commit in (base, head))
    for metric, floor in old.items():
        compare = operator.ge if lower_is_better(metric) else operator.le
        if metric not in new or not _is_as_strict(compare, floor, new[metric]):
            yield f"requirements.floors {metric} was {floor} and is {new.get(metric, 'removed')}"
    slices = head.params.get("requirements.must_work") or []
    for slice_ in base.params.get("requirements.must_work") or []:
        if slice_ not in slices:
            yield f"requirements.must_work no longer contains {slice_}"
    for key in ("requirements.latency", "requirements.size"):
        limits = [commit.params.get(key) for commit in (base, head)]
        if limits[0] is not None and not _is_as_strict(operator.ge, *limits):
            yield f"{key} was {limits[0]} and is {limits[1]}"


def _compare_review_settings(base: Commit, head: Commit) -> Iterator[str]:
    for key, compare in REVIEW.items():
        old, new = (commit.params.get(key, KEYS[key].default) for commit in (base, head))
        if not _is_as_strict(compare, old, new):
            yield f"{key} was {old} and is {new}"


def _read_behaviours(commit: Commit) -> list[dict[str, Any]]:
    for _, text in _read_files(commit, "expectations/behaviour.yaml", ".yaml"):
        try:
            content = yaml.safe_load(text) or []
            content = content if isinstance(content, dict) else {"behaviours": content}
            entries = (content.get("behaviours") or []) if _is_about_source(content.get("table"), commit) else []
            return [entry for entry in entries if isinstance(entry, dict)]
        except (yaml.YAMLError, TypeError):
            return []
    return []


def _demands_no_less(base: dict[str, Any], head: dict[str, Any]) -> bool:
    if any(base.get(key) != head.get(key) for key in ("raise", "swap", "row", "class")):
        return False
    old, new = base.get("then"), head.get("then")
    holds = old == new or ("row" not in base and new == "same")
    if isinstance(old, dict) and isinstance(new, dict):
        bounds = (("above", float("-inf"), operator.le), ("below", float("inf"), operator.ge))
        holds = all(_is_as_strict(compare, old.get(key, limit), new.get(key, limit)) for key, limit, compare in bounds)
    return holds and _is_as_strict(operator.ge, base.get("allowed", 0), head.get("allowed", 0))


def _compare_behaviours(base: Commit, head: Commit) -> Iterator[str]:
    new = _read_behaviours(head)
    for behaviour in _read_behaviours(base):
        if not any(_demands_no_less(behaviour, candidate) for candidate in new):
            has_name = any(candidate.get("name") == behaviour.get("name") for candidate in new)
            yield f"{behaviour.get('name')} is {'loosened' if has_name else 'removed'}"


def _compare_allowed_columns(base: Commit, head: Commit) -> Iterator[str]:
    old, new = (commit.params.get("data.allow") or {} for commit in (base, head))
    yield from (f"data.allow has {column}, which base does not allow" for column in new if column not in old)


def _compare_test_counts(base: Commit, head: Commit) -> Iterator[str]:
    old_settings, new_settings = (_read_test_settings(commit) for commit in (base, head))
    has_names = "python_files" in old_settings  # of its own: which files are those of tests is then not looked at
    old, new = (_count_all_tests(commit, has_names=has_names) for commit in (base, head))
    if new < old:
        yield f"{new} tests run under tests/, and {old} in base"
    names = [*new_settings, *(name for name in old_settings if " " not in name and name not in new_settings)]
    if changes := [name for name in names if old_settings.get(name) != new_settings.get(name)]:
        yield f"what selects the tests that run is not as in base: {', '.join(changes)}"


def _count_all_tests(commit: Commit, *, has_names: bool) -> int:
    files = _read_files(commit, "tests/", ".py")
    return sum(count_tests(text) for path, text in files if has_names or is_test_file(path))


def _read_test_settings(commit: Commit) -> dict[str, Any]:
    """Return what selects tests, by its name; with a blank in it where to be without it selects more."""
    names = git("ls-tree", "-z", "--name-only", commit.commit).split("\0")
    texts = {name: replace_surrogates(git("show", f"{commit.commit}:{name}")) for name in FILES if name in names}
    settings = find_settings(texts)
    for path, text in _read_files(commit, ".", "conftest.py"):
        settings |= {f"{name} in {path}": source for name, source in find_hooks(text).items()}
    modules = [name for name in names if name.partition(".")[0] in SHADOWS and name not in FILES]
    return settings | {f"the module {name}": True for name in modules}

"""How many tests pytest would run, and what selects them, as far as the source of files tells."""

import ast
import configparser
import tomllib
from typing import Any

MARKS = ("skip", "skipif", "xfail")
# What selects tests: settings, and names in a conftest.py.
SETTINGS = ("addopts", "testpaths", "python_files", "python_classes", "python_functions", "norecursedirs")
HOOKS = ("collect_ignore", "pytest_ignore_collect", "pytest_collect", "pytest_plugins", "pytest_run")


def count_tests(text: str) -> int:
    r"""Return how many tests pytest would run of a file, as far as its source tells; a skipped one does not count.

    Examples
    --------
    >>> count_tests("def test_a(): pass\n@pytest.mark.skip\ndef test_b(): pass")
    1
    """
    try:
        return _count_in(ast.parse(text).body)
    except (SyntaxError, ValueError):
        return 0


def _count_in(body: list[ast.stmt]) -> int:
    if any(_skips_module(statement) for statement in body):
        return 0
    count = 0
    for statement in body:
        if isinstance(statement, ast.ClassDef) and statement.name.startswith("Test"):
            count += 0 if any(map(_is_skip, statement.decorator_list)) else _count_in(statement.body)
        elif isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef) and statement.name.startswith("test"):
            count += _count_cases(statement)
    return count


def _skips_module(statement: ast.stmt) -> bool:
    if not isinstance(statement, ast.Assign) or ast.unparse(statement.targets[0]) != "pytestmark":
        return False
    return _is_skip(statement.value)


def _count_cases(test: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count the cases of a test: those of each parametrize whose list is a literal."""
    calls = [node.value for node in test.body if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)]
    if any(map(_is_skip, calls)):
        return 0
    count = 1
    for mark in test.decorator_list:
        if isinstance(mark, ast.Call) and ast.unparse(mark.func).endswith("parametrize"):
            cases = mark.args[1] if len(mark.args) > 1 else None
            count *= sum(not _is_skip(case) for case in cases.elts) if isinstance(cases, ast.List | ast.Tuple) else 1
        elif _is_skip(mark):
            return 0
    return count


def _is_skip(tree: ast.AST) -> bool:
    """Whether it names pytest.skip, or a mark of skip, skipif or xfail."""
    return any(
        isinstance(node, ast.Attribute) and node.attr in MARKS and ast.unparse(node).startswith("pytest.")
        for node in ast.walk(tree)
    )


def find_settings(name: str, text: str) -> dict[str, Any]:
    r"""Return the settings in a file that select which tests run; its text where it cannot be read.

    Examples
    --------
    >>> find_settings("pytest.ini", "[pytest]\naddopts = -k nothing\nminversion = 8")
    {'addopts': '-k nothing'}
    """
    try:
        if name.endswith(".toml"):
            tool = tomllib.loads(text).get("tool", {}).get("pytest", {})
            settings = tool.get("ini_options", {}) | {key: tool[key] for key in SETTINGS if key in tool}
        else:
            parser = configparser.ConfigParser(interpolation=None, strict=False)
            parser.read_string(text)
            settings = dict(parser["tool:pytest" if name == "setup.cfg" else "pytest"])
    except KeyError:
        return {}
    except (ValueError, AttributeError, TypeError, configparser.Error):
        return {"": text}
    return {key: value for key, value in settings.items() if key in SETTINGS}


def find_hooks(text: str) -> set[str]:
    """Return the names in a conftest.py that select which tests run; "" where it cannot be read.

    Examples
    --------
    >>> find_hooks("collect_ignore_glob = ['*']")
    {'collect_ignore_glob'}
    """
    try:
        nodes = [*ast.walk(ast.parse(text))]
    except (SyntaxError, ValueError, RecursionError):
        return {""}
    names = {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
    names |= {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return {name for name in names if name.startswith(HOOKS)}

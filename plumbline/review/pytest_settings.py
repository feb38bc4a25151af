"""What selects the tests that pytest runs: its settings, and a conftest.py. None of it is imported."""

import ast
import configparser
import tomllib
from collections.abc import Mapping
from typing import Any

from plumbline.review.pytest_count import find_stops

# The files that may have the settings, the first one that does rules; of the first four even where it has none.
FILES = ("pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg")
SETTINGS = (
    "addopts",
    "collect_imported_tests",
    "norecursedirs",
    "python_classes",
    "python_files",
    "python_functions",
    "pythonpath",
    "strict",
    "strict_xfail",
    "testpaths",
    "usefixtures",
    "xfail_strict",
)
# Hooks that select and fail nothing. All others of a conftest.py may.
HARMLESS = ("pytest_addoption", "pytest_assertrepr_compare", "pytest_report_header", "pytest_terminal_summary")
UNREADABLE = "a text that cannot be read"
SHADOWS = ("pytest", "_pytest", "pluggy")  # a module of the project with this name would be imported in its place


def find_settings(files: Mapping[str, str]) -> dict[str, Any]:
    r"""Return the settings that select which tests run, and the file that has them.

    Parameters
    ----------
    files : mapping of str to str
        The text of each of `FILES` that there is.

    Examples
    --------
    >>> find_settings({"pytest.ini": "[pytest]\naddopts = -k nothing", "setup.cfg": "[tool:pytest]"})
    {'the file of settings': 'pytest.ini', 'addopts': '-k nothing'}
    """
    for name in FILES:
        if name in files and (settings := _read_section(name, files[name])) is not None:
            keys = [key for key in (UNREADABLE, *SETTINGS) if key in settings]
            return {"the file of settings": name} | {key: settings[key] for key in keys}
    return {}


def _read_section(name: str, text: str) -> dict[str, Any] | None:
    """Return pytest's settings in a file; None where it has none."""
    try:
        if name.endswith(".toml"):
            content = tomllib.loads(text)
            tool = content if name != "pyproject.toml" else content.get("tool", {})
            section = tool.get("pytest")
            return section if section is None else dict(section.get("ini_options", {})) | section
        parser = configparser.ConfigParser(interpolation=None, strict=False)
        parser.read_string(text)
        return dict(parser["tool:pytest" if name == "setup.cfg" else "pytest"])
    except KeyError:
        return {} if name in FILES[:4] else None
    except (ValueError, AttributeError, TypeError, configparser.Error):
        return {UNREADABLE: text}


def find_hooks(text: str) -> dict[str, str]:
    """Return what a conftest.py has that selects or stops tests, with its source; all of it where it cannot be read.

    Examples
    --------
    >>> find_hooks("collect_ignore_glob = ['*']")
    {'collect_ignore_glob': "collect_ignore_glob = ['*']"}
    """
    try:
        tree = ast.parse(text)
        hooks = {name: ast.unparse(node) for node in ast.walk(tree) for name in _bindings(node) if _is_hook(name)}
        return hooks | find_stops(text)
    except (SyntaxError, ValueError, RecursionError):
        return {UNREADABLE: text}


def _bindings(node: ast.AST) -> list[str]:
    """Return the names that a node binds; "*" for all of another module."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return [node.name]
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [alias.asname or alias.name for alias in node.names]
    targets = getattr(node, "targets", None) or [getattr(node, "target", None)]
    names = [part for target in targets if isinstance(target, ast.expr) for part in ast.walk(target)]
    return [name.id for name in names if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)]


def _is_hook(name: str) -> bool:
    return name == "*" or (name.startswith(("pytest_", "collect_ignore")) and name not in HARMLESS)

"""How many tests pytest would run, as far as the source of their files tells; none of it is imported."""

import ast
import re
from collections.abc import Iterator

# What does not let a test run, or fail, by where it comes from.
MARKS = ("skip", "skipif", "xfail", "skipIf", "skipUnless", "expectedFailure")
STOPS = ("skip", "xfail", "importorskip", "exit", "skipTest", "SkipTest")
SOURCES = ("pytest", "unittest")
# Folders that pytest does not enter, and files that it takes for tests, unless its settings say otherwise.
CLOSED_FOLDERS = re.compile(r"(^|/)(\.[^/]*|_darcs|build|CVS|dist|node_modules|venv|\{arch\}|[^/]*\.egg)/")
TEST_FILES = re.compile(r"(^|/)(test_[^/]*|[^/]*_test)\.py$")
Function = ast.FunctionDef | ast.AsyncFunctionDef


def is_test_file(path: str) -> bool:
    """Return whether pytest takes a file for one of tests by its default settings.

    Examples
    --------
    >>> is_test_file("tests/test_a.py"), is_test_file("tests/a.py"), is_test_file("tests/build/test_a.py")
    (True, False, False)
    """
    return bool(TEST_FILES.search(path)) and not CLOSED_FOLDERS.search(path)


def count_tests(text: str) -> int:
    r"""Return how many tests pytest would run of a file, as far as its source tells; a skipped one does not count.

    Nor does a test without content, or one that another binding of its name replaces.

    Examples
    --------
    >>> count_tests("def test_a(): check()\n@pytest.mark.skip\ndef test_b(): check()")
    1
    """
    try:
        tree = ast.parse(text)
        return _Module(tree).count(tree.body)
    except (SyntaxError, ValueError, RecursionError):
        return 0


def find_stops(text: str) -> dict[str, str]:
    r"""Return the source of each function that stops a test, and of a statement at the top that stops all.

    Examples
    --------
    >>> find_stops("def rows():\n    pytest.skip()")
    {'rows': 'def rows():\n    pytest.skip()'}
    """
    tree = ast.parse(text)
    module = _Module(tree)
    nodes = [node for node in tree.body if module.stops(node)]
    return {getattr(node, "name", "a statement"): ast.unparse(node) for node in nodes}


class _Module:
    """A file of tests, with the names in it that stand for pytest, for a mark that skips, and for what stops a test."""

    def __init__(self, tree: ast.Module) -> None:
        self.roots, self.names = {*SOURCES, "mark", "self"}, {"SkipTest"}
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                self._read_import(node)
        for node in tree.body:  # an alias: slow = pytest.mark.skip
            if isinstance(node, ast.Assign) and self._marks(node.value):
                self.names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        functions = [node for node in ast.walk(tree) if isinstance(node, Function)]
        fixtures = [node for node in functions if _is_fixture(node) and self.stops(node)]
        self.stopping_fixtures = {node.name for node in fixtures}
        self.is_stopped = any("autouse=True" in ast.unparse(mark) for node in fixtures for mark in node.decorator_list)

    def _read_import(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            name = alias.asname or alias.name
            if isinstance(node, ast.Import) and alias.name in SOURCES:
                self.roots.add(name)
            elif isinstance(node, ast.ImportFrom) and node.module in SOURCES:
                if alias.name == "mark":
                    self.roots.add(name)
                elif alias.name in (*MARKS, *STOPS):
                    self.names.add(name)

    def _names(self, tree: ast.AST, attributes: tuple[str, ...]) -> bool:
        return any(
            (isinstance(node, ast.Name) and node.id in self.names)
            or (isinstance(node, ast.Attribute) and node.attr in attributes and _root(node) in self.roots)
            for node in ast.walk(tree)
        )

    def _marks(self, tree: ast.AST) -> bool:
        return self._names(tree, MARKS)

    def stops(self, node: ast.stmt) -> bool:
        """Whether a statement, or the body of a function, stops a test that comes to it."""
        if isinstance(node, ast.ClassDef | ast.Import | ast.ImportFrom | ast.Assign | ast.AnnAssign):
            value = getattr(node, "value", None)  # rows = pytest.importorskip("rows"); a mark does nothing yet
            return isinstance(value, ast.expr) and self._names(value, ("importorskip",))
        return any(self._names(part, STOPS) for part in (node.body if isinstance(node, Function) else [node]))

    def count(self, body: list[ast.stmt]) -> int:
        """Count the tests of a module or of a class."""
        if self.is_stopped or any(self._skips_all(statement) for statement in body):
            return 0
        counts: dict[str, int] = {}
        for statement in body:
            for name in _bindings(statement):
                counts[name] = 0
            if isinstance(statement, ast.ClassDef) and _is_collected(statement):
                is_skipped = any(map(self._marks, statement.decorator_list))
                counts[statement.name] = 0 if is_skipped else self.count(statement.body)
            elif isinstance(statement, Function) and statement.name.startswith("test"):
                counts[statement.name] = self._count_cases(statement)
        return sum(counts.values())

    def _skips_all(self, statement: ast.stmt) -> bool:
        if isinstance(statement, Function | ast.ClassDef):
            return False
        names = _bindings(statement)
        value = getattr(statement, "value", None)
        if "__test__" in names and value is not None:
            return ast.unparse(value) != "True"
        return ("pytestmark" in names and self._marks(statement)) or self.stops(statement)

    def _count_cases(self, test: Function) -> int:
        """Count the cases of a test: those of each parametrize whose list is a literal."""
        arguments = {argument.arg for argument in (*test.args.posonlyargs, *test.args.args, *test.args.kwonlyargs)}
        if _is_empty(test) or _is_fixture(test) or arguments & self.stopping_fixtures or self.stops(test):
            return 0
        count = 1
        for mark in test.decorator_list:
            if isinstance(mark, ast.Call) and ast.unparse(mark.func).endswith("parametrize"):
                cases = mark.args[1] if len(mark.args) > 1 else None
                elements = cases.elts if isinstance(cases, ast.List | ast.Tuple) else [mark.func]
                count *= sum(not self._marks(element) for element in elements)
            elif self._marks(mark):
                return 0
        return count


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _bindings(statement: ast.stmt) -> set[str]:
    """Return the names that a statement, other than the definition of a test, binds or deletes."""
    if isinstance(statement, Function | ast.ClassDef):
        return {statement.name}
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {alias.asname or alias.name for alias in statement.names}
    return set(_stores(statement))


def _stores(statement: ast.stmt) -> Iterator[str]:
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id


def _is_collected(node: ast.ClassDef) -> bool:
    """Whether pytest takes a class for one of tests; one that it must call is none, unless unittest does."""
    if any(ast.unparse(parent).endswith("TestCase") for parent in node.bases):
        return True
    methods = {statement.name for statement in node.body if isinstance(statement, Function)}
    return node.name.startswith("Test") and not methods & {"__init__", "__new__"}


def _is_fixture(node: Function) -> bool:
    return any("fixture" in ast.unparse(mark).partition("(")[0] for mark in node.decorator_list)


def _is_empty(test: Function) -> bool:
    """Whether a test returns before it asserts, raises or calls anything."""
    for statement in test.body:
        if isinstance(statement, ast.Return):
            return statement.value is None or isinstance(statement.value, ast.Constant)
        if any(isinstance(node, ast.Assert | ast.Call | ast.Raise | ast.Await) for node in ast.walk(statement)):
            return False
    return True

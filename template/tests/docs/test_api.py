"""plumbline/docs/api.md is what template/api.py makes of the docstrings, and has every name that users import."""

import ast
import subprocess
import sys

import pytest

from plumbline.testing.projects import ROOT
from template import api


def test_the_page_is_what_the_docstrings_say() -> None:
    assert api.PAGE.read_text(encoding="utf-8") == api.render_page(), "run python -m template.api"


def test_the_page_has_what_user_code_imports_and_all_of_the_contract() -> None:
    names = {(module, name) for module, names in api.public_names().items() for name in names}
    assert {
        ("plumbline.columns", "columns"),  # src/model.py
        ("plumbline.pipeline.stage", "run"),  # the stage files
        ("plumbline.params", "read"),  # an attribute of a module that they import
        ("plumbline.results", "load"),  # the notebook
        ("plumbline.results", "Results"),  # what a public function returns
        ("plumbline.testing.projects", "Project"),  # a block of docs/
        ("plumbline.contract", "read_other_rows"),  # a module of which every name is public
        ("plumbline.errors", "TableError"),
        ("plumbline.paths", "TABLE"),
    } <= names
    assert not any(name.startswith("_") for _, name in names)
    page = api.PAGE.read_text(encoding="utf-8")
    for module, name in names:
        assert f"## {module}\n" in page
        assert f"\n### {name}\n" in page or f"\n{name} = " in page, name


def test_imports_of_a_name_of_a_module_and_of_an_attribute_are_found() -> None:
    code = (
        "import os\nfrom plumbline import params as p\nfrom plumbline.files import replacing as r\np.read('a', os.sep)"
    )
    assert list(api.imported_names(ast.parse(code))) == [("plumbline.files", "replacing"), ("plumbline.params", "read")]


def test_a_numpydoc_docstring_becomes_markdown() -> None:
    text = """Return the *sum* of `a*b`.

    Parameters
    ----------
    a : array, shape (n,)
        The first,
        in any unit.

    Examples
    --------
    >>> 1 + 1
    2
    """
    (node,) = ast.parse(f'def add(a, c=2, *, b: int = 1, **d: str) -> float:\n    """{text}"""').body
    assert isinstance(node, ast.FunctionDef)
    assert api.render_function("add", node) == [
        "### add\n",
        "```python\nadd(a, c=2, *, b: int = 1, **d: str) -> float\n```\n",
        "Return the \\*sum\\* of `a*b`.\n",
        "**Parameters**\n",
        "- `a` (array, shape (n,)): The first, in any unit.\n",
        "**Examples**\n",
        "```pycon\n>>> 1 + 1\n2\n```\n",
    ]


def test_a_class_is_shown_with_its_fields_and_its_public_methods() -> None:
    code = "class Kind(Enum):\n    A = 'a'\n\n    def _hide(self): ...\n    def show(self, n: int): ..."
    (node,) = ast.parse(code).body
    assert isinstance(node, ast.ClassDef)
    text = "".join(api.render_class("Kind", node))
    assert '```python\nclass Kind(Enum):\n    A = "a"\n```' in text
    assert "```python\nKind.show(n: int)\n```" in text
    assert "hide" not in text


@pytest.mark.parametrize(("module", "name"), [("plumbline.nowhere", "x"), ("plumbline.files", "nothing")])
def test_a_name_that_is_not_there_is_an_error(module: str, name: str) -> None:
    with pytest.raises(LookupError):
        api.find_definition(module, name)


@pytest.mark.parametrize(("path", "fails"), [("plumbline/new.py", True), ("src/new.py", False)])
def test_a_public_name_of_the_package_without_a_docstring_fails_the_lint(path: str, fails: bool) -> None:
    command = [sys.executable, "-m", "ruff", "check", "--quiet", "--stdin-filename", path, "-"]
    code = '"""A module."""\n\n\ndef public() -> None:\n    pass\n'
    ran = subprocess.run(command, cwd=ROOT, input=code, capture_output=True, encoding="utf-8", check=False)
    assert ("D103" in ran.stdout) == fails
    assert bool(ran.returncode) == fails

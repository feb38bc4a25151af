"""Write plumbline/docs/api.md from the docstrings of the public names.

    python -m template.api

Public is what a user's code imports from plumbline (the stage files, src/features.py, src/model.py, the notebook and
the Python blocks of the pages), and every public name of the modules in WHOLE. The source is parsed and never imported,
so that the page is the same on every Python and with every version of a library.
"""

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "plumbline/docs/api.md"
WHOLE = ("plumbline.contract", "plumbline.errors", "plumbline.paths")
USER_CODE = ("src/stages/*.py", "src/features.py", "src/model.py", "notebooks/*.py")
BLOCK = re.compile(r"(?ms)^```python\n(.*?)^```$")
SECTION = re.compile(r"(?m)^([A-Z][A-Za-z ]+)\n-{3,}\n")
Node = ast.FunctionDef | ast.ClassDef | ast.Assign
INTRO = """\
# Which functions of plumbline can I call?

These are the names that stage files, `src/features.py`, `src/model.py`, the notebook and the examples of these pages
import from the package. All other names of the package may change in any update. How to use them:
[extend.md](extend.md), `plumbline docs your-model`, `plumbline docs your-features`.
"""


@dataclass(frozen=True)
class Module:
    """A module of plumbline, parsed.

    Attributes
    ----------
    names : dict of str to node
        The functions, classes and constants that it defines at its top, in their order.
    imports : dict of str to tuple of str
        Name -> (module, name there) of what it imports from plumbline.
    """

    source: str
    tree: ast.Module
    names: dict[str, Node]
    imports: dict[str, tuple[str, str]]


def main() -> int:
    """Write the page."""
    PAGE.write_text(render_page(), encoding="utf-8", newline="\n")
    print(f"Wrote: {PAGE.relative_to(ROOT)}")
    return 0


def render_page() -> str:
    """Return the text of plumbline/docs/api.md."""
    parts = [INTRO]
    for module, names in public_names().items():
        parts += [f"## {module}\n", *render_module(module, names)]
    return "\n".join(parts)


def public_names() -> dict[str, list[str]]:
    """Return module -> its public names, those of the package's own in the order of their definitions."""
    names_by_module: dict[str, set[str]] = {}
    for tree in user_code():
        for module, name in imported_names(tree):
            names_by_module.setdefault(module, set()).add(name)
    for module, names in names_by_module.items():
        names |= {result for name in names for result in returned_classes(module, name)}
    for module in WHOLE:
        names_by_module[module] = {name for name in parse_module(module).names if not name.startswith("_")}
    pages: dict[str, list[str]] = {}
    for module in sorted(names_by_module):
        order = [*parse_module(module).names, *sorted(names_by_module[module])]
        pages[module] = sorted(names_by_module[module], key=order.index)
    return pages


def returned_classes(module: str, name: str) -> set[str]:
    """Return the classes of the module that a function of it returns."""
    syntax = parse_module(module)
    node = syntax.names.get(name)
    if not isinstance(node, ast.FunctionDef) or node.returns is None:
        return set()
    names = {part.id for part in ast.walk(node.returns) if isinstance(part, ast.Name)}
    return {name for name in names if isinstance(syntax.names.get(name), ast.ClassDef)}


def user_code() -> Iterator[ast.Module]:
    """Yield what users write: files of a project, and the blocks of the pages that they paste."""
    for pattern in USER_CODE:
        for path in sorted(ROOT.glob(pattern)):
            yield ast.parse(path.read_text(encoding="utf-8"))
    for path in sorted([*(ROOT / "docs").glob("*.md"), *PAGE.parent.glob("*.md")]):
        for block in BLOCK.findall(path.read_text(encoding="utf-8")) if path != PAGE else ():
            yield ast.parse(block)


def imported_names(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield (module, name) of what this code uses of plumbline, of an imported module its attributes."""
    modules: dict[str, str] = {}
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom) or not str(node.module).startswith("plumbline"):
            continue
        for alias in node.names:
            module = f"{node.module}.{alias.name}"
            if module_file(module):
                modules[alias.asname or alias.name] = module
            else:
                yield str(node.module), alias.name
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            yield modules[node.value.id], node.attr


def module_file(module: str) -> Path | None:
    """Return the file of a module, None where there is none."""
    path = ROOT / module.replace(".", "/")
    files = (path.with_suffix(".py"), path / "__init__.py")
    return next((file for file in files if file.is_file()), None)


def parse_module(module: str) -> Module:
    """Parse a module of plumbline."""
    file = module_file(module)
    if file is None:
        raise LookupError(f"{module} is no module of plumbline")
    source = file.read_text(encoding="utf-8")
    syntax = Module(source, ast.parse(source), {}, {})
    for node in syntax.tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            syntax.names[node.name] = node
        elif isinstance(node, ast.Assign):
            syntax.names.update({target.id: node for target in node.targets if isinstance(target, ast.Name)})
        elif isinstance(node, ast.ImportFrom) and str(node.module).startswith("plumbline"):
            syntax.imports.update({alias.asname or alias.name: (str(node.module), alias.name) for alias in node.names})
    return syntax


def find_definition(module: str, name: str) -> tuple[Module, Node]:
    """Return where a name is defined, through the modules that import it from another one."""
    syntax = parse_module(module)
    if name in syntax.names:
        return syntax, syntax.names[name]
    if name not in syntax.imports:
        raise LookupError(f"{module} has no {name}")
    return find_definition(*syntax.imports[name])


def render_module(module: str, names: list[str]) -> list[str]:
    """Return the parts of a page on one module: its constants in one block, then each function and class."""
    definitions = {name: find_definition(module, name) for name in names}
    constants = [
        ast.get_source_segment(syntax.source, node) or ""
        for syntax, node in definitions.values()
        if isinstance(node, ast.Assign)
    ]
    summary = ast.get_docstring(parse_module(module).tree) or ""
    parts = [escape(summary.partition("\n\n")[0].replace("\n", " ")) + "\n"]
    if constants:
        parts.append("```python\n" + "\n".join(constants) + "\n```\n")
    for name, (_, node) in definitions.items():
        if isinstance(node, ast.ClassDef):
            parts += render_class(name, node)
        elif isinstance(node, ast.FunctionDef):
            parts += render_function(name, node)
    return parts


def _unparse(node: ast.AST) -> str:
    """The source of a node, with quotes as ruff formats them."""
    return re.sub(r"'([^'\"]*)'", r'"\1"', ast.unparse(node))


def render_class(name: str, node: ast.ClassDef) -> list[str]:
    """Return a class: how it is made, its docstring, its public methods."""
    methods = [method for method in node.body if isinstance(method, ast.FunctionDef)]
    initial = next((method for method in methods if method.name == "__init__"), None)
    bases = f"({', '.join(map(ast.unparse, node.bases))})" if node.bases else ""
    fields = [f"    {_unparse(field)}" for field in node.body if isinstance(field, ast.AnnAssign | ast.Assign)]
    head = f"class {name}{bases}" + (":\n" if fields else "") + "\n".join(fields)
    code = signature(name, initial, drop_self=True) if initial else head
    parts = [f"### {name}\n", f"```python\n{code}\n```\n", *render_docstring(ast.get_docstring(node) or "")]
    for method in methods:
        if not method.name.startswith("_"):
            parts += render_function(f"{name}.{method.name}", method)
    return parts


def render_function(name: str, node: ast.FunctionDef) -> list[str]:
    """Return a function or a method: its signature and its docstring."""
    decorators = [ast.unparse(decorator) for decorator in node.decorator_list]
    if "property" in decorators:
        returns = f": {ast.unparse(node.returns)}" if node.returns else ""
        code = f"{name}{returns}"
    else:
        code = signature(name, node, drop_self="." in name and "staticmethod" not in decorators)
    return [f"### {name}\n", f"```python\n{code}\n```\n", *render_docstring(ast.get_docstring(node) or "")]


def signature(name: str, node: ast.FunctionDef, *, drop_self: bool) -> str:
    """Return `name(arguments) -> result`; a line for each argument where one line is too long."""
    arguments = list(render_arguments(node.args))[int(drop_self) :]
    returns = f" -> {ast.unparse(node.returns)}" if node.returns and node.name != "__init__" else ""
    line = f"{name}({', '.join(arguments)}){returns}"
    lines = "".join(f"    {argument},\n" for argument in arguments)
    return line if len(line) <= 100 else f"{name}(\n{lines}){returns}"


def render_arguments(arguments: ast.arguments) -> Iterator[str]:
    """Yield each argument as ruff formats it: `name: type = default`."""
    plain = [*arguments.posonlyargs, *arguments.args]
    defaults = [*[None] * (len(plain) - len(arguments.defaults)), *arguments.defaults]
    for argument, default in zip(plain, defaults, strict=True):
        yield render_argument(argument, default)
    if arguments.vararg or arguments.kwonlyargs:
        yield "*" + (render_argument(arguments.vararg) if arguments.vararg else "")
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        yield render_argument(argument, default)
    if arguments.kwarg:
        yield "**" + render_argument(arguments.kwarg)


def render_argument(argument: ast.arg, default: ast.expr | None = None) -> str:
    """Return one argument with its type and its default."""
    kind = f": {ast.unparse(argument.annotation)}" if argument.annotation else ""
    equals = " = " if kind else "="
    return f"{argument.arg}{kind}" + (f"{equals}{ast.unparse(default)}" if default else "")


def render_docstring(text: str) -> list[str]:
    """Return a numpydoc docstring as parts of Markdown."""
    head, *sections = SECTION.split(text)
    parts = [escape(head.strip()) + "\n"] if head.strip() else []
    for title, body in zip(sections[::2], sections[1::2], strict=True):
        parts.append(f"**{title}**\n")
        if title == "Examples":
            parts.append(f"```pycon\n{body.strip()}\n```\n")
        elif title in ("Notes", "References"):
            parts.append(escape(body.strip()) + "\n")
        else:
            parts.append("\n".join(render_entries(body)) + "\n")
    return parts


def render_entries(body: str) -> Iterator[str]:
    """Yield a list item for each entry of a section, such as `name : type` with its indented description."""
    for entry in re.split(r"\n(?=\S)", body.strip()):
        head, _, description = entry.partition("\n")
        name, _, kind = head.partition(" : ")
        kind = f" ({escape(kind.strip())})" if kind else ""
        words = " ".join(line.strip() for line in description.splitlines())
        yield f"- `{name.strip()}`{kind}" + (f": {escape(words)}" if words else "")


def escape(text: str) -> str:
    """Return a text in which nothing outside of backticks is markup; `code` stays."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(part if part.startswith("`") else re.sub(r"([*_<\[])", r"\\\1", part) for part in parts)


if __name__ == "__main__":
    sys.exit(main())

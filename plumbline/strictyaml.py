"""YAML that people write, read strictly: no key twice, no alias, nothing that could run code."""

from pathlib import Path
from typing import Any

import yaml

from plumbline.errors import ProjectError


class StrictLoader(yaml.SafeLoader):
    """A SafeLoader that refuses duplicate keys and aliases."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """PyYAML keeps the last of two equal keys without a word; here that is an error."""
        keys: set[str] = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in keys:
                raise yaml.MarkedYAMLError(problem=f"the key {key.value} occurs twice", problem_mark=key.start_mark)
            keys.add(key.value)
        return super().construct_mapping(node, deep)

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Ten lines of aliases can expand to more than any memory holds."""
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(problem="aliases are not allowed", problem_mark=mark)
        return super().compose_node(parent, index)


def read_yaml(path: str) -> Any:
    """Return the content of a YAML file.

    Raises
    ------
    ProjectError
        Where the file is missing, is not YAML, repeats a key, or uses an alias.
    """
    try:
        return yaml.load(Path(path).read_bytes(), StrictLoader)  # noqa: S506, a SafeLoader
    except FileNotFoundError:
        raise ProjectError(f"{path} is not there", hint=f"Restore it: git restore {path}") from None
    except RecursionError:
        raise ProjectError(
            f"{path}: is nested too deep", hint=f"Remove the nested brackets, or restore the file: git restore {path}"
        ) from None
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a date that no calendar has
        mark = getattr(error, "problem_mark", None)
        where = f"{path}, line {mark.line + 1}" if mark else path
        raise ProjectError(f"{where}: {getattr(error, 'problem', error)}", hint="Correct this line") from None

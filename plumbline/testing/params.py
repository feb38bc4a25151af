"""Parameters for tests that call functions of the package without a params.yaml."""

from collections.abc import Mapping
from typing import Any

from plumbline.keys import GROUPS, Params

_REQUIRED: Mapping[str, Mapping[str, Any]] = {"data": {"source": "data/source/table.csv", "target": "target"}}


def make_params(**groups: Mapping[str, Any]) -> Params:
    """Return parameters with all defaults but the given ones.

    Parameters
    ----------
    **groups : mapping
        The keys of a group by name, such as ``data={"target": "y"}``. Values are not checked.

    Raises
    ------
    TypeError
        Where a group or a key does not exist.

    Examples
    --------
    >>> make_params(model={"folds": 3}).model.folds
    3
    >>> make_params().data.target
    'target'
    """
    if unknown := sorted(set(groups) - set(GROUPS)):
        raise TypeError(f"params.yaml has no group {unknown[0]!r}")
    values = {name: kind(**{**_REQUIRED.get(name, {}), **groups.get(name, {})}) for name, kind in GROUPS.items()}
    return Params(**values)  # type: ignore[arg-type]

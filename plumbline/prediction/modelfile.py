"""The model as a file: skops, made canonical, so that the same model is the same bytes; loaded by a list of types.

skops names the archive's members by memory addresses and stamps them with the time; estimators keep how many threads
trained them. None of it is part of the model: addresses are renumbered in order of appearance, times and threads fixed.
"""

import inspect
import io
import json
import zipfile
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import skops.io
from sklearn.pipeline import Pipeline
from skops.io.exceptions import UntrustedTypesFoundException

from .. import columns
from ..errors import PlumblineError
from ..files import replacing
from .fitted_model import FittedModel

# What skops does not trust by itself and scikit-learn's own estimators need. Types of a user's own modules that the
# project carries are added by `trusted`; those of other libraries stand in TRUSTED of src/model.py.
TRUSTED = (
    "functools.partial",  # of a function that must be on this list itself: histogram boosting checks categories so
    "numpy.dtype",
    "sklearn._loss.loss.HalfTweedieLossIdentity",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.metrics._dist_metrics.EuclideanDistance64",
    "sklearn.neighbors._kd_tree.KDTree",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.tree._tree.Tree",
    "sklearn.utils._bunch.Bunch",
    "sklearn.utils.validation.check_array",
)
FIXED = {"n_jobs": "null", "n_threads": "1", "_stop_words_id": "null"}


def trusted(modules: Iterable[ModuleType]) -> list[str]:
    """The types and functions that a model file may name: TRUSTED, and what these modules and `columns` define.

    Parameters
    ----------
    modules : modules
        The user's own, which may have a list of further names as TRUSTED.
    """
    names = list(TRUSTED)
    for module in (*modules, columns):
        members = [m for m in vars(module).values() if inspect.isclass(m) or inspect.isfunction(m)]
        names += [f"{m.__module__}.{m.__qualname__}" for m in members if m.__module__ == module.__name__]
        names += getattr(module, "TRUSTED", ())
    return names


def dumps(model: FittedModel | Pipeline, roots: dict[str, str] | None = None) -> bytes:
    """The model's canonical bytes.

    roots: new names for packages whose types and functions the model names; what is src.model.Scaler here is
        NAME.model.Scaler in the package NAME.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(skops.io.dumps(vars(model) if isinstance(model, FittedModel) else model)))
    except TypeError as error:  # an open file, a generator
        raise PlumblineError(
            f"src/model.py: the fitted model cannot be kept as data ({error}). Keep numbers and text"
        ) from None
    members: dict[str, str] = {}
    schema = _canonical(json.loads(archive.read("schema.json")), roots or {}, members, {})
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as target:
        contents = [(new, _without_padding(new, archive.read(old))) for old, new in members.items()]
        for name, content in [*contents, ("schema.json", json.dumps(schema, separators=(",", ":")).encode())]:
            target.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content)
    return out.getvalue()


def write(path: str, model: FittedModel, modules: Iterable[ModuleType]) -> int:
    """Writes the model, once it can be read again with what `modules` trust; the number of bytes."""
    content = dumps(model)
    loads(content, path, modules)
    with replacing(path) as temporary:
        temporary.write_bytes(content)
    return len(content)


def read(path: str, modules: Iterable[ModuleType]) -> FittedModel:
    """The model in a file; see `loads`."""
    return loads(Path(path).read_bytes(), path, modules)


def _without_padding(name: str, content: bytes) -> bytes:
    """Arrays of records have gaps between their fields, in which whatever lay in memory is kept; zeros instead."""
    if not name.endswith(".npy"):
        return content
    array = np.load(io.BytesIO(content), allow_pickle=False)
    if array.dtype.names is None:
        return content
    clean, out = np.zeros(array.shape, array.dtype), io.BytesIO()
    for field in array.dtype.names:
        clean[field] = array[field]
    np.save(out, clean, allow_pickle=False)
    return out.getvalue()


def _canonical(node: Any, roots: dict[str, str], members: dict[str, str], ids: dict[int, int]) -> Any:
    """A node of skops' schema with members and objects numbered as they appear (kept in `members`, `ids`)."""
    if isinstance(node, list):
        return [_canonical(item, roots, members, ids) for item in node]
    if not isinstance(node, dict):
        return node
    made: dict[str, Any] = {}
    for key, value in node.items():
        plain = isinstance(value, dict) and value.get("__loader__") == "JsonNode"
        if key == "__id__":
            if node.get("__loader__") != "JsonNode":  # whether plain values share an object is the interpreter's affair
                made[key] = ids.setdefault(value, len(ids) + 1)
        elif key == "file":
            made[key] = members.setdefault(value, f"{len(members):06d}{Path(value).suffix}")
        elif key in ("__module__", "module_path"):
            top, dot, rest = value.partition(".")
            made[key] = f"{roots.get(top, top) if dot else top}{dot}{rest}"
        else:
            fixed = {**value, "content": FIXED[key]} if plain and key in FIXED else value
            made[key] = _canonical(fixed, roots, members, ids)
    return made


def untrusted(content: bytes, modules: Iterable[ModuleType]) -> list[str]:
    """The types that a model file names and no list holds, sorted."""
    return sorted(set(skops.io.get_untrusted_types(data=content)) - set(trusted(modules)))


def loads(content: bytes, name: str, modules: Iterable[ModuleType]) -> FittedModel:
    """The model in these bytes; refused before anything is built when it names a type that is not on the list."""
    known = trusted(modules)
    try:
        return FittedModel(**skops.io.loads(content, trusted=known))
    except UntrustedTypesFoundException:
        unknown = ", ".join(untrusted(content, modules))
        raise PlumblineError(
            f"{name}: names {unknown}, which no list of trusted types holds; nothing was loaded. "
            "If the type is one of your estimator's and you have read it, add it to TRUSTED in src/model.py"
        ) from None
    except Exception as error:  # any breakage of a foreign file is the file's fault
        raise PlumblineError(
            f"{name}: cannot be loaded ({type(error).__name__}: {error}). Make it again: dvc repro"
        ) from None

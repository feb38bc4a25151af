"""Store a model with skops, the same bytes for the same model, and load it by a list of trusted types.

skops names the members of the archive by memory addresses and stamps them with the time; estimators keep the number of
threads that fitted them. None of this is part of the model: addresses are renumbered in the order in which they occur,
times and threads are fixed.
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
from ..errors import ModelError
from ..files import replacing
from .fitted_model import FittedModel

# What scikit-learn's own estimators need and skops does not trust by itself. `list_trusted` adds the types that the
# user's own modules define; types of other libraries are in TRUSTED of src/model.py.
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


def list_trusted(modules: Iterable[ModuleType]) -> list[str]:
    """Return the types and functions that a model file may name.

    Parameters
    ----------
    modules : iterable of modules
        The user's own. What they define is trusted, as is what they list as TRUSTED.
    """
    names = list(TRUSTED)
    for module in (*modules, columns):
        members = [m for m in vars(module).values() if inspect.isclass(m) or inspect.isfunction(m)]
        names += [f"{m.__module__}.{m.__qualname__}" for m in members if m.__module__ == module.__name__]
        names += getattr(module, "TRUSTED", ())
    return names


def dumps(model: FittedModel | Pipeline, roots: dict[str, str] | None = None) -> bytes:
    """Return the bytes of a model, the same for the same model.

    Parameters
    ----------
    model : FittedModel or Pipeline
    roots : dict, optional
        New names for packages whose types the model names: src.model.Scaler is NAME.model.Scaler in the package NAME.

    Raises
    ------
    ModelError
        Where skops cannot store a part of it.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(skops.io.dumps(vars(model) if isinstance(model, FittedModel) else model)))
    except TypeError as error:  # an open file, a generator
        message = f"src/model.py: the fitted model cannot be kept as data ({error})"
        raise ModelError(message, hint="Keep numbers and text in it") from None
    members: dict[str, str] = {}
    schema = _canonical(json.loads(archive.read("schema.json")), roots or {}, members, {})
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as target:
        contents = [(new, _without_padding(new, archive.read(old))) for old, new in members.items()]
        for name, content in [*contents, ("schema.json", json.dumps(schema, separators=(",", ":")).encode())]:
            target.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content)
    return out.getvalue()


def write(path: str, model: FittedModel, modules: Iterable[ModuleType]) -> int:
    """Write a model after a test that it can be loaded again, and return the number of bytes; see `loads`."""
    content = dumps(model)
    loads(content, path, modules)
    with replacing(path) as temporary:
        temporary.write_bytes(content)
    return len(content)


def read(path: str, modules: Iterable[ModuleType]) -> FittedModel:
    """Return the model in a file; see `loads`."""
    return loads(Path(path).read_bytes(), path, modules)


def _without_padding(name: str, content: bytes) -> bytes:
    """Set the gaps between the fields of record arrays to zero: they hold whatever was in memory."""
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
    """A node of skops' schema with members and objects numbered in the order in which they occur."""
    if isinstance(node, list):
        return [_canonical(item, roots, members, ids) for item in node]
    if not isinstance(node, dict):
        return node
    canonical: dict[str, Any] = {}
    for key, value in node.items():
        is_plain = isinstance(value, dict) and value.get("__loader__") == "JsonNode"
        if key == "__id__":
            if node.get("__loader__") != "JsonNode":  # plain values may or may not share an object
                canonical[key] = ids.setdefault(value, len(ids) + 1)
        elif key == "file":
            canonical[key] = members.setdefault(value, f"{len(members):06d}{Path(value).suffix}")
        elif key in ("__module__", "module_path"):
            top, dot, rest = value.partition(".")
            canonical[key] = f"{roots.get(top, top) if dot else top}{dot}{rest}"
        else:
            node_value = {**value, "content": FIXED[key]} if is_plain and key in FIXED else value
            canonical[key] = _canonical(node_value, roots, members, ids)
    return canonical


def list_untrusted(content: bytes, modules: Iterable[ModuleType]) -> list[str]:
    """Return the types, sorted, that the bytes of a model name and that are not trusted."""
    return sorted(set(skops.io.get_untrusted_types(data=content)) - set(list_trusted(modules)))


def loads(content: bytes, name: str, modules: Iterable[ModuleType]) -> FittedModel:
    """Return the model in these bytes.

    Parameters
    ----------
    content : bytes
    name : str
        Of the file, for errors.
    modules : iterable of modules
        The user's own; see `list_trusted`.

    Raises
    ------
    ModelError
        Before anything is built, where they name a type that is not trusted; and where they are no model.
    """
    try:
        return FittedModel(**skops.io.loads(content, trusted=list_trusted(modules)))
    except UntrustedTypesFoundException:
        unknown = ", ".join(list_untrusted(content, modules))
        raise ModelError(
            f"{name}: names {unknown}, which no list of trusted types holds; nothing was loaded",
            hint="If the type belongs to your estimator and you have read it, add it to TRUSTED in src/model.py",
        ) from None
    except Exception as error:  # any breakage of a foreign file is the file's fault
        message = f"{name}: cannot be loaded ({type(error).__name__}: {error})"
        raise ModelError(message, hint="Make it again: dvc repro") from None

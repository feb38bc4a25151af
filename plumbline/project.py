"""The user's two files, for programs that are started in a project; stage files pass theirs as arguments."""

import sys
from importlib import import_module
from pathlib import Path
from traceback import extract_tb
from types import ModuleType

from plumbline.errors import user_code_error

USER_FILES = ("src/features.py", "src/model.py")


def load_user_code() -> tuple[ModuleType, ModuleType]:
    """Import src/features.py and src/model.py of the working directory.

    Raises
    ------
    UserCodeError
        Where one cannot be imported.
    """
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        features, model = (import_module(f"src.{Path(path).stem}") for path in USER_FILES)
    except Exception as error:
        raise user_code_error(find_culprit(error) or USER_FILES[0], error) from error
    finally:
        sys.path.remove(here)
    return features, model


def find_culprit(error: Exception) -> str | None:
    """Return the file of the user's that raised the error, or that lacks a name that was imported from it.

    None where the error comes from neither file.
    """
    places = [frame.filename for frame in extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError):
        places.append(str(error.filename))
    module = error.name if isinstance(error, ImportError) else getattr(getattr(error, "obj", None), "__name__", "")
    places.append(f"{str(module).replace('.', '/')}.py")
    files = [path for place in places for path in USER_FILES if Path(place).as_posix().endswith(path)]
    return files[-1] if files else None

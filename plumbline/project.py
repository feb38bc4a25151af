"""The user's two files, for programs that are started in a project; stage files hand theirs in."""

import sys
from importlib import import_module
from pathlib import Path
from traceback import extract_tb
from types import ModuleType

from plumbline.errors import user_code_error

USERS = ("src/features.py", "src/model.py")


def load_user_code() -> tuple[ModuleType, ModuleType]:
    """src/features.py and src/model.py of the working directory; refused where one cannot be imported."""
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        features, model = (import_module(f"src.{Path(path).stem}") for path in USERS)
    except Exception as error:
        raise user_code_error(blamed(error) or USERS[0], error) from error
    finally:
        sys.path.remove(here)
    return features, model


def blamed(error: Exception) -> str | None:
    """The file of the user's in which an error was raised, or which lacks what was asked of it; None where neither."""
    places = [frame.filename for frame in extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError):
        places.append(str(error.filename))
    lacking = error.name if isinstance(error, ImportError) else getattr(getattr(error, "obj", None), "__name__", "")
    places.append(f"{str(lacking).replace('.', '/')}.py")
    found = [path for place in places for path in USERS if Path(place).as_posix().endswith(path)]
    return found[-1] if found else None

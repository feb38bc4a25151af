"""The import of Great Expectations, which takes as long as the rest of ingest."""

import gc
import os
from functools import cache
from types import ModuleType


@cache  # a second freeze would keep the frames that Great Expectations holds in cycles of references
def load_library() -> ModuleType:
    """Return the module great_expectations, with its expectations registered.

    Its import makes hundreds of thousands of objects that stay. Garbage collection would search them again and again,
    for a sixth of the time, and is paused.
    """
    os.environ["GX_ANALYTICS_ENABLED"] = "False"
    is_enabled = gc.isenabled()
    gc.collect()  # what is garbage now must not be frozen
    gc.disable()
    try:
        import great_expectations
    finally:
        gc.freeze()
        if is_enabled:
            gc.enable()
    return great_expectations

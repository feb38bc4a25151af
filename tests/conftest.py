"""`project` runs generated tables on pristine code, `own` yours on a sample of your table; `clone` is a fresh clone."""

from plumbline.delivered import clone
from plumbline.testing import own, project, sample

__all__ = ["clone", "own", "project", "sample"]

"""`project` runs generated tables on pristine code, `own` yours on a sample of your table; `clone` is a fresh clone."""

from plumbline.testing.delivered import clone
from plumbline.testing.projects import own, project, sample

__all__ = ["clone", "own", "project", "sample"]

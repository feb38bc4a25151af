"""The look that the report and the page of a review share: a style sheet, and macros for tables and figures."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from plumbline.formatting import short


def make_environment(folder: Path) -> Environment:
    """Return an environment that loads the templates of a folder, look.css and look.html.j2.

    Parameters
    ----------
    folder : Path
        Where the template of the page is.
    """
    environment = Environment(
        loader=FileSystemLoader([folder, Path(__file__).parent]),
        autoescape=select_autoescape(["j2"]),
        undefined=StrictUndefined,
    )
    environment.filters["short"] = short
    return environment

"""Numbers as people read them; standard library only."""


def short(value: float | None) -> str:
    """Return a number with four significant digits and a comma between thousands; - for no number.

    Examples
    --------
    >>> short(0.123456), short(12345), short(None)
    ('0.1235', '12,340', '-')
    """
    return "-" if value is None or value != value else f"{float(f'{value:.4g}'):,g}"

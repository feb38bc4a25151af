"""What a stage leaves behind."""

import math
from pathlib import Path

from plumbline import findings


def test_json_for_git_is_strict_with_an_entry_a_line_and_six_digits(tmp_path: Path) -> None:
    whole = {"ä": [1 / 3, math.nan, math.inf], "b": {"c": 10**7}}
    for content, text in ((whole, '{\n "ä": [0.333333, null, null],\n "b": {"c": 10000000}\n}\n'), ([1], "[\n 1\n]\n")):
        findings.write_json(str(tmp_path / "x.json"), content)
        assert (tmp_path / "x.json").read_bytes() == text.encode()


def test_numbers_for_people_are_short_and_without_exponents() -> None:
    given = (0.0311191, 10190.4, -2335.2, 1.0, None, float("nan"))
    assert [findings.short(value) for value in given] == ["0.03112", "10,190", "-2,335", "1", "-", "-"]

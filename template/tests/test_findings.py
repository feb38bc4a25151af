"""Files for git and numbers for people."""

import math
from pathlib import Path

from plumbline.files import write_json
from plumbline.formatting import short


def test_json_for_git_is_strict_with_an_entry_a_line_and_six_digits(tmp_path: Path) -> None:
    content = {"ä": [1 / 3, math.nan, math.inf], "b": {"c": 10**7}}
    for value, text in ((content, '{\n "ä": [0.333333, null, null],\n "b": {"c": 10000000}\n}\n'), ([1], "[\n 1\n]\n")):
        write_json(str(tmp_path / "x.json"), value)
        assert (tmp_path / "x.json").read_bytes() == text.encode()


def test_json_of_sections_has_a_line_for_each_of_their_entries(tmp_path: Path) -> None:
    content = {"slices": [{"rows": 1}, {"rows": 2}], "gaps": [], "errors": {"ä": [1 / 3]}, "count": 3}
    write_json(str(tmp_path / "x.json"), content, depth=2)
    assert (tmp_path / "x.json").read_text(encoding="utf-8").splitlines() == [
        "{",
        ' "slices": [',
        '  {"rows": 1},',
        '  {"rows": 2}',
        " ],",
        ' "gaps": [],',
        ' "errors": {',
        '  "ä": [0.333333]',
        " },",
        ' "count": 3',
        "}",
    ]


def test_numbers_for_people_are_short_and_without_exponents() -> None:
    numbers = (0.0311191, 10190.4, -2335.2, 1.0, None, float("nan"))
    assert [short(value) for value in numbers] == ["0.03112", "10,190", "-2,335", "1", "-", "-"]

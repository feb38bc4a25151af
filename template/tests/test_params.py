"""params.yaml: defaults, and one line for each error in it."""

import re
from operator import attrgetter
from pathlib import Path

import pytest
import yaml

from plumbline import keys, params
from plumbline.errors import PlumblineError
from plumbline.testing.projects import ROOT

SMALL = "data:\n  source: data/source/t.csv\n  target: y\n"
NESTED = f"# a\n{SMALL}  types: # b\n    y: text  # c\n\n# d\nsplit:  # e\n    salt: 3 # f\nmodel:\nevaluate: {{}}\n"
WINDOWS = "\ufeff" + SMALL.replace("\n", "\r\n") + "split: {salt: 1}  # flow\r\n# end"
ERRORS = {  # a part of params.yaml, to which the required keys are added, and its message
    "data: {source: ../t.csv}": r"data.source is '../t.csv', expected a path in the project, without \.\..*",
    "data: {target: 2020}": "expected a column's name. Put it in quotes$",
    "data: {task: binray}": r"expected auto \| binary \| multiclass \| regression. Did you mean 'binary'\?$",
    "data: {types: {a: [text]}}": r"expected a map, column: integer \| number",
    "split: {holdout: 1}": "split.holdout is 1, expected a number between 0 and 1. Set such .*: the default is 0.2$",
    "split: {salt: true}": "expected a whole number from 0. Set such a value, or delete the line: the default is 0$",
    "split: {cut: '2024-02-31'}": "expected a date or time in quotes, or null. Set such .*: the default is null$",
    "split: {cut: 2024-01-30}": "expected a date or time in quotes, or null. Put it in quotes$",
    "split: {cut: 2024-02-31}": "params.yaml: day is out of range",
    "data: {key: y}": "data.target and data.key both name 'y'",
    "data: {ignore: [a]}\nrequirements: {protected: [a]}": "data.ignore and requirements.protected both name 'a'",
    "data: {ignore: [y]}": "data.ignore and data.target both name 'y'",
    "split: {cut: '2024-01-31'}": "split.cut is set and data.time is null",
    "data: {task: regression, positive: a}": "data.positive is for a binary task",
    "data: {task: multiclass}\nmodel: {threshold: 0.4}": "model.threshold is for a binary task",
    "data: {time: , task: }": r"data.task is blank, expected auto \| binary",
    "model: {seed: }": "model.seed is blank, expected a whole number from 0",
    "data: {ignore: [auto], time: t}\nsplit: {cut: '2024-01-31 10:00:00'}": "^all is well$",
    "data: {tagret: y}": r"data.tagret is not a known parameter, .* data.target.* Did you mean 'data.target'\?$",
    "assemble: {days: 9}": "params.yaml: assemble.days is not a known parameter, expected data.source",
    "data: {key: a, key: b}": "params.yaml, line 1: the key key occurs twice",
    "data: [": "params.yaml, line 2: expected the node",
    "? [a]\n: b": "params.yaml, line 2: found unhashable key",
    "data: {target: Größe}": "params.yaml: unacceptable character",
    "target: y": "params.yaml: expected groups of keys",
}


@pytest.mark.parametrize(("text", "message"), ERRORS.items())
def test_what_is_wrong_is_refused_with_what_was_given_and_what_is_allowed(text, message, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    required = "".join(f"{key}, " for key in ("source: t.csv", "target: y") if key.split()[0] not in text)
    text = (text if "data: {" in text else "data: {}\n" + text).replace("{", "{" + required, 1)
    Path("params.yaml").write_bytes(text.encode("cp1252"))
    output = "all is well"
    try:
        params.check()
    except PlumblineError as error:
        output = str(error)
    assert re.search(message, output)


def test_a_blank_is_null_or_an_empty_list_or_map_where_that_is_the_default(tmp_path, monkeypatch) -> None:
    """As dvc exp run -S leaves each null of the file."""
    monkeypatch.chdir(tmp_path)
    empty = {key: rule.default for key, rule in keys.KEYS.items() if rule.default in (None, [], {})}
    assert {"data.group", "data.ignore", "data.types", "split.cut", "requirements.latency"} < set(empty)
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    blank, count = re.subn(r"(?m)^(  \w+:) (null|\[\]|\{\}) ", r"\1       ", text)
    assert count == len(empty)
    Path("params.yaml").write_text(blank, encoding="utf-8")
    values = params.check()
    assert {key: attrgetter(key)(values) for key in empty} == empty
    assert params.add_defaults() == []


@pytest.mark.parametrize("text", [SMALL, SMALL.rstrip("\n"), NESTED, WINDOWS])
def test_fill_adds_what_is_absent_and_keeps_all_else_and_twice_is_once(text: str, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_bytes(text.encode())
    before, new_keys, content = params.load(), params.add_defaults(), Path("params.yaml").read_bytes()
    assert params.load() == before | {key: keys.KEYS[key].default for key in new_keys}
    assert set(params.load()) == set(keys.KEYS)
    rest = iter(content.decode())
    assert all(character in rest for character in text), "something of it was lost or changed"
    assert content.count(b"\n") == content.count(b"\r\n") or "\r" not in text
    assert params.add_defaults() == []
    assert Path("params.yaml").read_bytes() == content


def test_a_file_that_cannot_be_filled_stays_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text(SMALL)

    def fill_disk(path: Path, content: bytes) -> None:
        path.write_text(content.decode()[:9])
        raise OSError

    monkeypatch.setattr(Path, "write_bytes", fill_disk)
    with pytest.raises(OSError):
        params.add_defaults()
    assert {path.name: path.read_text() for path in Path().iterdir()} == {"params.yaml": SMALL}


def test_the_manual_states_each_default_and_read_gives_it_and_no_other_key(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text(SMALL)
    manual = (ROOT / "plumbline/docs/parameters.md").read_text(encoding="utf-8").replace("\\|", "/")
    rows = re.findall(r"(?m)^\| `(\w+\.\w+)` \| `?(.+?)`? \| (.+?) \|", manual)
    assert [key for key, _, _ in rows] == list(keys.KEYS)
    for key, default, allowed_values in rows:
        value = {"data.source": "data/source/t.csv", "data.target": "y"}.get(key, yaml.safe_load(default))
        values = params.read(key)
        assert [vars(group) for group in vars(values).values() if vars(group)] == [{key.split(".")[1]: value}]
        assert attrgetter(key)(values) == value
        assert allowed_values == keys.KEYS[key].allowed.replace("|", "/")


def test_the_committed_file_holds_each_key_on_a_line_with_its_comment() -> None:
    lines = (ROOT / "params.yaml").read_text(encoding="utf-8").splitlines()
    matches = [re.match(r"  (\w+): .*  # \w", line) for line in lines if line.startswith(" ")]
    names = [match and match[1] for match in matches]
    assert names[: len(keys.KEYS)] == [key.split(".")[1] for key in keys.KEYS]  # then groups of stages of one's own
    assert len(lines) < 60

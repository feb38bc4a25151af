"""A committed wheel is the one that a run makes, but for last digits of the model; anything else in it is found."""

import json
import struct
import zipfile
from collections.abc import Callable
from io import BytesIO

import pytest

from plumbline.review.wheel_difference import find_difference

CLI, MODEL, GOLDEN, RECORD = "m/cli.py", "m/model.skops", "m/golden.jsonl", "m-1.dist-info/RECORD"
FILES = {
    "m/__init__.py": b"",
    CLI: b"print(1)\n" * 50,
    MODEL: b"a model" * 100,
    GOLDEN: json.dumps({"row": {"x": 1.5}, "prediction": "yes", "probability": 0.25}).encode() + b"\n",
    RECORD: b"m/cli.py,sha256=a,9\nm/model.skops,sha256=b,7\nm/golden.jsonl,sha256=c,3\nm-1.dist-info/RECORD,,\n",
}
Edit = Callable[[zipfile.ZipInfo], object]


def build(files: dict[str, bytes], edit: Edit = lambda member: None, comment: bytes = b"") -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            member = zipfile.ZipInfo(name, (2020, 2, 2, 0, 0, 0))
            member.external_attr, member.compress_type = 0o100644 << 16, zipfile.ZIP_DEFLATED
            edit(member)
            archive.writestr(member, content)
        archive.comment = comment
    return buffer.getvalue()


WHEEL = build(FILES)
ANOTHER_PROCESSOR = {
    MODEL: b"a modem" * 100,
    GOLDEN: FILES[GOLDEN].replace(b"0.25", b"0.25000000000000011"),
    RECORD: FILES[RECORD].replace(b"=b,7", b"=d,7").replace(b"=c,3", b"=e,9"),
}


def link(member: zipfile.ZipInfo) -> None:
    if member.filename == CLI:
        member.external_attr = 0o120777 << 16


def hide_member() -> bytes:
    """An entry between two others that the directory at the end does not have: some installers read it."""
    hidden = build({"m/evil.pth": b"import os"})
    hidden = hidden[: hidden.index(b"PK\x01\x02")]
    place = WHEEL.index(b"PK\x01\x02")
    end = bytearray(WHEEL[place:])
    struct.pack_into("<L", end, len(end) - 6, place + len(hidden))
    return WHEEL[:place] + hidden + bytes(end)


def rename_locally() -> bytes:
    """Another name in front of a member than in the directory."""
    return WHEEL.replace(b"m/cli.py", b"m/cli.pz", 1)


@pytest.mark.parametrize(
    ("wheel", "words"),
    [
        (WHEEL, None),
        (build(FILES | ANOTHER_PROCESSOR), None),
        (build(FILES | {CLI: FILES[CLI].replace(b"print(1)", b"print(2)")}), f"another {CLI}"),
        (build(FILES | {CLI: b"import os\n"}), f"another {CLI}"),
        (build(FILES | {"evil.pth": b"import os"}), "other members than a run makes, such as evil.pth"),
        (build({name: content for name, content in FILES.items() if name != CLI}), f"such as {CLI}"),
        (build({name: FILES[name] for name in reversed(FILES)}), "in another order"),
        (build(FILES | {GOLDEN: FILES[GOLDEN].replace(b"0.25", b"0.26")}), f"another {GOLDEN}"),
        (build(FILES | {GOLDEN: FILES[GOLDEN].replace(b"yes", b"no")}), f"another {GOLDEN}"),
        (build(FILES | {GOLDEN: b"no JSON"}), "is no archive"),
        (build(FILES | {RECORD: FILES[RECORD].replace(b"=a,9", b"=z,9")}), f"another {RECORD}"),
        (build(FILES | {RECORD: FILES[RECORD] + b"evil.pth,,\n"}), f"another {RECORD}"),
        (build(FILES | {MODEL: bytes(10 * 2**20)}), f"a {MODEL} of 10,485,760 bytes"),
        (build(FILES, link), f"{CLI} with other attributes"),
        (build(FILES, comment=b"more"), "is no archive that a run writes"),
        (b"#!/bin/sh\n" + WHEEL, "is no archive that a run writes"),
        (WHEEL + b"more", "is no archive that a run writes"),
        (WHEEL[:-9], "is no archive that a run writes"),
        (hide_member(), "is no archive that a run writes"),
        (rename_locally(), "is no archive that a run writes"),
        (b"", "is no archive that a run writes"),
    ],
)
def test_what_differs_from_the_wheel_of_a_run_is_said(wheel: bytes, words: str | None) -> None:
    difference = find_difference(wheel, WHEEL)
    assert (difference is None) == (words is None)
    assert (words or "") in (difference or "")


def test_a_member_that_the_directory_has_twice_is_found() -> None:
    buffer = BytesIO(WHEEL)
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr(CLI, b"import os")
    assert find_difference(buffer.getvalue(), WHEEL) is not None

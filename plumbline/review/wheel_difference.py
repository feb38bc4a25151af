"""How a committed wheel differs from the one that a run of the same commit makes, before anything of it is imported.

Only the model, the golden answers and the lines of RECORD about them may differ, since another processor may give
other last bits. The archive must be one that our builder writes: members one after the other and nothing between them,
so that no reader finds another file in it than we do.
"""

import json
import math
import struct
import zipfile
from collections.abc import Iterator
from io import BytesIO

MODEL, GOLDEN, RECORD = "model.skops", "golden.jsonl", "RECORD"
TOLERANCE = 1e-6  # of a golden answer: a unit of the sixth significant digit
GROWTH, SLACK = 4, 1 << 20  # how much larger the model file of another processor may be, and in bytes
_LOCAL, _END = struct.Struct("<4s5H3L2H"), struct.Struct("<4s4H2LH")


def find_difference(committed: bytes, rebuilt: bytes) -> str | None:
    """Return how two wheels differ, as a clause on the committed one; None where they are the same for every user.

    Examples
    --------
    >>> find_difference(b"no zip", b"")
    'is no archive that a run writes'
    """
    if committed == rebuilt:
        return None
    try:
        with zipfile.ZipFile(BytesIO(committed)) as old, zipfile.ZipFile(BytesIO(rebuilt)) as new:
            if not _is_plain(committed, old):
                return "is no archive that a run writes"
            return next(_find_differences(old, new), None)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, EOFError, struct.error, OSError):
        return "is no archive that a run writes"


def _is_plain(content: bytes, archive: zipfile.ZipFile) -> bool:
    """Whether its members are one after the other from the first byte on, under the names in its directory."""
    place = 0
    for member in archive.infolist():
        fields = _LOCAL.unpack_from(content, place)
        start = place + _LOCAL.size
        name = content[start : start + fields[9]].decode("utf-8")
        sizes = (member.compress_size, member.file_size, len(member.extra))
        if member.header_offset != place or name != member.orig_filename or fields[7:9] + fields[10:] != sizes:
            return False
        place = start + fields[9] + fields[10] + member.compress_size
    end = _END.unpack_from(content, len(content) - _END.size)
    is_last = place + end[5] + _END.size == len(content)
    return is_last and end[0] == b"PK\x05\x06" and bool(end[6] == place == archive.start_dir)


def _find_differences(old: zipfile.ZipFile, new: zipfile.ZipFile) -> Iterator[str]:
    old_names, new_names = old.namelist(), new.namelist()
    if old_names != new_names:
        odd = sorted({*old_names} ^ {*new_names})
        yield f"has other members than a run makes, such as {odd[0]}" if odd else "has its members in another order"
        return
    for old_member, new_member in zip(old.infolist(), new.infolist(), strict=True):
        name = old_member.filename
        if _describe(old_member) != _describe(new_member):
            yield f"has {name} with other attributes than a run makes"
        elif not _may_grow(name) and old_member.file_size != new_member.file_size:
            yield f"has another {name} than a run makes"
        elif old_member.file_size > GROWTH * new_member.file_size + SLACK:
            yield f"has a {name} of {old_member.file_size:,} bytes, where a run makes {new_member.file_size:,}"
        elif not _is_same(name, old.read(old_member), new.read(new_member)):
            yield f"has another {name} than a run makes"


def _describe(member: zipfile.ZipInfo) -> tuple[object, ...]:
    kind = (member.compress_type, member.create_system, member.external_attr, member.flag_bits)
    return (*kind, member.date_time, member.extra, member.comment)


def _may_grow(name: str) -> bool:
    return name.rpartition("/")[2] in (MODEL, GOLDEN, RECORD)


def _is_same(name: str, old: bytes, new: bytes) -> bool:
    """Whether a member is the same for a user; that another model predicts the same is another check."""
    file = name.rpartition("/")[2]
    if old == new or file == MODEL:
        return True
    if file == RECORD:
        lines = ([line for line in text.splitlines() if not _is_on_payload(line)] for text in (old, new))
        return len({tuple(part) for part in lines}) == 1
    return file == GOLDEN and _is_close(*([json.loads(line) for line in text.splitlines()] for text in (old, new)))


def _is_on_payload(line: bytes) -> bool:
    return line.partition(b",")[0].endswith((b"/" + MODEL.encode(), b"/" + GOLDEN.encode()))


def _is_close(old: object, new: object) -> bool:
    """Whether two contents of JSON are the same but for the last digits of their numbers."""
    if isinstance(old, dict) and isinstance(new, dict):
        return [*old] == [*new] and all(_is_close(old[key], new[key]) for key in old)
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(_is_close(*pair) for pair in zip(old, new, strict=True))
    if isinstance(old, float) and isinstance(new, float):
        return math.isclose(old, new, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return type(old) is type(new) and old == new

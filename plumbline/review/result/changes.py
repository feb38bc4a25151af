"""What differs between base and head: data, parameters and files, and what the difference may come from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from plumbline.review.result.comparison import Verdict, Word

ENTRY_LENGTH, MAX_ENTRIES = 160, 3  # characters of an entry of a changelog, entries
Kind = Literal["data", "params", "code", "machinery", "versions"]


@dataclass(frozen=True, kw_only=True)
class TypeChange:
    """A column whose type is another one in the head.

    Attributes
    ----------
    column
        The column's name.
    base
        Its type in the base.
    head
        Its type in the head.
    """

    column: str
    base: str
    head: str


@dataclass(frozen=True, kw_only=True)
class ColumnChanges:
    """Columns of the table that differ between base and head.

    Attributes
    ----------
    added_names
        Columns that the base does not have.
    removed_names
        Columns that the head does not have.
    type_changes
        Columns of another type.
    """

    added_names: tuple[str, ...] = ()
    removed_names: tuple[str, ...] = ()
    type_changes: tuple[TypeChange, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RowChanges:
    """Rows of the table that differ between base and head: counts and positions, never values.

    Attributes
    ----------
    base_count
        Rows of the base's table.
    head_count
        Rows of the head's table.
    added_count
        Rows that the base does not have.
    removed_count
        Rows that the head does not have.
    label_change_count
        Rows of both with another label in the head.
    label_change_positions
        The first of these, by position in the head's table, from 1.
    change_count
        Rows of both that differ anywhere; null without a key, by which rows are matched.
    change_positions
        The first of these, by position in the head's table, from 1.
    change_count_by_column
        Of each column, in how many rows its value differs.
    label_shift
        How far the labels' distribution shifted by the rows that were removed or relabelled, from 0 to 1.
    """

    base_count: int
    head_count: int
    added_count: int
    removed_count: int
    label_change_count: int = 0
    label_change_positions: tuple[int, ...] = ()
    change_count: int | None = None
    change_positions: tuple[int, ...] = ()
    change_count_by_column: Mapping[str, int] = field(default_factory=dict)
    label_shift: float = 0.0


@dataclass(frozen=True, kw_only=True)
class DataChanges:
    """How the table of the head differs from that of the base.

    Attributes
    ----------
    has_key
        Whether rows are matched by a key.
    rows
        What differs in the rows.
    columns
        What differs in the columns.
    shifts
        Of each column, how far its distribution shifted, from 0 to 1, the largest first.
    """

    has_key: bool
    rows: RowChanges
    columns: ColumnChanges
    shifts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class LabelEffect:
    """Effect of the rows whose label changed on the verdict.

    Attributes
    ----------
    rows
        How many of the rows have another label.
    word_with_them
        The verdict on all rows; null where these rows are not left out, since too few others remain.
    """

    rows: int
    word_with_them: Word | None = None


@dataclass(frozen=True, kw_only=True)
class Attribution:
    """Whether the difference comes from the data or from code and parameters.

    Attributes
    ----------
    sentence
        The attribution in words.
    data
        The effect of the data; null where the effects cannot be separated.
    code
        The effect of code and parameters.
    """

    sentence: str
    data: Verdict | None = None
    code: Verdict | None = None


@dataclass(frozen=True, kw_only=True)
class ParameterChange:
    """A key of params.yaml with another value.

    Attributes
    ----------
    name
        The key, such as model.seed.
    base
        The base's value as text: a string as it is, anything else as JSON.
    head
        The head's value, likewise.
    """

    name: str
    base: str
    head: str


@dataclass(frozen=True, kw_only=True)
class ChangedFiles:
    """Files that differ between base and head.

    Attributes
    ----------
    first_paths
        The first files that people edit, those of the recipe before others.
    omitted_count
        How many more such files there are.
    generated_count
        How many files differ that a run writes.
    """

    first_paths: tuple[str, ...] = ()
    omitted_count: int = 0
    generated_count: int = 0


@dataclass(frozen=True, kw_only=True)
class MachineryChange:
    """Another package plumbline in the head than in the base, or another wheel of it.

    Attributes
    ----------
    base
        The version of the base; null where it has no package.
    head
        The version of the head; null likewise.
    changelog
        The first entries of the head's changelog that the base's does not have.
    omitted_count
        How many more such entries there are.
    is_rebuilt
        Whether the commit of the template that the head names gives the same wheel; null where nobody compared them.
    why
        The finding, a sentence.
    """

    base: str | None
    head: str | None
    changelog: tuple[str, ...] = ()
    omitted_count: int = 0
    is_rebuilt: bool | None = None
    why: str


@dataclass(frozen=True, kw_only=True)
class ExpectationCounts:
    """Numbers of expectations.

    Attributes
    ----------
    base
        Of the base.
    head
        Of the head.
    """

    base: int
    head: int


@dataclass(frozen=True, kw_only=True)
class RecipeTrials:
    """How many recipes have been tried on this table.

    Attributes
    ----------
    count
        Commits since the table's last change that touch the recipe.
    notice
        A warning where they are many; else null.
    """

    count: int
    notice: str | None = None

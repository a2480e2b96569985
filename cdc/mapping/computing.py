"""Compiles the expressions of a mapping against the columns of a table."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from cdc.mapping import bson_bytes, masks
from cdc.mapping.fields import FieldSource
from cdc.mapping.ids import IdExpression
from cdc.mapping.layout import ID
from cdc.mapping.sources import ABSENT, NULL, Computed, Constant, Encoded, Filter, Input
from cdc.mapping.types.temporal import ZERO_DATE
from cdc.yaml_file import Path as KeyPath

if TYPE_CHECKING:
    from types import ModuleType

    from cdc.mapping.expressions import Expression
    from cdc.mapping.meeting import Meeting

Compute = Callable[[tuple[object, ...]], Encoded | None]

DATE_DIGITS = 3
"""How many digits of the second a BSON date holds."""


def names(sql: str) -> frozenset[str]:
    """Give the columns that an expression names, as they are written."""
    found: frozenset[str] = _expressions().parse(sql).columns
    return found


def row_filter(meeting: Meeting) -> Filter | None:
    """Give the mapping's `where`; None without one, or where there was a mistake."""
    sql = meeting.mapping.where
    if sql is None:
        return None
    found = _compiled(meeting, ("where",), sql, _expressions().compile_condition)
    return None if found is None else Filter(sql, _inputs(meeting, found), found.is_true)


def field(meeting: Meeting, path: KeyPath, rule: FieldSource) -> int | None:
    """Add what `sql` gives a field; None where there was a mistake."""
    assert rule.sql is not None
    found = _compiled(meeting, path, rule.sql, _expressions().compile_expression)
    if found is None:
        return None
    if rule.mask == "redact":
        return meeting.add(Constant(masks.REDACTED))
    name = ".".join(map(str, path[1:]))
    compute = _encoded(meeting, name, found)
    if rule.mask is not None:
        if not _has_text(found):
            what = f"`{name}`: {found.kind} has no characters to mask: write CAST(… AS CHAR)"
            meeting.mistake(path, what)
            return None
        compute = _masked(compute, masks.masking(rule.mask, meeting.mapping.mask_key))
    null = ABSENT if meeting.mapping.nulls == "omit" else NULL
    return meeting.add(Computed(name, rule.sql, _inputs(meeting, found), compute, null))


def identity(meeting: Meeting, rule: IdExpression) -> int | None:
    """Add what makes an id; None where there was a mistake. NULL is no id."""
    found = _compiled(meeting, ("id",), rule.sql, _expressions().compile_expression)
    if found is None:
        return None
    reason = _no_id(found)
    if reason:
        meeting.mistake(("id",), f"`id`: {reason}")
        return None
    compute = _encoded(meeting, ID, found)

    def compute_id(values: tuple[object, ...]) -> Encoded | None:
        value = compute(values)
        return None if value is None or value[0] == bson_bytes.NULL else value

    return meeting.add(Computed(ID, rule.sql, _inputs(meeting, found), compute_id, ABSENT))


def _expressions() -> ModuleType:
    # Here, since few mappings hold expressions, and what reads them takes long to import.
    from cdc.mapping import expressions

    return expressions


def _compiled(
    meeting: Meeting, path: KeyPath, sql: str, compile_it: Callable[..., Expression]
) -> Expression | None:
    """Compile an expression; tells the meeting everything that is wrong with it."""
    expressions = _expressions()
    columns = {column.name: column for column in meeting.table.columns}
    unknown = [name for name in sorted(names(sql)) if not meeting.has_any_case(name)]
    for name in unknown:
        meeting.column(path, name)
    if unknown:
        return None
    try:
        return compile_it(expressions.parse(sql), columns, mariadb=meeting.table.mariadb)
    except expressions.ExpressionError as error:
        meeting.mistake(path, f"`{'.'.join(map(str, path))}`: {error}")
        return None


def _inputs(meeting: Meeting, found: Expression) -> tuple[Input, ...]:
    columns = {column.name: (at, column) for at, column in enumerate(meeting.table.columns)}
    decoder = _expressions().decoder
    return tuple(
        Input(at, decoder(column)) for at, column in (columns[name] for name in found.columns)
    )


def _encoded(meeting: Meeting, name: str, found: Expression) -> Compute:
    evaluate, kind, bson_value = found.evaluate, found.kind, _expressions().bson_value
    lost = (name, ZERO_DATE)

    def compute(values: tuple[object, ...]) -> Encoded | None:
        value = evaluate(values)
        if value is None:
            return None
        encoded: Encoded = bson_value(value, kind)
        if encoded == NULL:
            meeting.losses[lost] += 1
        return encoded

    return compute


def _no_id(found: Expression) -> str:
    """Tell why two of an expression's values could become one id, or none; "" where they do not."""
    from cdc.mapping.expressions.kinds import DateTime, Json

    if not found.columns:
        return "it names no column, so all rows would share one value"
    if isinstance(found.kind, Json):
        return "a JSON value may be an array, which is no id: write JSON_UNQUOTE(…)"
    if isinstance(found.kind, DateTime) and found.kind.scale > DATE_DIGITS:
        return (
            "MongoDB's dates have no microseconds, so two values could become one:"
            " write DATE_FORMAT(…, '%Y-%m-%d %H:%i:%s.%f')"
        )
    return ""


def _has_text(found: Expression) -> bool:
    from cdc.mapping.expressions.kinds import Text

    return isinstance(found.kind, Text)


def _masked(compute: Compute, mask: masks.Masking) -> Compute:
    def compute_masked(values: tuple[object, ...]) -> Encoded | None:
        value = compute(values)
        if value is None:
            return None
        return bson_bytes.STRING, bson_bytes.string(mask(masks.text_of(value)))

    return compute_masked

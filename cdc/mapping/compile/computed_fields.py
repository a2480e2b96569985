"""Compiles the expressions of a mapping against the columns of a table."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from cdc.config.time_zone import UTC_NAME
from cdc.config.yaml12 import Path as KeyPath
from cdc.mapping import bson_bytes
from cdc.mapping.compile import masks
from cdc.mapping.file.fields import FieldSource
from cdc.mapping.file.ids import IdExpression
from cdc.mapping.layout.document import ID
from cdc.mapping.layout.sources import ABSENT, NULL, Computed, Constant, Encoded, Filter, Input
from cdc.mapping.types.registry import DATETIMES, TIMESTAMPS
from cdc.mapping.types.temporal import ZERO_DATE

if TYPE_CHECKING:
    from types import ModuleType

    from cdc.mapping.compile.context import CompileContext
    from cdc.mapping.expressions import Expression
    from cdc.mapping.expressions.parser import Parsed

Compute = Callable[[tuple[object, ...]], Encoded | None]

DATE_DIGITS = 3
"""The digits of the second that a BSON date holds."""


def names(sql: str) -> frozenset[str]:
    """Return the columns that an expression names, as they are written."""
    found: frozenset[str] = _expressions().parse(sql).columns
    return found


def row_filter(context: CompileContext) -> Filter | None:
    """Return the mapping's `where`; None without one, or if there was a mistake."""
    sql = context.mapping.where
    if sql is None:
        return None
    found = _compiled(context, ("where",), sql, _expressions().compile_condition)
    return None if found is None else Filter(sql, _inputs(context, found), found.is_true)


def field(context: CompileContext, path: KeyPath, rule: FieldSource) -> int | None:
    """Add a field's expression `sql`; return its number, None if there was a mistake."""
    assert rule.sql is not None
    found = _compiled(context, path, rule.sql, _expressions().compile_expression)
    if found is None:
        return None
    if rule.mask == "redact":
        return context.add(Constant(masks.REDACTED))
    name = ".".join(map(str, path[1:]))
    compute = _encoded(context, name, found)
    bson_type = _expressions().bson_type(found.kind)
    if rule.mask is not None:
        if not _has_text(found):
            what = f"`{name}`: {found.kind} has no characters to mask: write CAST(… AS CHAR)"
            context.mistake(path, what)
            return None
        compute = _masked(compute, masks.masking(rule.mask, context.mapping.mask_key_of(rule)))
        bson_type = bson_bytes.STRING
    null = ABSENT if context.mapping.nulls == "omit" else NULL
    return context.add(Computed(name, rule.sql, _inputs(context, found), compute, null, bson_type))


def identity(context: CompileContext, rule: IdExpression) -> int | None:
    """Add an id's expression; return its number, None if there was a mistake. NULL is no id."""
    found = _compiled(context, ("id",), rule.sql, _expressions().compile_expression)
    if found is None:
        return None
    reason = _no_id(found)
    if reason:
        context.mistake(("id",), f"`id`: {reason}")
        return None
    compute = _encoded(context, ID, found)

    def compute_id(values: tuple[object, ...]) -> Encoded | None:
        value = compute(values)
        return None if value is None or value[0] == bson_bytes.NULL else value

    bson_type = _expressions().bson_type(found.kind)
    inputs = _inputs(context, found)
    return context.add(Computed(ID, rule.sql, inputs, compute_id, ABSENT, bson_type))


def _expressions() -> ModuleType:
    # Imported here: few mappings hold expressions, and their parser takes long to import.
    from cdc.mapping import expressions

    return expressions


def _compiled(
    context: CompileContext, path: KeyPath, sql: str, compile_it: Callable[..., Expression]
) -> Expression | None:
    """Compile an expression; reports every mistake to the context."""
    expressions = _expressions()
    columns = {column.name: column for column in context.table.columns}
    parsed = expressions.parse(sql)
    key = path if path == ("where",) else (*path, "sql")
    places = parsed.places.items()
    unknown = [(name, at) for name, at in places if not context.has_any_case(name)]
    for name, at in unknown:
        context.mistake_in(key, sql, at, context.unknown(name))
    if unknown:
        return None
    try:
        found: Expression = compile_it(parsed, columns, mariadb=context.table.mariadb)
    except expressions.ExpressionError as error:
        context.mistake_in(key, sql, error.at, f"`{'.'.join(map(str, path))}`: {error}")
        return None
    what = _zone_mistake(context, parsed, found)
    if what is not None:
        context.mistake(path, f"`{'.'.join(map(str, path))}`: {what}")
        return None
    return found


def _zone_mistake(context: CompileContext, parsed: Parsed, found: Expression) -> str | None:
    """Return why an expression of a DATETIME is refused in a zone: it would be taken as UTC."""
    from cdc.mapping.expressions.kinds import DateTime  # late, as all of it

    zone = context.mapping.time_zone
    named = {each.lower() for each in parsed.columns}
    types = {each.type for each in context.table.columns if each.name.lower() in named}
    if zone == UTC_NAME or types.isdisjoint(DATETIMES):
        return None
    if not types.isdisjoint(TIMESTAMPS):
        return f"a DATETIME in {zone} is not compared with a TIMESTAMP, which is in UTC here"
    if "UNIX_TIMESTAMP" in parsed.functions:
        return f"UNIX_TIMESTAMP would take a DATETIME in {zone} as UTC"
    if isinstance(found.kind, DateTime):
        return f"its value would be a DATETIME in {zone} taken as UTC: map the column itself"
    return None


def _inputs(context: CompileContext, found: Expression) -> tuple[Input, ...]:
    columns = {column.name: (at, column) for at, column in enumerate(context.table.columns)}
    decoder = _expressions().decoder
    return tuple(
        Input(at, decoder(column)) for at, column in (columns[name] for name in found.columns)
    )


def _encoded(context: CompileContext, name: str, found: Expression) -> Compute:
    evaluate, kind, bson_value = found.evaluate, found.kind, _expressions().bson_value
    lost = (name, ZERO_DATE)

    def compute(values: tuple[object, ...]) -> Encoded | None:
        value = evaluate(values)
        if value is None:
            return None
        encoded: Encoded = bson_value(value, kind)
        if encoded == NULL:
            context.losses[lost] += 1
        return encoded

    return compute


def _no_id(found: Expression) -> str:
    """Return why an expression's values could share an id, or have none; "" if they cannot."""
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

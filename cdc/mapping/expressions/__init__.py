"""SQL expressions with MySQL's meaning, compiled to Python.

`parse(sql)` needs no table; `compile_expression(parsed, columns, mariadb=…)` returns an
`Expression`. Its `evaluate(values)` and `is_true(values)` take the values of its `columns` in their
order. `compile_condition` also refuses what is neither true nor false. `decoder(column)` makes such
a value out of a column's bytes in a row image (without length prefix); `bson_value(value,
expression.kind)` returns BSON type byte and bytes.
"""

from __future__ import annotations

from cdc.mapping.expressions.bson_values import bson_type, bson_value
from cdc.mapping.expressions.compiler import (
    Expression,
    compile_condition,
    compile_expression,
)
from cdc.mapping.expressions.errors import ExpressionError
from cdc.mapping.expressions.parser import Parsed, parse
from cdc.mapping.expressions.values import decoder

__all__ = [
    "Expression",
    "ExpressionError",
    "Parsed",
    "bson_type",
    "bson_value",
    "compile_condition",
    "compile_expression",
    "decoder",
    "parse",
]

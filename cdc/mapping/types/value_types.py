"""The values of `type:`."""

from enum import StrEnum


class ValueType(StrEnum):
    """What a column's value, or an expression's, is to become."""

    BOOL = "bool"
    STRING = "string"
    INT64 = "int64"
    DOUBLE = "double"
    DECIMAL = "decimal"
    JSON = "json"
    UUID = "uuid"
    INET4 = "inet4"
    INET6 = "inet6"

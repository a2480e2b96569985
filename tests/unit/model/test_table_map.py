import pytest

from cdc.model.table_map import Column, FieldType


@pytest.mark.parametrize(
    ("column", "name"),
    [
        (Column("a", FieldType.NEWDECIMAL), "DECIMAL"),
        (Column("a", FieldType.DATETIME2), "DATETIME"),
        (Column("a", FieldType.LONGLONG), "BIGINT"),
        (Column("a", FieldType.BLOB, collation=45), "TEXT"),
        (Column("a", FieldType.BLOB, collation=63), "BLOB"),
        (Column("a", FieldType.STRING, collation=45), "CHAR"),
        (Column("a", FieldType.VARCHAR, collation=63), "VARBINARY"),
        (Column("a", FieldType.JSON), "JSON"),
    ],
)
def test_a_column_tells_its_type_as_sql_does(column: Column, name: str) -> None:
    assert column.sql_type == name

"""Generated code shows its lines as long as it lives."""

from __future__ import annotations

import gc
import linecache
import struct
import traceback
from dataclasses import replace

import pytest

from cdc.mapping.codegen.generated import load
from cdc.mapping.expressions.compiler import compile_expression
from cdc.mapping.expressions.parser import parse
from cdc.mapping.types import floats, json_shapes
from cdc.mapping.types.json_room import MEETINGS
from cdc.model.table_map import Column, FieldType
from cdc.readers.select.row_images import RowImages
from cdc.readers.select.wire_values import wire_column
from tests.unit.mapping.support.binary_json import encode
from tests.unit.mapping.support.row_images import event, in_python, plan, row, table

AGE = Column("age", FieldType.LONG, unsigned=True)
WEIGHT = Column("weight", FieldType.DOUBLE)
PEOPLE = table(AGE, WEIGHT)
BAD_LINE = "def half(number):\n    return number / 0\n"


class Broken(Exception):
    """What no encoder raises."""


def broken(*_: object) -> bytes:
    raise Broken


def shown(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


def test_a_traceback_shows_the_line_of_generated_code() -> None:
    half = load(BAD_LINE, {}, "halves")["half"]

    with pytest.raises(ZeroDivisionError) as caught:
        half(1)

    assert 'File "<halves>", line 2, in half\n    return number / 0\n' in shown(caught.value)


def test_codes_of_one_label_have_names_of_their_own() -> None:
    first, second = (load(BAD_LINE, {}, "twins")["half"] for _ in range(2))

    names = [one.__code__.co_filename for one in (first, second)]

    assert names == ["<twins>", "<twins (2)>"]


def test_the_lines_go_with_the_last_function_that_has_them() -> None:
    functions = load(f"{BAD_LINE}\ndef whole(number):\n    return number\n", {}, "short life")
    whole = functions["whole"]

    del functions

    assert "<short life>" in linecache.cache
    del whole
    assert "<short life>" not in linecache.cache


def test_code_that_does_not_compile_leaves_no_lines() -> None:
    with pytest.raises(SyntaxError):
        load("def half(number) return", {}, "no code")

    gc.collect()
    assert "<no code>" not in linecache.cache


def test_the_plans_of_a_table_leave_no_lines_behind() -> None:
    def left() -> list[str]:
        return [name for name in linecache.cache if "shop.people" in name]

    people = replace(PEOPLE, table="people")
    for _ in range(3):
        rows = event(people, row(1, struct.pack("<I", 3), None), row(2, None, None))
        in_python(plan(people, where="age > 2")).operations(rows, 0)

    assert left()
    gc.collect()
    assert not left()


def test_a_traceback_out_of_a_mapping_tells_pattern_line_and_column(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(floats.FloatString, "value", broken)
    mapped = plan(PEOPLE, fields={"age": "age", "weight": {"column": "weight", "type": "string"}})

    with pytest.raises(Broken) as caught:
        mapped.operations(event(PEOPLE, row(1, None, struct.pack("<d", 0.5))), 0)

    text = shown(caught.value)
    assert '"<mapping of shop.things: insert, NULL: c1' in text
    assert "    v_c2 = value_c2(c2)  # weight DOUBLE\n" in text


def test_each_read_is_told_of_by_a_comment_before_it() -> None:
    lines = [line.strip() for line in plan(PEOPLE).generated_source.split("\n")]

    at = lines.index("# c0 id BIGINT, c1 age INT UNSIGNED, c2 weight DOUBLE")

    assert lines[at + 1].startswith("c0, c1, c2 = ")


def test_a_column_s_name_cannot_end_its_comment() -> None:
    odd = table(Column("age\nraise SystemExit  # ", FieldType.LONG))

    (operation,) = plan(odd).operations(event(odd, row(1, struct.pack("<i", 3))), 0)

    assert operation.document


def test_an_expression_s_code_tells_the_expression_and_its_columns() -> None:
    columns = {"age": AGE}

    expression = compile_expression(parse("age + 1"), columns)

    assert expression.evaluate.__code__.co_filename.startswith("<expression age + 1")
    assert "# c0 age INT UNSIGNED\n    c0, = values\n" in expression.source


def test_the_lines_of_a_json_shape_hold_no_key_of_a_document() -> None:
    value = encode({"ann@example.com": 5, "name": "Ann"})

    for _ in range(2 * MEETINGS):
        json_shapes.transcode(value)

    lines = [linecache.getlines(name) for name in linecache.cache if name.startswith("<JSON")]
    assert lines
    assert "ann@example.com" not in str(lines)


def test_the_code_for_rows_of_a_select_tells_its_table_and_pattern() -> None:
    images = RowImages(PEOPLE, [wire_column(each, "") for each in PEOPLE.columns])

    convert = images[bytes((0b1000,))]  # two bits mean nothing; c0 is the lowest of the others

    name = convert.__code__.co_filename
    assert name.startswith("<SELECT of shop.things, NULL: c1")

"""Updates that change nothing of a document have no operation; nothing else is left out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdc.errors import Corrupted
from cdc.mapping.compile.compiler import compile_plan
from cdc.mapping.compile.plan import Plan
from cdc.mapping.counts import TableCounts
from cdc.mapping.file.mapping import Mapping
from cdc.model.operation import OperationKind
from cdc.model.table_map import TableMap
from cdc.model.transaction import RowsKind
from tests.support.examples import examples
from tests.unit.mapping.support.row_images import (
    COMMITTED_AT,
    event,
    in_python,
    prefixed,
    row,
    table,
    varchar,
)

COLUMNS = table(varchar("name"), varchar("seen"), varchar("note"))
KEYLESS = replace(COLUMNS, primary_key=())
BY_NAME = {"sql": "COALESCE(name, '')", "unique": "asserted"}
NAME_ALONE = {"fields": {"name": "name"}}


def word(text: str | None) -> bytes | None:
    return None if text is None else prefixed(text.encode())


def person(number: int, name: str | None, seen: str | None = "-", note: str | None = "-") -> bytes:
    return row(number, word(name), word(seen), word(note))


@pytest.fixture(params=["native", "python"])
def mapped(request: pytest.FixtureRequest) -> Any:
    """Map updates of a mapping: the kinds of the operations, and how many rows were unchanged."""

    def of(
        *images: bytes, present: bytes = b"", columns: TableMap = COLUMNS, **mapping: Any
    ) -> tuple[list[str], int]:
        counts = TableCounts()
        found = compiled(counts, columns, **mapping)
        plan = in_python(found) if request.param == "python" else found
        updated = event(columns, *images, kind=RowsKind.UPDATE, present=present)
        operations = plan.operations(updated, COMMITTED_AT)
        return [OperationKind(each.kind).name for each in operations], counts.unchanged_rows

    return of


def compiled(counts: TableCounts, columns: TableMap = COLUMNS, **mapping: Any) -> Plan:
    rule = Mapping(source=columns.name, target="things", **mapping)
    return compile_plan(rule, columns, counts=counts)


def test_an_update_of_a_column_that_is_left_out_writes_nothing(mapped: Any) -> None:
    images = [person(1, "ada", "monday"), person(1, "ada", "tuesday")]

    assert mapped(*images, **NAME_ALONE) == ([], 1)


def test_an_update_of_a_mapped_column_is_written(mapped: Any) -> None:
    images = [person(1, "ada"), person(1, "Ada"), person(2, None), person(2, "")]

    assert mapped(*images, **NAME_ALONE) == (["REPLACE", "REPLACE"], 0)


def test_an_update_that_moves_the_row_in_its_table_is_written_though_no_document_tells(
    mapped: Any,
) -> None:
    images = [person(1, "ada"), person(7, "ada")]

    assert mapped(*images, id=BY_NAME, **NAME_ALONE) == (["REPLACE"], 0)


def test_without_a_primary_key_every_update_is_written(mapped: Any) -> None:
    images = [person(1, "ada", "monday"), person(1, "ada", "tuesday")]

    assert mapped(*images, columns=KEYLESS, id=BY_NAME, **NAME_ALONE) == (["REPLACE"], 0)


def test_rows_between_unchanged_ones_are_written(mapped: Any) -> None:
    unchanged = [person(1, "ada", "monday"), person(1, "ada", None)]
    changed = [person(2, "bob", "x"), person(2, None, "y")]

    found = mapped(*unchanged, *changed, *unchanged, *changed, *unchanged, **NAME_ALONE)

    assert found == (["REPLACE", "REPLACE"], 3)


def test_an_update_of_the_id_is_written(mapped: Any) -> None:
    images = [person(1, "ada"), person(2, "ada")]

    assert mapped(*images, **NAME_ALONE) == (["DELETE", "REPLACE"], 0)


def test_an_update_of_a_column_that_only_the_filter_reads_is_written(mapped: Any) -> None:
    images = [person(1, "ada", "no"), person(1, "ada", "yes")]

    assert mapped(*images, **NAME_ALONE, where="seen = 'yes'") == (["REPLACE"], 0)


def test_an_update_of_a_column_that_only_an_expression_reads_is_written(mapped: Any) -> None:
    images = [person(1, "ada", "no"), person(1, "ada", "yes")]
    fields = {"name": "name", "loud": {"sql": "upper(seen)"}}

    assert mapped(*images, fields=fields) == (["REPLACE"], 0)


def test_where_every_column_is_mapped_each_update_is_written(mapped: Any) -> None:
    images = [person(1, "ada"), person(1, "ada")]

    assert mapped(*images) == (["REPLACE"], 0)


def test_updates_whose_images_lack_columns_are_written(mapped: Any) -> None:
    found = mapped(row(1, word("ada")), person(1, "ada"), present=b"\x03", **NAME_ALONE)

    assert found == (["REPLACE"], 0)


def test_a_damaged_image_behind_unchanged_rows_is_still_an_error(mapped: Any) -> None:
    unchanged = [person(1, "ada", "monday"), person(1, "ada", "tuesday")]

    with pytest.raises(Corrupted):
        mapped(*unchanged, person(2, "bob")[:-1], **NAME_ALONE)


WORDS = st.none() | st.sampled_from(["", "a", "b"])
PERSONS = st.builds(person, st.integers(1, 2), WORDS, WORDS, WORDS)


@examples(300)
@given(st.lists(st.tuples(PERSONS, PERSONS), max_size=6), st.data())
def test_both_speeds_leave_out_the_same(pairs: list[tuple[bytes, bytes]], data: Any) -> None:
    whole = b"".join(image for pair in pairs for image in pair)
    images = whole[: data.draw(st.integers(0, len(whole)) | st.just(len(whole)))]
    plan = compiled(TableCounts(), COLUMNS, **NAME_ALONE)

    found = plan._changed_rows.of(images)

    assert found == in_python(plan)._changed_rows.of(images)

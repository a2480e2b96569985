"""Generated code does what the checked reader does, whatever the bytes of a column."""

from __future__ import annotations

import struct
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from cdc.errors import RecordError
from cdc.mapping.transcode.reference_rows import ReferenceRows
from cdc.model.operation import Operation
from cdc.model.table_map import Column
from cdc.model.transaction import RowsKind
from tests.support.examples import examples
from tests.unit.mapping.support.random_columns import SHAPES, raws
from tests.unit.mapping.support.row_images import event, image, in_python, plan, table


def outcome(read: Callable[[], list[Operation]]) -> list[Operation] | str:
    """What comes of a row: its operations, or the error that it is."""
    try:
        return read()
    except RecordError as error:
        return str(error)


@examples(300)
@given(st.data())
def test_generated_code_does_what_the_checked_reader_does(data: st.DataObject) -> None:
    shapes = data.draw(st.lists(st.sampled_from(SHAPES), min_size=1, max_size=18))
    columns = [Column(f"c{at}", **shape) for at, shape in enumerate(shapes)]
    kind = data.draw(st.sampled_from(RowsKind))
    images = [
        image(struct.pack("<q", data.draw(st.integers(0, 1))), *map(data.draw, map(raws, columns)))
        for _ in range(1 + (kind is RowsKind.UPDATE))
    ]
    things = table(*columns)
    rule = {"on_delete": {"set": {"gone": "$now"}}} if data.draw(st.booleans()) else {}
    nulls = data.draw(st.sampled_from(["keep", "omit"]))
    mapped = in_python(plan(things, nulls=nulls, **rule))
    checked = getattr(ReferenceRows(mapped.layout), kind.value)

    def read() -> list[Operation]:
        found: list[Operation] = []
        checked(b"".join(images), 0, found.append, bytes(8))
        return found

    expected = outcome(read)

    assert outcome(lambda: mapped.operations(event(things, *images, kind=kind), 0)) == expected

"""Row images that lack columns."""

import bson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdc.errors import Corrupted, RefusedEvent
from cdc.model.table_map import Column, FieldType
from cdc.model.transaction import RowsEvent, RowsKind
from tests.support.examples import examples
from tests.unit.mapping.support.row_images import plan, prefixed, table, varchar

COUNT = 9
COLUMNS = table(*(varchar(f"c{at}") for at in range(1, COUNT)))
EVERYTHING = (1 << COUNT) - 1


def image(number: int, texts: list[str | None], present: list[int]) -> bytes:
    """An image of the columns `present`, of which the first is the id."""
    nulls, content = (1 << 8 * ((len(present) + 7) // 8)) - 1, b""
    for bit, column in enumerate(present):
        text = texts[column]
        if text is not None:
            nulls -= 1 << bit
            content += prefixed(text.encode()) if column else number.to_bytes(8, "little")
    return nulls.to_bytes((len(present) + 7) // 8, "little") + content


def bitmap(present: list[int]) -> bytes:
    return sum(1 << each for each in present).to_bytes(2, "little")


rows = st.lists(st.none() | st.text(max_size=5), min_size=COUNT - 1, max_size=COUNT - 1)
subsets = st.sets(st.sampled_from(range(1, COUNT))).map(lambda found: [0, *sorted(found)])


@examples(200)
@given(st.lists(rows, min_size=1, max_size=4), subsets, subsets)
def test_columns_that_are_there_are_read_whichever_lack(
    changed: list[list[str | None]], before: list[int], after: list[int]
) -> None:
    texts: list[list[str | None]] = [["", *row] for row in changed]
    images = [
        image(number, row, present)
        for number, row in enumerate(texts)
        for present in (before, after)
    ]
    event = RowsEvent(COLUMNS, RowsKind.UPDATE, bitmap(before), bitmap(after), b"".join(images))
    fields = {f"c{at}": f"c{at}" for at in after[1:]}

    found = plan(COLUMNS, fields=fields).operations(event, 0)

    assert [bson.decode(one.document) for one in found] == [
        {"_id": number, **{f"c{at}": row[at] for at in after[1:]}}
        for number, row in enumerate(texts)
    ]


@pytest.mark.parametrize("kind", list(RowsKind))
def test_images_without_the_id_are_refused(kind: RowsKind) -> None:
    present = bitmap([1, 2])
    event = RowsEvent(COLUMNS, kind, present, present, image(1, [""] * COUNT, [1, 2]))

    with pytest.raises(RefusedEvent, match="lack columns: `id`"):
        plan(COLUMNS, fields={"c1": "c1"}).operations(event, 0)


@pytest.mark.parametrize("kind", list(RowsKind))
def test_partial_images_cut_short_anywhere_raise(kind: RowsKind) -> None:
    present = [0, 2, 5]
    one = image(7, ["", *"abcdefgh"], present)
    whole = len(one) * (2 if kind is RowsKind.UPDATE else 1)
    mapped = plan(COLUMNS, fields={"c2": "c2", "c5": "c5"})

    for end in range(1, 4 * len(one)):
        if end % whole:
            event = RowsEvent(COLUMNS, kind, bitmap(present), bitmap(present), (one * 4)[:end])
            with pytest.raises(Corrupted):
                mapped.operations(event, 0)


def test_a_column_of_fixed_size_may_lack() -> None:
    numbers = table(Column("a", FieldType.SHORT), Column("b", FieldType.SHORT))
    images = b"\xfc" + (1).to_bytes(8, "little") + b"\5\0"
    event = RowsEvent(numbers, RowsKind.INSERT, b"\5", b"\5", images)

    (found,) = plan(numbers, fields={"b": "b"}).operations(event, 0)

    assert bson.decode(found.document) == {"_id": 1, "b": 5}

"""Keys of JSON that a MongoDB before 5.0 refuses in a replace are stored, or set aside."""

from __future__ import annotations

import json

import pytest

from tests.end_to_end.support.stream import Stream
from tests.support.features import ANY_FIELD_NAME, has

PLAIN = '{"a": {"b": 1}}'


@pytest.mark.parametrize("stream", ["mysql-gtid"], indirect=True)
@pytest.mark.parametrize("odd", ['{"$a": 1}', '{"a.b": 1}', '{"deep": [{"$c": {"d.e": 2}}]}'])
def test_odd_keys_arrive_or_are_set_aside_and_the_stream_goes_on(stream: Stream, odd: str) -> None:
    stream.table("items", "id INT NOT NULL PRIMARY KEY, data JSON")
    stream.start()
    stream.sql(
        f"INSERT INTO items VALUES (1, '{PLAIN}'), (2, '{odd}')",
        f"UPDATE items SET data = '{odd}' WHERE id = 1",
        f"INSERT INTO items VALUES (3, '{PLAIN}')",
    )
    stream.until_caught_up()

    expected = {number: {"data": json.loads(odd)} for number in (1, 2)}
    found = stream.documents("items")
    letters = {each["key"] for each in stream.state["dead_letters"].find()}
    assert found[3] == {"data": json.loads(PLAIN)}
    assert letters | found.keys() == {1, 2, 3}
    assert {number: found[number] for number in expected if number not in letters} == {
        number: document for number, document in expected.items() if number not in letters
    }
    if has(stream.mongo, ANY_FIELD_NAME):
        assert letters == set()

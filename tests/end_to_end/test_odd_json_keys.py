"""Keys of JSON that a MongoDB before 5.0 refuses are stored as they are, or set aside."""

from __future__ import annotations

import pytest

from tests.end_to_end.support.stream import Stream
from tests.support.features import ANY_FIELD_NAME, has

NEVER_REFUSED = """'{"a": {"b": 1}}'"""


@pytest.mark.parametrize("stream", ["mysql-gtid"], indirect=True)
@pytest.mark.parametrize("odd", ['{"$a": 1}', '{"a.b": 1}', '{"deep": [{"$c": {"d.e": 2}}]}'])
def test_odd_keys_arrive_or_are_set_aside_and_the_stream_goes_on(stream: Stream, odd: str) -> None:
    stream.table("items", "id INT NOT NULL PRIMARY KEY, data JSON")
    stream.start()
    stream.sql(f"INSERT INTO items VALUES (1, {NEVER_REFUSED}), (2, '{odd}')")
    stream.sql(f"UPDATE items SET data = '{odd}' WHERE id = 1")
    stream.sql(f"INSERT INTO items VALUES (3, {NEVER_REFUSED})")
    stream.until_caught_up()

    letters = {each["key"] for each in stream.state["dead_letters"].find()}
    if has(stream.mongo, ANY_FIELD_NAME):
        assert letters == set()
        stream.assert_equal()
    else:
        assert letters | stream.documents("items").keys() == {1, 2, 3}
        assert 2 not in stream.documents("items")
        assert stream.documents("items")[3] == {"_id": 3, "data": {"a": {"b": 1}}}

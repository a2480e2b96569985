from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdc_sandbox.demo import dataset
from cdc_sandbox.demo.dataset import MalformedDataset, read
from tests.support.examples import examples
from tests.support.extended_json import extended

# A name that begins with $ says what type a value has; a regular expression takes long to draw.
names = st.text(st.characters(codec="utf-8"), max_size=8).map("k".__add__)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 63) - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner) | st.dictionaries(names, inner),
    max_leaves=5,
)
documents = st.dictionaries(names, json_values, min_size=1, max_size=3)


def contents(text: str) -> list[dict[str, Any]]:
    return [document.content for document in read(io.StringIO(text))]


class Drip(io.StringIO):
    """A stream that gives a few characters at a time, so that every token is cut somewhere."""

    def read(self, size: int | None = -1) -> str:
        return super().read(5)


@examples(50)
@given(st.lists(documents, max_size=5), st.sampled_from([None, 1]))
def test_an_array_reads_back_whatever_it_holds(wanted: list[dict[str, Any]], indent: int) -> None:
    text = json.dumps([extended(document) for document in wanted], indent=indent)

    assert contents(text) == wanted


@examples(50)
@given(st.lists(documents, max_size=5))
def test_one_document_a_line_reads_back_whatever_it_holds(wanted: list[dict[str, Any]]) -> None:
    text = "".join(json.dumps(extended(document)) + "\n" for document in wanted)

    assert contents(text) == wanted


@examples(50)
@given(st.lists(documents, max_size=2))
def test_a_document_may_be_cut_anywhere_between_two_reads(wanted: list[dict[str, Any]]) -> None:
    text = json.dumps([extended(document) for document in wanted], ensure_ascii=False)

    found = [document.content for document in read(Drip(text))]

    assert found == wanted


def test_extended_numbers_become_plain_ones_and_an_oid_its_string() -> None:
    text = (
        '{"_id": {"$oid": "5c8eccb0caa187d17ca623f5"}, "a": {"$numberInt": "-7"},'
        ' "b": {"$numberLong": "9223372036854775807"}, "c": {"$numberDouble": "1.0"}, "d": 8}'
    )

    [content] = contents(text)

    assert content == {"_id": "5c8eccb0caa187d17ca623f5", "a": -7, "b": 2**63 - 1, "c": 1.0, "d": 8}
    assert type(content["c"]) is float


def test_a_document_knows_its_number_and_first_line() -> None:
    text = '[\n {"a":\n 1},\n\n {"b": 2}\n]'

    places = [(document.number, document.line) for document in read(io.StringIO(text))]

    assert places == [(1, 2), (2, 5)]


@pytest.mark.parametrize("text", ["", " \n", "[]", "[\n]\n"])
def test_nothing_is_no_documents(text: str) -> None:
    assert contents(text) == []


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('[{"a": 1}', "document 2, line 1: the array is not closed"),
        ('{"a": 1}\n]', "document 2, line 2: a ] closes no array"),
        ('[{"a": 1}]\n{"b": 2}', "document 2, line 2: there is more after the array"),
        ('[\n{"a": 1},\n{"b": }\n]', "document 2, line 3: Expecting value"),
        ('[{"a": 1},\n{"b": }]', "document 2, line 2: Expecting value"),
        ('[{"a": 1},\n\n{"b": "\t"}]', "document 2, line 3: Invalid control character at"),
        ('[\n{"a": 1},\n{"b":\n\n1, ', "document 2, line 5: Expecting property name"),
        ('[{"text": "never closed}]', "document 1, line 1: Unterminated string starting at"),
        ("[17]", "document 1, line 1: a document begins with {, not with 1"),
        ('{"$oid": "5c8eccb0caa187d17ca623f5"}', "document 1, line 1: it is a value"),
        ('{"a": {"$numberInt": "x"}}', "document 1, line 1: invalid literal for int()"),
        ('{"a": {"$numberInt": 5}}', "document 1, line 1: $numberInt must be a string"),
        ('{"a": NaN}', "document 1, line 1: NaN is not JSON"),
    ],
)
def test_a_mistake_is_told_with_its_document_and_line(text: str, complaint: str) -> None:
    with pytest.raises(MalformedDataset) as caught:
        contents(text)

    assert caught.value.message.startswith(complaint)
    assert caught.value.exit_code == 2


def test_bytes_that_are_not_utf8_are_refused() -> None:
    stream = io.TextIOWrapper(io.BytesIO(b'[{"a": "\xff"}]'), encoding="utf-8")

    with pytest.raises(MalformedDataset, match="it is not UTF-8"):
        list(read(stream))


def test_a_mistake_is_found_without_reading_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset, "_CHUNK_CHARACTERS", 100)
    stream = io.StringIO('[{"a" 1}, ' + '{"b": 2}, ' * 1000)

    with pytest.raises(MalformedDataset):
        list(read(stream))

    assert stream.tell() <= 200


def test_documents_come_before_the_stream_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset, "_CHUNK_CHARACTERS", 100)
    stream = io.StringIO("[" + '{"b": 2}, ' * 1000)

    next(read(stream))

    assert stream.tell() <= 200

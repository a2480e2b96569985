"""What a mapping may say of its history, and the mistakes in it, each with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from cdc.mapping.file.histories import MOST_DAYS, History
from cdc.mapping.file.loading import load_mappings
from cdc.mapping.file.mapping import Mapping
from cdc.mapping.file.problems import MappingError

SHORT = "source: shop.orders\ntarget: orders\n"


def told(folder: Path, *texts: str) -> list[str]:
    for at, text in enumerate(texts):
        (folder / f"{at}.yaml").write_text(text)
    try:
        load_mappings(["*.yaml"], relative_to=folder)
    except MappingError as error:
        return [
            f"{one.file.name}:{one.line}: {one.what.replace(f'{folder}/', '')}"
            for one in error.mistakes
        ]
    return []


def mapping(**keys: object) -> Mapping:
    return Mapping.model_validate({"source": "a.b", "target": "b", **keys})


def test_a_name_alone_is_the_collection() -> None:
    assert mapping(history="kept").history == History(collection="kept")
    assert mapping(history={"collection": "kept"}).history == History(collection="kept")


def test_it_may_say_how_long_changes_are_kept() -> None:
    found = mapping(history={"collection": "kept", "keep_days": 90}).history

    assert found is not None
    assert found.keep_seconds == 90 * 86_400


def test_it_changes_no_document_so_it_is_no_edit_of_the_mapping() -> None:
    assert mapping(history="kept").fingerprint == mapping().fingerprint


@pytest.mark.parametrize("days", ["0", "-1", "1.5", "true", str(MOST_DAYS + 1), "'90'"])
def test_days_are_a_whole_number_that_mongodb_can_count(tmp_path: Path, days: str) -> None:
    text = SHORT + f"history:\n  collection: kept\n  keep_days: {days}\n"

    [what] = told(tmp_path, text)

    assert what.startswith("0.yaml:5: `history.keep_days`: must be")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("history: ''\n", "3: `history.collection`: must be a collection name: not empty"),
        ("history: {days: 3}\n", "3: `history.collection` is missing"),
        ("history: {collection: a, keep_day: 3}\n", "unknown key `keep_day`, did you mean `keep"),
        ("history: [a]\n", "3: `history`: must be a collection, or {collection: …, keep_days: …}"),
        ("history: true\n", "3: `history`: must be a collection, or {collection: …, keep_days: …}"),
        ("history:\n", "3: `history` has no value"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, text: str, expected: str) -> None:
    found = told(tmp_path, SHORT + text)

    assert any(expected in each for each in found), found


def test_a_history_is_no_target_of_a_mapping(tmp_path: Path) -> None:
    other = "source: shop.kept\ntarget: kept\n"

    assert told(tmp_path, SHORT + "history: kept\n", other) == [
        "0.yaml:3: `kept` is the target of 1.yaml: a history is a collection of its own"
    ]


def test_a_history_is_not_the_mapping_s_own_target(tmp_path: Path) -> None:
    assert told(tmp_path, SHORT + "history: orders\n") == [
        "0.yaml:3: `orders` is the target of this mapping: a history is a collection of its own"
    ]


def test_a_hidden_mapping_shows_no_history(tmp_path: Path) -> None:
    parent = (
        "source: shop.people\ntarget: people\nembed: {orders: {many: orders, on: {_id: who}}}\n"
    )

    found = told(tmp_path, SHORT + "hidden: true\nhistory: kept\n", parent)

    assert found == [
        "0.yaml:4: a hidden collection's documents are for embedding only, and a history shows"
        " them: take `hidden` or `history` out"
    ]


def test_two_histories_share_a_collection_if_their_tables_tell_them_apart(tmp_path: Path) -> None:
    other = "source: shop.lines\ntarget: lines\nhistory: kept\n"

    assert told(tmp_path, SHORT + "history: kept\n", other) == []


def test_two_histories_of_one_table_are_kept_apart(tmp_path: Path) -> None:
    other = "source: shop.orders\ntarget: copies\nhistory: kept\n"

    assert told(tmp_path, SHORT + "history: kept\n", other) == [
        "1.yaml:3: `kept` keeps the history of 0.yaml already, and both may follow one table, by"
        " which alone two histories are told apart: name another collection"
    ]


def test_two_histories_that_share_a_collection_keep_it_as_long(tmp_path: Path) -> None:
    other = "source: shop.lines\ntarget: lines\nhistory: {collection: kept, keep_days: 3}\n"

    assert told(tmp_path, SHORT + "history: kept\n", other) == [
        "1.yaml:3: mappings that keep their history in `kept` must agree on `keep_days`"
    ]

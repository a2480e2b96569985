"""What a draft of a mapping may not show."""

from __future__ import annotations

from typing import Any

import pytest

from cdc.mapping.file.mapping import Mapping
from cdc.mapping.tools.kept_hidden import disclosures
from cdc.model.table_map import TableMap
from tests.unit.mapping.support.row_images import table, varchar

PEOPLE = table(varchar("name"), varchar("mail"), varchar("password"))
FILED: dict[str, Any] = {
    "fields": {
        "name": "name",
        "mail": {"column": "mail", "mask": "hash"},
        "has_mail": {"sql": "mail IS NOT NULL"},
    },
    "where": "password IS NOT NULL",
}
LEFT_OUT: dict[str, Any] = {"exclude": ["password"]}


def mapping(**keys: Any) -> Mapping:
    return Mapping.model_validate({"source": PEOPLE.name, "target": "people", **keys})


def refused(draft: dict[str, Any], filed: dict[str, Any], columns: TableMap = PEOPLE) -> list[str]:
    """The columns that a draft shows, or what else is wrong with it."""
    found = disclosures(mapping(**draft), mapping(**filed), columns)
    return [each.what.partition("`")[2].partition("`")[0] for each in found]


@pytest.mark.parametrize(
    ("draft", "filed"),
    [
        (FILED, FILED),
        (LEFT_OUT, LEFT_OUT),
        ({"exclude": ["PASSWORD", "mail"], "case": "camel"}, LEFT_OUT),
        ({"fields": {"person.name": "name", "upper": {"sql": "UPPER(name)"}}}, FILED),
        ({"fields": {"person.mail": {"column": "mail", "mask": "hash"}}}, FILED),
        ({"fields": {"given": {"sql": "mail IS NOT NULL"}}}, FILED),
        ({"fields": {"password": {"column": "password", "mask": "redact"}}}, FILED),
        ({"fields": {}, "where": "name = 'ana'"}, FILED),
        ({"id": "id", "exclude": ["password", "mail"]}, FILED),
    ],
)
def test_what_the_mapping_shows_may_be_arranged_anew(
    draft: dict[str, Any], filed: dict[str, Any]
) -> None:
    assert refused(draft, filed) == []


@pytest.mark.parametrize(
    ("draft", "filed", "shown"),
    [
        ({}, LEFT_OUT, ["password"]),
        ({}, FILED, ["mail", "password"]),
        ({"fields": {"p": "password"}}, LEFT_OUT, ["password"]),
        ({"fields": {"p": "PASSWORD"}}, LEFT_OUT, ["password"]),
        ({"fields": {"p": {"sql": "CONCAT(name, Password)"}}}, LEFT_OUT, ["password"]),
        ({"fields": {"p": {"column": "password", "mask": "hash"}}}, LEFT_OUT, ["password"]),
        ({"fields": {"p": {"column": "password", "mask": {"truncate": 9}}}}, FILED, ["password"]),
        ({"fields": {"mail": "mail"}}, FILED, ["mail"]),
        ({"fields": {"m": {"sql": "mail LIKE 'a%'"}}}, FILED, ["mail"]),
        ({**LEFT_OUT, "where": "password LIKE 'a%'"}, LEFT_OUT, ["password"]),
        ({**FILED, "where": "password LIKE 'a%'"}, FILED, ["password"]),
        ({**LEFT_OUT, "id": ["id", "password"]}, LEFT_OUT, ["password"]),
        (
            {**LEFT_OUT, "id": {"sql": "CONCAT(id, password)", "unique": "asserted"}},
            LEFT_OUT,
            ["password"],
        ),
    ],
)
def test_a_hidden_column_is_refused_in_any_other_use(
    draft: dict[str, Any], filed: dict[str, Any], shown: list[str]
) -> None:
    assert refused(draft, filed) == shown


def test_a_key_that_the_mapping_hashes_stays_hidden() -> None:
    filed = {"id": {"column": "id", "mask": "hash"}, "fields": {"name": "name"}}

    assert refused(filed, filed) == []
    assert refused({"fields": {"name": "name"}}, filed) == ["id"]
    assert refused({**filed, "fields": {"number": "id"}}, filed) == ["id"]


def test_rows_of_another_table_are_refused_before_anything_else() -> None:
    draft = {"source": "mysql.user", "fields": {"p": "authentication_string"}}

    assert refused(draft, LEFT_OUT) == [PEOPLE.name]

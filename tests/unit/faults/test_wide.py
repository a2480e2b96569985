from __future__ import annotations

import random

from tests.faults import wide

TABLES = 200


def test_all_tables_are_those_of_tenants_but_some() -> None:
    tenants, own = wide.names(TABLES)

    assert len({*tenants, *own}) == TABLES
    assert len(own) == TABLES // wide.OWN
    assert {*wide.CALM} <= {*tenants, *own}


def test_any_table_is_changed_and_several_in_one_transaction() -> None:
    chance, names = random.Random(7), wide.names(TABLES)

    transactions = [[*wide.statements(chance, *names)] for _ in range(1_500)]

    text = " ".join(each for several in transactions for each in several)
    assert all(f" {each} " in text for both in names for each in both)
    assert {len(each) for each in transactions} == {2, 3, 4, 5, 6}


def test_tenants_come_change_and_go_and_none_that_stays_does() -> None:
    chance = random.Random(7)

    statements = [wide.change_of_tables(chance) for _ in range(500)]

    assert {each.split()[0] for each in statements} == {
        *("CREATE", "REPLACE", "ALTER", "TRUNCATE", "RENAME", "DROP"),
    }
    tenants, own = wide.names(TABLES)
    assert not any(each in text.split() for text in statements for each in (*tenants, *own))

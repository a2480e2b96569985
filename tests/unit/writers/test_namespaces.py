"""Where the documents of a stream are: each collection has a namespace of its own."""

from __future__ import annotations

from itertools import product

import pytest

from cdc.mapping.file.collection_names import collection_name
from cdc.writers.namespaces import Namespace, Namespaces

STREAMS = ("orders", "a", "a.b", "a.b.c", "a-b", "system", "a.system.b", "a..b", "a.", "embedded-a")
TARGETS = ("users", "b", "b.c", "b.c.d", "a-b.c")


def hidden_in(stream: str) -> Namespaces:
    return Namespaces("app", "cdc", stream, frozenset(TARGETS))


def test_a_collection_is_in_the_database_of_the_target_under_its_own_name() -> None:
    namespaces = Namespaces("app", "cdc", "orders", frozenset({"users"}))

    assert namespaces.named("tweets") == Namespace("app", "tweets")


def test_a_hidden_one_is_in_the_state_database_under_the_name_of_its_stream() -> None:
    assert str(hidden_in("orders").named("users")) == "cdc.embedded-orders.users"
    assert str(hidden_in("eu.orders").named("users")) == "cdc.embedded-eu%2Eorders.users"


def test_no_two_hidden_collections_have_one_name() -> None:
    pairs = [*product(STREAMS, TARGETS)]

    found = {hidden_in(stream).named(target) for stream, target in pairs}

    assert len(found) == len(pairs)


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("target", TARGETS)
def test_the_name_of_a_hidden_collection_is_one_that_the_server_takes(
    stream: str, target: str
) -> None:
    name = hidden_in(stream).named(target).collection

    assert collection_name(name) == name

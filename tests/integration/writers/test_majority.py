from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import bson
import pytest

from cdc.model.batch import Batch, MappedTransaction
from cdc.model.operation import Operation, OperationKind
from cdc.writers.documents import document_id
from tests.integration.writers.support.writers import AFTER, begun
from tests.support.three_members import ThreeMembers, three_members
from tests.support.waiting import eventually

RETURNS_WITHIN_SECONDS = 1.5
"""In which a batch that waits for nobody would have been acknowledged many times."""


@pytest.fixture
def members(tmp_path: Path) -> Iterator[ThreeMembers]:
    with three_members(tmp_path) as members:
        yield members


def batch() -> Batch:
    raw = bson.encode({"_id": 1})
    insert = Operation(OperationKind.INSERT, document_id(raw), raw)
    return Batch((MappedTransaction("x", AFTER, 1.0, (("docs", [insert]),)),))


@pytest.mark.slow
def test_a_batch_is_not_acknowledged_while_only_the_primary_has_it(members: ThreeMembers) -> None:
    with members.client() as client, begun(client, "docs", "state") as writer:
        client["docs"].create_collection("docs")
        apply = threading.Thread(target=writer.apply, args=(batch(),), daemon=True)

        with members.frozen():
            apply.start()
            eventually(_is_there(lambda: client["docs"]["docs"].find_one({"_id": 1})))
            apply.join(RETURNS_WITHIN_SECONDS)
            acknowledged = not apply.is_alive()

        assert not acknowledged
        apply.join(30)
        assert not apply.is_alive()


def _is_there(look: Callable[[], object]) -> Callable[[], bool]:
    return lambda: look() is not None

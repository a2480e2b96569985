"""What a target's own words say of it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from pymongo import MongoClient

from cdc.errors import Unfit
from cdc.writers.facts import require_appliers_fit


def answering(hello: dict[str, Any]) -> MongoClient[dict[str, Any]]:
    """A client of a server that says no more than this: no mongos can be had here."""
    admin = SimpleNamespace(command=lambda _: hello)
    return cast("MongoClient[dict[str, Any]]", SimpleNamespace(admin=admin))


def test_appliers_write_to_a_replica_set_and_to_no_sharded_cluster() -> None:
    require_appliers_fit(answering({"setName": "rs0"}))

    with pytest.raises(Unfit) as caught:
        require_appliers_fit(answering({"msg": "isdbgrid"}))

    assert "without --role" in (caught.value.remedy or "")

"""The model of mongos refuses what the manual says it does: else it would prove nothing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.mongos import Mongos, RefusedByMongos, Route

KEY = {"of.tenant": 1, "_id": 1}
CLUSTER = Mongos({"shop.orders": KEY, "shop.users": {"_id.schema": 1}}, frozenset({"cdc.streams"}))


def update(q: dict[str, Any], u: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"update": "orders", "updates": [{"q": q, "u": u, **more}]}


def delete(q: dict[str, Any], limit: int = 1, collection: str = "orders") -> dict[str, Any]:
    return {"delete": collection, "deletes": [{"q": q, "limit": limit}]}


def route(command: dict[str, Any], *, in_transaction: bool = True) -> Route:
    [found] = CLUSTER.routes("shop", command, in_transaction=in_transaction)
    return found


@pytest.mark.parametrize(
    "command",
    [
        update({"_id": 1}, {"_id": 1}, upsert=True),
        update({"of.tenant": 5}, {"$set": {"n": 1}}),
        update({"_id": {"$in": [1]}, "of.tenant": 5}, {"_id": 1}, upsert=True),
        update({"_id": 1, "of.tenant": 5}, {"_id": 1, "of": {"tenant": 6}}, upsert=True),
        update({"_id": 1}, {"$set": {"n": 1}}, collation={"locale": "de"}),
        delete({"of.tenant": 5}),
        {"insert": "new", "documents": [{}]},
    ],
)
def test_it_refuses(command: dict[str, Any]) -> None:
    with pytest.raises(RefusedByMongos):
        route(command)


@pytest.mark.parametrize(
    ("command", "where"),
    [
        (
            update({"_id": 1, "of.tenant": 5}, {"_id": 1, "of": {"tenant": 5}}, upsert=True),
            Route.TARGETED,
        ),
        (update({"_id": 1}, {"$set": {"n": 1}}), Route.BROADCAST),
        (update({"n": 1}, {"$set": {"n": 2}}, multi=True), Route.BROADCAST),
        (delete({"_id": 1}), Route.BROADCAST),
        (delete({"_id": 1, "of.tenant": 5}), Route.TARGETED),
        (delete({"_id": {"schema": "a", "id": 1}}, collection="users"), Route.TARGETED),
        (delete({"n": 1}, limit=0), Route.BROADCAST),
        ({"find": "orders", "filter": {"_id": {"$in": [1]}}}, Route.BROADCAST),
        ({"find": "others", "filter": {}}, Route.UNSHARDED),
    ],
)
def test_it_routes(command: dict[str, Any], where: Route) -> None:
    assert route(command) is where


def test_outside_transactions_a_collection_may_be_new() -> None:
    assert route({"insert": "new", "documents": [{}]}, in_transaction=False) is Route.UNSHARDED

"""Queries a target for the facts that preflight judges."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, Literal

from bson import ObjectId
from pymongo import MongoClient
from pymongo.errors import ConnectionFailure, OperationFailure
from pymongo.read_concern import ReadConcern

from cdc.errors import Retryable, Unfit
from cdc.model.checkpoint import STREAMS
from cdc.model.server_facts import NO_RIGHT, TargetFacts
from cdc.writers.collection_facts import collection_facts
from cdc.writers.concerns import PRIMARY
from cdc.writers.connection import Client
from cdc.writers.errors import ACCESS_CODES, brief, explained, is_passing, login_refused, unreached
from cdc.writers.namespaces import Namespace, Namespaces
from cdc.writers.stream_state import STATE_COLLECTIONS

_REACHED_THE_COLLECTION: Final = frozenset(
    {
        121,  # the collection's validator refuses an empty document
        11000,  # a unique index does
    }
)
_LOGIN_FAILED: Final = frozenset({18, 8000})


def target_facts(client: Client, namespaces: Namespaces, collections: Iterable[str]) -> TargetFacts:
    """Query everything, and try a write in each collection that leaves nothing behind.

    Raises Retryable if the target cannot be reached, Unfit if it refuses the login.
    """
    try:
        hello = client.admin.command("hello")
        version = str(client.server_info()["version"])
        topology = _topology(hello)
        targets = [namespaces.named(each) for each in collections]
        states = [Namespace(namespaces.state_database, each) for each in STATE_COLLECTIONS]
        writable = bool(hello.get("isWritablePrimary"))
        refusals = {
            str(each): _refusal(client, *each, in_transaction=topology != "standalone")
            for each in (Namespace(namespaces.state_database, STREAMS), *targets)
            if writable
        }
        account = _account(client)
        may_shard = topology != "sharded" or _may_shard(client)
        there = collection_facts(client, [*states, *targets], sharded=topology == "sharded")
    except ConnectionFailure as error:
        raise _unreached(error) from error
    except OperationFailure as error:
        raise _explain(error) from error
    return TargetFacts(
        version=tuple(int(part) for part in version.partition("-")[0].split(".")),
        version_text=version,
        topology=topology,
        writable=writable,
        refusals=refusals,
        account=account,
        collections=there,
        may_shard=may_shard,
        majority_late_seconds=_majority_late_seconds(hello),
    )


def _majority_late_seconds(hello: dict[str, Any]) -> float | None:
    """Return how much older a majority's last write is than the primary's; None for a mongos."""
    last = hello.get("lastWrite") or {}
    if "majorityWriteDate" not in last:
        return None
    late: float = (last["lastWriteDate"] - last["majorityWriteDate"]).total_seconds()
    return late


def _account(client: Client) -> tuple[str, str] | None:
    """Return the user that the connection has logged in as, and its database."""
    told = client.admin.command("connectionStatus")["authInfo"]["authenticatedUsers"]
    return next(((str(each["user"]), str(each["db"])) for each in told), None)


def user_of(client: MongoClient[dict[str, Any]]) -> str:
    """Return whom the connection has logged in as; empty where nobody has to."""
    account = _account(client)
    return "" if account is None else f"{account[1]}.{account[0]}"


def is_behind_mongos(client: MongoClient[dict[str, Any]]) -> bool:
    """Ask whether the target is a sharded cluster."""
    return _is_mongos(client.admin.command("hello"))


def require_appliers_fit(client: MongoClient[dict[str, Any]]) -> None:
    """Raise Unfit unless other processes may write parts of rounds: see the architecture, K8."""
    with explained():
        sharded = is_behind_mongos(client)
    if sharded:
        raise Unfit(
            "appliers cannot write to a sharded cluster: what one shard shows of a round, another"
            " may still hold back",
            remedy="start the daemon without --role: lanes of its own write there",
        )


def _is_mongos(hello: dict[str, Any]) -> bool:
    """Return whether a server that answered `hello` so is a mongos, behind whatever balancer."""
    return hello.get("msg") == "isdbgrid"


def _topology(hello: dict[str, Any]) -> Literal["replica set", "sharded", "standalone"]:
    if _is_mongos(hello):
        return "sharded"
    return "replica set" if "setName" in hello else "standalone"


def _may_shard(client: Client) -> bool:
    """Return whether the account may shard collections; nobody is asked without authentication."""
    asked = {"connectionStatus": 1, "showPrivileges": True}
    found = client.admin.command(asked)["authInfo"]
    privileges = found.get("authenticatedUserPrivileges", ())
    return not found["authenticatedUsers"] or any(
        "enableSharding" in each["actions"] for each in privileges
    )


def _refusal(client: Client, database: str, collection: str, *, in_transaction: bool) -> str:
    """Return why a write is refused; empty if it is not."""
    try:
        if in_transaction:
            _insert_and_abort(client, database, collection)
        _touch_nothing(client, database, collection)
    except ConnectionFailure:
        raise
    except OperationFailure as error:
        if is_passing(error):
            raise
        if error.code in ACCESS_CODES:
            return NO_RIGHT
        if error.code not in _REACHED_THE_COLLECTION:
            return brief(error)
    return ""


def _insert_and_abort(client: Client, database: str, collection: str) -> None:
    with (
        client.start_session() as session,
        session.start_transaction(ReadConcern("majority"), PRIMARY),
    ):
        client[database][collection].insert_one({}, session=session)
        session.abort_transaction()


def _touch_nothing(client: Client, database: str, collection: str) -> None:
    """Update and delete a document that does not exist: the server still checks privileges."""
    target = client.get_database(database, write_concern=PRIMARY)[collection]
    nobody = {"_id": ObjectId()}
    target.update_one(nobody, {"$set": {"cdc": 1}})
    target.delete_one(nobody)


def _unreached(error: ConnectionFailure) -> Unfit | Retryable:
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return Unfit(
            f"the target's certificate is refused: {brief(error)}",
            remedy="name the authority that signed it in target.uri, tlsCAFile=FILE, and each host"
            " as its certificate does",
        )
    return unreached(error)


def _explain(error: OperationFailure) -> Unfit | Retryable:
    if error.code in _LOGIN_FAILED:
        return login_refused(error)
    if is_passing(error):
        return Retryable(f"the target cannot take a write: {brief(error)}")
    return Unfit(
        f"the target refuses what cdc asks: {brief(error)}",
        remedy="mend on the target what it says, then start again",
    )

"""Reads and releases the claims of a state database, for streams and operators."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from pymongo import MongoClient
from pymongo.read_concern import ReadConcern

from cdc.config import Config
from cdc.errors import LeaseHeld, UsageError
from cdc.model.claim import CLAIMS, Claim, given_up
from cdc.writers.connection import connect_target
from cdc.writers.errors import explained
from cdc.writers.stream_state import MAJORITY, StreamState


class Claims:
    """The claims of every stream of a state database."""

    def __init__(self, client: MongoClient[dict[str, Any]], *, state_database: str) -> None:
        self._client = client
        self._database = client[state_database]
        self._documents = self._database.get_collection(
            CLAIMS, read_concern=ReadConcern("majority"), write_concern=MAJORITY
        )

    def all(self) -> list[Claim]:
        """Return every claim, and every collection that was given up, by collection."""
        return self._found({})

    def concerning(self, stream: str, collections: Iterable[str]) -> list[Claim]:
        """Return the stream's own claims, and those on these collections."""
        return self._found({"$or": [{"stream": stream}, {"_id": {"$in": sorted(collections)}}]})

    def _found(self, query: dict[str, Any]) -> list[Claim]:
        with explained():
            found = self._documents.find(query).sort("_id", 1)
            return [Claim.from_document(each) for each in found]

    def release(self, collection: str) -> str:
        """Release a claim on behalf of its stream; return the stream.

        The stream's epoch is incremented first: a frozen or starting daemon of it can write no
        more. Raises LeaseHeld if one is active, UsageError if there is no claim.
        """
        owner = next((each.stream for each in self.all() if each.collection == collection), None)
        if owner is None:
            raise UsageError(
                f"no stream has claimed {collection}", remedy="see which are: cdc claims list"
            )
        with explained(), self._client.start_session() as session:
            state = StreamState(self._database, owner)
            try:
                checkpoint = state.take_over(session)
            except LeaseHeld as error:
                error.remedy = (
                    f"take the mapping out of {owner}'s configuration and start it again: it gives"
                    " the collection up; or stop it first, if it is to be no more"
                )
                raise
            write = given_up(collection, owner, datetime.now(UTC))
            self._documents.update_one(write.query, write.change)
            if checkpoint is not None:
                state.release()
        return owner


def claims_of(config: Config) -> list[Claim]:
    """Return every claim in the state database of a configured stream."""
    with connect_target(config.target) as client:
        return Claims(client, state_database=config.target.state_database).all()


def release(config: Config, collection: str) -> str:
    """Release a claim, as `Claims.release`, in the state database of a configured stream."""
    with connect_target(config.target) as client:
        return Claims(client, state_database=config.target.state_database).release(collection)

"""Reads and releases the claims of a state database, for streams and operators."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from pymongo import MongoClient
from pymongo.client_session import ClientSession
from pymongo.read_concern import ReadConcern

from cdc.config import Config
from cdc.errors import LeaseHeld, UsageError
from cdc.model.claim import CLAIMS, Claim, given_up
from cdc.writers.concerns import MAJORITY
from cdc.writers.connection import asking_target
from cdc.writers.errors import explained
from cdc.writers.ranges import require_begun
from cdc.writers.stream_state import StreamState


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
        with explained():
            return self._found({})

    def concerning(self, stream: str, collections: Iterable[str]) -> list[Claim]:
        """Return the stream's own claims, and those on these collections."""
        ours = [{"stream": stream}, {"shared.stream": stream}]
        with explained():
            return self._found({"$or": [*ours, {"_id": {"$in": sorted(collections)}}]})

    def _found(self, query: dict[str, Any], session: ClientSession | None = None) -> list[Claim]:
        found = self._documents.find(query, session=session).sort("_id", 1)
        return [claim for each in found for claim in Claim.all_in(each)]

    def release(self, collection: str, stream: str | None = None) -> str:
        """Release a claim on behalf of its stream; return the stream.

        `stream` need be said only of a collection that several share. The stream's epoch is
        incremented first: a frozen or starting daemon of it can write no more. Raises LeaseHeld if
        one is active, UsageError if there is no claim or several.
        """
        owner = self._owner(collection, stream)
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
            require_begun(state.read())
            self.give_up(collection, owner)
            if checkpoint is not None:
                state.release()
        return owner

    def _owner(self, collection: str, stream: str | None) -> str:
        of_it = {each.stream for each in self.all() if each.collection == collection}
        owners = sorted(each for each in of_it if each is not None and stream in (None, each))
        if not owners:
            raise UsageError(
                (f"{stream} has not" if stream else "no stream has") + f" claimed {collection}",
                remedy="see which are: cdc claims list",
            )
        if len(owners) > 1:
            raise UsageError(
                f"{collection} is shared by the streams {', '.join(owners)}",
                remedy=f"say whose claim it is: cdc claims release {collection} --stream NAME",
            )
        return owners[0]

    def give_up(self, collection: str, owner: str, session: ClientSession | None = None) -> None:
        """Release a claim of a stream that nobody runs, if there is one.

        Another stream that shares the collection may write it meanwhile. Raises errors of pymongo.
        """
        while True:
            known = self._found({"_id": collection}, session)
            if not any(each.stream == owner for each in known):
                return
            write = given_up(owner, known, datetime.now(UTC))
            done = self._documents.update_one(write.query, write.change, session=session)
            if done.matched_count:
                return


def claims_of(config: Config) -> list[Claim]:
    """Return every claim in the state database of a configured stream."""
    with asking_target(config.target) as client:
        return Claims(client, state_database=config.target.state_database).all()


def release(config: Config, collection: str, stream: str | None = None) -> str:
    """Release a claim, as `Claims.release`, in the state database of a configured stream."""
    with asking_target(config.target) as client:
        claims = Claims(client, state_database=config.target.state_database)
        return claims.release(collection, stream)

"""If a stream may write the collections that its mappings name, and what claims them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from cdc.config import Config
from cdc.daemon.coverage import Copy
from cdc.mapping.file.mapping import Mapping
from cdc.model.claim import claiming, inherited
from cdc.model.state_change import StateWrite
from cdc.preflight import require
from cdc.preflight.run import judge_claims, known_claims, tables_by_collection
from cdc.writers.connection import Client


class StreamClaims:
    """The collections of a stream's mappings, as claims on them stood at one look."""

    def __init__(self, config: Config, mappings: Sequence[Mapping], client: Client) -> None:
        """Look; raises Unfit where another stream writes one of them."""
        self._stream = config.name
        self._database = config.target.database
        self._collections = [*tables_by_collection(config, mappings)]
        self._claims = known_claims(config, client, mappings)
        require(judge_claims(config, mappings, self._claims))

    def writes(self) -> list[StateWrite]:
        """Return what claims them, and gives up what the mappings name no more."""
        return claiming(self._stream, self._collections, self._claims, datetime.now(UTC))

    def left(self, copies: Iterable[Copy]) -> list[str]:
        """Return the copies that go where another stream has left documents."""
        others = inherited(self._claims, self._stream)
        return [str(each) for each in copies if f"{self._database}.{each.target}" in others]

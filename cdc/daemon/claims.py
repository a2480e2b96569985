"""Checks whether a stream may write the collections of its mappings, and claims them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from cdc.config import Config
from cdc.daemon.coverage import Copy
from cdc.mapping.file.mapping import Mapping
from cdc.model.claim import claiming, inherited
from cdc.model.state_change import StateWrite
from cdc.preflight import require
from cdc.preflight.run import ids_by_collection, judge_claims, known_claims
from cdc.writers.connection import Client
from cdc.writers.namespaces import Namespaces


class StreamClaims:
    """The collections of a stream's mappings, with the claims on them at one time."""

    def __init__(self, config: Config, mappings: Sequence[Mapping], client: Client) -> None:
        """Check the claims; raises Unfit if another stream writes one of the collections."""
        self._stream = config.name
        self._namespaces = Namespaces.of(config, mappings)
        self._wanted = ids_by_collection(config, mappings)
        self._claims = known_claims(config, client, mappings)
        require(judge_claims(config, mappings, self._claims))

    def writes(self) -> list[StateWrite]:
        """Return the writes that claim them, and release what the mappings no longer name."""
        return claiming(self._stream, self._wanted, self._claims, datetime.now(UTC))

    def left(self, copies: Iterable[Copy], *, anew: bool = False) -> list[str]:
        """Return the copies into collections where another stream has left documents.

        A stream that begins `anew`, as after `cdc stream remove`, knows nothing of its former ones.
        """
        others = {*inherited(self._claims, self._stream, self._wanted, anew=anew)}
        return [str(each) for each in copies if str(self._namespaces.named(each.target)) in others]

"""Decides which tables of a new stream workers copy before it begins, and why not the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Self

from cdc.config import Config
from cdc.daemon.coverage import Copy
from cdc.mapping.compile.router import TableRouter
from cdc.mapping.file.embed_graph import EmbedGraph
from cdc.mapping.file.mapping import Mapping
from cdc.model.table_name import split_name
from cdc.writers.connection import Client
from cdc.writers.documents import Documents
from cdc.writers.indexes import has_unique_index
from cdc.writers.namespaces import Namespaces


class HeldTables:
    """Judges tables by the mappings and by what is in the target."""

    def __init__(
        self,
        router: TableRouter,
        embeds: EmbedGraph,
        *,
        is_empty: Callable[[str], bool],
        has_unique_index: Callable[[str], bool],
    ) -> None:
        """Ask for collections by their `target`."""
        self._router = router
        self._embedding = {name for each in embeds.edges for name in (each.parent, each.child)}
        self._is_empty = is_empty
        self._has_unique_index = has_unique_index

    @classmethod
    def of(cls, config: Config, mappings: Sequence[Mapping], client: Client) -> Self:
        """Judge those of a configured stream."""
        namespaces = Namespaces.of(config, mappings)
        documents = Documents(client, namespaces)
        return cls(
            TableRouter(mappings),
            EmbedGraph(mappings),
            is_empty=lambda target: documents.is_empty(target, within={}),
            has_unique_index=lambda target: has_unique_index(client, namespaces, target),
        )

    def judged(self, wanted: Sequence[Copy]) -> tuple[list[Copy], dict[str, str]]:
        """Return the copies that workers make, and why the other tables are not among them."""
        refused: dict[str, str] = {}
        for copy in wanted:
            why = next(self._reasons(copy), None)
            if why is not None:
                refused.setdefault(copy.table, why)
        return [each for each in wanted if each.table not in refused], refused

    def _reasons(self, copy: Copy) -> Iterator[str]:
        if not self._is_empty(copy.target):
            yield f"{copy.target} holds documents"
        else:
            yield from self.unfit(copy.table)

    def unfit(self, table: str) -> Iterator[str]:
        """Yield why workers cannot copy a table, whatever its collections hold."""
        for each in self._router.mappings(*split_name(table)):
            yield from self._of_mapping(each)
            if self._has_unique_index(each.target):
                yield f"{each.target} has a unique index"

    def _of_mapping(self, mapping: Mapping) -> Iterator[str]:
        if mapping.target in self._embedding:
            yield f"{mapping.target} embeds, or is embedded"
        if mapping.on_alter == "ignore":
            yield "its mapping says `on_alter: ignore`"
        if mapping.shard_key is not None:
            yield f"{mapping.target} has a shard key"
        if any(each.unique for each in mapping.indexes):
            yield f"{mapping.target} has a unique index"
